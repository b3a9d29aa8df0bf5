// Who was trained on what: no score of images that a model was trained on passes for a held-out one, by the command.
import Core
import Foundation
import ImageData
import Kernels
import Testing
import Training

@Suite struct HeldOutTests {
  private let place: Workplace
  private let model = "--width 4 --blocks 0 --levels 4 --batch 12 --steps 1 --gradients-every 0"

  init() throws {
    place = try Workplace()
    // All different, so that every count is exact.
    for number in 0..<40 { try place.write(noise(number).encoded(), to: "images/\(number).png") }
  }

  private func noise(_ number: Int, side: Int = 6) -> PNGImage {
    let random = Philox(seed: 3, purpose: .test, stream: UInt64(number))
    return PNGImage(
      shape: ImageShape(height: side, width: side, channels: 1),
      values: (0..<side * side).map { UInt8(random.below(256, at: UInt64($0))) })
  }

  private func train(_ options: String, _ run: String) throws {
    _ = try place.succeed("train images \(model) \(options) --output \(run)")
  }

  private func heldOut(seed: UInt64, share: Double = 0.5) throws -> Set<String> {
    Set(
      try ImageFolder(scanning: place.path + "/images", heldOutShare: share, seed: seed).entries(in: .valid)
        .map(\.relativePath))
  }

  // MARK: - evaluate

  @Test func evaluateCountsWhatWasTrainedOn() throws {
    try train("--valid-share 0.5 --split-seed 1", "run")
    let trained = try 40 - heldOut(seed: 1).count
    let all = try place.succeed("evaluate run images --json").json()
    #expect(all["trained_on"] as? Int == trained && all["images"] as? Int == 40)
    #expect(try place.succeed("evaluate run images").output.contains("trained on          \(trained) of 40 images\n"))
    #expect(try place.succeed("evaluate run images --split train --json").json()["trained_on"] as? Int == trained)
    let valid = try place.succeed("evaluate run images --split valid --json").json()
    #expect(valid["trained_on"] as? Int == 0 && valid["images"] as? Int == 40 - trained)
    // Under other names, in another place, stored otherwise: the pixels are what counts.
    for number in 0..<40 {
      try place.write(noise(number).encoded(text: ["a": "b"], filter: .adaptive), to: "moved/to/\(39 - number)x.png")
    }
    let moved = try place.succeed("evaluate run moved --json")
    #expect(try moved.json()["trained_on"] as? Int == trained)
    #expect(moved.messages.contains("trained on \(trained) of the 40 images"), "\(moved.messages)")
    // Renamed, so that the seeded hash holds out others: those it was trained on are no held-out images.
    let renamed = try place.succeed("evaluate run moved --split valid --json")
    let report = try renamed.json()
    #expect(report["trained_on"] as? Int == 0 && report["left_out"] as? Int ?? 0 > 0)
    #expect(renamed.messages.contains("left out"), "\(renamed.messages)")
    // Other images.
    for number in 100..<105 { try place.write(noise(number).encoded(), to: "other/\(number).png") }
    let other = try place.succeed("evaluate run other --json")
    #expect(try other.json()["trained_on"] as? Int == 0 && other.messages == "")
  }

  @Test func anotherSplitScoresWhatBothHoldOut() throws {
    try train("--valid-share 0.5 --split-seed 1", "run")
    let both = try heldOut(seed: 1).intersection(heldOut(seed: 7))
    let asked = try heldOut(seed: 7)
    let said = try place.succeed("evaluate run images --split valid --split-seed 7 --json")
    let report = try said.json()
    #expect(report["images"] as? Int == both.count && report["trained_on"] as? Int == 0, "\(report)")
    #expect(report["left_out"] as? Int == asked.count - both.count)
    #expect(said.messages.contains("\(asked.count - both.count) of the \(asked.count) images"), "\(said.messages)")
    // Nothing that it was not trained on.
    try train("--valid-share 0", "all")
    let none = try place.fail("evaluate all images --split valid --valid-share 0.2", 65)
    #expect(none.contains("trained on"), "\(none)")
  }

