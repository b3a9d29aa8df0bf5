// How a run of a report was configured, where it ran, and the commands that make it again.
import Foundation
import ImageData
import Networks
import Reports
import Training

/// The configuration of one run.
struct ReportReproduction {
  let run: ReportRun

  /// Configuration, environment and commands; headings begin at `level` 3 or 4.
  var html: HTML {
    var parts: [HTML] = []
    if let configuration = run.configuration {
      parts.append(.paragraph("The configuration as the run saved it (<code>config.toml</code>):"))
      parts.append(.preformatted(configuration, label: "config.toml of \(run.name)"))
    } else if let state = run.state {
      parts.append(.paragraph("The run has no <code>config.toml</code>; this is what its checkpoint says:"))
      parts.append(Self.table(state))
    } else {
      parts.append(.note("Neither <code>config.toml</code> nor a checkpoint says how the run was configured."))
    }
    if run.environment.isEmpty {
      parts.append(.note("The run has no <code>environment.json</code>: where it ran is not known."))
    } else {
      parts.append(
        .table(
          caption: "Where it ran (environment.json)", columns: ["", "value"],
          rows: run.environment.map { [HTML(text: $0.key), HTML(text: $0.value)] }))
    }
    parts.append(.paragraph("To make it, and what is shown of it, again:"))
    parts.append(.preformatted(commands.joined(separator: "\n"), label: "commands for \(run.name)"))
    if case .minutes? = run.state?.training?.length {
      parts.append(
        .note(
          """
          The run's length was in minutes, and its learning rate followed the clock: another run of the same command \
          comes out much the same, not bit for bit.
          """))
    }
    return HTML(parts)
  }

  /// The commands, one a line.
  var commands: [String] {
    let path = Self.quoted(run.path)
    var lines: [String] = []
    let step = (try? run.checkpoint.get())?.path ?? run.path
    if run.configuration != nil {
      lines.append("scanline train --config \(path)/config.toml --output \(Self.quoted(run.path + "-again"))")
    } else if let state = run.state, state.training != nil {
      lines.append(
        "scanline " + Self.trainArguments(state, output: run.path + "-again").map(Self.quoted).joined(separator: " "))
    }
    if let folder = run.folder {
      let held = Self.heldOutArguments(run.state).map { " " + $0 }.joined()
      lines.append("scanline evaluate \(Self.quoted(step)) \(Self.quoted(folder)) --split valid\(held)")
    }
    let name = (step as NSString).lastPathComponent
    lines.append("scanline sample \(Self.quoted(step)) --count 16 --output \(Self.quoted(name + ".png"))")
    return lines
  }

  // MARK: Arguments

  /// The arguments that begin the run of `state` anew as `output`, every option that decides it said. What training
  /// reads of images beyond options (limits of memory) is not among them.
  static func trainArguments(_ state: RunState, output: String) -> [String] {
    guard let data = state.data, let training = state.training else { return [] }
    let options = self.options(state)
    return ["train", data.folder] + options.flatMap { [$0.option] + ($0.value.map { [$0] } ?? []) }
      + lengthArguments(training.length) + ["--output", output]
  }

  private static func lengthArguments(_ length: TrainingOptions.Length) -> [String] {
    switch length {
    case .steps(let steps): ["--steps", "\(steps)"]
    case .epochs(let epochs): ["--epochs", "\(epochs)"]
    case .minutes(let minutes): ["--minutes", "\(minutes)"]
    }
  }

  /// The options of `train` that are the state's, in groups as its help has them; a flag has no value.
  private static func options(_ state: RunState) -> [(option: String, value: String?)] {
    guard let training = state.training else { return modelOptions(state.model) + levelOptions(state.quantization) }
    var options = modelOptions(state.model) + levelOptions(state.quantization)
    let schedule = training.schedule
    options += [
      ("--batch", "\(training.batchSize)"), ("--learning-rate", "\(schedule.baseRate)"),
      ("--schedule", schedule.course.rawValue),
    ]
    if schedule.warmupShare == nil { options.append(("--warmup", "\(schedule.warmupSteps)")) }
    options += [
      ("--decay", "\(schedule.decay)"), ("--clip", "\(training.adam.clipNorm)"),
      ("--dropout", "\(training.dropout)"), ("--ema", "\(training.adam.averageDecay)"),
    ]
    if let interval = training.evaluationInterval { options.append(("--evaluate-every", "\(interval)")) }
    options += [
      ("--evaluation-images", "\(training.evaluationImages)"), ("--gradients-every", "\(training.gradientInterval)"),
      ("--metrics-every", "\(training.metricsInterval)"), ("--keep", "\(training.checkpointsKept)"),
      ("--seed", "\(training.seed)"),
    ]
    if let data = state.data {
      options += imageOptions(data.loading)
      options += [("--valid-share", "\(data.heldOutShare)"), ("--split-seed", "\(data.splitSeed)")]
    }
    return options
  }

  private static func modelOptions(_ model: ModelConfiguration) -> [(option: String, value: String?)] {
    model.options.map { ("--" + $0.name, $0.value) } + (model.classCount > 0 ? [("--class-conditional", nil)] : [])
  }

  private static func levelOptions(_ quantization: Quantization) -> [(option: String, value: String?)] {
    [("--levels", "\(quantization.levels)")]
      + (quantization.binarization.map { [("--binarize", $0.rawValue)] } ?? [])
  }

  private static func imageOptions(_ loading: ImageLoadingOptions) -> [(option: String, value: String?)] {
    var options: [(option: String, value: String?)] = []
    if let background = loading.reading.background {
      options.append(("--background", background.map { "\($0)" }.joined(separator: ",")))
    }
    if loading.reading.scalesSixteenBit { options.append(("--sixteen-bit", SixteenBit.scale.rawValue)) }
    switch loading.resizing {
    case .none: break
    case .resize(let width, let height): options.append(("--resize", "\(width)x\(height)"))
    case .crop(let width, let height): options.append(("--crop", "\(width)x\(height)"))
    }
    if let channels = loading.channels { options.append(("--channels", "\(channels)")) }
    if loading.skipsBad { options.append(("--skip-bad", nil)) }
    return options
  }

  private static func heldOutArguments(_ state: RunState?) -> [String] {
    guard let data = state?.data else { return [] }
    return ["--valid-share", "\(data.heldOutShare)", "--split-seed", "\(data.splitSeed)"]
  }

  /// Every option with its value, for a run without config.toml.
  private static func table(_ state: RunState) -> HTML {
    var rows = options(state).map { option, value in
      [HTML(text: String(option.dropFirst(2))), HTML(text: value ?? "yes")]
    }
    if let length = state.training?.length {
      let words = lengthArguments(length)
      rows.append([HTML(text: String(words[0].dropFirst(2))), HTML(text: words[1])])
    }
    if let names = state.model.classNames { rows.append(["classes", HTML(text: names.joined(separator: ", "))]) }
    return .table(caption: "Options of the run", columns: ["option", "value"], rows: rows)
  }

  /// `word` as a shell takes it for one word.
  static func quoted(_ word: String) -> String { shellWord(word) }
}
