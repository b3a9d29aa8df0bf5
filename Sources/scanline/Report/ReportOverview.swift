// What the runs of a report are, at a glance; and what their models cost.
import Core
import Evaluation
import ImageData
import Networks
import Reports
import Training

/// A table of what runs are, one column each.
struct ReportOverview {
  let runs: [ReportRun]
  let scores: ReportScores

  /// The table, and what was wrong with single files.
  var html: HTML {
    let rows: [(HTML, (Int, ReportRun) -> HTML)] = [
      ("folder", { "<code>\($1.path)</code>" }),
      ("state", { Self.standing($1) }),
      ("model", { Self.of($1.state) { HTML(text: Self.model($0.model)) } }),
      ("weights", { Self.of($1.state) { HTML(text: Self.grouped($0.model.makeModel().layout.liveCount)) } }),
      ("data", { Self.of($1.state, Self.data) }),
      ("images", { Self.of($1.state) { "\("\($0.model.shape)"), \($0.quantization.inWords)" } }),
      ("steps", { Self.steps($1) }),
      ("time", { Self.time($1) }),
      ("best step", { Self.of(try? $1.checkpoint.get().state) { "\($0.step)" } }),
      ("held-out nats per image", { score($0, $1, bits: false) }),
      ("held-out bits per dimension", { score($0, $1, bits: true) }),
    ]
    let table = HTML.table(
      caption: "Scores are of the best step's moving average; in brackets, intervals of 95%.",
      columns: [""] + runs.map { .name($0.name) },
      rows: rows.map { name, cell in [name] + runs.enumerated().map { cell($0.offset, $0.element) } })
    return table + HTML(runs.flatMap { run in run.messages.map { .note("\(HTML.name(run.name)): \($0)") } })
  }

  // MARK: Cells

  private static func of(_ state: RunState?, _ cell: (RunState) -> HTML) -> HTML { state.map(cell) ?? "not known" }

  private static func standing(_ run: ReportRun) -> HTML {
    if run.isInProgress { return "in progress: a process is at work in the folder" }
    if run.isCheckpoint {
      return run.state?.training == nil ? "imported weights, not trained here" : "one checkpoint, without its run"
    }
    if run.heldOut.last?.heldOut?.isFinal == true { return "trained to its end" }
    return "stopped before its end, or without held-out images"
  }

  /// "pixelcnn, width 32, 15 blocks, …": what is not usual is named.
  static func model(_ model: ModelConfiguration) -> String {
    var parts = [model.model.rawValue, "width \(model.width)", counted(model.blocks, "block")]
    parts.append(model.likelihood.rawValue + (model.mixtures.map { " of \($0)" } ?? ""))
    parts += model.family.unusual.map { "\($0.name) \($0.value)" }
    if let augmentation = model.augmentation { parts.append("augmented by \(augmentation)") }
    if model.classCount > 0 { parts.append(counted(model.classCount, "class")) }
    return parts.joined(separator: ", ")
  }

  private static func data(_ state: RunState) -> HTML {
    guard let data = state.data else { return "not known: imported weights" }
    return "<code>\(data.folder)</code>, \(data.trainImages) to train on, \(data.validImages) held out"
  }

  private static func steps(_ run: ReportRun) -> HTML {
    let last = run.history?.last
    guard let step = [run.state?.step, last?.step].compactMap({ $0 }).max() else { return "none" }
    return "\(step)\(last.map { ", in epoch \($0.epoch)" as HTML } ?? "")"
  }

  private static func time(_ run: ReportRun) -> HTML {
    // A state's seconds have no bound, a clock has.
    let seconds = max(min(run.state?.elapsedSeconds ?? 0, 1e12), run.history?.last?.seconds ?? 0)
    let rate = run.history?.training.last?.training?.imagesPerSecond
    return "\(clockTime(seconds))\(rate.map { ", \($0.text(0)) images a second" } ?? "")"
  }

