// Which pixels an output can see, from the structure of the network alone.
import Core
import Kernels

/// How a layer widens what is seen: from places of its output to the places of its input that they read.
package enum Reach: Sendable {
  /// Through a window.
  case window(ConvolutionWindow)
  /// Everything above and to the left, with two directions also everything to the right in the rows above; all of it through
  /// a window.
  case recurrence(directions: Int, over: ConvolutionWindow)

  /// The places of the input that `places` (H×W, by rows) read.
  package func spread(_ places: [Bool], _ shape: ImageShape) -> [Bool] {
    switch self {
    case .window(let window):
      var result = [Bool](repeating: false, count: places.count)
      for place in places.indices where places[place] {
        for offset in window.offsets {
          let (y, x) = (place / shape.width + offset.dy, place % shape.width + offset.dx)
          if y >= 0, y < shape.height, x >= 0, x < shape.width { result[y * shape.width + x] = true }
        }
      }
      return result
    case .recurrence(let directions, let window):
      return Reach.window(window).spread(Self.cells(places, directions, shape), shape)
    }
  }

  /// The cells of a recurrence that `places` depend on. A cell at (y, x) is read by outputs below it, to its right, and with
  /// two directions anywhere below. Whether there is one at or below and to one side follows from the cell below and the
  /// one beside: no need to look at all.
  private static func cells(_ places: [Bool], _ directions: Int, _ shape: ImageShape) -> [Bool] {
    let (height, width) = (shape.height, shape.width)
    var (rightward, leftward) = (places, places)
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
    return places.indices.map { place in
      rightward[place] || (directions == 2 && place + width < places.count && leftward[place + width])
    }
  }
}
