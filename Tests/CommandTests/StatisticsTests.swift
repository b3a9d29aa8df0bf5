// What a command says of few images, by the command: no error of one, no verdict of a handful.
import Foundation
import ImageData
import Testing

@Suite struct StatisticsTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 60 --side 8")
    _ = try place.succeed("draw others --count 60 --side 8 --seed 9")
  }

  private func train(_ options: String, _ run: String) throws {
    _ = try place.succeed(
      "train images --width 4 --blocks 0 --levels 4 --batch 12 --gradients-every 0 \(options) --output \(run)")
  }

  /// A flat folder of `count` images that no run was trained on, from number `first` on.
  private func few(_ count: Int, from first: Int = 0, _ folder: String) throws {
    let files = place.names("others").flatMap { name in
      place.names("others/\(name)").map { "others/\(name)/\($0)" }
    }
    for (number, file) in files[first..<first + count].enumerated() {
      try place.write(try place.read(file), to: "\(folder)/\(number).png")
    }
  }

  @Test func oneImageHasNoStandardError() throws {
    try train("--steps 2", "run")
    try few(1, "one")
    let said = try place.succeed("evaluate run one")
    #expect(said.output.contains(" ± –\n") && !said.output.contains("± 0"), "\(said.output)")
    let report = try place.succeed("evaluate run one --json").json()
    #expect(report["standard_error"] is NSNull && report["bits_standard_error"] is NSNull)
    // Classes of one image, beside others.
    try place.write(try place.read("one/0.png"), to: "classes/a/0.png")
    for number in 0..<2 { try place.write(try place.read("one/0.png"), to: "classes/b/\(number).png") }
    let classes = try #require(
      try place.succeed("evaluate run classes --json").json()["classes"] as? [[String: Any]])
    #expect(classes[0]["standard_error"] is NSNull && classes[0]["bits_standard_error"] is NSNull)
    #expect(classes[1]["standard_error"] as? Double == 0)
    #expect(try place.succeed("sample run --count 1 --output one.png").output.contains("± – nats an image"))
  }

  /// A single held-out image: the run's own table, records, report.
  @Test func oneHeldOutImage() throws {
    try few(13, "parts/train")
    try few(1, from: 13, "parts/valid")
    let trained = try place.succeed(
      "train parts --width 4 --blocks 0 --levels 4 --batch 4 --steps 2 --gradients-every 0 --output run")
    #expect(trained.output.contains(" ± –\n"), "\(trained.output)")
    let lines = String(decoding: try place.read("run/metrics.jsonl"), as: UTF8.self)
    #expect(lines.contains("\"standard_error\":null") && lines.contains("\"bits_standard_error\":null"), "\(lines)")
    _ = try place.succeed("report run --output report.html")
    let page = String(decoding: try place.read("report.html"), as: UTF8.self)
    #expect(page.contains("± –") && !page.contains("± 0.00"))
    // As older versions wrote it.
    let old = lines.replacingOccurrences(of: ":null", with: ":0")
    try place.write(Array(old.utf8), to: "run/metrics.jsonl")
    _ = try place.succeed("report run --images 0 --output old.html")
    let recorded = String(decoding: try place.read("old.html"), as: UTF8.self)
    #expect(recorded.contains("± –") && !recorded.contains("± 0.00"))
  }

  @Test(arguments: [1, 2, 5, 9]) func noVerdictFromFewImages(count: Int) throws {
    try train("--steps 200", "run")
    try train("--steps 1", "less")
    try few(count, "few")
    let said = try place.succeed("compare run less few --train images")
    #expect(said.output.contains("too few images"), "\(said.output)")
    for verdict in [" better", " worse", "not distinguishable"] { #expect(!said.output.contains(verdict + "\n")) }
    let rows = try #require(
      try place.succeed("compare run less few --train images --json").json()["rows"] as? [[String: Any]])
    let others = rows.compactMap { $0["verdict"] as? String }.filter { $0 != "best model" }
    #expect(others.count == 5 && Set(others) == ["too few images"], "\(others)")
    for row in rows {
      #expect((row["interval"] is NSNull) == (count == 1), "\(row)")
      #expect((row["standard_error"] is NSNull) == (count == 1))
      #expect((row["difference_standard_error"] is NSNull) == (count == 1))
      #expect((row["difference_interval"] is NSNull) == (count == 1))
    }
    // The interval of two images is wide: 12.7 standard errors to either side, not 2.
    if count == 2 {
      let row = try #require(rows.first { $0["name"] as? String == "less" })
      let (ends, error) = (row["interval"] as? [Double] ?? [0, 0], row["standard_error"] as? Double ?? 0)
      #expect(abs((ends[1] - ends[0]) / error - 2 * 12.706_204_7) < 1e-6)
    }
  }

  /// Between a checkpoint and itself nothing is left to chance, however few the images.
  @Test func identicalIsSaid() throws {
    try train("--steps 3", "run")
    try few(3, "few")
    for folder in ["images", "few --train images"] {
      let rows = try #require(
        try place.succeed("compare run run \(folder) --no-baselines --json").json()["rows"] as? [[String: Any]])
      #expect(rows[1]["verdict"] as? String == "identical on every image", "\(rows)")
      #expect(rows[1]["difference"] as? Double == 0)
    }
  }

  /// Differences far below the usual four decimals: what is printed is neither 0 nor one number twice, and agrees with the
  /// verdict.
  @Test func smallDifferencesKeepTheirDigits() throws {
    try train("--steps 1 --learning-rate 1e-7 --warmup 0 --schedule constant", "a")
    try train("--steps 2 --learning-rate 1e-7 --warmup 0 --schedule constant", "b")
    let options = "compare a b others --weights raw --no-baselines"
    let rows = try #require(try place.succeed(options + " --json").json()["rows"] as? [[String: Any]])
    let ends = try #require(rows[1]["difference_interval"] as? [Double])
    #expect(ends[0] < ends[1] && ends[1] < 0.01, "small, or this shows nothing: \(ends)")
    let table = try place.succeed(options).output
    let line = try #require(table.split(separator: "\n").first { $0.contains(" to ") && !$0.contains("best model") })
    let words = line.split(separator: " ")
    let place = try #require(words.firstIndex(of: "to"))
    let printed = [words[place - 1], words[place + 1]].compactMap { Double($0) }
    #expect(printed.count == 2 && printed[0] < printed[1], "\(line)")
    for (text, value) in zip(printed, ends) {
      #expect((text > 0) == (value > 0) && (text < 0) == (value < 0), "\(line)")
    }
    #expect(Double(words[place - 2]) != 0, "\(line)")
  }
}
