// Scores by image, comparisons and presets, by the command.
import Core
import Foundation
import ImageData
import Testing

@Suite struct CompareTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 120 --side 8")
  }

  private func train(_ options: String, _ run: String) throws {
    _ = try place.succeed("train images --width 8 --blocks 1 --batch 12 --gradients-every 0 \(options) --output \(run)")
  }

  private func text(_ name: String) throws -> String { String(decoding: try place.read(name), as: UTF8.self) }

  @Test func scoresByImageClassAndSurprise() throws {
    try train("--levels 4 --steps 200 --evaluate-every 200", "run")
    let noise = Philox(seed: 1, purpose: .test)
    let odd = (0..<64).map { UInt8(noise.below(256, at: UInt64($0))) }
    let glyph = try #require(place.names("images").first)
    try place.write(
      PNGImage(shape: ImageShape(height: 8, width: 8, channels: 1), values: odd).encoded(),
      to: "images/\(glyph)/zz, odd.png")
    let said = try place.succeed("evaluate run images --per-image scores.csv --worst 3 --worst-output odd.png")
    #expect(said.output.contains("least likely") && said.output.contains("class ") && said.output.contains("±"))
    let lines = try text("scores.csv").split(separator: "\n")
    #expect(lines.count == 122 && lines[0] == "path,class,nats,bits_per_dim")
    #expect(lines.contains { $0.hasPrefix("\"images/\(glyph)/zz, odd.png\",\(glyph),") })
    let report = try place.succeed("evaluate run images --worst 3 --worst-output odd.png --force --json").json()
    let worst = try #require(report["worst"] as? [[String: Any]])
    #expect(worst.count == 3 && worst[0]["path"] as? String == "images/\(glyph)/zz, odd.png")
    let classes = try #require(report["classes"] as? [[String: Any]])
    #expect(classes.count == place.names("images").count)
    #expect(classes.reduce(0) { $0 + ($1["images"] as? Int ?? 0) } == 121)
    #expect((report["bits_standard_error"] as? Double ?? 0) > 0)
    let sums = lines.dropFirst().compactMap { Double($0.split(separator: ",").suffix(2).first ?? "") }
    let mean = sums.reduce(0, +) / 121
    #expect(abs(mean - (report["nats_per_image"] as? Double ?? 0)) < 1e-9)
    let texts = PNGText(parsing: try place.read("odd.png"))
    #expect(texts["Scale"]?.hasPrefix("0 to ") == true)
    #expect(texts["Nats and path"]?.split(separator: "\n").count == 3)
    #expect(texts["Nats and path"]?.contains("zz, odd.png") == true)
    #expect(try place.fail("evaluate run images --per-image scores.csv", 73).contains("scores.csv"))
    #expect(try place.fail("evaluate run images --worst 2 --worst-output odd.png", 73).contains("--force"))
    _ = try place.fail("evaluate run images --worst-output x.png", 64)
  }

  @Test func aModelAgainstItselfAndOneTrainedLess() throws {
    try train("--levels 2 --steps 300 --evaluate-every 100 --keep 9", "run")
    let steps = place.steps("run")
    try train("--levels 2 --steps 4", "less")
    let said = try place.succeed("compare run run less images --output chart --csv all.csv")
    #expect(said.output.contains("run (2)") && said.output.contains("identical on every image"))
    let report = try place.succeed("compare run run less images --json --threads 1").json()
    let rows = try #require(report["rows"] as? [[String: Any]])
    func row(_ name: String) throws -> [String: Any] { try #require(rows.first { $0["name"] as? String == name }) }
    #expect(rows.compactMap { $0["is_model"] as? Bool }.count { !$0 } == 4)
    let bits = rows.compactMap { $0["bits_per_dimension"] as? Double }
    #expect(bits == bits.sorted() && bits.count == 7)
    #expect(try row("run")["verdict"] as? String == "best model")
    let again = try row("run (2)")
    #expect(again["verdict"] as? String == "identical on every image" && again["difference"] as? Double == 0)
    #expect(again["difference_interval"] as? [Double] == [0, 0])
    let less = try row("less")
    #expect(less["verdict"] as? String == "worse")
    #expect((less["difference_interval"] as? [Double] ?? [0])[0] > 0)
    #expect(try row("uniform")["bits_per_dimension"] as? Double == 1)
    #expect(try row("PNG")["weights"] is NSNull && (row("run")["weights"] as? Int ?? 0) > 0)
    // The score is evaluate's own; the same seed and other threads, the same report.
    let alone = try place.succeed("evaluate run images --split valid --json").json()
    #expect(try row("run")["nats_per_image"] as? Double == alone["nats_per_image"] as? Double)
    let threaded = try place.succeed("compare run run less images --json --threads 3")
    #expect(try NSDictionary(dictionary: threaded.json()).isEqual(to: report))

    #expect(try PNGImage(decoding: place.read("chart.png")).shape.width > 1000)
    #expect(try text("chart.svg").contains("not distinguishable") == false && text("chart.svg").contains("run (2)"))
    let head = try #require(text("all.csv").split(separator: "\n").first)
    #expect(head.hasPrefix("path,class,nats: ") && head.contains("nats: run,nats: run (2)"))
    #expect(try place.fail("compare run images --output chart", 73).contains("chart.png"))
    // Steps are named with their run; without baselines, and with others' images to fit them on.
    #expect(steps.count >= 2)
    let byStep = try place.succeed("compare run/\(steps[0]) run/\(steps[1]) images --no-baselines")
    #expect(byStep.output.contains("run/\(steps[0])") && !byStep.output.contains("PNG"))
    #expect(try place.succeed("compare run images --train images").output.contains("fitted on 120 images"))
    // A mixture costs at most ln 2 nats more than the better of two models, and is a row like any other.
    let mixed = try place.succeed("compare run less images --mixture --no-baselines --csv mixed.csv --json").json()
    let members = try #require(mixed["rows"] as? [[String: Any]])
    func nats(_ name: String) throws -> Double {
      try #require(members.first { $0["name"] as? String == name }?["nats_per_image"] as? Double)
    }
    #expect(members.count == 3)
    #expect(try nats("even mixture of 2") < nats("less") && nats("even mixture of 2") <= nats("run") + 0.694)
    let table = try text("mixed.csv").split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    let own = try #require(table[0].firstIndex(of: "nats: even mixture of 2"))
    for line in table.dropFirst() {
      let values = (2..<5).filter { $0 != own }.compactMap { Double(line[$0]) }
      let least = min(values[0], values[1])
      let expected = least - log((exp(least - values[0]) + exp(least - values[1])) / 2)
      #expect(abs((Double(line[own]) ?? 0) - expected) < 1e-9 * (1 + expected))
    }
    #expect(try place.fail("compare run images --mixture", 64).contains("--mixture"))

    // As one model: the same score, and samples from it that say where they come from.
    let one = try place.succeed("evaluate run less images --mixture --json").json()
    #expect(one["nats_per_image"] as? Double == (try nats("even mixture of 2")))
    #expect((one["mixture"] as? [[String: Any]])?.count == 2)
    let drawn = try place.succeed("sample run less --mixture --count 6 --output mixed.png")
    #expect(drawn.output.contains("even mixture of 2"))
    #expect(PNGText(parsing: try place.read("mixed.png"))["Mixture"]?.split(separator: "\n").count == 2)
    for refused in [
      "evaluate run less images", "evaluate run images --mixture", "evaluate run less images --mixture --gradients",
      "sample run less", "sample run --mixture", "sample run less --mixture --progress-frames 3",
    ] { #expect(try place.fail(refused, 64).contains("mixture")) }
    try train("--levels 4 --steps 1", "four")
    #expect(try place.fail("sample run four --mixture --output no.png", 65).contains("levels"))
  }

  @Test func differentDataIsRefused() throws {
    try train("--levels 2 --steps 1", "two")
    try train("--levels 4 --steps 1", "four")
    try train("--levels 2 --binarize fixed --steps 1", "fixed")
    try train("--levels 2 --binarize fixed --seed 2 --steps 1", "seed")
    try train("--levels 2 --steps 1 --resize 6x6", "small")
    #expect(try place.fail("compare two four images", 65).contains("levels"))
    #expect(try place.fail("compare two fixed images", 65).contains("binarization"))
    #expect(try place.fail("compare fixed seed images", 65).contains("--binarization-seed"))
    #expect(try place.fail("compare two small images", 65).contains("image size"))
    #expect(try place.fail("compare two", 64).contains("folder"))
    _ = try place.succeed("compare fixed seed images --binarization-seed 3")
  }

  @Test func presetsFillWhatIsNotSaid() throws {
    let listed = try place.succeed("presets").output
    for name in ["pixelcnn-mnist", "diagonal-lstm-mnist", "gated-mnist", "gated-cifar10", "pixelcnn-cifar10"] {
      #expect(listed.contains("\n\(name)\n") || listed.hasPrefix("\(name)\n"))
    }
    #expect(listed.contains("81.45 nats") && listed.contains("3.03 bits per dimension"))
    #expect((try place.succeed("presets --json").json()["presets"] as? [Any])?.count == 8)
    _ = try place.succeed("train images --preset pixelcnn-mnist --blocks 1 --steps 1 --output run")
    let state = try #require(
      try JSONSerialization.jsonObject(with: Data(place.read("run/step-00000001/state.json"))) as? [String: Any])
    let model = try #require(state["model"] as? [String: Any])
    #expect(model["width"] as? Int == 32 && model["blocks"] as? Int == 1)
    #expect((state["quantization"] as? [String: Any])?["binarization"] as? String == "dynamic")
    #expect((state["training"] as? [String: Any])?["batchSize"] as? Int == 256)
    #expect(try place.fail("train images --preset nothing", 64).contains("pixelcnn-mnist"))
    #expect(try place.fail("train --resume --output run --preset pixelcnn-mnist", 64).contains("--resume"))
  }
}
