// The learning rate of short runs: the warm-up is part of them, not all of them.
import Foundation
import Testing

@Suite struct WarmUpTests {
  private let place: Workplace
  private let options = "--width 4 --blocks 1 --levels 2 --threads 1"

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 120 --side 8 --seed 3")
  }

  private func rates(_ run: String) throws -> [Double] {
    try String(decoding: place.read("\(run)/metrics.jsonl"), as: UTF8.self).split(separator: "\n").compactMap {
      let line = try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      return (line?["training"] as? [String: Any])?["learning_rate"] as? Double
    }
  }

  @Test(arguments: [(5, 0), (20, 2), (300, 30)]) func aTenthOfTheRunAtMost(steps: Int, warmUp: Int) throws {
    let train = "train images \(options) --schedule constant --metrics-every 1 --steps \(steps) --output run"
    let told = try place.succeed(train)
    #expect(!told.messages.contains("--warmup"), "\(told.messages)")
    let rates = try rates("run")
    #expect(rates.count == steps)
    for (step, rate) in rates.enumerated() {
      let factor = step < warmUp ? Double(step + 1) / Double(warmUp) : 1
      #expect(abs(rate - 0.002 * factor) < 1e-8, "step \(step)")
    }
    #expect(String(decoding: try place.read("run/config.toml"), as: UTF8.self).contains("\nwarmup = \(warmUp)\n"))
  }

  /// One that is given stays, and is warned of.
  @Test func aLongerOneIsWarnedOf() throws {
    let train = "train images \(options) --schedule constant --warmup 100 --metrics-every 1 --steps 20 --output run"
    #expect(try place.succeed(train + " --dry-run").messages.contains("warning: --warmup 100"))
    let told = try place.succeed(train)
    #expect(told.messages.contains("warning: --warmup 100"), "\(told.messages)")
    let last = try #require(try rates("run").last)
    #expect(abs(last - 0.002 * 0.2) < 1e-8)
    let short = try place.succeed("\(train)2".replacing("--warmup 100", with: "--warmup 2"))
    #expect(!short.messages.contains("--warmup"))
    let minutes = "train images \(options) --warmup 1000000 --minutes 0.02"
    #expect(try place.succeed("\(minutes) --dry-run").messages.contains("warning: --warmup 1000000"))
    #expect(try place.succeed("\(minutes) --output clock").messages.contains("warning: --warmup 1000000"))
  }

  /// By the clock too.
  @Test func aTenthOfTheTimeAtMost() throws {
    let train = "train images --width 16 --blocks 4 --levels 2 --threads 1 --metrics-every 1"
    _ = try place.succeed("\(train) --minutes 0.01 --output run")
    let rates = try rates("run")
    let full = rates.firstIndex { $0 > 0.0019 } ?? rates.count
    #expect(full <= rates.count / 5 + 1, "\(rates)")
  }

  /// Ten epochs of a tiny folder are ten steps: the default is longer.
  @Test func theDefaultLengthHasSteps() throws {
    let told = try place.succeed("train images \(options) --dry-run")
    let steps = told.lines.first { $0.hasPrefix("steps ") }.flatMap { Int($0.dropFirst(20)) }
    #expect(steps ?? 0 >= 200, "\(told.output)")
    let given = try place.succeed("train images \(options) --epochs 10 --dry-run")
    #expect(given.output.contains("steps               10\n"))
  }

  /// All defaults on a handful of images: better than to know nothing.
  @Test func theDefaultsLearn() throws {
    _ = try place.succeed("draw few --count 10 --side 8 --seed 5")
    _ = try place.succeed("train few --levels 4 --blocks 3 --output run")
    let told = try place.succeed("compare run few --split valid --json").json()
    let rows = try #require(told["rows"] as? [[String: Any]])
    func nats(_ name: String) throws -> Double {
      try #require(rows.first { $0["name"] as? String == name }?["nats_per_image"] as? Double)
    }
    #expect(try nats("run") < nats("uniform"))
  }
}
