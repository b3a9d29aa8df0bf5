// Which pixels an output can see, from the structure of the network alone.
import Core
import Kernels

/// How a layer widens what is seen: from positions of its output to the positions of its input that they read.
package enum Reach: Sendable {
  /// Through a window.
  case window(ConvolutionWindow)
  /// Everything above and to the left, with two directions also everything to the right in the rows above; all of it
  /// through a window.
  case recurrence(directions: Int, over: ConvolutionWindow)
  /// Everything above and to the left, or `flipped` to the right, through a window.
  case scan(flipped: Bool, over: ConvolutionWindow)
  /// All before the position, and itself where `includesItself`.
  case before(includesItself: Bool)

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
      var cells = Self.cells(positions, flipped: false, shape)
      if directions == 2 {
        // Read one row below.
        let above = positions.dropFirst(shape.width) + [Bool](repeating: false, count: shape.width)
        for (i, isRead) in Self.cells(Array(above), flipped: true, shape).enumerated() where isRead { cells[i] = true }
      }
      return Reach.window(window).spread(cells, shape)
    case .before(let includesItself):
      let last = positions.lastIndex(of: true) ?? 0
      return positions.indices.map { $0 < last || (includesItself && $0 == last) }
    case .scan(let flipped, let window):
      return Reach.window(window).spread(Self.cells(positions, flipped: flipped, shape), shape)
    }
  }

  /// The cells of one direction that `positions` depend on. A cell at (y, x) is read by outputs below it and on the side
  /// that the direction leads to. Whether there is one follows from the cell below and the one beside: no need to look
  /// at all.
  private static func cells(_ positions: [Bool], flipped: Bool, _ shape: ImageShape) -> [Bool] {
    let (height, width) = (shape.height, shape.width)
    var result = positions
    for y in (0..<height).reversed() {
      for number in 0..<width {
        let x = flipped ? number : width - 1 - number
        let isReadBeside = number > 0 && result[y * width + (flipped ? x - 1 : x + 1)]
        if isReadBeside || (y + 1 < height && result[(y + 1) * width + x]) { result[y * width + x] = true }
      }
    }
    return result
  }
}
