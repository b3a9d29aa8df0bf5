// The whole path as a user walks it: draw, train, stop, resume, evaluate, sample; and the benchmarks.
import Core
import Foundation
import ImageData
import Kernels
import Networks
import Testing
import Training

@Suite struct MainJobTests {
  private let place: Workplace
  private let model = "--width 8 --blocks 1 --levels 2 --batch 9"

  init() throws {
    place = try Workplace()
    let drawn = try place.succeed("draw images --count 60 --side 12")
    #expect(drawn.lines.count == 1)
  }

  @Test func trainEvaluateAndSample() throws {
    let trained = try place.succeed(
      "train images \(model) --steps 30 --evaluate-every 10 --output run --threads 2")
    // Standard output is the table of results and nothing else.
    let table = Dictionary(
      trained.lines.map { ($0.prefix(20).trimmingCharacters(in: .whitespaces), $0.dropFirst(20)) }
    ) { first, _ in first }
    let rows = [
      "run", "steps", "seconds", "held-out images", "nats per image", "bits per dimension", "best step",
    ]
    #expect(table.keys.sorted() == rows.sorted() && trained.lines.count == rows.count, "\(trained.output)")
    #expect(table["steps"] == "30" && table["run"] == "run")
    #expect(trained.messages.contains("step 1/30 ") && trained.messages.contains("all held-out images"))
    #expect(!trained.messages.contains("\u{1B}"), "no terminal, no escapes")
    #expect(place.names("run").contains("gradients.jsonl"))
    let steps = place.steps("run")
    #expect(steps.contains("step-00000030") && steps.count <= 3)
    let records = ["config.toml", "environment.json", "gradients.jsonl", "metrics.jsonl", "samples"]
    let (events, others) = (place.names("run").filter { $0.hasPrefix("events.out.tfevents.") }, records + steps)
    #expect(events.count == 1 && place.names("run").filter { !events.contains($0) } == others)
    #expect(try place.fail("train images \(model) --output run", 73).contains("--resume"))

    let load = try place.succeed("benchmark load images --threads 1 --seconds 0.01").json()
    #expect(load["files"] as? Int == 60 && load["files_per_second"] as? Double ?? 0 > 0)

    try evaluate(heldOut: table["nats per image"].map(String.init) ?? "")
    try sample()

    // A run that is complete is resumed to the same end, and then further.
    let weights = try place.read("run/step-00000030/model.safetensors")
    _ = try place.succeed("train images --resume --output run")
    #expect(try place.read("run/step-00000030/model.safetensors") == weights)
    _ = try place.succeed("train --resume --output run --steps 33")
    #expect(place.names("run").contains("step-00000033"))
    #expect(try place.fail("train --resume --output run --width 8", 64).contains("--width"))
    // Other images are another run.
    try place.drawGrey("images/cross/more.png", width: 12, height: 12)
    #expect(try place.fail("train --resume --output run --steps 40", 65).contains("images in place of"))
  }

