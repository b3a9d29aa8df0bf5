// The order in which a model goes through the pixels of an image.
import Core

/// An order of pixels. A distribution of pixels one after another may take them in any order: models of other orders see other
/// neighbours, so they err in other places, and their mixture is better than each (`compare --mixture`).
///
/// The network itself goes from left to right, from top to bottom; images are turned before it reads them, and back when it
/// has drawn them. A likelihood is that of the image: turning moves pixels and changes none.
public enum RasterOrder: String, Sendable, Codable, CaseIterable {
  /// Row by row from the top, each from left to right.
  case rows
  /// Row by row from the top, each from right to left.
  case flipped
  /// Row by row from the bottom, each from left to right.
  case upward
  /// Row by row from the bottom, each from right to left: the usual order backwards.
  case reversed
  /// Column by column from the left, each from top to bottom; of square images.
  case columns

  /// The pixel of the image (row · width + column) that the network reads at each position.
  func pixels(_ shape: ImageShape) -> [Int] {
    let (height, width) = (shape.height, shape.width)
    return (0..<shape.pixels).map { position in
      let (y, x) = position.quotientAndRemainder(dividingBy: width)
      return switch self {
      case .rows: position
      case .flipped: y * width + (width - 1 - x)
      case .upward: (height - 1 - y) * width + x
      case .reversed: shape.pixels - 1 - position
      case .columns: x * width + y
      }
    }
  }
}

extension RasterOrder {
  /// `values`, N×H×W×C, as a network of this order reads them.
  func turn<Value>(_ values: [Value], _ shape: ImageShape) -> [Value] {
    if self == .rows { return values }
    var result = values
    forEachPair(values.count, shape) { result[$0] = values[$1] }
    return result
  }

  /// The values of which `turned` are as a network of this order reads them.
  func turnBack<Value>(_ turned: [Value], _ shape: ImageShape) -> [Value] {
    if self == .rows { return turned }
    var result = turned
    forEachPair(turned.count, shape) { result[$1] = turned[$0] }
    return result
  }

  func turn(_ batch: ImageBatch) -> ImageBatch {
    var result = batch
    result.levels = turn(batch.levels, batch.shape)
    return result
  }

  func turnBack(_ batch: ImageBatch) -> ImageBatch {
    var result = batch
    result.levels = turnBack(batch.levels, batch.shape)
    return result
  }

  /// Calls `body` with the index of each value as the network has it, and as the image has it.
  private func forEachPair(_ count: Int, _ shape: ImageShape, _ body: (_ network: Int, _ image: Int) -> Void) {
    let pixels = pixels(shape)
    for first in stride(from: 0, to: count, by: shape.dimensions) {
      for (position, pixel) in pixels.enumerated() {
        for c in 0..<shape.channels { body(first + position * shape.channels + c, first + pixel * shape.channels + c) }
      }
    }
  }
}
