// The least likely images, and where in them the surprise lies.
import Core
import ImageData
import Plotting

/// A picture of images, each with a map of its pixels' nats beside it.
package struct LikelihoodMaps {
  /// Sides of the enlarged images, in pixels, are about this at least.
  private static let side = 112
  private static let gap = 8, line = 18, columns = 4

  /// The nats at which the colour scale ends: the largest of any pixel shown.
  package let most: Double
  private let images: ImageBatch
  private let quantization: Quantization
  /// N×H×W nats.
  private let pixelNats: [Double]

  /// `images` and the nats of their values, N×H×W×C (`Scorer.valueNats`).
  package init(_ images: ImageBatch, valueNats: [Float], quantization: Quantization) {
    precondition(valueNats.count == images.levels.count && images.count > 0, "nats of every value")
    (self.images, self.quantization) = (images, quantization)
    let channels = images.shape.channels
    pixelNats = (0..<images.count * images.shape.pixels).map { pixel in
      (0..<channels).reduce(0) { $0 + Double(valueNats[pixel * channels + $1]) }
    }
    most = pixelNats.max() ?? 0
  }

  /// An RGB picture, two pixels to a point: in the order given, row by row, every image and its map, under `labels`, one
  /// for each; below them the colour scale, from dark violet, 0, to yellow, `most`. A pixel's position on it is the square
  /// root of its share of `most`: otherwise a single pixel would leave all others dark.
  package func picture(labels: [String]) -> PNGImage {
    precondition(labels.count == images.count, "a label for each image")
    let (shape, gap) = (images.shape, Self.gap)
    // Whole enlargements: every pixel is a square.
    let zoom = max(1, (Self.side + max(shape.height, shape.width) - 1) / max(shape.height, shape.width))
    let (width, height) = (shape.width * zoom, shape.height * zoom)
    let columns = min(Self.columns, images.count), rows = (images.count + columns - 1) / columns
    let cell = (width: 2 * width + 3 * gap, height: height + Self.line + gap)
    let size = (width: max(columns * cell.width + gap, 360), height: rows * cell.height + 2 * Self.line + 2 * gap)
    // Twice as large, so that the letters are clear.
    var drawing = PlotDrawing(width: Double(size.width) / 2, height: Double(size.height) / 2, title: "")
    func point(_ x: Int, _ y: Int) -> PlotPoint { PlotPoint(Double(x) / 2, Double(y) / 2) }
    for (index, label) in labels.enumerated() {
      let position = (x: gap + index % columns * cell.width, y: gap + index / columns * cell.height)
      let room = Double(cell.width - gap) / 2
      drawing.text(
        PlotFont.shortened(label, size: 7.5, width: room), at: point(position.x, position.y + Self.line - 5), size: 7.5)
    }
    drawScale(top: rows * cell.height + gap, on: &drawing)
    var picture = drawing.image(scale: 2)
    for index in 0..<images.count {
      let position = (x: gap + index % columns * cell.width, y: gap + index / columns * cell.height + Self.line)
      fill(&picture, x: position.x, y: position.y, zoom) { y, x in
        (0..<3).map { quantization.displayValue(images[index, y, x, min($0, shape.channels - 1)]) }
      }
      fill(&picture, x: position.x + width + gap, y: position.y, zoom) { y, x in
        let nats = pixelNats[index * shape.pixels + y * shape.width + x]
        let color = PlotColor.scale(most > 0 ? (nats / most).squareRoot() : 0)
        return [color.red, color.green, color.blue]
      }
    }
    return picture
  }

  private func drawScale(top: Int, on drawing: inout PlotDrawing) {
    let y = Double(top) / 2, (left, width) = (Double(Self.gap) / 2, 140.0)
    for step in 0..<70 {
      drawing.rectangle(
        PlotFrame(x: left + width * Double(step) / 70, y: y, width: width / 70, height: 7),
        fill: .scale((Double(step) + 0.5) / 70))
    }
    for quarter in [0.0, 0.5, 1] {
      let label = Self.text(most * quarter * quarter) + (quarter == 1 ? " nats a pixel" : "")
      let position = PlotPoint(left + width * quarter, y + 16)
      drawing.text(label, at: position, size: 7.5, anchor: quarter == 0.5 ? .middle : .start)
    }
  }

  /// Squares of `zoom` pixels from (`x`, `y`) on.
  private func fill(_ picture: inout PNGImage, x left: Int, y top: Int, _ zoom: Int, _ color: (Int, Int) -> [UInt8]) {
    for y in 0..<images.shape.height {
      for x in 0..<images.shape.width {
        let color = color(y, x)
        for row in 0..<zoom {
          let first = ((top + y * zoom + row) * picture.shape.width + left + x * zoom) * 3
          for position in 0..<zoom {
            picture.values.replaceSubrange(first + 3 * position..<first + 3 * position + 3, with: color)
          }
        }
      }
    }
  }

  /// Two digits behind the point.
  private static func text(_ nats: Double) -> String {
    String(printf: "%.2f", (nats * 100).rounded() / 100)
  }
}
