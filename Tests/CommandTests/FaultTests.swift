// What may go wrong while a run is at work, in short; Tests/Torture tries it many times over.
import Foundation
import ImageData
import Networks
import Safetensors
import Testing
import Training

@Suite struct FaultTests {
  private let place: Workplace
  private let options = "--width 4 --blocks 1 --levels 2 --batch 9 --threads 1"

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 30 --side 8 --seed 3")
  }

  private func start(_ arguments: String) throws -> Workplace.Running {
    try place.start(arguments.split(separator: " ").map(String.init))
  }

  private func weights(_ run: String) throws -> [[UInt8]] {
    let step = try #require(place.steps(run).last)
    return try ["model", "ema", "optimizer"].map { try place.read("\(run)/\(step)/\($0).safetensors") }
  }

  /// Killed nine times without warning, at moments that the clock picks: the result is that of the run nobody killed.
  @Test func aKilledRunGoesOn() throws {
    let train = "train images \(options) --steps 1200 --evaluate-every 60 --output"
    _ = try place.succeed("\(train) whole")
    for kill in 0..<9 {
      let isBegun = !place.steps("run").isEmpty
      let before = place.steps("run").last
      let run = try start(isBegun ? "train --resume --output run" : "\(train) run")
      // The first is killed before it can have saved, the others some milliseconds into their saves.
      if kill > 0 { try run.wait(for: "a save") { place.steps("run").last != before } }
      usleep(UInt32(kill) * 1_500)
      run.send(SIGKILL)
      #expect(try run.finish().status == 137)
    }
    _ = try place.succeed(place.steps("run").isEmpty ? "\(train) run" : "train --resume --output run --threads 2")
    #expect(try weights("run") == weights("whole"))
    let hidden = try FileManager.default.contentsOfDirectory(atPath: place.path + "/run").filter { $0.hasPrefix(".") }
    #expect(hidden == [".lock"])
  }

  /// A run that ended before its first save leaves records, but they do not keep its name.
  @Test func theNameOfARunThatSavedNothingIsFree() throws {
    let diverging = "train images \(options) --steps 50 --learning-rate 1e30 --warmup 0 --schedule constant"
    _ = try place.fail("\(diverging) --output run", 76)
    #expect(
      place.names("run").filter { !$0.hasPrefix("events.out.") } == [
        "config.toml", "environment.json", "gradients.jsonl",
      ])
    _ = try place.succeed("train images \(options) --steps 3 --gradients-every 1 --output run")
    _ = try place.succeed("train images \(options) --steps 3 --gradients-every 1 --output other")
    #expect(try place.read("run/gradients.jsonl") == place.read("other/gradients.jsonl"))
    // One that has saved keeps it.
    _ = try place.fail("train images \(options) --steps 3 --output run", 73)
  }

  /// Puts `value` in the place of the first number of a tensor of the newest step; its checksums are made anew.
  private func spoil(_ file: String, _ tensor: String, _ value: Float) throws {
    let newest = place.path + "/run/step-00000006"
    var files = try CheckpointFolder.read(newest)
    let archive = try TensorArchive(parsing: files[file] ?? [], path: file)
    files[file] = TensorArchive(
      tensors: archive.tensors.map {
        $0.name != tensor ? $0 : NamedTensor(name: tensor, shape: $0.shape, values: [value] + $0.values.dropFirst())
      }, metadata: archive.metadata
    ).serialized()
    try FileManager.default.removeItem(atPath: newest)
    try CheckpointFolder.write(files.map { ($0.key, $0.value) }, to: newest)
  }

  /// Numbers that are not finite, in a checkpoint that is otherwise whole, do not get as far as a step.
  @Test(arguments: [
    ("model.safetensors", "blocks.0.conv.weight"), ("ema.safetensors", "head.logits.bias"),
    ("optimizer.safetensors", "first.input.bias"), ("optimizer.safetensors", "second.input.bias"),
  ])
  func numbersThatAreNotFiniteAreBadData(file: String, tensor: String) throws {
    _ = try place.succeed("train images \(options) --steps 6 --evaluate-every 3 --output run")
    for value in [Float.nan, .infinity] {
      try spoil(file, tensor, value)
      let message = try place.fail("train --resume --output run --steps 9", 65)
      #expect(message.contains("run/step-00000006/\(file): expected finite numbers in \(tensor)"), "\(message)")
    }
    #expect(place.steps("run") == ["step-00000003", "step-00000006"], "what was saved stays")
  }

  /// Numbers that are finite, but make a gradient infinite: named with the step, and what was saved stays.
  @Test func aRunThatDivergesKeepsWhatItHad() throws {
    _ = try place.succeed("train images \(options) --steps 6 --evaluate-every 3 --output run")
    try spoil("model.safetensors", "head.hidden.bias", 3e38)
    let before = try weights("run")
    let message = try place.fail("train --resume --output run --steps 9", 76)
    #expect(message.contains("at step 7, found a gradient of head.logits.weight that is not finite"), "\(message)")
    #expect(place.steps("run") == ["step-00000003", "step-00000006"])
    #expect(try weights("run") == before)
  }

  /// The last step makes weights infinite, and nothing is held out that would show it: they are not saved.
  @Test func whatTheLastStepSpoiltIsNotSaved() throws {
    let rate = "--learning-rate 3e38 --warmup 0 --schedule constant --valid-share 0"
    // With a record of the step's gradient flow, and without.
    for record in [1, 0] {
      let message = try place.fail(
        "train images \(options) \(rate) --gradients-every \(record) --steps 1 --output run", 76)
      #expect(message.contains("finite numbers after step 1, found weights "), "\(message)")
      #expect(message.contains("nothing was saved") && place.steps("run").isEmpty)
    }
  }

  /// Each change of the images is refused, and told from the others.
  @Test func otherImagesAreRefused() throws {
    _ = try place.succeed("train images \(options) --steps 2 --output run")
    let before = try weights("run")
    let ring = place.path + "/images/ring/"
    let first = try #require(try FileManager.default.contentsOfDirectory(atPath: ring).min())
    let kept = try place.read("images/ring/\(first)")
    func refusal() throws -> String { try place.fail("train --resume --output run --steps 3", 65) }

    try place.drawGrey("images/ring/\(first)", width: 8, height: 8)
    #expect(try refusal().contains("other pixels, or another order, of the"))
    try place.drawGrey("images/ring/\(first)", width: 8, height: 9)
    #expect(try refusal().contains("images/ring/\(first)"))
    try FileManager.default.removeItem(atPath: ring + first)
    #expect(try refusal().contains("in place of"))
    try place.write(kept, to: "images/ring/\(first)")
    _ = try place.succeed("train --resume --output run --steps 3")
    // Fewer steps than are taken are no length.
    #expect(try place.fail("train --resume --output run --steps 2", 64).contains("3 or more"))
    #expect(try weights("run") != before)
  }

  @Test func aDryRunSaysWhatItTakesAndLeavesNothing() throws {
    let told = try place.succeed("train images \(options) --steps 70 --dry-run --output run")
    let rows = told.lines.map { $0.prefix(20).trimmingCharacters(in: .whitespaces) }
    #expect(
      rows == [
        "weights", "memory", "weights, moments", "a step", "evaluating, saving", "disk", "seconds per step", "steps",
        "time",
      ], "\(told.output)")
    #expect(told.output.contains("steps               70\n") && place.names(".") == ["images"])
    // Workers that would take more than a hundred GiB between them.
    let large = try place.run(
      "train images --width 64 --blocks 30 --levels 2 --threads 1024 --resize 300x300 --output run")
    #expect(large.status == 64 && large.messages.contains("MiB of memory that are available"), "\(large.messages)")
    #expect(place.names(".") == ["images"], "refused before anything is made")
  }

  #if os(Linux)
    /// A result that the disk does not take is none.
    @Test func aFullDiskUnderTheResultIs74() throws {
      for arguments in ["presets", "describe --width 4 --blocks 1 --json", "inspect images"] {
        let result = try place.run(arguments, output: "/dev/full")
        #expect(result.status == 74 && result.messages.contains("standard output: expected"), "\(result.messages)")
      }
    }

    /// Messages on a full disk, of the error among others: the exit code still tells.
    @Test func aFullDiskUnderTheMessagesEndsNothingButThem() throws {
      let train = "train images \(options) --steps 4 --evaluate-every 2 --output"
      #expect(try place.run("\(train) run", errors: "/dev/full").status == 0)
      #expect(try place.run("\(train) run", errors: "/dev/full").status == 73)
      #expect(try place.run("train nowhere", errors: "/dev/full").status == 65)
      #expect(try place.run("train --wide", errors: "/dev/full").status == 64)
    }
  #endif
}
