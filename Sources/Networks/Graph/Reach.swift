// Which pixels an output can see, from the structure of the network alone.
import Core
import Kernels

/// How a layer widens what is seen: from positions of its output to the positions of its input that they read.
package enum Reach: Sendable {
  /// Through a window.
  case window(ConvolutionWindow)
  /// Everything above and to the left, with two directions also everything to the right in the rows above; all of it through
  /// a window.
  case recurrence(directions: Int, over: ConvolutionWindow)

  /// The positions of the input that `positions` (H×W, by rows) read.
  package func spread(_ positions: [Bool], _ shape: ImageShape) -> [Bool] {
    switch self {
    case .window(let window):
      var result = [Bool](repeating: false, count: positions.count)
      for position in positions.indices where positions[position] {
        for offset in window.offsets {
          let (y, x) = (position / shape.width + offset.dy, position % shape.width + offset.dx)
          if y >= 0, y < shape.height, x >= 0, x < shape.width { result[y * shape.width + x] = true }
        }
      }
      return result
    case .recurrence(let directions, let window):
      return Reach.window(window).spread(Self.cells(positions, directions, shape), shape)
    }
  }

  /// The cells of a recurrence that `positions` depend on. A cell at (y, x) is read by outputs below it, to its right, and
  /// with two directions anywhere below. Whether there is one at or below and to one side follows from the cell below and
  /// the one beside: no need to look at all.
  private static func cells(_ positions: [Bool], _ directions: Int, _ shape: ImageShape) -> [Bool] {
    let (height, width) = (shape.height, shape.width)
    var (rightward, leftward) = (positions, positions)
    for y in (0..<height).reversed() {
      for x in (0..<width).reversed() where !rightward[y * width + x] {
        rightward[y * width + x] =
          (y + 1 < height && rightward[(y + 1) * width + x]) || (x + 1 < width && rightward[y * width + x + 1])
      }
      for x in 0..<width where !leftward[y * width + x] {
        leftward[y * width + x] =
          (y + 1 < height && leftward[(y + 1) * width + x]) || (x > 0 && leftward[y * width + x - 1])
      }
    }
    return positions.indices.map { position in
      rightward[position] || (directions == 2 && position + width < positions.count && leftward[position + width])
    }
  }
}
