// Lines over an axis: series, bands, legend.

/// One line of a chart.
package struct PlotSeries: Sendable {
  /// How its points are joined.
  package enum Line: Sendable { case none, solid, dashed, dotted }
  /// How its points are marked.
  package enum Marker: Sendable { case none, circle, square, triangle, diamond, cross }

  /// Its name in the legend; an empty one has no entry.
  package var name: String
  /// Points (x, y) in the order of the line. One that is not finite, or that a logarithmic axis has no place for,
  /// interrupts the line.
  package var points: [(x: Double, y: Double)]
  /// Its looks.
  package var line: Line, marker: Marker, color: PlotColor

  /// A series.
  package init(
    _ name: String, _ points: [(x: Double, y: Double)], color: PlotColor, line: Line = .solid, marker: Marker = .none
  ) {
    (self.name, self.points, self.color, self.line, self.marker) = (name, points, color, line, marker)
  }
}

/// The area between two curves: from the smallest to the largest of what was measured.
package struct PlotBand: Sendable {
  /// Its name in the legend; an empty one has no entry.
  package var name: String
  /// From lower to upper at each x, in ascending order of x.
  package var points: [(x: Double, lower: Double, upper: Double)]
  /// Drawn pale.
  package var color: PlotColor

  /// A band.
  package init(_ name: String, _ points: [(x: Double, lower: Double, upper: Double)], color: PlotColor) {
    (self.name, self.points, self.color) = (name, points, color)
  }
}

/// A chart of lines and bands over a common x.
package struct PlotLineChart: Sendable {
  /// Above the panel.
  package var title: String
  /// The axes.
  package var x: PlotAxis, y: PlotAxis
  /// Bands, under the lines.
  package var bands: [PlotBand]
  /// Lines, the later ones on top.
  package var series: [PlotSeries]

  /// A chart.
  package init(title: String, x: PlotAxis, y: PlotAxis, bands: [PlotBand] = [], series: [PlotSeries] = []) {
    (self.title, self.x, self.y, self.bands, self.series) = (title, x, y, bands, series)
  }
}

/// Where everything in a chart's frame lies.
package struct PlotLineLayout {
  package let area: PlotFrame
  package let x: PlotScale, y: PlotScale
  let legend: PlotLegend

  init(_ chart: PlotLineChart, in frame: PlotFrame) {
    legend = PlotLegend(chart, width: frame.width - 16)
    let top = frame.y + (chart.title.isEmpty ? 6 : 24) + legend.height
    let bottom = frame.bottom - 42
    let xs = chart.series.flatMap { $0.points.map(\.x) } + chart.bands.flatMap { $0.points.map(\.x) }
    let ys =
      chart.series.flatMap { $0.points.map(\.y) } + chart.bands.flatMap { $0.points.flatMap { [$0.lower, $0.upper] } }
    y = PlotScale(chart.y, values: ys, count: Int((bottom - top) / 34), margin: 0.04)
    let labels = y.ticks.map { PlotFont.width($0.label, size: PlotStyle.tickSize) }.max() ?? 0
    let left = frame.x + 30 + labels
    x = PlotScale(chart.x, values: xs, count: Int((frame.right - left) / 60), margin: 0.02)
    area = PlotFrame(x: left, y: top, width: frame.right - 14 - left, height: bottom - top)
  }

  /// The position of a point of the data; nil where an axis has none for it.
  package func position(_ point: (x: Double, y: Double)) -> PlotPoint? {
    guard let across = x.share(point.x), let up = y.share(point.y) else { return nil }
    return PlotPoint(area.x + across * area.width, area.bottom - up * area.height)
  }
}

extension PlotLineChart {
  package func draw(in frame: PlotFrame, on drawing: inout PlotDrawing) {
    let layout = PlotLineLayout(self, in: frame)
    let area = layout.area
    drawing.title(title, over: frame)
    layout.legend.draw(at: PlotPoint(frame.x + 8, frame.y + (title.isEmpty ? 6 : 24)), on: &drawing)
    drawing.axes(layout.x, layout.y, labels: (x.label, y.label), area: area, frame: frame)
    for band in bands { draw(band, layout, on: &drawing) }
    for series in series { draw(series, layout, on: &drawing) }
  }

  /// A band is cut off at the panel's edges: up and down by moving its points there, which keeps its inner edges.
  private func draw(_ band: PlotBand, _ layout: PlotLineLayout, on drawing: inout PlotDrawing) {
    let area = layout.area
    func edge(_ value: Double, _ x: Double) -> PlotPoint? {
      // Zero on a logarithmic axis lies below everything.
      guard value > 0 || !layout.y.isLogarithmic else {
        return layout.position((x, layout.y.limits.lowerBound))
      }
      return layout.position((x, value)).map { PlotPoint($0.x, min(max($0.y, area.y), area.bottom)) }
    }
    let points = band.points.filter { $0.lower.isFinite && $0.upper.isFinite }
    let upper = points.compactMap { edge($0.upper, $0.x) }
    let lower = points.compactMap { edge($0.lower, $0.x) }
    guard upper.count > 1, lower.count > 1 else { return }
    drawing.polygon(upper + lower.reversed(), fill: band.color.with(opacity: 0.22))
    for line in [upper, lower] { drawing.line(line, color: band.color.with(opacity: 0.75), width: 1.1) }
  }

  private func draw(_ series: PlotSeries, _ layout: PlotLineLayout, on drawing: inout PlotDrawing) {
    let positions = series.points.map(layout.position)
    if let dash = series.line.dash {
      for run in positions.split(whereSeparator: { $0 == nil }) {
        for part in clipped(run.compactMap { $0 }, to: layout.area) {
          drawing.line(part, color: series.color, width: PlotStyle.lineWidth, dash: dash)
        }
      }
    }
    guard series.marker != .none else { return }
    // Markers that would touch are left out, but never the last one.
    var previous: PlotPoint?
    for (index, position) in positions.enumerated() {
      guard let position, layout.area.holds(position) else { continue }
      if let previous, index + 1 < positions.count {
        let gap = position - previous
        if (gap * gap).sum() < 12 * 12 { continue }
      }
      drawing.marker(series.marker, at: position, color: series.color)
      previous = position
    }
  }
}

extension PlotSeries.Line {
  /// Lengths of marks and gaps; nil where there is no line.
  var dash: [Double]? {
    switch self {
    case .none: nil
    case .solid: []
    case .dashed: [7, 4]
    case .dotted: [1.5, 4]
    }
  }
}
