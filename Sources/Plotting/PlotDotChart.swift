// Dots with intervals: one figure for each of several names.

/// A chart of named values, from the top, each a dot with a bar from the lower to the upper end of its interval.
package struct PlotDotChart: Sendable {
  /// One value.
  package struct Row: Sendable {
    /// Its name.
    package var name: String
    /// Where the dot is.
    package var value: Double
    /// Where the bar is; nil: there is none.
    package var interval: ClosedRange<Double>?
    /// Of both.
    package var color: PlotColor

    /// A row.
    package init(_ name: String, _ value: Double, _ interval: ClosedRange<Double>?, color: PlotColor) {
      (self.name, self.value, self.interval, self.color) = (name, value, interval, color)
    }
  }

  /// Above the panel.
  package var title: String
  /// The axis of the values.
  package var x: PlotAxis
  /// From the top.
  package var rows: [Row]
  /// A value that all are held against, drawn as a dashed line.
  package var reference: Double?

  /// A chart of at least one row.
  package init(title: String, x: PlotAxis, rows: [Row], reference: Double? = nil) {
    precondition(!rows.isEmpty, "a chart of no rows")
    (self.title, self.x, self.rows, self.reference) = (title, x, rows, reference)
  }
}

/// Where everything in a dot chart's frame lies.
package struct PlotDotLayout {
  package let area: PlotFrame
  package let x: PlotScale
  private let rows: Int
  /// Points that a name may take.
  static let longestName = 190.0

  init(_ chart: PlotDotChart, in frame: PlotFrame) {
    let names = chart.rows.map { PlotFont.width($0.name, size: PlotStyle.labelSize) }.max() ?? 0
    let top = frame.y + (chart.title.isEmpty ? 8 : 28)
    let left = frame.x + 18 + min(names, Self.longestName)
    area = PlotFrame(x: left, y: top, width: frame.right - 18 - left, height: frame.bottom - 42 - top)
    let all =
      chart.rows.flatMap { row in [row.value] + (row.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) }
      + (chart.reference.map { [$0] } ?? [])
    var axis = chart.x
    if axis.limits == nil, axis.scale == .linear, let low = all.min(), let high = all.max(), low < high {
      // Room at both ends, past zero too: a dot or the reference never lies on the frame.
      axis.limits = low - 0.05 * (high - low)...high + 0.05 * (high - low)
    }
    x = PlotScale(axis, values: all, count: Int(area.width / 60))
    rows = chart.rows.count
  }

  /// The position of `value` in row `row`; nil where the axis has none for it.
  package func position(_ value: Double, row: Int) -> PlotPoint? {
    x.share(value).map {
      PlotPoint(area.x + $0 * area.width, area.y + area.height * (Double(row) + 0.5) / Double(rows))
    }
  }
}

extension PlotDotChart {
  package func draw(in frame: PlotFrame, on drawing: inout PlotDrawing) {
    let layout = PlotDotLayout(self, in: frame)
    let area = layout.area
    drawing.title(title, over: frame)
    for tick in layout.x.ticks {
      guard let share = layout.x.share(tick.value), (-1e-9...1 + 1e-9).contains(share) else { continue }
      let across = (area.x + share * area.width).rounded()
      drawing.line([PlotPoint(across, area.y), PlotPoint(across, area.bottom)], color: .grid)
      drawing.line([PlotPoint(across, area.bottom), PlotPoint(across, area.bottom + 4)], color: .axis)
    }
    drawing.horizontalLabels(
      layout.x.ticks.compactMap { tick in layout.x.share(tick.value).map { (tick.label, $0) } }, area)
    if let reference, let position = layout.position(reference, row: 0) {
      drawing.line(
        [PlotPoint(position.x, area.y), PlotPoint(position.x, area.bottom)], color: .axis, width: 1.2, dash: [5, 4])
    }
    drawing.outline(area)
    drawing.axisLabel(x.label, below: area, frame)
    for (index, row) in rows.enumerated() {
      guard let dot = layout.position(row.value, row: index) else { continue }
      drawing.text(
        PlotFont.shortened(row.name, size: PlotStyle.labelSize, width: PlotDotLayout.longestName),
        at: PlotPoint(area.x - 8, dot.y + 0.36 * PlotStyle.labelSize), anchor: .end)
      let ends = (row.interval.map { [$0.lowerBound, $0.upperBound] } ?? []).compactMap {
        layout.position($0, row: index)
      }
      if ends.count == 2 { drawBar(ends, row.color, area, on: &drawing) }
      if area.holds(dot) { drawing.marker(.circle, at: dot, color: row.color) }
    }
  }

  /// The bar and its end strokes, as far as they lie in the panel.
  private func drawBar(_ ends: [PlotPoint], _ color: PlotColor, _ area: PlotFrame, on drawing: inout PlotDrawing) {
    for part in clipped(ends, to: area) { drawing.line(part, color: color, width: PlotStyle.lineWidth) }
    for end in ends where area.holds(end) {
      drawing.line([end + PlotPoint(0, -4), end + PlotPoint(0, 4)], color: color, width: PlotStyle.lineWidth)
    }
  }
}
