// What `scanline lr-find` found: table, figure, words.
import Core
import Evaluation
import Networks
import Plotting
import Training

struct LearningRateReport: Encodable {
  struct Position: Encodable {
    var learningRate: Double
    var smoothedNats: Double

    init(_ point: LearningRateSweep.Point) {
      (learningRate, smoothedNats) = (point.learningRate, point.smoothedNats)
    }
  }

  /// Null where the loss did not clearly fall.
  @Stated var suggestion: Double?
  var reason: String
  @Stated var steepest: Position?
  @Stated var smallest: Position?
  var end: LearningRateSweep.End
  /// Whether the loss was still falling at the highest rate: what is smallest then lies beyond it.
  var isStillFalling: Bool
  var batch: Int
  var points: [LearningRateSweep.Point]

  init(_ sweep: LearningRateSweep, _ suggestion: LearningRateSuggestion?, batch: Int) {
    self.suggestion = suggestion?.learningRate
    isStillFalling = sweep.isStillFalling
    let tooSoon = "the loss still falls at --to: sweep to a higher rate, as the best one may lie beyond"
    reason =
      (sweep.isStillFalling ? tooSoon : suggestion?.reason)
      ?? "the loss fell by no more than batches differ; a trained model, or too few --steps or a too narrow --from and --to"
    steepest = suggestion.map { Position($0.steepest) }
    smallest = suggestion.map { Position($0.smallest) }
    (end, points, self.batch) = (sweep.end, sweep.points, batch)
  }

  /// A row for each step, which took images of `shape`.
  func table(_ shape: ImageShape) -> CSVText {
    var table = CSVText(
      columns: ["step", "learning_rate", "nats_per_image", "smoothed_nats_per_image", "smoothed_bits_per_dim"])
    for point in points {
      let bits = LikelihoodSummary.bitsPerDimension(point.smoothedNats, shape: shape)
      table.append([
        "\(point.step)", "\(point.learningRate)", "\(point.natsPerImage)", "\(point.smoothedNats)", "\(bits)",
      ])
    }
    return table
  }

  /// The loss over the rate, with what the suggestion was read from.
  func figure(title: String) -> PlotFigure {
    func line(_ value: (LearningRateSweep.Point) -> Double) -> [(x: Double, y: Double)] {
      points.map { ($0.learningRate, value($0)) }
    }
    var series = [
      PlotSeries("of each batch", line { $0.natsPerImage }, color: .series(2), line: .dotted),
      PlotSeries("running mean", line { $0.smoothedNats }, color: .series(0)),
    ]
    if let steepest, let smallest, let rate = suggestion {
      series.append(mark("steepest, \(Self.text(steepest.learningRate))", steepest, .series(3), .triangle))
      series.append(mark("smallest, \(Self.text(smallest.learningRate))", smallest, .series(1), .square))
      // The position on the curve nearest to the suggested rate.
      if let point = points.min(by: { abs(log($0.learningRate / rate)) < abs(log($1.learningRate / rate)) }) {
        series.append(mark("suggested, \(Self.text(rate))", Position(point), .series(4), .diamond))
      }
    }
    // Far above the first loss there is nothing to read, and it would press the rest flat.
    let most = 1.2 * (points.first?.natsPerImage ?? 1)
    let values = points.flatMap { [$0.natsPerImage, $0.smoothedNats] }
    let (low, high) = (values.min() ?? 0, min(values.max() ?? 1, most))
    let limits = high > low ? low - 0.04 * (high - low)...high + 0.04 * (high - low) : nil
    let chart = PlotLineChart(
      title: "", x: PlotAxis("learning rate", scale: .logarithmic), y: PlotAxis("nats an image", limits: limits),
      series: series)
    let steps = "\(points.count) steps of \(counted(batch, "image"))"
    return PlotFigure(
      title: title, caption: "Learning-rate range test: \(steps), each with a higher rate. \(ending)",
      panels: [.lines(chart)], panelWidth: 720, panelHeight: 420)
  }

  private func mark(
    _ name: String, _ position: Position, _ color: PlotColor, _ marker: PlotSeries.Marker
  ) -> PlotSeries {
    PlotSeries(name, [(position.learningRate, position.smoothedNats)], color: color, line: .none, marker: marker)
  }

  private var ending: String {
    switch end {
    case .complete: "It went to the highest rate."
    case .rising: "It stopped where the running mean had risen too far."
    case .notFinite: "It stopped where a loss or gradient was not finite."
    case .stopped: "It was stopped."
    }
  }

  private static func text(_ rate: Double) -> String { String(printf: "%.2g", rate) }

  var inWords: String {
    func position(_ value: Position?) -> String {
      value.map { "\(Self.text($0.learningRate)) (\($0.smoothedNats.text(2)) nats an image)" } ?? "none"
    }
    return """
      suggestion    \(suggestion.map(Self.text) ?? "none")
      because       \(reason)
      smallest at   \(position(smallest))
      steepest at   \(position(steepest))
      ended         \(ending)
      """
  }
}
