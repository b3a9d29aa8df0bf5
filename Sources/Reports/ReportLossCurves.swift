// How the losses of runs went: a chart of all of them, in either unit, over either axis.
import Plotting

/// The losses of one run or several.
package struct LossCurves: Sendable {
  /// A mean at a step.
  package struct Point: Sendable, Equatable {
    /// Steps taken.
    package var step: Int
    /// Seconds since the run began.
    package var seconds: Double
    /// Nats per image.
    package var nats: Double
    /// The same as bits per dimension.
    package var bits: Double
    /// How many steps, or images, the mean is over.
    package var weight: Int

    /// A mean over `weight` steps or images.
    package init(step: Int, seconds: Double, nats: Double, bits: Double, weight: Int) {
      (self.step, self.seconds, self.nats, self.bits, self.weight) = (step, seconds, nats, bits, weight)
    }
  }

  /// What is known of one run, each in the order of steps.
  package struct Run: Sendable {
    /// Its name.
    package var name: String
    /// Of its batches.
    package var training: [Point]
    /// Of held-out images under the moving average of the weights, and under the weights themselves.
    package var average: [Point], raw: [Point]

    /// A run.
    package init(_ name: String, training: [Point], average: [Point], raw: [Point]) {
      (self.name, self.training, self.average, self.raw) = (name, training, average, raw)
    }
  }

  /// What the height of a point is.
  package enum Unit: Sendable { case natsPerImage, bitsPerDimension }
  /// What the position of a point is.
  package enum Axis: Sendable { case steps, minutes }

  /// Points that a line has at most: of more, neighbours become one mean.
  package static let mostPoints = 300

  /// The runs, each of which keeps its colour in all charts.
  package let runs: [Run]

  /// The losses of `runs`.
  package init(_ runs: [Run]) { self.runs = runs }

  /// The chart. Losses of the first steps may lie above it: see `cutsTheBeginning`.
  package func chart(_ unit: Unit, over axis: Axis) -> PlotLineChart {
    let markers: [PlotSeries.Marker] = [.circle, .square, .triangle, .diamond, .cross]
    func positions(_ points: [Point]) -> [(x: Double, y: Double)] {
      Self.dropped(points).map { point in
        (
          axis == .steps ? Double(point.step) : point.seconds / 60, unit == .natsPerImage ? point.nats : point.bits
        )
      }
    }
    let series = runs.enumerated().flatMap { index, run -> [PlotSeries] in
      let color = PlotColor.series(index)
      let name = PlotFont.shortened(run.name, size: PlotStyle.tickSize, width: 140)
      let prefix = runs.count > 1 ? name + ": " : ""
      func series(
        _ what: String, _ points: [Point], _ line: PlotSeries.Line, _ marker: PlotSeries.Marker
      ) -> PlotSeries? {
        guard !points.isEmpty else { return nil }
        // A single point makes no line.
        return PlotSeries(
          prefix + what, positions(points), color: color, line: line, marker: points.count == 1 ? .circle : marker)
      }
      return [
        series("training", run.training, .dotted, .none), series("held out, raw", run.raw, .dashed, .none),
        series("held out, EMA", run.average, .solid, markers[index % markers.count]),
      ].compactMap { $0 }
    }
    let name = unit == .natsPerImage ? "nats per image" : "bits per dimension"
    return PlotLineChart(
      title: "\(name) over \(axis == .steps ? "steps" : "time")",
      x: PlotAxis(axis == .steps ? "step" : "minutes"), y: PlotAxis(name, limits: limits(unit)), series: series)
  }

  /// Whether the charts leave out what only the first tenth of a run's steps reached: untrained weights cost several
  /// times what trained ones do, and would leave no room for the rest.
  package var cutsTheBeginning: Bool { limits(.natsPerImage) != nil }

  /// Up to the highest loss after the first tenth of each run; nil where that leaves out nothing.
  private func limits(_ unit: Unit) -> ClosedRange<Double>? {
    func value(_ point: Point) -> Double { unit == .natsPerImage ? point.nats : point.bits }
    let runs = runs.map { Self.dropped($0.training) + Self.dropped($0.average) + Self.dropped($0.raw) }
    let late = runs.flatMap { points in
      let last = points.map(\.step).max() ?? 0
      return points.filter { $0.step > last / 10 }.map(value)
    }
    let all = runs.joined().map(value)
    guard let low = all.min(), let high = late.max(), let top = all.max(), low < high, high < top else { return nil }
    let room = 0.04 * (high - low)
    return max(low - room, low > 0 ? 0 : low - room)...high + room
  }

  /// The points, or where there are more than `mostPoints` as many means of neighbours, each at the last one's position.
  static func dropped(_ points: [Point]) -> [Point] {
    guard points.count > mostPoints else { return points }
    return (0..<mostPoints).map { part in
      let group = points[points.count * part / mostPoints..<points.count * (part + 1) / mostPoints]
      var mean = group[group.endIndex - 1]
      let weights = group.map { Double(max($0.weight, 1)) }
      let total = weights.reduce(0, +)
      mean.nats = zip(group, weights).reduce(0) { $0 + $1.0.nats * $1.1 } / total
      mean.bits = zip(group, weights).reduce(0) { $0 + $1.0.bits * $1.1 } / total
      mean.weight = group.reduce(0) { $0 + $1.weight }
      return mean
    }
  }
}
