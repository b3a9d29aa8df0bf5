// Parts that charts share: title, axes, legend, markers, and lines cut off at the edge of a panel.

/// The names of a chart's series and bands, in as many rows as the width asks for, above the panel: so it never hides
/// what is drawn.
struct PlotLegend {
  enum Sample {
    case series(PlotSeries)
    case band(PlotBand)
  }

  private var entries: [(name: String, sample: Sample, position: PlotPoint)] = []
  let height: Double

  private static let size = PlotStyle.tickSize, rowHeight = 16.0, sampleWidth = 26.0

  init(_ chart: PlotLineChart, width: Double) {
    let all = chart.bands.map { ($0.name, Sample.band($0)) } + chart.series.map { ($0.name, Sample.series($0)) }
    var position = PlotPoint(0, 0)
    for (name, sample) in all where !name.isEmpty {
      let advance = Self.sampleWidth + 6 + PlotFont.width(name, size: Self.size) + 16
      if position.x > 0, position.x + advance > width { position = PlotPoint(0, position.y + Self.rowHeight) }
      entries.append((name, sample, position))
      position.x += advance
    }
    height = entries.isEmpty ? 0 : position.y + Self.rowHeight + 6
  }

  func draw(at origin: PlotPoint, on drawing: inout PlotDrawing) {
    for entry in entries {
      let left = origin + entry.position
      let middle = left.y + Self.rowHeight / 2
      let ends = [PlotPoint(left.x, middle), PlotPoint(left.x + Self.sampleWidth, middle)]
      switch entry.sample {
      case .series(let series):
        if let dash = series.line.dash {
          drawing.line(ends, color: series.color, width: PlotStyle.lineWidth, dash: dash)
        }
        drawing.marker(series.marker, at: (ends[0] + ends[1]) / 2, color: series.color)
      case .band(let band):
        let frame = PlotFrame(x: left.x, y: middle - 5, width: Self.sampleWidth, height: 10)
        drawing.rectangle(frame, fill: band.color.with(opacity: 0.3))
      }
      drawing.text(entry.name, at: PlotPoint(ends[1].x + 6, middle + 0.36 * Self.size), size: Self.size)
    }
  }
}

extension PlotDrawing {
  mutating func title(_ title: String, over frame: PlotFrame) {
    guard !title.isEmpty else { return }
    text(
      PlotFont.shortened(title, size: PlotStyle.panelTitleSize, width: frame.width - 16),
      at: PlotPoint(frame.x + 8, frame.y + 16), size: PlotStyle.panelTitleSize)
  }

  /// Grid, ticks, labels and the two axes; `frame` has room for the labels left of and below `area`.
  mutating func axes(
    _ x: PlotScale, _ y: PlotScale, labels: (x: String, y: String), area: PlotFrame, frame: PlotFrame
  ) {
    for tick in y.minorTicks + y.ticks.map(\.value) {
      guard let share = y.share(tick), (-1e-9...1 + 1e-9).contains(share) else { continue }
      let height = (area.bottom - share * area.height).rounded()
      let isMajor = y.ticks.contains { $0.value == tick }
      if isMajor { line([PlotPoint(area.x, height), PlotPoint(area.right, height)], color: .grid) }
      line([PlotPoint(area.x - (isMajor ? 4 : 2), height), PlotPoint(area.x, height)], color: .axis)
    }
    for tick in y.ticks {
      guard let share = y.share(tick.value) else { continue }
      let height = area.bottom - share * area.height
      text(
        tick.label, at: PlotPoint(area.x - 6, height + 0.36 * PlotStyle.tickSize), size: PlotStyle.tickSize,
        anchor: .end)
    }
    for tick in x.minorTicks + x.ticks.map(\.value) {
      guard let share = x.share(tick), (-1e-9...1 + 1e-9).contains(share) else { continue }
      let across = (area.x + share * area.width).rounded()
      let isMajor = x.ticks.contains { $0.value == tick }
      if isMajor { line([PlotPoint(across, area.y), PlotPoint(across, area.bottom)], color: .grid) }
      line([PlotPoint(across, area.bottom), PlotPoint(across, area.bottom + (isMajor ? 4 : 2))], color: .axis)
    }
    horizontalLabels(x.ticks.compactMap { tick in x.share(tick.value).map { (tick.label, $0) } }, area)
    outline(area)
    axisLabel(labels.x, below: area, frame)
    text(
      PlotFont.shortened(labels.y, size: PlotStyle.labelSize, width: area.height + 30),
      at: PlotPoint(frame.x + 12, area.y + area.height / 2), anchor: .middle, isVertical: true)
  }