  private func score(_ number: Int, _ run: ReportRun, bits: Bool) -> HTML {
    let unit = bits ? bitsUnit(run) : 1
    func text(_ mean: Double, _ interval: ClosedRange<Double>?, _ images: Int, _ origin: String = "") -> HTML {
      let digits = bits ? 4 : 2
      let ends = interval.map { " [\(intervalText($0.lowerBound / unit...$0.upperBound / unit, digits))]" } ?? ""
      return "\((mean / unit).text(digits))\(ends), \(counted(images, "image"))\(origin)"
    }
    if let row = scores.row(number, name: run.name) {
      return text(row.summary.natsPerImage, row.interval, row.summary.images)
    }
    guard let summary = scores.recorded.first(where: { $0.run == number })?.summary, unit > 0 else { return "none" }
    return text(summary.natsPerImage, summary.studentInterval, summary.images, ", as recorded")
  }

  /// Nats in a bit per dimension: what either figure of a run says of the other, so that a run without a checkpoint has
  /// it too. 0 where nothing is known.
  private func bitsUnit(_ run: ReportRun) -> Double {
    if let shape = run.state?.model.shape { return 1 / LikelihoodSummary.bitsPerDimension(1, shape: shape) }
    guard let summary = run.heldOut.last?.heldOut?.average, summary.bitsPerDimension > 0 else { return 0 }
    return summary.natsPerImage / summary.bitsPerDimension
  }

  // MARK: Costs

  /// What the models cost, counted, and what their runs took.
  var costs: HTML {
    let known = runs.compactMap { run in run.state.map { (run: run, cost: CostDescription($0.model.makeModel())) } }
    guard !known.isEmpty else { return .note("No checkpoint says what the model is.") }
    func exact(_ count: Int, _ formula: String, of whole: String = "") -> HTML {
      "\(Self.grouped(count))\(whole) <small>\(formula)</small>"
    }
    let rows: [(HTML, (CostDescription) -> HTML)] = [
      ("weights", { exact($0.weights, $0.formulas.weights) }),
      ("multiply-adds of a forward pass", { exact($0.connections, $0.formulas.connections) }),
      ("sequential steps, training", { exact($0.steps.training, $0.formulas.trainingSteps) }),
      ("the same, layers pipelined", { "\(Self.grouped($0.steps.pipelined))" }),
      ("sequential steps, sampling", { exact($0.steps.sampling, $0.formulas.samplingSteps) }),
      ("training workspace for an image", { "\(Self.kibibytes($0.trainingBytes / $0.imagesPerPass))" }),
      ("memory to draw one image", { "\(Self.kibibytes($0.sampling[0].bytes))" }),
      (
        "context: pixels seen by the middle of the last row",
        {
          let before = $0.probe[0] * $0.configuration.shape.width + $0.probe[1]
          return exact($0.context, $0.formulas.context, of: " of \(Self.grouped(before)) before it")
        }
      ),
      ("of them never seen, at any depth", { "\(Self.grouped($0.blind))" }),
    ]
    return HTML.table(
      caption: "Of one image. W, H: the image's sides; d: layers; k: features.",
      columns: [""] + known.map { .name($0.run.name) },
      rows: rows.map { name, cell in [name] + known.map { cell($0.cost) } }
        + [
          ["seconds of training and evaluation"] + known.map { HTML(text: $0.run.state?.elapsedSeconds.text(1) ?? "") }
        ])
  }

  /// 1234567 as 1,234,567.
  static func grouped(_ number: Int) -> String {
    let digits = Array(String(abs(number)))
    let groups = stride(from: digits.count % 3 == 0 ? 0 : digits.count % 3 - 3, to: digits.count, by: 3).map {
      String(digits[max($0, 0)..<$0 + 3])
    }
    return (number < 0 ? "−" : "") + groups.joined(separator: ",")
  }

  private static func kibibytes(_ bytes: Int) -> String { "\(grouped(bytes.kibibytes)) KiB" }
}
