// Augmentation by the command: a run that says it, what is scored and drawn under it, and what is refused.
import Foundation
import ImageData
import Testing

@Suite struct AugmentationTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 60 --side 9")
  }

  private func train(_ options: String, _ run: String) throws {
    _ = try place.succeed(
      "train images --width 8 --blocks 1 --levels 4 --batch 12 --gradients-every 0 \(options) --output \(run)")
  }

  private func nats(_ arguments: String) throws -> Double {
    try #require(place.succeed("\(arguments) --json").json()["nats_per_image"] as? Double)
  }

  @Test func ordersAreScoredAndDrawnFrom() throws {
    try train("--augment transpose,flip,shift:1 --steps 40", "run")
    try train("--steps 8", "plain")
    let step = try #require(place.steps("run").last)
    let state = String(decoding: try place.read("run/\(step)/state.json"), as: UTF8.self)
    #expect(state.contains("\"augmentation\" : \"flip,transpose,shift:1\""))
    #expect(try String(decoding: place.read("run/config.toml"), as: UTF8.self).contains("augment = \"flip,transpose"))

    // An even mixture of four costs at most ln 4 more than the identity.
    let usual = try nats("evaluate run images")
    let report = try place.succeed("evaluate run images --orders --per-image all.csv --json").json()
    #expect(report["orders"] as? Int == 4)
    let mixed = try #require(report["nats_per_image"] as? Double)
    #expect(mixed != usual && mixed < usual + 1.387)
    #expect(try place.succeed("evaluate run images --orders").output.contains("orders mixed        4"))

    let both = try place.succeed("compare run plain images --orders --mixture --no-baselines --json").json()
    let rows = try #require(both["rows"] as? [[String: Any]])
    func row(_ name: String) throws -> [String: Any] { try #require(rows.first { $0["name"] as? String == name }) }
    #expect(try row("run")["orders"] as? Int == 4 && row("plain")["orders"] as? Int == 1)
    #expect(try row("run")["nats_per_image"] as? Double == nats("evaluate run images --split valid --orders"))
    #expect(
      try row("even mixture of 2")["nats_per_image"] as? Double
        == nats("evaluate run plain images --split valid --orders --mixture"))

    // What is drawn costs what is scored, to the last bit.
    let drawn = try place.succeed("sample run --orders --count 12 --output drawn.png --folder drawn")
    #expect(drawn.output.contains("orders mixed: 4"))
    #expect(PNGText(parsing: try place.read("drawn.png"))["Orders"] == "4")
    _ = try place.succeed("evaluate run drawn --orders --per-image drawn.csv")
    let lines = String(decoding: try place.read("drawn.csv"), as: UTF8.self).split(separator: "\n").dropFirst()
    #expect(lines.count == 12)
    for line in lines {
      let cells = line.split(separator: ",").map(String.init)
      #expect(try PNGText(parsing: place.read(cells[0]))["Nats"] == cells[1])
    }
    _ = try place.succeed("sample run plain --orders --mixture --count 4 --output two.png")
    #expect(PNGText(parsing: try place.read("two.png"))["Orders"] == "4, 1")
    #expect(try place.fail("sample run --orders --progress-frames 3 --output x.png", 64).contains("in one order"))
    #expect(try place.fail("evaluate run images --orders --worst 3", 64).contains("in one order"))
    for command in ["sample plain", "evaluate plain images", "compare plain images"] {
      #expect(try place.fail("\(command) --orders", 64).contains("--augment flip, vertical-flip or transpose"))
    }

    // The tensors by themselves need to be told what they are.
    let options = "run/\(step)/model.safetensors --width 8 --blocks 1 --levels 4 --size 9x9"
    _ = try place.succeed("import \(options) --augment flip,transpose,shift:1 --output imported")
    #expect(try nats("evaluate imported images --orders") == nats("evaluate run images --orders --weights raw"))
    #expect(try place.fail("import \(options) --output none", 65).contains("input.augment.weight"))
    #expect(try place.fail("import \(options) --augment blur --output none", 64).contains("--augment"))
  }

  @Test func aRunKeepsIt() throws {
    try train("--augment vertical-flip,shift:2 --steps 6", "whole")
    try train("--augment vertical-flip,shift:2 --steps 6 --keep 9 --evaluate-every 3", "run")
    #expect(try place.fail("train --resume --output run --augment flip", 64).contains("--augment"))
    _ = try place.succeed("train --resume --output run --steps 9")
    let file = try #require(place.steps("whole").last) + "/model.safetensors"
    #expect(try place.read("whole/\(file)") == place.read("run/\(file)"))
    let dry = try place.succeed("train images --augment flip --levels 2 --width 8 --blocks 1 --dry-run")
    #expect(dry.output.contains("weights"))
    func weights(_ options: String) throws -> Int {
      let model = try place.succeed("describe --width 8 --blocks 1 \(options) --json").json()["model"] as? [String: Any]
      return try #require(model?["weights"] as? Int)
    }
    // A column for each output of `input` and `blocks.0.conv`.
    #expect(try weights("--augment flip,shift:2") == weights("") + (8 + 4) * 9)
  }

  @Test func whatDoesNotFitTheImagesIsRefused() throws {
    for name in ["a", "b", "c"] { try place.drawGrey("oblong/\(name).png", width: 8, height: 6) }
    let message = try place.fail("train oblong --augment flip,transpose --steps 1 --output run", 64)
    #expect(message.contains("square images for --augment transpose") && message.contains("8×6"))
    #expect(try place.fail("train oblong --augment shift:3 --steps 1 --output run", 64).contains("half of either side"))
    #expect(place.steps("run").isEmpty)
    _ = try place.succeed("train oblong --augment shift:2 --levels 2 --width 4 --blocks 0 --steps 2 --output run")
  }
}
