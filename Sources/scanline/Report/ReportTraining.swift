// How the runs of a report learned: their losses, and how the gradient flowed.
import Core
import Networks
import Reports
import Training

struct ReportTraining {
  let runs: [ReportRun]

  // MARK: Losses

  /// Charts in both units over both axes, and the first, best and last evaluations in figures.
  var losses: HTML {
    var notes: [HTML] = []
    var known: [(run: ReportRun, curves: LossCurves.Run)] = []
    for run in runs {
      switch run.metrics {
      case .failure(let error): notes.append(.note("\(HTML.name(run.name)) has no loss curves: \(inFlags(error))"))
      case .success(let history) where history.last == nil:
        notes.append(.note("\(HTML.name(run.name)) has no loss curves: its \(MetricsRecord.fileName) holds no record."))
      case .success(let history): known.append((run, Self.curves(run.name, history)))
      }
    }
    // Runs keep their colours whichever of them have records.
    let curves = LossCurves(
      runs.map { run in
        known.first { $0.run.name == run.name }?.curves ?? .init(run.name, training: [], average: [], raw: [])
      })
    guard !known.isEmpty else { return HTML(notes) }
    func figures(_ unit: LossCurves.Unit) -> [HTML] {
      [LossCurves.Axis.steps, .minutes].map { axis in
        let chart = curves.chart(unit, over: axis)
        return .figure(
          .lines(chart), label: "Line chart of \(chart.title) of \(known.map(\.run.name).joined(separator: ", "))",
          height: 330 + 20 * Double(known.count))
      }
    }
    let cut: HTML =
      curves.cutsTheBeginning
      ? " Losses that only the first tenth of a run's steps reached lie above the charts, which they would fill."
      : ""
    let caption: HTML = """
      Dotted: the mean over the batches between two records, each before its update. Held-out images: with the moving \
      average of the weights (EMA, solid) and with the weights themselves (raw, dashed). The \
      evaluation after the last step scores all of them, those before a choice.\(cut)
      """
    return .either(
      "Unit", id: "unit", ("nats per image", figures(.natsPerImage)), ("bits per dimension", figures(.bitsPerDimension))
    ) + .paragraph(caption) + Self.table(known.map(\.run)) + HTML(notes)
  }

  private static func curves(_ name: String, _ history: MetricsHistory) -> LossCurves.Run {
    func points(_ summary: (MetricsRecord.HeldOut) -> LikelihoodSummary) -> [LossCurves.Point] {
      history.heldOut.compactMap { record in
        record.heldOut.map(summary).map {
          .init(
            step: record.step, seconds: record.seconds, nats: $0.natsPerImage, bits: $0.bitsPerDimension,
            weight: $0.images)
        }
      }
    }
    return LossCurves.Run(
      name,
      training: history.training.compactMap { record in
        record.training.map {
          .init(
            step: record.step, seconds: record.seconds, nats: $0.natsPerImage, bits: $0.bitsPerDimension,
            weight: $0.steps)
        }
      }, average: points(\.average), raw: points(\.raw))
  }

  /// The first, the best and the last evaluation of each run.
  private static func table(_ runs: [ReportRun]) -> HTML {
    let rows = runs.flatMap { run -> [[HTML]] in
      let all = run.heldOut
      let best = all.lastIndex { $0.heldOut?.isBest == true }
      var rows: [[HTML]] = []
      for index in Set([0, best ?? 0, all.count - 1]).sorted() where all.indices.contains(index) {
        guard let heldOut = all[index].heldOut else { continue }
        let what: [String?] = [
          index == 0 ? "first" : nil, index == best ? "best" : nil, index == all.count - 1 ? "last" : nil,
          heldOut.isFinal ? "all held-out images" : nil,
        ]
        func figures(_ summary: LikelihoodSummary) -> [HTML] {
          [
            HTML(text: plusMinus(summary.natsPerImage, summary.standardError, 2)),
            HTML(text: plusMinus(summary.bitsPerDimension, summary.bitsStandardError, 4)),
          ]
        }
        rows.append(
          [
            .name(run.name), "\(all[index].step)", HTML(text: clockTime(all[index].seconds)),
            HTML(text: what.compactMap { $0 }.joined(separator: ", ")), "\(heldOut.average.images)",
          ] + figures(heldOut.average) + figures(heldOut.raw))
      }
      return rows
    }
    guard !rows.isEmpty else { return .note("No held-out images were scored during training.") }
    return .table(
      caption: "Evaluations of held-out images during training; ± is a standard error.",
      columns: [
        "run", "step", "time", "which", "images", "EMA: nats per image", "bits per dimension", "raw: nats per image",
        "bits per dimension",
      ], rows: rows)
  }

  // MARK: Gradients

  /// For each run the heat map, the profile, recurrences by diagonals, and the flags in words.
  var gradients: HTML { .each(runs, beside: false) { _, run in flow(run) } }

  private func flow(_ run: ReportRun) -> HTML {
    let history: GradientHistory
    switch run.gradients {
    case .failure(let error): return .note("No gradient flow: \(inFlags(error))")
    case .success(let records): history = records
    }
    guard let first = history.chosen.first, let last = history.last, !last.layers.isEmpty else {
      return .note("No gradient flow: its records name no layers.")
    }
    let figure = GradientFigure(history, quantity: .flow, title: run.name).figure
    let labels = [
      "Heat map of the root mean square of the gradient, \(counted(last.layers.count, "layer")) over "
        + counted(history.count, "step"),
      "Line chart of the gradient's size, layer by layer, at step \(last.step)",
      "Line chart of the gradient that arrives from k diagonals away at step \(last.step)",
    ]
    let panels = zip(figure.panels, labels).map { HTML.figure($0, label: $1, height: figure.panelHeight) }
    return .paragraph(
      """
      The gradient of the layers' outputs before clipping, at \
      \(counted(history.count, "recorded step")), \(first.step) to \(last.step).
      """) + .figures(panels) + warnings(history, run.state)
  }

  /// One sentence for each kind of trouble: how it began, and how often it came.
  private func warnings(_ history: GradientHistory, _ state: RunState?) -> HTML {
    guard let model = state?.model else { return .note("Without a checkpoint the flags cannot be put in words.") }
    let points = history.flagged.map { trouble -> HTML in
      """
      \(trouble.first.warnings(model: model).joined(separator: "; ").inFlags). \
      (\(trouble.kind.rawValue): \(counted(trouble.layers.count, "layer")), in \(trouble.recordCount) of \
      \(counted(history.count, "record")), last at step \(trouble.lastStep))
      """
    }
    guard !points.isEmpty else {
      return .paragraph("No layer's gradient vanished or exploded, and no layer was dying or saturated.")
    }
    return .list(points)
  }
}
