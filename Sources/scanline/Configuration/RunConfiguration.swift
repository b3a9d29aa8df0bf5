// config.toml: what a run was asked for, every option that decides its result, so that it can be asked for again.
import Core
import Foundation
import ImageData
import Kernels
import Networks
import Training

/// The configuration of a run as TOML that `scanline train --config` reads.
struct RunConfiguration {
  /// config.toml
  static let fileName = "config.toml"
  /// The first line, by which a file of ours is known.
  private static let mark = OwnOutput.configurationMark
  /// How a remark on a length that was changed later begins.
  private static let remark = "# At step "

  private let state: RunState
  private let options: TrainingOptions
  private let evaluationInterval: Int

  /// The configuration of a run in `state`, evaluated every `evaluationInterval` steps.
  init(_ state: RunState, evaluationInterval: Int) {
    self.state = state
    options = state.training ?? TrainingOptions()
    self.evaluationInterval = evaluationInterval
  }

  /// Whether the file at `path` is one that a run wrote.
  static func isOurs(_ path: String) -> Bool {
    ((try? DurableFiles.contents(of: path)) ?? []).starts(with: mark.utf8)
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
        "\(Self.remark)\(state.step) the length was changed from \(Self.line(formerLength)) to "
          + "\(Self.line(options.length)).")
    }
    let text = ([head] + remarks + [repetition(wasChanged: !remarks.isEmpty), body]).joined(separator: "\n") + "\n"
    guard text != before else { return }
    try DurableFiles.replace(path, with: [UInt8](text.utf8))
  }

  // MARK: The text

  private var head: String {
    var lines = [
      Self.mark, "# Written by scanline \(Scanline.configuration.version). The same run again, in another folder:",
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
    let (model, data) = (state.model, state.data)
    let loading = data?.loading ?? ImageLoadingOptions()
    var tables: [(title: String?, lines: [String])] = []
    func line(_ key: String, _ value: some CustomStringConvertible) -> String { "\(key) = \(value)" }
    func text(_ key: String, _ value: String) -> String { "\(key) = \(Self.quoted(value))" }

    tables.append(
      (nil, [text("folder", data?.folder ?? ""), line("class-conditional", model.classCount > 0)]))

    tables.append(
      ("model", model.options.map { Int($0.value) == nil ? text($0.name, $0.value) : line($0.name, $0.value) }))

    var lines = [Self.line(options.length), line("batch", options.batchSize)]
    lines += [line("learning-rate", options.schedule.baseRate), text("schedule", options.schedule.course.rawValue)]
    // That of a run by the clock, where it is the default, is a share of the run too: no option says so.
    if options.schedule.warmupShare == nil { lines.append(line("warmup", options.schedule.warmupSteps)) }
    lines.append(line("decay", options.schedule.decay))
    lines += [
      line("clip", options.adam.clipNorm), line("dropout", options.dropout), line("ema", options.adam.averageDecay),
    ]
    lines += [line("evaluate-every", evaluationInterval), line("evaluation-images", options.evaluationImages)]
    lines += [line("gradients-every", options.gradientInterval), line("metrics-every", options.metricsInterval)]
    lines += [line("samples", options.samples), line("keep", options.checkpointsKept)]
    lines.append("seed = " + Self.seed(options.seed))
    tables.append(("training", lines))

    lines = [line("levels", state.quantization.levels)]
    if let binarization = state.quantization.binarization { lines.append(text("binarize", binarization.rawValue)) }
    tables.append(("levels", lines))

    lines = []
    if let background = loading.reading.background {
      lines.append(text("background", background.map(String.init).joined(separator: ",")))
    }
    if loading.reading.scalesSixteenBit { lines.append(text("sixteen-bit", SixteenBit.scale.rawValue)) }
    switch loading.resizing {
    case .none: break
    case .resize(let width, let height): lines.append(text("resize", "\(width)x\(height)"))
    case .crop(let width, let height): lines.append(text("crop", "\(width)x\(height)"))
    }
    lines += [line("channels", model.shape.channels), line("skip-bad", loading.skipsBad)]
    if data?.classesAreFolders == true { lines.append(line("classes-are-folders", true)) }
    lines.append(line("valid-share", data?.heldOutShare ?? 0))
    lines.append("split-seed = " + Self.seed(data?.splitSeed ?? 0))
    tables.append(("images", lines))
    return tables.map { "\n" + ($0.title.map { "[\($0)]\n" } ?? "") + $0.lines.joined(separator: "\n") }
      .joined(separator: "\n")
  }

  private static func line(_ length: TrainingOptions.Length) -> String {
    switch length {
    case .steps(let steps): "steps = \(steps)"
    case .epochs(let epochs): "epochs = \(epochs)"
    case .minutes(let minutes): "minutes = \(minutes)"
    }
  }

  /// TOML's whole numbers have a sign, and end at 2⁶³.
  private static func seed(_ seed: UInt64) -> String { seed <= UInt64(Int64.max) ? "\(seed)" : "\"\(seed)\"" }

  /// A basic string of TOML.
  private static func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"", "\\": "\\" + String(scalar)
      case _ where scalar.value < 0x20 || scalar.value == 0x7F: "\\u" + String(format: "%04X", Int(scalar.value))
      default: String(scalar)
      }
    }
    return "\"" + escaped.joined() + "\""
  }
}

extension ModelConfiguration {
  /// The options of `train` that say the same, classes apart.
  var options: [(name: String, value: String)] {
    [("model", model.rawValue), ("width", "\(width)"), ("blocks", "\(blocks)"), ("likelihood", likelihood.rawValue)]
      + (mixtures.map { [("mixtures", "\($0)")] } ?? []) + family.choices.said
      + [("initialization", initialization.rawValue)]
  }
}
