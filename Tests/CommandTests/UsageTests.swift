// Numbers that make no sense are refused before any work, by every command.
import Foundation
import Testing

@Suite struct UsageTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  /// Every numeric option, with what else its command needs to be understood.
  static let options: [(command: String, options: [String])] = [
    (
      "train images",
      [
        "--threads", "--width", "--blocks", "--mixtures", "--directions", "--skip", "--steps", "--epochs", "--minutes",
        "--batch",
        "--learning-rate", "--warmup", "--decay", "--clip", "--ema", "--evaluate-every", "--evaluation-images",
        "--gradients-every", "--keep", "--seed", "--levels", "--channels", "--valid-share", "--split-seed",
      ]
    ),
    ("sample run", ["--count", "--columns", "--progress-frames", "--seed", "--temperature", "--top-p", "--threads"]),
    ("complete run images --keep-rows 1", ["--completions", "--count", "--seed", "--temperature", "--threads"]),
    ("complete run images", ["--keep-rows"]),
    ("evaluate run images", ["--worst", "--threads"]),
    ("compare run images", ["--seed", "--binarization-seed", "--threads"]),
    ("neighbours samples images", ["--nearest", "--count", "--threads", "--levels"]),
    ("gradients run --jacobian", ["--count", "--steps", "--threads"]),
    ("inspect images", ["--threads", "--channels", "--valid-share"]),
    ("describe", ["--width", "--blocks", "--levels", "--mixtures", "--directions"]),
    ("theory", ["--depth"]),
    ("import file --output new --blocks 1", ["--width", "--levels"]),
    ("import file --output new --width 4", ["--blocks"]),
    ("draw new", ["--count", "--side", "--seed", "--threads"]),
  ]

  /// Not numbers of any kind, or of no kind that an option could mean.
  @Test func whatIsNoNumberIs64() throws {
    for (command, options) in Self.options {
      // All options of a command in turn, each with one of the values: together every pair is met by the long version.
      for (index, option) in options.enumerated() {
        let value = ["nan", "-1", "x", "-inf", "1e"][index % 5]
        let result = try place.run("\(command) \(option)=\(value)")
        #expect(result.status == 64 && result.output == "", "\(command) \(option)=\(value): \(result.messages)")
      }
    }
    #expect(place.names(".").isEmpty, "a wrong request leaves nothing behind")
  }

  /// Beyond every bound: refused, or (seeds, intervals) taken and then stopped by the images that are not there.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["SCANLINE_TORTURE"] != nil))
  func noNumberCrashesACommand() throws {
    var tried = 0
    for (command, options) in Self.options {
      for option in options {
        for value in [
          "0", "-0", "-1", "1e-320", "1e400", "inf", "-inf", "nan", "9223372036854775807", "9223372036854775808",
          "-9223372036854775808", "18446744073709551615", "4096", "1000000000", "0x10", "", " 7", "½",
        ] {
          // An empty value cannot be split at spaces.
          let words = command.split(separator: " ").map(String.init) + ["\(option)=\(value)"]
          let result = try place.start(words).finish()
          tried += 1
          // `describe` and `theory` need no files, and some of these numbers are good ones to them.
          let isGood = command == "describe" || command == "theory" || command.hasPrefix("draw")
          #expect(
            [64, 65, 74].contains(result.status) || (isGood && result.status == 0), "\(words): \(result.messages)")
          try? FileManager.default.removeItem(atPath: place.path + "/new")
        }
      }
    }
    print("numbers of every option: tried \(tried)")
  }

  @Test(arguments: [
    ("train images --clip inf", "--clip"), ("train images --threads 1025", "1 to 1024"),
    ("train images --threads 9223372036854775807", "1 to 1024"),
    ("train images --width 4096 --blocks 1000", "at most 2²⁸ weights"),
    ("describe --width 4096 --blocks 1000", "at most 2²⁸ weights"),
    ("draw new --count 9223372036854775807", "1 to 1000000"), ("train images --dry-run --resume", "--dry-run"),
  ])
  func whatIsBeyondMeasureIs64(arguments: String, named: String) throws {
    #expect(try place.fail(arguments, 64).contains(named))
    #expect(place.names(".").isEmpty)
  }

  /// The name that was probably meant.
  @Test(arguments: [
    ("train images --preset pixelcnn-mnst", "(nearest: pixelcnn-mnist)"), ("train images --widht 8", "--width"),
    ("trian images", "train"), ("train images --model pixelcn", "pixelcnn"),
    ("train images --schedule cosin", "cosine"), ("train images --binarize dinamic --levels 2", "dynamic"),
    ("theory --statement sigmoid-chian", "sigmoid-chain"),
  ])
  func theNearestNameIsSaid(arguments: String, meant: String) throws {
    let message = try place.fail(arguments, 64)
    #expect(message.contains(meant), "\(message)")
  }

  @Test func theNearestClassIsSaid() throws {
    _ = try place.succeed("draw images --count 40 --side 8")
    _ = try place.succeed(
      "train images --width 2 --blocks 0 --levels 2 --class-conditional --steps 1 --batch 8 --output run")
    #expect(try place.fail("sample run --class rign --output a.png", 64).contains("rign (nearest: ring)"))
    let far = try place.fail("sample run --class photograph --output a.png", 64)
    #expect(far.contains("photograph") && !far.contains("nearest"))
  }
}
