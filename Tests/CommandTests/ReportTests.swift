// `scanline report`: whole runs, runs with pieces missing or damaged, and names that would like to be markup.
import Foundation
import ImageData
import Kernels
import Networks
import Safetensors
import Testing
import TestSupport
import Training

@Suite struct ReportTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 60 --side 8")
  }

  private func train(_ run: String, _ options: String = "") throws {
    _ = try place.succeed(
      "train images --width 6 --blocks 2 --levels 2 --batch 12 --steps 8 --evaluate-every 4 --gradients-every 2 "
        + "--metrics-every 2 --valid-share 0.3 --output \(run) \(options)")
  }

  /// The page, which nests as it should.
  private func page(_ name: String, _ location: SourceLocation = #_sourceLocation) throws -> String {
    let html = String(decoding: try place.read(name), as: UTF8.self)
    let fault = HTMLTags(html).fault
    #expect(fault == nil, "\(fault ?? "")", sourceLocation: location)
    return html
  }

  private func remove(_ name: String) { try? FileManager.default.removeItem(atPath: place.path + "/" + name) }

  @Test func oneRunAndTheSameBytesAgain() throws {
    try train("run")
    remove("run/samples")
    for step in place.steps("run") {
      try FileManager.default.createDirectory(
        atPath: place.path + "/run/samples", withIntermediateDirectories: true)
      _ = try place.succeed("sample run/\(step) --count 4 --output run/samples/\(step).png")
    }
    let report = try place.succeed("report run/ --json").json()
    let html = try page("run/report.html")
    #expect(report["bytes"] as? Int == html.utf8.count && report["notes"] as? [String] == [])
    let alone = try place.succeed("evaluate run images --split valid --json").json()
    let told = try #require((report["runs"] as? [[String: Any]])?.first)
    #expect(told["nats_per_image"] as? Double == alone["nats_per_image"] as? Double && told["step"] as? Int == 8)
    #expect(html.components(separatedBy: "<svg class=\"plot\"").count == 7, "4 of losses, 2 of the gradient's flow")
    // Two grids, and completions.
    #expect(html.components(separatedBy: "src=\"data:image/png;base64,").count == 4)
    #expect(html.contains("step 4</figcaption>") && html.contains("exact draws from p(rest | given)"))
    #expect(html.contains("sequential steps, sampling") && html.contains("scanline evaluate"))
    for tag in ["http:", "https:", "<link rel=\"stylesheet", "<iframe"] { #expect(!html.contains(tag), "\(tag)") }
    // Nothing in the page depends on when, where or on how many threads it is made.
    _ = try place.succeed("report run --threads 1 --output again.html")
    #expect(try page("again.html") == html)
    // Nothing is written over unless that is asked for.
    #expect(try place.fail("report run", 73).contains("run/report.html"))
    #expect(
      try place.succeed("report run --force --images 0 --completions 0").output.contains("run/report.html: 1 run"))
    #expect(!(try page("run/report.html").contains("id=\"completions\"")))
  }

  @Test func severalRunsSideBySide() throws {
    try train("a")
    try train("b", "--model mdrnn --seed 2")
    try train("c", "--levels 4")
    let report = try place.succeed("report a b c a --baselines --json").json()
    let runs = try #require(report["runs"] as? [[String: Any]])
    #expect(runs.compactMap { $0["name"] as? String } == ["a", "b", "c", "a (2)"])
    let html = try page("report.html")
    #expect(html.contains("best model") && html.contains("uniform"))
    let nats = runs.compactMap { $0["nats_per_image"] as? Double }
    #expect(nats.count == 4 && nats[0] == nats[3] && nats[0] != nats[1])
    #expect(html.contains("Images 1: <bdi>a, b, a (2)</bdi>") && html.contains("Images 2: <bdi>c</bdi>"))
    #expect(html.contains("gradient that arrives from k diagonals away"))
    #expect(html.contains("a (2): training"))
  }

  @Test func namesAreNeverMarkup() throws {
    let name = "<script>alert(1)&\"'"
    try train(name)
    try place.write(Array("x = \"</code></pre><script>alert(2)\"\n".utf8), to: "\(name)/config.toml")
    try place.write(
      Array("{\"<b>\": \"<script>alert(3)\", \"n\": [1, 2.50, true, null]}".utf8), to: "\(name)/environment.json")
    _ = try place.succeed("report \(name) --output page.html")
    let html = try page("page.html")
    #expect(HTMLTags(html).names.count { $0 == "script" } == 1)
    #expect(!html.contains("<script>") && !html.contains("<b>"))
    #expect(html.contains("&lt;script&gt;alert(1)&amp;&quot;&#39;") && html.contains("&lt;script&gt;alert(2)"))
    #expect(html.contains("<th scope=\"row\">n</th><td>1, 2.50, true, none</td>"))
    // The shell takes such a name as one word.
    #expect(html.contains("--config &#39;&lt;script&gt;alert(1)&amp;&quot;&#39;\\&#39;&#39;&#39;/config.toml"))
  }

  @Test func whatIsMissingIsSaid() throws {
    try train("run")
    for name in ["gradients.jsonl", "samples", "config.toml", "environment.json"] { remove("run/" + name) }
    try FileManager.default.moveItem(atPath: place.path + "/images", toPath: place.path + "/elsewhere")
    let said = try place.succeed("report run")
    #expect(said.messages.contains("run/gradients.jsonl") && said.messages.contains("images"))
    var html = try page("run/report.html")
    for words in [
      "No gradient flow: run/gradients.jsonl", "No grids of samples", "No completions: images", "Not paired",
      "no <code>config.toml</code>", "no <code>environment.json</code>",
    ] { #expect(html.contains(words), "\(words)") }
    // The recorded score stands in: all held-out images at the last step.
    let recorded = try place.succeed("report run --force --json").json()
    let told = try #require((recorded["runs"] as? [[String: Any]])?.first)
    #expect(told["is_recorded"] as? Bool == true && (told["nats_per_image"] as? Double ?? 0) > 1)
    // Another folder serves, and gives the same score, since its images are the same.
    let served = try place.succeed("report run --force --data elsewhere --json").json()
    let scored = try #require((served["runs"] as? [[String: Any]])?.first)
    #expect(scored["is_recorded"] as? Bool == false)
    #expect(abs((scored["nats_per_image"] as? Double ?? 0) - (told["nats_per_image"] as? Double ?? 9)) < 1e-9)
    #expect(try place.fail("report run --force --data nowhere", 65).contains("nowhere"))

    // Damage: a line that is no record, a picture that is none, a run at work, no metrics at all.
    try place.write(Array("{\"step\": 1}\nnonsense\n".utf8), to: "run/metrics.jsonl")
    try place.write([1, 2, 3], to: "run/samples/step-00000004.png")
    try place.write([0xFF, 0xFE], to: "run/config.toml")
    let lock = try RunLock(run: place.path + "/run")
    let damaged = try place.succeed("report run --force --images 0")
    #expect(damaged.messages.contains("metrics.jsonl") && damaged.messages.contains("step-00000004.png"))
    html = try page("run/report.html")
    #expect(html.contains("in progress: a process is at work") && html.contains("a record in line 1"))
    #expect(html.contains("expected UTF-8 text"))
    withExtendedLifetime(lock) {}
    // Figures that no run can have would break charts and clocks.
    for (figure, line) in [
      ("seconds", #"{"epoch":1,"seconds":1e300,"step":2}"#), ("epoch", #"{"epoch":0,"seconds":1,"step":2}"#),
      (
        "nats",
        #"{"epoch":1,"seconds":1,"step":2,"training":{"bits_per_dimension":1,"gradient_norm":1,"images_per_second":1,"#
          + #""learning_rate":1,"nats_per_image":-1e200,"steps":2}}"#
      ),
    ] {
      try place.write(Array((line + "\n").utf8), to: "run/metrics.jsonl")
      _ = try place.succeed("report run --force --images 0 --completions 0")
      #expect(try page("run/report.html").contains("figures that a run can have"), "\(figure)")
    }
  }

  @Test func aRunWithoutACheckpointHasItsRecords() throws {
    try train("run")
    for step in place.steps("run") { remove("run/\(step)/state.json") }
    let said = try place.succeed("report run")
    #expect(said.messages.contains("state.json"))
    let html = try page("run/report.html")
    #expect(html.contains("No completions: ") && html.contains("As recorded in training") == false)
    #expect(html.contains("Not paired") && html.components(separatedBy: "<svg class=\"plot\"").count == 7)
    #expect(html.contains("No checkpoint says what the model is"))
    remove("run/metrics.jsonl")
    #expect(try place.fail("report run --force", 65).contains("state.json"))
  }

  @Test func importedWeightsHaveNoRun() throws {
    let shapes: [(String, [Int])] = [
      ("0.weight", [4, 1, 7, 7]), ("0.bias", [4]), ("1.1.weight", [4, 4, 1, 1]), ("1.1.bias", [4]),
      ("1.3.weight", [1, 4, 1, 1]), ("1.3.bias", [1]),
    ]
    let tensors = shapes.map { name, shape in
      NamedTensor(name: name, shape: shape, values: [Float](repeating: 0.1, count: shape.reduce(1, *)))
    }
    try place.write(TensorArchive(tensors: tensors).serialized(), to: "weights.safetensors")
    _ = try place.succeed("import weights.safetensors --width 4 --blocks 0 --levels 2 --size 8x8 --output theirs")
    _ = try place.succeed("report theirs --data images")
    var html = try page("theirs-report.html")
    #expect(html.contains("imported weights, not trained here") && html.contains("exact draws from p(rest | given)"))
    #expect(html.contains("No gradient flow") && html.contains("has no loss curves"))
    // Without a folder nothing can be scored, and the page says so.
    _ = try place.succeed("report theirs --force")
    html = try page("theirs-report.html")
    #expect(html.contains("imported weights, no folder") && html.contains("No completions: "))
  }

  @Test func whatIsNoRunIsRefused() throws {
    #expect(try place.fail("report nowhere", 65).contains("nowhere"))
    #expect(try place.fail("report images", 65).contains("images: expected a checkpoint"))
    _ = try place.fail("report", 64)
    _ = try place.fail("report images --images -1", 64)
    try train("run")
    #expect(try place.fail("report run images", 65).contains("images"))
    #expect(!FileManager.default.fileExists(atPath: place.path + "/report.html"))
    // A report among a checkpoint's files would make it a damaged one.
    let step = "run/" + (place.steps("run").last ?? "")
    #expect(try place.fail("report run --output \(step)/report.html", 73).contains("checkpoint"))
    #expect(try place.succeed("report \(step)").output.hasPrefix("\(step)-report.html"))
    #expect(try page("\(step)-report.html").contains("one checkpoint, without its run"))
  }

  /// The commands of a report make the run again, bit for bit, from its checkpoint's word or its configuration.
  @Test(arguments: [false, true]) func theCommandsRepeatTheRun(keepsConfiguration: Bool) throws {
    try train(
      "run",
      "--class-conditional --likelihood categorical --levels 3 --activation tanh --residual none --initialization glorot "
        + "--learning-rate 0.003 --schedule exponential --warmup 3 --decay 0.9 --clip 1 --ema 0.5 --dropout 0.1 --seed 7 "
        + "--crop 6x7 --split-seed 5 --evaluation-images 9 --keep 3")
    if !keepsConfiguration { remove("run/config.toml") }
    let report = try place.succeed("report run --json --images 0 --completions 0").json()
    let runs = try #require(report["runs"] as? [[String: Any]])
    let commands = try #require(runs.first?["commands"] as? [String])
    let words = commands[0].split(separator: " ")
    #expect(words.prefix(2) == ["scanline", "train"] && words.suffix(2) == ["--output", "run-again"])
    _ = try place.succeed(words.dropFirst().joined(separator: " "))
    for file in ["model.safetensors", "ema.safetensors", "optimizer.safetensors"] {
      #expect(try place.read("run/step-00000008/\(file)") == place.read("run-again/step-00000008/\(file)"), "\(file)")
    }
    for command in commands.dropFirst() {
      _ = try place.succeed(command.split(separator: " ").dropFirst().joined(separator: " "))
    }
  }
}
