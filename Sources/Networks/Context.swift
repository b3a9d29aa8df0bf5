// Which pixels an output can see, from the structure of the network alone.
import Kernels

/// How one layer widens what is seen: from places of its output to the places of its input that they read.
public enum ContextStep: Sendable {
  /// Through a window.
  case window(ConvolutionWindow)
  /// Everything above and to the left; with two directions also everything to the right in the rows above.
  case recurrence(directions: Int)
  /// Nothing more than the layer before.
  case same
  /// What the output sees of the image itself through this window, whatever lies between.
  case image(ConvolutionWindow)

  /// The places of the input that `places` (H×W, by rows) read.
  func spread(_ places: [Bool], _ shape: ImageShape) -> [Bool] {
    switch self {
    case .same: return places
    case .window(let window), .image(let window):
      var result = [Bool](repeating: false, count: places.count)
      for place in places.indices where places[place] {
        for offset in window.offsets {
          let (y, x) = (place / shape.width + offset.dy, place % shape.width + offset.dx)
          if y >= 0, y < shape.height, x >= 0, x < shape.width { result[y * shape.width + x] = true }
        }
      }
      return result
    case .recurrence(let directions):
      // A cell at (y, x) is read by outputs below it, to its right, and with two directions anywhere below. Whether there
      // is one at or below and to one side follows from the cell below and the one beside: no need to look at all.
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
}

extension ImageModel {
  /// Which pixels (H×W, by rows) the output at row `y`, column `x` of layer number `layer` of `layerCosts` can see; nil:
  /// of the whole network.
  public func context(y: Int, x: Int, throughLayer layer: Int? = nil) -> [Bool] {
    let shape = configuration.shape
    var places = [Bool](repeating: false, count: shape.pixels)
    places[y * shape.width + x] = true
    let steps = contextSteps
    for step in steps[...(layer ?? steps.count - 1)].reversed() {
      places = step.spread(places, shape)
      if case .image = step { break }
    }
    return places
  }
}

extension PixelCNN {
  /// See `ImageModel`.
  public var contextSteps: [ContextStep] { convolutions.map { .window($0.earlierWindow) } }
}

extension DiagonalNetwork {
  /// See `ImageModel`.
  public var contextSteps: [ContextStep] {
    let middle = layers.flatMap { layer -> [ContextStep] in
      let directions = layer.directions.count
      let first: [ContextStep] = [
        .window(layer.directions[0].inputToState.earlierWindow), .recurrence(directions: directions),
      ]
      return first + [ContextStep](repeating: .same, count: 2 * (directions - 1) + (layer.output == nil ? 0 : 1))
    }
    return (input.map { [.window($0.earlierWindow)] } ?? []) + middle + [.same, .same]
  }
}
