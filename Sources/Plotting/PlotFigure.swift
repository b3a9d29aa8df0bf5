// A figure: panels on a page, written as SVG and as PNG.
import ImageData

/// One part of a figure.
package enum PlotPanel: Sendable {
  /// Lines over an axis.
  case lines(PlotLineChart)
  /// Values as colours.
  case heatMap(PlotHeatMap)
  /// Named values with their intervals.
  case dots(PlotDotChart)
}

/// A figure: a title, words under it, and panels from left to right, row by row. The same shapes become an SVG (text
/// stays text) and a PNG, so both show the same.
///
///     let chart = PlotLineChart(
///       title: "gradient", x: PlotAxis("layer"), y: PlotAxis("RMS", scale: .logarithmic),
///       series: [PlotSeries("mean", points, color: .series(0), marker: .circle)])
///     try PlotFigure(title: "step 200", panels: [.lines(chart)]).write(to: "profile.svg")
package struct PlotFigure: Sendable {
  /// The headline.
  package var title: String
  /// A sentence or two under it, broken into lines.
  package var caption: String
  /// At least one.
  package var panels: [PlotPanel]
  /// Panels in a row.
  package var columns: Int
  /// Size of each panel, in points.
  package var panelWidth: Double, panelHeight: Double

  /// A figure; `columns` nil puts up to two panels in a row.
  package init(
    title: String, caption: String = "", panels: [PlotPanel], columns: Int? = nil, panelWidth: Double = 500,
    panelHeight: Double = 340
  ) {
    precondition(!panels.isEmpty, "a figure needs a panel")
    (self.title, self.caption, self.panels) = (title, caption, panels)
    self.columns = max(1, min(columns ?? 2, panels.count))
    (self.panelWidth, self.panelHeight) = (panelWidth, panelHeight)
  }

  private static let margin = 14.0, captionLine = 16.0

  /// The figure laid out.
  package var drawing: PlotDrawing {
    let rows = (panels.count + columns - 1) / columns
    let width = Self.margin * 2 + Double(columns) * panelWidth
    let lines = PlotFont.lines(caption, size: PlotStyle.labelSize, width: width - 2 * Self.margin - 16)
    let head =
      Self.margin + (title.isEmpty ? 0 : 24) + Double(lines.count) * Self.captionLine + (lines.isEmpty ? 0 : 8)
    var drawing = PlotDrawing(
      width: width, height: head + Double(rows) * panelHeight + Self.margin, title: title)
    let left = Self.margin + 8
    drawing.text(
      PlotFont.shortened(title, size: PlotStyle.figureTitleSize, width: width - 2 * left),
      at: PlotPoint(left, Self.margin + 14), size: PlotStyle.figureTitleSize)
    let first = Self.margin + (title.isEmpty ? 0 : 24) + 11
    for (index, line) in lines.enumerated() {
      drawing.text(line, at: PlotPoint(left, first + Double(index) * Self.captionLine), color: .axis)
    }
    for (index, panel) in panels.enumerated() {
      let frame = PlotFrame(
        x: Self.margin + Double(index % columns) * panelWidth, y: head + Double(index / columns) * panelHeight,
        width: panelWidth, height: panelHeight)
      switch panel {
      case .lines(let chart): chart.draw(in: frame, on: &drawing)
      case .heatMap(let map): map.draw(in: frame, on: &drawing)
      case .dots(let chart): chart.draw(in: frame, on: &drawing)
      }
    }
    return drawing
  }

  /// The figure as an SVG document (version 1.1, UTF-8).
  package func svg() -> String { drawing.svg() }

  /// The figure as an RGB image, `scale` pixels to a point.
  package func image(scale: Double = 2) -> PNGImage { drawing.image(scale: scale) }

  /// Writes the figure whole or not at all; the name's ending, `.svg` or `.png`, says as what.
  ///
  /// - Throws: `ScanlineError`: `usage` for another ending, `cannotCreate` or `io` naming the path.
  package func write(to path: String) throws { try drawing.write(to: path) }
}
