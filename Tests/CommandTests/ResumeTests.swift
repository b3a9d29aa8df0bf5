// Going on with a run: what is written, which learning rate it goes on with, and which options stay.
import Foundation
import Testing

@Suite struct ResumeTests {
  private let place: Workplace
  private let options = "--width 4 --blocks 1 --levels 2 --batch 9 --threads 1"

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 30 --side 8 --seed 3")
  }

  /// Every file of a run, the lock apart.
  private func files(_ run: String) throws -> [String: [UInt8]] {
    let folder = place.path + "/" + run
    var files: [String: [UInt8]] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where name != ".lock" {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder)
      files[name] = isFolder.boolValue ? [] : try place.read(run + "/" + name)
    }
    return files
  }

  private struct Metrics: Decodable, Equatable {
    struct Training: Decodable, Equatable { var steps: Int, natsPerImage: Double, learningRate: Double }
    var step: Int, epoch: Int
    var training: Training?
  }

  private func metrics(_ run: String) throws -> [Metrics] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try String(decoding: place.read("\(run)/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
      .map { try decoder.decode(Metrics.self, from: Data($0.utf8)) }
  }

  /// The learning rate of each step, of a run that records every one.
  private func rates(_ run: String) throws -> [Double] { try metrics(run).compactMap { $0.training?.learningRate } }

  // MARK: A run that is finished

  @Test(arguments: ["--steps 12", "--epochs 2", "--minutes 0.005", "--steps 12 --valid-share 0"])
  func aFinishedRunIsLeftAlone(length: String) throws {
    _ = try place.succeed("train images \(options) \(length) --metrics-every 5 --plots --output run")
    let before = try files("run")
    for command in ["train --resume --output run", "train images --resume --output run --threads 2"] {
      let told = try place.shell("\"$SCANLINE\" \(command)")
      #expect(told.status == 0, "\(told.messages)")
      #expect(try files("run") == before, "\(told.messages)")
      #expect(told.messages.contains("finished") && told.messages.contains("--steps"), "\(told.messages)")
      #expect(!told.messages.contains("all held-out images"))
    }
    // Its images are not needed for that.
    try FileManager.default.moveItem(atPath: place.path + "/images", toPath: place.path + "/moved")
    #expect(try place.succeed("train --resume --output run").output.contains("steps "))
    #expect(try files("run") == before)
  }

  /// An evaluation of a resumed run belongs to the epoch of its step.
  @Test func theEpochIsTheRuns() throws {
    _ = try place.succeed("train images \(options) --steps 12 --output run")
    try FileManager.default.removeItem(atPath: place.path + "/run/metrics.jsonl")
    _ = try place.succeed("train --resume --output run")
    // Three steps an epoch.
    #expect(try metrics("run").map(\.epoch) == [4])
  }

  // MARK: A run that goes on for longer

  /// The cosine stays at the rate of its last step, however often the run is made longer.
  @Test func theTailStays() throws {
    _ = try place.succeed("train images \(options) --steps 20 --metrics-every 1 --output run")
    let planned = try rates("run")
    #expect(planned.count == 20 && planned[19] < planned[10] / 10)
    let told = try place.succeed("train --resume --output run --steps 30")
    #expect(told.messages.contains("--schedule"), "\(told.messages)")
    _ = try place.succeed("train --resume --output run --epochs 13")
    let rates = try self.rates("run")
    #expect(rates.count == 39 && Array(rates.prefix(20)) == planned)
    #expect(rates.dropFirst(20).allSatisfy { $0 == planned[19] }, "\(rates)")
  }

  /// `--schedule` beside the new length begins it again over the steps still to come.
  @Test func aScheduleThatIsGivenBeginsAgain() throws {
    _ = try place.succeed("train images \(options) --steps 20 --metrics-every 1 --output run")
    let told = try place.succeed("train --resume --output run --steps 60 --schedule cosine")
    #expect(told.messages.contains("begins again"), "\(told.messages)")
    var rates = try Array(rates("run").dropFirst(20))
    // The warm-up is a tenth of 40 steps.
    #expect(rates.count == 40 && rates[3] > 0.0019 && abs(rates[0] - 0.0005) < 1e-5 && rates[39] < 1e-4)
    #expect(zip(rates.dropFirst(3), rates.dropFirst(4)).allSatisfy { $0 > $1 })
    let configuration = String(decoding: try place.read("run/config.toml"), as: UTF8.self)
    #expect(configuration.contains("began again at step 20") && !configuration.contains("ends with the same weights"))
    // It is the run's from then on.
    _ = try place.succeed("train --resume --output run --steps 65")
    rates = try Array(self.rates("run").dropFirst(20))
    #expect(rates.count == 45 && rates.dropFirst(40).allSatisfy { $0 == rates[39] })
    _ = try place.succeed("train --resume --output run --steps 70 --schedule constant")
    #expect(try self.rates("run").suffix(5).allSatisfy { abs($0 - 0.002) < 1e-9 })
    #expect(try place.fail("train --resume --output run --schedule cosine", 64).contains("--schedule"))
  }

  /// Made longer or shorter before its end, a run keeps to the schedule that was planned.
  @Test func aShorterLengthCutsTheScheduleOff() throws {
    _ = try place.succeed("train images \(options) --steps 60 --metrics-every 1 --output whole")
    let train = "train images \(options) --steps 60 --metrics-every 1 --evaluate-every 20 --keep 5"
    _ = try place.succeed("\(train) --output run")
    for step in [40, 60] {
      try FileManager.default.removeItem(atPath: place.path + "/run/step-000000\(step)")
    }
    _ = try place.succeed("train --resume --output run --steps 50")
    #expect(try rates("run") == Array(rates("whole").prefix(50)))
    _ = try place.succeed("train --resume --output run --steps 70")
    let rates = try rates("run")
    #expect(try Array(rates.prefix(60)) == self.rates("whole"))
    #expect(rates.dropFirst(60).allSatisfy { $0 == rates[59] })
  }

  // MARK: Records

  /// A record's mean is over as many steps as if nothing had happened.
  @Test func aWindowGoesOn() throws {
    let constant = "--schedule constant --warmup 0 --metrics-every 7"
    _ = try place.succeed("train images \(options) \(constant) --steps 30 --output whole")
    _ = try place.succeed("train images \(options) \(constant) --steps 10 --output run")
    _ = try place.succeed("train --resume --output run --steps 12")
    _ = try place.succeed("train --resume --output run --steps 30")
    let records = try metrics("run").filter { $0.training != nil }
    #expect(try records == metrics("whole").filter { $0.training != nil })
    #expect(records.map { $0.training?.steps } == [7, 7, 7, 7])
  }

  // MARK: Options

  /// What was asked not to be written is not written later, unless it is asked for anew.
  @Test func optionsStayGiven() throws {
    let train = "\"$SCANLINE\" train"
    func listed() -> [String] { place.names("run").filter { $0.contains("tfevents") || $0 == "plots" } }
    func run(_ arguments: String) throws -> Workplace.Result {
      let told = try place.shell("\(train) \(arguments)")
      #expect(told.status == 0, "\(told.messages)")
      return told
    }
    let first = try run(
      "images \(options) --steps 5 --gradients-every 2 --no-plots --no-tensorboard --watch-gradients --output run")
    #expect(first.messages.contains("gradient flow at step") && listed() == [])
    let second = try run("--resume --output run --steps 10")
    #expect(second.messages.contains("gradient flow at step") && listed() == [])
    let third = try run("--resume --output run --steps 12 --plots --tensorboard --no-watch-gradients")
    #expect(!third.messages.contains("gradient flow at step") && listed().count == 2)
    try FileManager.default.removeItem(atPath: place.path + "/run/plots")
    _ = try run("--resume --output run --steps 15")
    #expect(listed().count == 3)
  }
}