  /// Pixels that are read otherwise cannot be told from others.
  @Test func otherPixelsAreNotKnown() throws {
    try train("--valid-share 0.5", "run")
    let said = try place.succeed("evaluate run images --resize 5x5 --json")
    #expect(try said.json()["trained_on"] is NSNull)
    #expect(try place.succeed("evaluate run images --resize 5x5").output.contains("trained on          not known"))
    // The run's own split is what it was; another one may hold images that it was trained on.
    _ = try place.succeed("evaluate run images --resize 5x5 --split valid")
    let refused = try place.fail("evaluate run images --resize 5x5 --split valid --split-seed 7", 65)
    #expect(refused.contains("--split-seed"), "\(refused)")
  }

  // MARK: - compare

  @Test func compareScoresWhatAllHoldOut() throws {
    try train("--valid-share 0.5 --split-seed 1", "a")
    try train("--valid-share 0.4 --split-seed 2", "b")
    let (a, b) = try (heldOut(seed: 1), heldOut(seed: 2, share: 0.4))
    let both = a.intersection(b)
    let said = try place.succeed("compare a b images --no-baselines --csv scores.csv --json")
    let report = try said.json()
    #expect(report["images"] as? Int == both.count && report["left_out"] as? Int == a.count - both.count)
    let lines = String(decoding: try place.read("scores.csv"), as: UTF8.self).split(separator: "\n").dropFirst()
    #expect(Set(lines.map { $0.split(separator: ",")[0].dropFirst("images/".count) }.map(String.init)) == both)
    let words = try place.succeed("compare a b images --no-baselines").output
    #expect(words.contains("\(a.count - both.count) of \(a.count) images are left out: b was trained on"), "\(words)")
    // A split of neither: what nobody was trained on.
    let third = try heldOut(seed: 3, share: 0.6)
    let asked = try place.succeed(
      "compare a b images --no-baselines --valid-share 0.6 --split-seed 3 --json"
    ).json()
    #expect(asked["images"] as? Int == third.intersection(both).count)
    // Asked for by name, images of training are scored, and counted.
    let trained = try place.succeed("compare a b images --no-baselines --split train --json").json()
    let rows = try #require(trained["rows"] as? [[String: Any]])
    #expect(trained["images"] as? Int == 40 - a.count && trained["left_out"] as? Int == 0)
    #expect(rows.first { $0["name"] as? String == "a" }?["trained_on"] as? Int == 40 - a.count)
    #expect(
      rows.first { $0["name"] as? String == "b" }?["trained_on"] as? Int
        == Set((0..<40).map { "\($0).png" }).subtracting(a).subtracting(b).count)
    // Nobody holds anything out.
    try train("--valid-share 0", "all")
    let none = try place.fail("compare a all images", 65)
    #expect(none.contains("none of the models was trained on"), "\(none)")
  }

  /// A test folder is no refuge for images of training.
  @Test func testImagesThatOneWasTrainedOn() throws {
    for number in 0..<20 { try place.write(noise(number).encoded(), to: "parts/train/\(number).png") }
    for number in 20..<32 { try place.write(noise(number).encoded(), to: "parts/test/\(number).png") }
    _ = try place.succeed("train parts \(model) --output honest")
    try train("--valid-share 0.5 --split-seed 1", "cheat")
    let seen = try Set((20..<32).map { "\($0).png" }).subtracting(heldOut(seed: 1)).count
    let report = try place.succeed("compare honest cheat parts --no-baselines --json").json()
    #expect(report["images"] as? Int == 12 - seen && report["left_out"] as? Int == seen && seen > 0)
  }

  /// Neither training nor the report on it looks at a test folder, held-out images or none.
  @Test(arguments: [0, 0.3]) func trainingLeavesTheTestFolderAlone(share: Double) throws {
    for number in 0..<20 { try place.write(noise(number).encoded(), to: "parts/train/\(number).png") }
    for number in 20..<32 { try place.write(noise(number).encoded(), to: "parts/test/\(number).png") }
    let heldOut = try ImageFolder(scanning: place.path + "/parts", heldOutShare: share, seed: 0).entries(in: .valid)
      .count
    #expect((heldOut == 0) == (share == 0) && heldOut != 12)
    let said = try place.succeed("train parts \(model) --valid-share \(share) --metrics-every 1 --output run")
    #expect(said.messages.contains(", \(heldOut) held out;"), "\(said.messages)")
    let state = try Checkpoint.load(place.path + "/run/step-00000001").state
    #expect((state.best == nil) == (heldOut == 0))
    let metrics = String(decoding: try place.read("run/metrics.jsonl"), as: UTF8.self)
    #expect(metrics.contains("held_out") == (heldOut > 0), "\(metrics)")

    let report = try place.succeed("report run --json --output r.html").json()
    let told = try #require((report["runs"] as? [[String: Any]])?.first)
    #expect(told["images"] as? Int == (heldOut > 0 ? heldOut : nil), "\(told)")
    let page = String(decoding: try place.read("r.html"), as: UTF8.self)
    #expect(page.contains("expected held-out images, found none") == (heldOut == 0))

    // Who scores the finished model may, and is told.
    #expect(try place.succeed("evaluate run parts").output.contains("images              12, split test\n"))
    #expect(try place.succeed("evaluate run parts --json").json()["split"] as? String == "test")
    #expect(try place.succeed("evaluate run parts --split test --json").json()["images"] as? Int == 12)
    #expect(try place.succeed("evaluate run images --json").json()["split"] is NSNull)
  }

  // MARK: - Duplicates

  @Test func duplicatesAreCounted() throws {
    for number in 0..<20 { try place.write(noise(number).encoded(), to: "parts/train/\(number).png") }
    for number in [3, 5, 50, 51] {
      try place.write(noise(number).encoded(text: ["a": "b"]), to: "parts/valid/v\(number).png")
    }
    for number in [5, 51, 60] { try place.write(noise(number).encoded(), to: "parts/test/t\(number).png") }
    let trained = try place.succeed("train parts \(model) --output run")
    #expect(
      trained.messages.contains("2 of the 4 held-out images are training images too, pixel by pixel"),
      "\(trained.messages)")
    #expect(trained.messages.contains("parts/valid/v3.png is parts/train/3.png"), "\(trained.messages)")
    let found = try #require(
      try JSONSerialization.jsonObject(with: Data(place.succeed("inspect parts --json").output.utf8)) as? [String: Any])
    let duplicates = try #require(found["duplicates"] as? [String: Any])
    #expect(duplicates["train_valid"] as? Int == 2 && duplicates["train_test"] as? Int == 1)
    #expect(duplicates["valid_test"] as? Int == 2)
    let words = try place.succeed("inspect parts").output
    #expect(words.contains("2 images of valid are in train too"), "\(words)")
    // What is left of the held-out images is what both commands score.
    let report = try place.succeed("evaluate run parts --split valid --json").json()
    #expect(report["images"] as? Int == 2 && report["left_out"] as? Int == 2)
    #expect(try place.succeed("compare run parts --split valid --no-baselines --json").json()["images"] as? Int == 2)
    // Where there are none, nothing is said.
    try place.write(noise(7).encoded(), to: "one/train/a.png")
    try place.write(noise(8).encoded(), to: "one/valid/b.png")
    let none = try place.succeed("inspect one").output
    #expect(!none.contains("in train too"), "\(none)")
  }

  /// Equal after loading as training loads them: two drawings of one image at two sizes.
  @Test func duplicatesAreThoseOfThePixelsThatAreRead() throws {
    func flat(_ side: Int, _ value: UInt8) -> PNGImage {
      PNGImage(
        shape: ImageShape(height: side, width: side, channels: 1),
        values: [UInt8](repeating: value, count: side * side))
    }
    for (number, side) in [8, 8, 16].enumerated() {
      try place.write(flat(side, UInt8(40 * number)).encoded(), to: "flat/train/\(number).png")
    }
    try place.write(flat(16, 40).encoded(), to: "flat/valid/a.png")
    try place.write(flat(8, 81).encoded(), to: "flat/valid/b.png")
    let found = try #require(
      try JSONSerialization.jsonObject(
        with: Data(place.succeed("inspect flat --resize 8x8 --json").output.utf8)) as? [String: Any])
    #expect((found["duplicates"] as? [String: Any])?["train_valid"] as? Int == 1)
    let trained = try place.succeed("train flat \(model) --resize 8x8 --output run")
    #expect(trained.messages.contains("1 of the 2 held-out images is a training image too"), "\(trained.messages)")
  }

  // MARK: - Checkpoints

  /// Copies, means and exports know what the run was trained on; a checkpoint of an older version says that it does not.
  @Test func whatIsKnownGoesWithTheWeights() throws {
    try train("--steps 4 --valid-share 0.5 --split-seed 1 --evaluate-every 2 --keep 5", "run")
    let trained = try 40 - heldOut(seed: 1).count
    _ = try place.succeed("checkpoints average run --last 2 --output mean")
    _ = try place.succeed("checkpoints export run --output single")
    try FileManager.default.copyItem(atPath: place.path + "/run/step-00000002", toPath: place.path + "/copy")
    for checkpoint in ["mean", "single", "copy", "run/step-00000004"] {
      let report = try place.succeed("evaluate \(checkpoint) images --json").json()
      #expect(report["trained_on"] as? Int == trained, "\(checkpoint)")
    }
    // Weights without a run.
    _ = try place.succeed(
      "import run/step-00000004/model.safetensors --width 4 --blocks 0 --levels 4 --size 6x6 --output imported")
    let imported = try place.succeed("evaluate imported images")
    #expect(imported.output.contains("trained on          not known"), "\(imported.output)")
    #expect(try place.succeed("evaluate imported images --json").json()["trained_on"] is NSNull)
  }

  /// A checkpoint of an earlier version does not know, and says so; a run that goes on from it learns it.
  @Test func earlierVersionsDoNotKnow() throws {
    try train("--valid-share 0.5 --split-seed 1", "run")
    var (state, adam) = try Checkpoint.load(place.path + "/run/step-00000001")
    state.data?.trainedImages = nil
    try FileManager.default.createDirectory(atPath: place.path + "/old", withIntermediateDirectories: true)
    try Checkpoint.save(adam, state: state, to: place.path + "/old/step-00000001")
    let all = try place.succeed("evaluate old images")
    #expect(all.output.contains("trained on          not known: an earlier version"), "\(all.output)")
    #expect(all.messages.contains("--split valid leaves them out"))
    let own = try place.succeed("evaluate old images --split valid --json").json()
    #expect(try own["trained_on"] is NSNull && own["images"] as? Int == heldOut(seed: 1).count)
    #expect(try place.fail("evaluate old images --split valid --split-seed 7", 65).contains("--split-seed 1"))
    let words = try place.succeed("compare old run images --no-baselines").output
    #expect(words.contains("It is not known which images old was trained on"), "\(words)")
    #expect(try place.fail("compare run old images --split-seed 7", 65).contains("--split-seed 1"))
    try train("--valid-share 0.5 --split-seed 2", "other")
    _ = try place.fail("compare other old images", 65)
    _ = try place.succeed("train --resume --output old --steps 2")
    #expect(
      try place.succeed("evaluate old/step-00000002 images --json").json()["trained_on"] as? Int
        == 40 - heldOut(seed: 1).count)
  }

  /// A report scores what a run was not trained on, and says what it left out.
  @Test func reportsLeaveTrainingImagesOut() throws {
    try train("--valid-share 0.5 --split-seed 1", "run")
    let asked = try heldOut(seed: 7)
    let both = try heldOut(seed: 1).intersection(asked)
    let report = try place.succeed("report run --valid-share 0.5 --split-seed 7 --completions 0 --json --output r.html")
    let runs = try #require(try report.json()["runs"] as? [[String: Any]])
    #expect(runs[0]["images"] as? Int == both.count)
    let page = String(decoding: try place.read("r.html"), as: UTF8.self)
    #expect(page.contains("\(asked.count - both.count) of \(asked.count) images are left out: run was trained on"))
  }
}
