// How a run learned: losses and learning rate over its steps.
import Core
import ImageData
import Networks
import Plotting

/// Builds the figure of a run's losses.
package struct LossFigure {
  /// What is known of some steps of training.
  package struct Point: Sendable {
    let step: Int
    let nats: Double
    let rate: Float

    /// Mean nats of an image over the steps up to `step`, and the learning rate of the last of them.
    package init(step: Int, nats: Double, rate: Float) { (self.step, self.nats, self.rate) = (step, nats, rate) }
  }

  /// A held-out evaluation.
  package struct Score: Sendable {
    let step: Int
    let average: Double
    let raw: Double

    /// Mean nats of an image under the moving average of the weights and under the weights themselves.
    package init(step: Int, average: Double, raw: Double) {
      (self.step, self.average, self.raw) = (step, average, raw)
    }
  }

  private let title: String
  private let shape: ImageShape
  private let training: [Point]
  private let heldOut: [Score]

  /// The figure of a run on images of `shape`, its records in the order of their steps.
  package init(title: String, shape: ImageShape, training: [Point], heldOut: [Score]) {
    (self.title, self.shape, self.training, self.heldOut) = (title, shape, training, heldOut)
  }

  /// Losses, and beside them the learning rate; nil where there are no records.
  package var figure: PlotFigure? {
    guard !training.isEmpty || !heldOut.isEmpty else { return nil }
    func bits(_ nats: Double) -> Double { LikelihoodSummary.bitsPerDimension(nats, shape: shape) }
    func scores(_ value: (Score) -> Double) -> [(x: Double, y: Double)] {
      heldOut.map { (Double($0.step), bits(value($0))) }
    }
    var series = [
      PlotSeries("training batches", training.map { (Double($0.step), bits($0.nats)) }, color: .series(2))
    ]
    // Without a moving average the two are one.
    if heldOut.contains(where: { $0.raw != $0.average }) {
      series.append(PlotSeries("held out, weights themselves", scores(\.raw), color: .series(1), marker: .triangle))
    }
    series.append(PlotSeries("held out, moving average", scores(\.average), color: .series(0), marker: .circle))
    var panels = [
      PlotPanel.lines(
        PlotLineChart(
          title: "loss", x: PlotAxis("step"), y: PlotAxis("bits per dimension"),
          series: series.filter { !$0.points.isEmpty }))
    ]
    if !training.isEmpty {
      panels.append(
        .lines(
          PlotLineChart(
            title: "learning rate", x: PlotAxis("step"), y: PlotAxis("learning rate"),
            series: [PlotSeries("", training.map { (Double($0.step), Double($0.rate)) }, color: .series(3))])))
    }
    let last = heldOut.last.map {
      " At step \($0.step) the moving average has \(Self.text($0.average)) nats an image, \(Self.text(bits($0.average), 4)) "
        + "bits per dimension."
    }
    return PlotFigure(
      title: title,
      caption: "Each point of training is a mean over the steps since the one before, dropout included." + (last ?? ""),
      panels: panels, columns: 2, panelWidth: 520, panelHeight: 360)
  }

  private static func text(_ value: Double, _ digits: Int = 2) -> String {
    String(printf: "%.\(digits)f", value)
  }
}