  private func evaluate(heldOut: String) throws {
    let one = try place.succeed("evaluate run images --json --threads 1")
    #expect(one.output == (try place.succeed("evaluate run images --json --threads 2").output))
    let report = try one.json()
    #expect(
      report.keys.sorted() == [
        "binarization", "bits_per_dimension", "bits_standard_error", "checkpoint", "classes", "fingerprint", "images",
        "left_out", "levels", "nats_per_image", "skipped", "split", "standard_error", "step", "trained_on",
        "weights",
      ])
    #expect(report["images"] as? Int == 60 && report["levels"] as? Int == 2 && report["skipped"] as? Int == 0)
    #expect(report["binarization"] as? String == "threshold" && report["weights"] as? String == "ema")
    let nats = try #require(report["nats_per_image"] as? Double)
    let bits = try #require(report["bits_per_dimension"] as? Double)
    // Foundation's untyped reader of JSON may be off by an ulp or two of some hundred nats.
    let coin: Double = 144 * log(2.0)
    let expectedBits: Double = nats / coin
    #expect(abs(bits - expectedBits) < 1e-12)
    #expect(nats > 0 && nats < coin, "better than a coin a pixel after 30 steps")
    #expect((report["standard_error"] as? Double ?? 0) > 0)
    let table = try place.succeed("evaluate run images --weights raw")
    #expect(
      table.lines.prefix(8).last == "" && table.output.contains("\nclass ")
        && table.output.hasPrefix("images              60\n"))
    #expect(heldOut.contains("±"))
    let gradients =
      try place.succeed("evaluate run images --json --gradients").json()["gradients"] as? [String: Any]
    #expect(gradients?.count == 12)
  }

  private func sample() throws {
    let options = "--count 5 --columns 3 --seed 4"
    let one = try place.succeed("sample run \(options) --threads 1 --output one.png")
    #expect(one.lines.count == 1 && one.messages == "")
    _ = try place.succeed("sample run \(options) --threads 2 --output two.png")
    #expect(try place.read("one.png") == place.read("two.png"))
    let picture = try PNGImage(contentsOf: place.path + "/one.png")
    // Two rows of three images of 12×12, two pixels around each.
    #expect(picture.shape == ImageShape(height: 2 * 14 + 2, width: 3 * 14 + 2, channels: 1))
    #expect(Set(picture.values) == [0, 255], "two levels")
    _ = try place.succeed("sample run --count 5 --columns 3 --seed 5 --output other.png")
    #expect(try place.read("one.png") != place.read("other.png"))
    #expect(try place.fail("sample run --output one.png", 73).contains("--force"))
    _ = try place.succeed("sample run --count 1 --output one.png --force")
  }

  /// 16 levels: the binarization is stated, as none.
  @Test func levelsWithoutABinarization() throws {
    _ = try place.succeed("train images --width 4 --blocks 0 --levels 16 --batch 9 --steps 1 --output run")
    let report = try place.succeed("evaluate run images --json").json()
    #expect(report["binarization"] is NSNull && report["levels"] as? Int == 16)
  }

  /// Ends before the step that would spoil the weights, with what was saved before untouched.
  @Test func aRunThatDivergesIs76() throws {
    let options = "--steps 50 --learning-rate 1e30 --warmup 0 --schedule constant"
    let early = try place.fail("train images \(model) \(options) --output run", 76)
    #expect(early.contains("training: expected finite numbers at step 2, found a loss"), "\(early)")
    #expect(early.contains("and a lower --learning-rate or --clip may help"), "\(early)")
    #expect(early.contains("nothing was updated") && place.steps("run").isEmpty)
    // The score of the first step's weights comes before the second step.
    let late = try place.fail("train images \(model) \(options) --evaluate-every 1 --output late", 76)
    #expect(late.contains("finite nats of held-out images after step 1"), "\(late)")
    #expect(late.contains("nothing was saved") && place.steps("late").isEmpty)
  }

  // MARK: - Signals

  /// SIGINT and SIGTERM save and stop; the resumed run ends with the weights of one that nobody stopped, on another
  /// number of threads.
  @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
  func aStoppedRunGoesOn(signal: Int32, status: Int32) throws {
    // A second or so: long enough that the signal, sent at the first checkpoint, comes well before the end.
    let options = "train images \(model) --steps 5000 --evaluate-every 100"
    let whole = try place.start(
      (options + " --output whole --threads 1").split(separator: " ").map(String.init))
    let run = try place.start((options + " --output run --threads 1").split(separator: " ").map(String.init))
    try run.wait(for: "the first checkpoint") { !place.steps("run").isEmpty }
    run.send(signal)
    let stopped = try run.finish()
    #expect(stopped.status == status, "\(stopped.messages)")
    #expect(
      stopped.output == "" && stopped.messages.contains("go on with: scanline train --resume --output run"))
    #expect(place.names("run").last ?? "" < "step-00005000", "the signal was to come before the end")

    let resumed = try place.succeed("train --resume --output run --threads 2")
    #expect(resumed.lines.contains("steps               5000"))
    #expect(try whole.finish().status == 0)
    for file in ["model.safetensors", "ema.safetensors", "optimizer.safetensors"] {
      #expect(
        try place.read("run/step-00005000/\(file)") == place.read("whole/step-00005000/\(file)"),
        "\(file) differs")
    }
  }

  @Test func aRequestToSaveIsMetWithoutStopping() throws {
    let arguments = "train images \(model) --minutes 5 --evaluate-every 1000000 --output run"
    let run = try place.start(arguments.split(separator: " ").map(String.init))
    try run.wait(for: "reading the images") { run.messagesSoFar.contains("Read 60 images") }
    run.send(SIGUSR1)
    try run.wait(for: "a checkpoint") { place.steps("run").count == 1 }
    run.send(SIGUSR1)
    try run.wait(for: "another checkpoint") { place.steps("run").count == 2 }
    // The folder's lock is held as long as the run lives.
    #expect(try place.fail("train --resume --output run", 75).contains("run: expected"))
    run.send(SIGTERM)
    #expect(try run.finish().status == 143)
  }

  // MARK: - Benchmarks

  @Test func benchmarksPrintOneObject() throws {
    let options =
      "--model pixelcnn --width 8 --blocks 1 --batch 4 --side 6 --levels 4 --threads 1 --seconds 0.05"
    let common = [
      "peer", "what", "model", "width", "blocks", "batch", "side", "channels", "levels", "threads", "bf16",
      "weights", "peak_bytes",
    ]
    let figures = [
      ("train", "images_per_second"), ("evaluate", "images_per_second"), ("sample", "seconds_per_batch"),
    ]
    let beside = ["forward_seconds_per_batch", "sampler_bytes", "sampling_per_forward"]
    for (what, figure) in figures {
      let result = try place.succeed("benchmark \(what) \(options) --precision bf16")
      let report = try result.json()
      #expect(report.keys.sorted() == (common + [figure] + (what == "sample" ? beside : [])).sorted())
      #expect(
        report["what"] as? String == what && report["batch"] as? Int == 4 && report["side"] as? Int == 6)
      // 24·8 + 8 in; 8·4 + 4, 5·4·4 + 4, 4·8 + 8 in the block; 8·8 + 8 and 8·4 + 4 in the head: live taps only.
      let weights: Int = 200 + 36 + 84 + 40 + 72 + 36
      #expect(report["weights"] as? Int == weights)
      #expect((report[figure] as? Double ?? 0) > 0 && result.messages == "")
    }
    let cores = try place.succeed("benchmark cores \(options) --bandwidth 100 --json").json()
    let rows = try #require(cores["rows"] as? [[String: Any]])
    #expect(rows.compactMap { $0["cores"] as? Int } == [1, 8, 32, 64] && cores["bandwidth"] as? Double == 1e11)
    // Four images are four shards: a fifth core has nothing to do.
    #expect(rows[1]["speed_up"] as? Double ?? 9 <= 4)
    let growth = try place.succeed("benchmark growth \(options) --rounds 1 --json").json()
    let doubled = try #require(growth["rows"] as? [[String: Any]])
    #expect(doubled.compactMap { $0["doubled"] as? String } == ["nothing", "width", "blocks", "side", "batch"])
    // Twice the batch is twice the products, and so is not quite four times the width or a second block.
    #expect(doubled[4]["expected_time_growth"] as? Double == 2)
    #expect((doubled[1]["expected_time_growth"] as? Double).map { $0 > 2 && $0 < 4 } == true)
  }
}
