// How long the tests with random damage run, and what they cost: a moment in `make test`, hundreds of thousands of
// rounds in `make torture-files`.
import Core
import Foundation

/// The long version of the tests, asked for by the environment variable SCANLINE_TORTURE. SCANLINE_SEED takes the place
/// of the usual seed, so that each long run can try other damage.
package enum Torture {
  /// Whether the long version runs.
  package static let isOn = ProcessInfo.processInfo.environment["SCANLINE_TORTURE"] != nil
  /// The seed of all damage.
  package static let seed = ProcessInfo.processInfo.environment["SCANLINE_SEED"].flatMap(UInt64.init) ?? 8

  /// How many rounds to run.
  package static func rounds(_ short: Int, long: Int) -> Int { isOn ? long : short }

  /// Says what a long run did; a short one is silent.
  package static func report(_ line: @autoclosure () -> String) {
    if isOn { print("torture, seed \(seed): \(line())") }
  }
}

/// Damage to bytes, the same for the same seed and round.
package struct Mutator {
  private let random: Philox
  private var next: UInt64 = 0

  /// The damage of one round.
  package init(seed: UInt64 = Torture.seed, round: Int) {
    random = Philox(seed: seed, purpose: .test, stream: UInt64(round))
  }

  /// A number in 0..<`bound`.
  package mutating func below(_ bound: Int) -> Int {
    defer { next += 1 }
    return random.below(bound, at: next)
  }

  /// `bytes` with one to four changes: bits flipped, bytes replaced, runs removed, doubled or overwritten from another
  /// place, and `tokens` (words that mean something to the reader) put in. Three in four begin before `header`.
  package mutating func damaged(_ bytes: [UInt8], header: Int, tokens: [[UInt8]]) -> [UInt8] {
    var result = bytes
    for _ in 0...below(4) where !result.isEmpty {
      let place = below(below(4) == 0 ? result.count : max(1, min(header, result.count)))
      let run = place..<min(result.count, place + 1 + below(8))
      switch below(8) {
      case 0, 1: result[place] ^= 1 << UInt8(below(8))
      case 2: result[place] = UInt8(below(256))
      case 3: result.removeSubrange(run)
      case 4: result.insert(contentsOf: Array(result[run]), at: below(result.count))
      case 5: for i in run { result[i] = result[below(result.count)] }
      case 6: result.insert(contentsOf: tokens[below(tokens.count)], at: place)
      default:
        let token = tokens[below(tokens.count)]
        result.replaceSubrange(place..<min(result.count, place + token.count), with: token)
      }
    }
    return result
  }
}

/// The most memory that this process has held at once. Meant for tests that run alone (`--no-parallel`): others' memory
/// counts too.
package enum PeakMemory {
  /// Forgets earlier peaks. Does nothing where the system has no such call.
  package static func reset() {
    try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
  }

  /// Bytes since the last reset; 0 where the system does not say.
  package static var bytes: Int {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
  }
}

/// Seconds that the processor spends on `body`, on this thread: other tests, and whatever else the machine does, do not
/// count.
package func processorSeconds(_ body: () throws -> Void) rethrows -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
  let start = now()
  try body()
  return now() - start
}
