// The gradient flow by the command: recorded, warned of, drawn, and the Jacobians.
import Foundation
import ImageData
import Testing

@Suite struct GradientTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 40 --side 9")
  }

  @Test func aRunIsRecordedWarnedOfAndDrawn() throws {
    let options = "--width 8 --blocks 10 --levels 2 --batch 9 --steps 12 --gradients-every 4 --evaluate-every 6"
    let told = try place.succeed(
      "train images \(options) --activation sigmoid --residual none --watch-gradients --output run")
    #expect(told.messages.contains("gradient flow at step 9") && told.messages.contains("blocks.9.expand"))
    #expect(told.messages.contains("vanishes") && told.messages.contains("try --residual pre"))
    #expect(!told.messages.contains("\u{1B}"), "no terminal, no escapes")
    let lines = String(decoding: try place.read("run/gradients.jsonl"), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 3)

    let drawn = try place.succeed("gradients run")
    #expect(drawn.output.contains("vanishing: ") && drawn.output.contains("3 records, steps 1 to 9"))
    let picture = try PNGImage(decoding: place.read("run/plots/gradients.png"), name: "gradients.png")
    #expect(picture.shape.channels == 3 && picture.shape.width > 1000)
    #expect(String(decoding: try place.read("run/plots/gradients.svg"), as: UTF8.self).hasPrefix("<"))
    // Up to a step; written anew; elsewhere only where nothing is.
    let early = try place.succeed("gradients run/step-00000006 --json").json()
    #expect(early["step"] as? Int == 5 && (early["layers"] as? [Any])?.count == 33)
    _ = try place.succeed("gradients run --output elsewhere --quantity weight")
    #expect(try place.fail("gradients run --output elsewhere", 73).contains("--force"))

    // A resumed run goes on with the record.
    _ = try place.succeed("train --resume --output run --steps 20")
    let more = String(decoding: try place.read("run/gradients.jsonl"), as: UTF8.self).split(separator: "\n")
    #expect(more.count == 5 && Array(more.prefix(3)) == lines)
  }

  @Test(arguments: ["pixelcnn", "gated-pixelcnn", "diagonal-lstm", "mdrnn"])
  func jacobiansAtHeldOutImages(model: String) throws {
    _ = try place.succeed(
      "train images --model \(model) --width 4 --blocks 2 --levels 2 --batch 9 --steps 3 --gradients-every 0 --output run"
    )
    #expect(try place.fail("gradients run", 65).contains("--gradients-every"))
    let report = try place.succeed("gradients run --jacobian --count 2 --steps 30 --json").json()
    #expect(report["images"] as? Int == 2)
    let layers = try #require(report["layers"] as? [[String: Any]])
    for layer in layers {
      let own = try #require(layer["own"] as? [String: Any])
      let (most, least) = (try #require(own["largest"] as? Double), try #require(own["smallest"] as? Double))
      #expect(most >= least && least >= 0 && most > 0, "\(layer)")
    }
    #expect(layers.last?["name"] as? String == "head" && layers.last?["to_logits"] != nil)
    #expect(try place.succeed("gradients run --jacobian --images images").output.contains("σ_max"))
    #expect(place.names("run/plots").sorted() == ["jacobians.png", "jacobians.svg"])
  }

  @Test func whatCannotBeIsRefused() throws {
    #expect(try place.fail("gradients nowhere", 65).contains("nowhere/gradients.jsonl"))
    #expect(try place.fail("gradients nowhere --images images", 64).contains("--jacobian"))
    #expect(try place.fail("gradients nowhere --jacobian", 65).contains("nowhere"))
    #expect(try place.fail("train images --gradients-every -1", 64).contains("--gradients-every"))
  }
}
