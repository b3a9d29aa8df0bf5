// The other models by the same commands, and `describe`.
import Core
import Foundation
import ImageData
import Testing

@Suite struct RecurrentTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 40 --side 9")
  }

  @Test(arguments: ["gated-pixelcnn", "mdrnn --activation relu --directions 2 --residual pre", "diagonal-lstm"])
  func trainResumeEvaluateAndSample(model: String) throws {
    let options = "--model \(model) --width 8 --blocks 2 --levels 4 --batch 6 --evaluate-every 5"
    _ = try place.succeed("train images \(options) --steps 12 --output whole --threads 1")
    _ = try place.succeed("train images \(options) --steps 12 --output again --threads 3")
    for name in ["model", "ema", "optimizer"] {
      let file = "step-00000012/\(name).safetensors"
      #expect(try place.read("whole/" + file) == place.read("again/" + file), "threads change no bit of \(name)")
    }
    let one = try place.succeed("evaluate whole images --json --threads 1").json()
    let two = try place.succeed("evaluate again images --json --threads 2").json()
    #expect(one["nats_per_image"] as? Double == two["nats_per_image"] as? Double)
    _ = try place.succeed("sample whole --count 5 --columns 3 --output a.png --threads 1")
    _ = try place.succeed("sample again --count 5 --columns 3 --output b.png --threads 2")
    #expect(try place.read("a.png") == place.read("b.png"))
    #expect(try place.succeed("describe whole").output.contains("blind spot"))
  }

  @Test func describeInWordsAndNumbers() throws {
    let told = try place.succeed(
      "describe --model pixelcnn --width 8 --blocks 2 --size 11x9 --measure --map map.png")
    for word in [
      "blocks.1.conv", "3×3 mask B", "total", "O(d·k²·taps)", "diagonal-lstm 8×7", "measured", "map.png", "grew by",
    ] {
      #expect(told.output.contains(word), "\(word) in \(told.output)")
    }
    let picture = try PNGImage(decoding: place.read("map.png"), name: "map.png")
    #expect(picture.shape == ImageShape(height: 72, width: 88, channels: 3))
    let report = try place.succeed("describe --model mdrnn --width 8 --size 11x9 --json").json()
    let model = try #require(report["model"] as? [String: Any])
    let steps = try #require(model["steps"] as? [String: Any])
    #expect(steps["training"] as? Int == 11 + 9 - 1 + 1 + 2)
    let sampling = try #require(model["sampling"] as? [[String: Int]])
    #expect(sampling.map { $0["images"] } == [1, 64] && (sampling[0]["bytes"] ?? 0) > 0)
    #expect((sampling[1]["bytes"] ?? 0) > 16 * (sampling[0]["bytes"] ?? 0), "each image has its state")
  }

  /// What the sampler is said to keep is what the process grows by, beside some of the threads' own.
  @Test func theSamplersMemoryIsMeasured() throws {
    let report = try place.succeed("describe --model pixelcnn --width 64 --blocks 15 --measure --json").json()
    let model = try #require(report["model"] as? [String: Any])
    let measured = try #require(report["measured"] as? [String: Any])
    let stated = try #require((model["sampling"] as? [[String: Int]])?[1])
    let grown = try #require(measured["sampling_resident_bytes"] as? Int)
    #expect(stated["threads"] == measured["sampling_threads"] as? Int && measured["sampling_images"] as? Int == 64)
    // 35 MB are stated. Pages that the process had already, the threads' stacks and the system's own rounding are below
    // a tenth of it each.
    let bytes = stated["bytes"] ?? 0
    #expect(grown > bytes * 4 / 5 && grown < bytes * 5 / 4, "\(grown) for \(bytes)")
  }

  @Test func optionsThatDoNotApplyAreRefused() throws {
    #expect(try place.fail("train images --activation elu", 64).contains("--activation"))
    #expect(try place.fail("train images --directions 2", 64).contains("--directions 1 of a pixelcnn"))
    #expect(try place.fail("train images --model mdrnn --residual post", 64).contains("--residual none or pre"))
    #expect(try place.fail("train images --model diagonal-lstm --residual none", 64).contains("--residual"))
    #expect(try place.fail("train images --model mdrnn --directions 3", 64).contains("1 or 2 directions"))
    #expect(try place.fail("describe --map x.png", 64).contains("--measure"))
  }
}
