// config.toml: what a run was asked for, every option that decides its result, so that it can be asked for again.
import Core
import ImageData
import Training

/// The configuration of a run as TOML that `scanline train --config` reads.
struct RunConfiguration {
  static let fileName = "config.toml"
  /// How a remark on a length that was changed later begins.
  private static let remark = "# At step "

  private let state: RunState
  private let options: TrainingOptions
  private let evaluationInterval: Int

  init(_ state: RunState, evaluationInterval: Int) {
    self.state = state
    options = state.training ?? TrainingOptions()
    self.evaluationInterval = evaluationInterval
  }

  /// Whether the file at `path` is one that a run wrote.
  static func isOurs(_ path: String) -> Bool {
    ((try? DurableFiles.contents(of: path)) ?? []).starts(with: OwnOutput.configurationMark.utf8)
  }

  /// Writes the file into the folder `run`, whole or not at all, with remarks that it had on earlier changes of length
  /// and, where it had a `formerLength`, one more. Throws `io` and `cannotCreate`.
  func write(to run: String, formerLength: TrainingOptions.Length?) throws {
    let path = run + "/" + Self.fileName
    let before = String(decoding: (try? DurableFiles.contents(of: path)) ?? [], as: UTF8.self)
    var remarks = before.split(separator: "\n").map(String.init).filter { line in
      guard line.hasPrefix(Self.remark) else { return false }
      // One of a change that was lost with the steps after it.
      return Int(line.dropFirst(Self.remark.count).prefix { $0.isNumber }).map { $0 < state.step } ?? false
    }
    if let formerLength, formerLength != options.length {
      remarks.append(
        "\(Self.remark)\(state.step) the length was changed from \(Self.line(formerLength.option)) to "
          + "\(Self.line(options.length.option)).")
    }
    let text = ([head] + remarks + [repetition(wasChanged: !remarks.isEmpty), body]).joined(separator: "\n") + "\n"
    guard text != before else { return }
    try DurableFiles.replace(path, with: [UInt8](text.utf8))
  }

  // MARK: The text

  private var head: String {
    var lines = [
      OwnOutput.configurationMark,
      "# Written by scanline \(Scanline.configuration.version). The same run again, in another folder:",
      "#   scanline train --config config.toml --output NEW",
      "# Paths are as they were given: relative to the folder that train was called in.",
    ]
    if let data = state.data {
      lines.append(
        "# Images: \(data.trainImages) to train on, fingerprint \(Checksum.hexadecimal(data.trainFingerprint)); "
          + "\(data.validImages) held out"
          + (data.validFingerprint.map { ", \(Checksum.hexadecimal($0))" } ?? "") + ".")
    }
    return lines.joined(separator: "\n")
  }

  /// What is the same when the run is repeated; `wasChanged` where its length was, on the way.
  private func repetition(wasChanged: Bool) -> String {
    let followsLength = options.schedule.course == .cosine
    if let plan = options.plan, plan.firstStep > 0 {
      return """
        # The schedule began again at step \(plan.firstStep), with another length: a run of this configuration from the
        # beginning has other learning rates, and other weights.
        """
    }
    if case .minutes = options.length {
      guard followsLength else {
        return """
          # The clock decided how long this run was, and nothing else: with `steps = N` in place of minutes, N the number
          # of its last checkpoint (step-N), it ends with the same weights, bit for bit.
          """
      }
      return """
        # The clock decided how long this run was and, by the cosine schedule, every learning rate: no other run has its
        # weights bit for bit. One that is to be repeated wants steps or epochs, or the constant or exponential schedule.
        """
    }
    if wasChanged && followsLength {
      return """
        # The cosine schedule follows the length, which was changed on the way: a run of this configuration from the
        # beginning has other learning rates, and other weights.
        """
    }
    return "# With the same images it ends with the same weights, bit for bit, on any number of threads."
  }

  private var body: String {
    let folder = Self.line(("folder", state.data?.folder ?? ""))
    return state.options(evaluationInterval: evaluationInterval).map { table, options in
      "\n" + (table.map { "[\($0)]" } ?? folder) + "\n" + options.map(Self.line).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private static func line(_ option: StatedOption) -> String {
    // TOML's whole numbers have a sign, and end at 2⁶³.
    let isText = option.value is String || option.value as? UInt64 ?? 0 > UInt64(Int64.max)
    return "\(option.name) = " + (isText ? quoted("\(option.value)") : "\(option.value)")
  }

  /// A basic string of TOML.
  private static func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"", "\\": "\\" + String(scalar)
      case _ where scalar.value < 0x20 || scalar.value == 0x7F: "\\u" + String(printf: "%04X", Int(scalar.value))
      default: String(scalar)
      }
    }
    return "\"" + escaped.joined() + "\""
  }
}
