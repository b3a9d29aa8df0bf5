// What a figure is made of once it is laid out: a few shapes, which each format draws.
import Core
import ImageData

/// A position in a drawing, in points: x to the right, y down.
package typealias PlotPoint = SIMD2<Double>

/// A rectangle in a drawing, in points.
package struct PlotFrame: Sendable, Equatable {
  package var x, y, width, height: Double

  package init(x: Double, y: Double, width: Double, height: Double) {
    (self.x, self.y, self.width, self.height) = (x, y, width, height)
  }

  package var right: Double { x + width }
  package var bottom: Double { y + height }
}

/// Which point of a text its position is; up and down that is always the baseline.
package enum PlotAnchor: Sendable { case start, middle, end }

/// One shape. Later shapes lie over earlier ones.
package enum PlotShape: Sendable {
  /// Filled, its edges sharp: neighbours that share an edge leave no seam.
  case rectangle(PlotFrame, fill: PlotColor)
  /// Straight runs with round ends and corners; `dash` has lengths of marks and gaps in turn, none for a whole line.
  case line([PlotPoint], color: PlotColor, width: Double, dash: [Double])
  /// Filled; the last point is joined to the first.
  case polygon([PlotPoint], fill: PlotColor)
  /// `size` is the height of a line of text; vertical text reads upwards.
  case text(String, at: PlotPoint, size: Double, anchor: PlotAnchor, color: PlotColor, isVertical: Bool)
}

/// Shapes on a white page: what `PlotFigure` lays out, and `svg` and `image` write down.
package struct PlotDrawing: Sendable {
  /// Size in points.
  package let width: Double, height: Double
  /// In words, for those who cannot see it.
  package let title: String
  package private(set) var shapes: [PlotShape] = []

  package init(width: Double, height: Double, title: String) {
    (self.width, self.height, self.title) = (width, height, title)
  }

  package mutating func rectangle(_ frame: PlotFrame, fill: PlotColor) { shapes.append(.rectangle(frame, fill: fill)) }

  package mutating func line(_ points: [PlotPoint], color: PlotColor, width: Double = 1, dash: [Double] = []) {
    shapes.append(.line(points, color: color, width: width, dash: dash))
  }

  package mutating func polygon(_ points: [PlotPoint], fill: PlotColor) { shapes.append(.polygon(points, fill: fill)) }

  package mutating func text(
    _ text: String, at position: PlotPoint, size: Double = PlotStyle.labelSize, anchor: PlotAnchor = .start,
    color: PlotColor = .ink, isVertical: Bool = false
  ) {
    shapes.append(.text(text.displayed, at: position, size: size, anchor: anchor, color: color, isVertical: isVertical))
  }
}

extension PlotDrawing {
  /// Writes the drawing whole or not at all; the name's ending, `.svg` or `.png`, says as what.
  ///
  /// - Throws: `ScanlineError`: `usage` for another ending, `cannotCreate` or `io` naming the path.
  package func write(to path: String) throws {
    if path.lowercased().hasSuffix(".svg") {
      try DurableFiles.replace(path, with: Array(svg().utf8))
    } else if path.lowercased().hasSuffix(".png") {
      try image(scale: 2).write(to: path, text: [OwnOutput.softwareKey: OwnOutput.software])
    } else {
      throw ScanlineError(.usage, path: path, expected: "a name that ends in .svg or .png", found: path)
    }
  }
}

/// Sizes that all figures share, in points.
package enum PlotStyle {
  package static let figureTitleSize = 16.0
  package static let panelTitleSize = 13.0
  package static let labelSize = 11.5
  package static let tickSize = 10.5
  package static let lineWidth = 1.8
  package static let markerRadius = 3.2
}
