// What a run leaves beside its checkpoints: environment, samples, plots; and what a resumed run makes of them.
import Foundation
import ImageData
import Testing

@Suite struct RunFilesTests {
  private let place: Workplace
  private let options = "--width 4 --blocks 1 --levels 2 --batch 9"

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 40 --side 9")
  }

  private func processes(_ run: String) throws -> [[String: Any]] {
    let json = try JSONSerialization.jsonObject(with: Data(place.read("\(run)/environment.json")))
    return try #require((json as? [String: Any])?["processes"] as? [[String: Any]])
  }

  /// Grids are what `sample` draws of the same step; a resumed run draws the same, and removes later ones.
  @Test func samplesAreThoseOfTheAverage() throws {
    // Steps so large that the average lags behind the weights.
    let rate = "--learning-rate 0.1 --warmup 0"
    let train = "train images \(options) \(rate) --class-conditional --evaluate-every 4 --samples 5 --seed 3"
    _ = try place.succeed("\(train) --steps 12 --output run")
    let names = [4, 8, 12].map { "step-0000000\($0).png".replacing("000000012", with: "00000012") }
    #expect(place.names("run/samples") == names)
    for step in ["step-00000008", "step-00000012"] {
      _ = try place.succeed("sample run/\(step) --count 5 --seed 3 --output \(step).png")
      #expect(try place.read("\(step).png") == place.read("run/samples/\(step).png"), "\(step)")
    }
    #expect(try place.read("step-00000008.png") != place.read("step-00000012.png"))

    // A run that was killed after step 4 had been saved, with files of later steps and one half written.
    _ = try place.succeed("\(train) --steps 12 --output killed")
    try FileManager.default.removeItem(atPath: place.path + "/killed/step-00000012")
    try place.write([1, 2, 3], to: "killed/samples/step-00000011.png")
    try place.write([1, 2, 3], to: "killed/samples/.step-00000012.png.99.tmp")
    try place.write([1, 2, 3], to: "killed/.config.toml.99.tmp")
    _ = try place.succeed("train --resume --output killed --threads 1")
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path + "/killed/samples").sorted() == names)
    for name in names { #expect(try place.read("killed/samples/\(name)") == place.read("run/samples/\(name)")) }
    #expect(!FileManager.default.fileExists(atPath: place.path + "/killed/.config.toml.99.tmp"))
    #expect(try processes("killed").map { $0["step"] as? Int } == [0, 8])
    // A run that is complete has nothing to add.
    let metrics = try place.read("killed/metrics.jsonl")
    _ = try place.succeed("train --resume --output killed")
    #expect(try place.read("killed/metrics.jsonl") == metrics)

    _ = try place.succeed("train images \(options) --steps 2 --samples 0 --output none")
    #expect(!place.names("none").contains("samples"))
    #expect(try place.fail("train images --samples 257", 64).contains("--samples"))
  }

  @Test func theEnvironmentIsStated() throws {
    _ = try place.succeed("train images \(options) --steps 2 --threads 2 --seed 7 --output run")
    let json = try JSONSerialization.jsonObject(with: Data(place.read("run/environment.json"))) as? [String: Any]
    #expect(json?["seed"] as? Int == 7)
    let data = try #require(json?["data"] as? [String: Any])
    let report = try place.succeed("evaluate run images --split valid --json").json()
    #expect(data["valid_fingerprint"] as? String == report["fingerprint"] as? String)
    #expect(data["folder"] as? String == "images" && data["valid_images"] as? Int == report["images"] as? Int)
    let process = try #require(try processes("run").first)
    #expect(process["threads"] as? Int == 2 && (process["cores_allowed"] as? Int ?? 0) > 0)
    let words = try #require(process["command_line"] as? [String])
    #expect(words.contains("train") && words.contains("--seed") && words.contains("7"))
    let version = try place.succeed("--version").output.trimmingCharacters(in: .newlines)
    #expect(process["scanline"] as? String == version)
    for key in ["started", "working_folder", "swift", "baseline", "system", "kernel"] {
      #expect((process[key] as? String)?.isEmpty == false, "\(key)")
    }
  }

  /// At the end of a run, and when it is stopped.
  @Test func plotsAreDrawn() throws {
    let train = "train images \(options) --plots --gradients-every 4"
    _ = try place.succeed("\(train) --steps 40 --output run")
    #expect(place.names("run/plots") == ["gradients.png", "gradients.svg", "losses.png", "losses.svg"])
    let picture = try PNGImage(decoding: place.read("run/plots/losses.png"), name: "losses.png")
    #expect(picture.shape.channels == 3 && picture.shape.width > 1000)
    let words = String(decoding: try place.read("run/plots/losses.svg"), as: UTF8.self)
    for part in ["training batches", "held out, moving average", "learning rate", "At step 40 "] {
      #expect(words.contains(part), "\(part)")
    }
    // Those of `scanline gradients`, byte for byte.
    let drawn = try place.read("run/plots/gradients.svg")
    _ = try place.succeed("gradients run")
    #expect(try place.read("run/plots/gradients.svg") == drawn)

    let stopped = try place.start(
      "\(train) --steps 1000000 --evaluate-every 50 --output stopped".split(separator: " ").map(String.init))
    try stopped.wait(for: "a checkpoint") { !place.steps("stopped").isEmpty }
    stopped.send(SIGTERM)
    #expect(try stopped.finish().status == 143)
    #expect(place.names("stopped/plots").contains("losses.svg"))
  }

  /// A run folder that is moved away is not made a second time.
  @Test func aFolderThatWasMovedStaysAway() throws {
    let run = try place.start(
      "train images \(options) --steps 1000000 --evaluate-every 50 --output run".split(separator: " ").map(String.init))
    try run.wait(for: "a checkpoint") { !place.steps("run").isEmpty }
    try FileManager.default.moveItem(atPath: place.path + "/run", toPath: place.path + "/moved")
    let told = try run.finish()
    #expect([73, 74].contains(told.status) && told.messages.contains("scanline: run"), "\(told.messages)")
    #expect(place.names(".") == ["images", "moved"])
  }

  /// Where a run died before its first save, the same command begins anew; folders with anything else are not ours.
  @Test func onlyOurOwnIsWrittenOver() throws {
    let train = "train images \(options) --evaluate-every 1 --output run"
    _ = try place.fail("\(train) --steps 50 --learning-rate 1e30 --warmup 0 --schedule constant", 76)
    try place.write([1], to: "run/samples/step-00000001.png")
    try place.write([1], to: "run/plots/losses.svg")
    _ = try place.succeed("\(train) --steps 2")
    #expect(try place.read("run/samples/step-00000001.png") != [1])
    #expect(place.names("run/plots").isEmpty)
    for name in ["samples/mine.png", "plots/step-00000001.png", "config.toml", "notes.txt"] {
      try place.write([1], to: "other/\(name)")
      #expect(try place.fail("train images \(options) --steps 1 --output other", 73).contains("--resume"), "\(name)")
      #expect(try place.read("other/\(name)") == [1])
      try FileManager.default.removeItem(atPath: place.path + "/other")
    }
  }
}
