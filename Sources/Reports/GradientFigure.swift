// The gradient flow of a run as a figure: layers over steps, and the layers' profile.
import Networks
import Plotting
import Training

/// What a record knows of each layer that a figure can show.
package enum GradientQuantity: String, Sendable, CaseIterable {
  /// The gradient of the layer's outputs.
  case flow
  /// The gradient of its weights and biases.
  case gradient
  /// Weights and biases.
  case weight
  /// Its outputs.
  case output

  /// The figures of a layer.
  package func figures(_ layer: GradientRecord.Layer) -> GradientRecord.Figures {
    switch self {
    case .flow: layer.flow
    case .gradient: layer.gradient
    case .weight: layer.weight
    case .output: layer.output
    }
  }

  /// In words.
  package var inWords: String {
    switch self {
    case .flow: "gradient of the layers' outputs"
    case .gradient: "gradient of the layers' weights"
    case .weight: "weights"
    case .output: "outputs"
    }
  }
}

/// Builds the figure of `scanline gradients`.
package struct GradientFigure {
  private let history: GradientHistory
  private let records: [GradientRecord]
  private let quantity: GradientQuantity
  private let title: String

  /// The figure of a run's records, of which there is one at least, under `title`.
  package init(_ history: GradientHistory, quantity: GradientQuantity, title: String) {
    precondition(history.count > 0, "a figure of no records")
    (self.history, records, self.quantity, self.title) = (history, history.chosen, quantity, title)
  }

  /// Heat map, profile and, for recurrences, the gradient by diagonals.
  package var figure: PlotFigure {
    let last = records[records.count - 1]
    var panels: [PlotPanel] = [.heatMap(heatMap), .lines(profile(last))]
    if !last.diagonals.isEmpty { panels.append(.lines(diagonals(last))) }
    let flagged = history.flagged.map(\.kind.rawValue).sorted()
    return PlotFigure(
      title: title,
      caption:
        "The \(quantity.inWords), before clipping: RMS of every layer at every recorded step, and the layers' profile "
        + "at step \(last.step)."
        + (flagged.isEmpty ? "" : " Flagged on the way: \(flagged.joined(separator: ", "))."),
      panels: panels, columns: 2, panelWidth: 560,
      panelHeight: max(360, min(760, Double(last.layers.count) * 9 + 90)))
  }

  private var heatMap: PlotHeatMap {
    // From the top: the first layer, as the network is read.
    let names = records[0].layers.map(\.name)
    return PlotHeatMap(
      title: "RMS, layer by step", rows: names, columns: records.map { Double($0.step) }, columnLabel: "step",
      values: names.map { name in records.map { $0[name].map { quantity.figures($0).rms } ?? .nan } },
      scale: PlotAxis("RMS", scale: .logarithmic))
  }

  private func profile(_ record: GradientRecord) -> PlotLineChart {
    func points(_ value: (GradientRecord.Figures) -> Double) -> [(x: Double, y: Double)] {
      record.layers.enumerated().map { (Double($0.offset + 1), value(quantity.figures($0.element))) }
    }
    let first = records[0]
    var series = [
      PlotSeries("maximum", points(\.max), color: .series(1), marker: .triangle),
      PlotSeries("RMS", points(\.rms), color: .series(0), marker: .circle),
      PlotSeries("mean magnitude", points(\.mean), color: .series(2), marker: .square),
    ]
    if first.step != record.step {
      let before = first.layers.enumerated().map { (x: Double($0.offset + 1), y: quantity.figures($0.element).rms) }
      series.append(PlotSeries("RMS at step \(first.step)", before, color: .series(0), line: .dashed))
    }
    return PlotLineChart(
      title: "profile at step \(record.step)", x: PlotAxis("layer, from the input"),
      y: PlotAxis(quantity.inWords, scale: .logarithmic), series: series)
  }

  private func diagonals(_ record: GradientRecord) -> PlotLineChart {
    PlotLineChart(
      title: "gradient that arrives from k diagonals away", x: PlotAxis("k"),
      y: PlotAxis("RMS of ∂(corner pixel's nats)/∂h", scale: .logarithmic),
      series: record.diagonals.enumerated().map { index, diagonal in
        PlotSeries(
          diagonal.name, diagonal.rms.enumerated().map { (Double($0.offset), $0.element) }, color: .series(index))
      })
  }
}