  /// Labels under an axis, those left out that would run into the one before.
  mutating func horizontalLabels(_ labels: [(label: String, share: Double)], _ area: PlotFrame) {
    var end = -Double.infinity
    for (label, share) in labels {
      let middle = area.x + share * area.width
      let half = PlotFont.width(label, size: PlotStyle.tickSize) / 2
      guard middle - half > end + 6 else { continue }
      text(label, at: PlotPoint(middle, area.bottom + 15), size: PlotStyle.tickSize, anchor: .middle)
      end = middle + half
    }
  }

  mutating func axisLabel(_ label: String, below area: PlotFrame, _ frame: PlotFrame) {
    text(label, at: PlotPoint(area.x + area.width / 2, frame.bottom - 8), anchor: .middle)
  }

  mutating func outline(_ area: PlotFrame) {
    let (left, right) = (area.x.rounded(), area.right.rounded())
    let (top, bottom) = (area.y.rounded(), area.bottom.rounded())
    line(
      [
        PlotPoint(left, top), PlotPoint(right, top), PlotPoint(right, bottom), PlotPoint(left, bottom),
        PlotPoint(left, top),
      ], color: .axis)
  }

  mutating func marker(_ marker: PlotSeries.Marker, at position: PlotPoint, color: PlotColor) {
    let r = PlotStyle.markerRadius
    func around(_ points: [(Double, Double)]) -> [PlotPoint] { points.map { position + r * PlotPoint($0.0, $0.1) } }
    // (cos, sin) of 22.5 degrees and its multiples, without the functions.
    let (a, b, c) = (0.923_88, 0.382_68, 0.707_11)
    switch marker {
    case .none: break
    case .circle:
      let quarter = [(1.0, 0.0), (a, b), (c, c), (b, a)]
      let half = quarter + quarter.map { (-$0.1, $0.0) }
      polygon(around(half + half.map { (-$0.0, -$0.1) }), fill: color)
    case .square: polygon(around([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]), fill: color)
    case .triangle: polygon(around([(0, -1.2), (1.1, 0.8), (-1.1, 0.8)]), fill: color)
    case .diamond: polygon(around([(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]), fill: color)
    case .cross:
      line(around([(-1, -1), (1, 1)]), color: color, width: PlotStyle.lineWidth)
      line(around([(-1, 1), (1, -1)]), color: color, width: PlotStyle.lineWidth)
    }
  }
}

extension PlotFrame {
  func holds(_ point: PlotPoint) -> Bool {
    point.x >= x - 0.01 && point.x <= right + 0.01 && point.y >= y - 0.01 && point.y <= bottom + 0.01
  }
}

/// The parts of a line that lie in `area` (Liang and Barsky's clipping, run by run).
func clipped(_ points: [PlotPoint], to area: PlotFrame) -> [[PlotPoint]] {
  var parts: [[PlotPoint]] = []
  for (start, end) in zip(points, points.dropFirst()) {
    let way = end - start
    var (enter, leave) = (0.0, 1.0)
    for (speed, room) in [
      (-way.x, start.x - area.x), (way.x, area.right - start.x), (-way.y, start.y - area.y),
      (way.y, area.bottom - start.y),
    ] {
      if speed == 0, room < 0 { leave = -1 }
      if speed < 0 { enter = max(enter, room / speed) }
      if speed > 0 { leave = min(leave, room / speed) }
    }
    guard enter <= leave else { continue }
    let (first, second) = (start + enter * way, start + leave * way)
    if parts.last?.last == first { parts[parts.count - 1].append(second) } else { parts.append([first, second]) }
  }
  return parts
}
