// Rows × columns of values as colours: layers over steps.

/// A heat map with its colour bar.
package struct PlotHeatMap: Sendable {
  /// Above the panel.
  package var title: String
  /// The name of each row, from the top.
  package var rows: [String]
  /// The number of each column (a step), ascending, and what it is.
  package var columns: [Double], columnLabel: String
  /// rows × columns values. One that is not finite, or not positive on a logarithmic scale, is shown grey.
  package var values: [[Double]]
  /// The colours' scale and what it measures. Values beyond its limits have the colour of the limit.
  package var scale: PlotAxis

  /// A heat map; `values` has a row for each of `rows` and in it a value for each of `columns`.
  package init(
    title: String, rows: [String], columns: [Double], columnLabel: String, values: [[Double]], scale: PlotAxis
  ) {
    precondition(
      !rows.isEmpty && !columns.isEmpty && values.count == rows.count
        && values.allSatisfy { $0.count == columns.count }, "a heat map needs rows × columns values")
    (self.title, self.rows, self.columns) = (title, rows, columns)
    (self.columnLabel, self.values, self.scale) = (columnLabel, values, scale)
  }
}

/// Where everything in a heat map's frame lies.
package struct PlotHeatLayout {
  package let area: PlotFrame
  package let bar: PlotFrame
  package let colors: PlotScale

  init(_ map: PlotHeatMap, in frame: PlotFrame) {
    let top = frame.y + (map.title.isEmpty ? 8 : 28)
    let height = frame.bottom - 42 - top
    colors = PlotScale(map.scale, values: map.values.flatMap { $0 }, count: Int(height / 34), margin: 0)
    let names = map.rows.map { PlotFont.width($0, size: PlotStyle.tickSize) }.max() ?? 0
    let labels = colors.ticks.map { PlotFont.width($0.label, size: PlotStyle.tickSize) }.max() ?? 0
    let left = frame.x + 14 + min(names, PlotHeatMap.longestName)
    let right = frame.right - labels - 56
    area = PlotFrame(x: left, y: top, width: right - left, height: height)
    bar = PlotFrame(x: right + 14, y: top, width: 12, height: height)
  }
}

extension PlotHeatMap {
  /// Points that a row's name may take.
  static let longestName = 150.0
  /// Columns drawn at most: more are averaged, along the scale, into as many. A screen shows no more, and an SVG of a
  /// rectangle for each of thousands of steps would open slowly.
  static let mostColumns = 200

  package func draw(in frame: PlotFrame, on drawing: inout PlotDrawing) {
    let layout = PlotHeatLayout(self, in: frame)
    let area = layout.area
    drawing.title(title, over: frame)
    drawing.rectangle(area, fill: .missing)
    let drawn = min(columns.count, Self.mostColumns)
    for row in rows.indices {
      let top = area.y + area.height * Double(row) / Double(rows.count)
      let bottom = area.y + area.height * Double(row + 1) / Double(rows.count)
      for cell in 0..<drawn {
        let part = columns.count * cell / drawn..<columns.count * (cell + 1) / drawn
        let shares = part.compactMap { layout.colors.share(values[row][$0]) }
        guard !shares.isEmpty else { continue }
        let left = area.x + area.width * Double(cell) / Double(drawn)
        let right = area.x + area.width * Double(cell + 1) / Double(drawn)
        drawing.rectangle(
          PlotFrame(x: left, y: top, width: right - left, height: bottom - top),
          fill: .scale(shares.reduce(0, +) / Double(shares.count)))
      }
    }
    drawing.outline(area)
    nameRows(area, on: &drawing)
    numberColumns(area, on: &drawing)
    drawing.axisLabel(columnLabel, below: area, frame)
    drawBar(layout, frame, on: &drawing)
  }

  /// Every row's name, or every second, third… where they would overlap.
  private func nameRows(_ area: PlotFrame, on drawing: inout PlotDrawing) {
    let height = area.height / Double(rows.count)
    let step = max(1, Int(((PlotStyle.tickSize + 1) / height).rounded(.up)))
    for row in stride(from: 0, to: rows.count, by: step) {
      let middle = area.y + height * (Double(row) + 0.5)
      drawing.text(
        PlotFont.shortened(rows[row], size: PlotStyle.tickSize, width: Self.longestName),
        at: PlotPoint(area.x - 6, middle + 0.36 * PlotStyle.tickSize), size: PlotStyle.tickSize, anchor: .end)
    }
  }

  /// Round numbers, each under the column that is nearest to it.
  private func numberColumns(_ area: PlotFrame, on drawing: inout PlotDrawing) {
    let scale = PlotScale(PlotAxis(columnLabel), values: columns, count: Int(area.width / 60), margin: 0)
    var used = Set<Int>()
    var labels: [(label: String, share: Double)] = []
    for tick in scale.ticks {
      let nearest = columns.indices.min { abs(columns[$0] - tick.value) < abs(columns[$1] - tick.value) } ?? 0
      guard used.insert(nearest).inserted else { continue }
      let share = (Double(nearest) + 0.5) / Double(columns.count)
      let across = (area.x + share * area.width).rounded()
      drawing.line([PlotPoint(across, area.bottom), PlotPoint(across, area.bottom + 4)], color: .axis)
      labels.append((tick.label, share))
    }
    drawing.horizontalLabels(labels, area)
  }

  private func drawBar(_ layout: PlotHeatLayout, _ frame: PlotFrame, on drawing: inout PlotDrawing) {
    let bar = layout.bar
    let steps = 96
    for step in 0..<steps {
      let top = bar.bottom - bar.height * Double(step + 1) / Double(steps)
      drawing.rectangle(
        PlotFrame(x: bar.x, y: top, width: bar.width, height: bar.height / Double(steps)),
        fill: .scale((Double(step) + 0.5) / Double(steps)))
    }
    drawing.outline(bar)
    for tick in layout.colors.ticks {
      guard let share = layout.colors.share(tick.value) else { continue }
      let height = (bar.bottom - share * bar.height).rounded()
      drawing.line([PlotPoint(bar.right, height), PlotPoint(bar.right + 4, height)], color: .axis)
      drawing.text(
        tick.label, at: PlotPoint(bar.right + 7, height + 0.36 * PlotStyle.tickSize), size: PlotStyle.tickSize)
    }
    drawing.text(
      PlotFont.shortened(scale.label, size: PlotStyle.labelSize, width: bar.height + 30),
      at: PlotPoint(frame.right - 8, bar.y + bar.height / 2), anchor: .middle, isVertical: true)
  }
}
