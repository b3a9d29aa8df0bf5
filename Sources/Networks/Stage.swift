// Bands of rows, and the steps that run through them together.
import Kernels

/// A step forward between given maps.
enum ForwardStep {
  case convolution(ConvolutionPass)
  /// target = φ(source)
  case activation(Activation, FeatureMap, to: FeatureMap)
  case copy(FeatureMap, to: FeatureMap)
  /// target = source thinned out
  case dropout(DropoutMask, FeatureMap, to: FeatureMap)

  func run(_ region: MapRegion, _ packed: PackedParameters) {
    switch self {
    case .convolution(let pass): pass.run(region, weights: packed.forward)
    case .activation(let activation, let source, let target): activate(source, by: activation, to: target, in: region)
    case .copy(let source, let target): Kernels.copy(source, to: target, in: region)
    case .dropout(let mask, let source, let target): mask.apply(source, to: target, in: region)
    }
  }
}

/// Steps that a band of rows runs through one after the other before the next band begins, so that what lies between
/// them is still in the first cache.
struct ForwardStage {
  let steps: [ForwardStep]
  let bandHeight: Int

  /// Runs the rows of maps of `width` places.
  func run(_ rows: Range<Int>, width: Int, _ packed: PackedParameters) {
    for band in Bands(rows, height: bandHeight) {
      let region = MapRegion(rows: band, columns: 0..<width)
      for step in steps { step.run(region, packed) }
    }
  }
}

/// The backward steps of a stage. Bands run upward, since a pixel's gradient comes from the rows below it.
struct BackwardStage {
  /// A step backward.
  enum Step {
    /// A layer's weight gradient.
    case weights(WeightGradientPass)
    /// From the gradient of a layer's output to that of its input.
    case input(ConvolutionPass)
    /// gradient ⊙= φ′, where `saved` is what φ gave.
    case slope(Activation, FeatureMap, saved: FeatureMap)
    /// target += gradient
    case add(FeatureMap, to: FeatureMap)
    /// The gradient of what was left out is zero.
    case dropout(DropoutMask, FeatureMap)
  }

  let steps: [Step]
  let bandHeight: Int
  /// The maps that hold the gradient of a layer's outputs once the stage has run, and the layers.
  var gradients: [(layer: Int, map: FeatureMap)] = []

  func run(_ rows: Range<Int>, _ packed: PackedParameters, into gradient: AlignedBuffer) {
    for band in Bands(rows, height: bandHeight).reversed() {
      for step in steps {
        switch step {
        case .weights(let pass): pass.run(band, into: gradient)
        case .input(let pass): pass.run(band, weights: packed.transposed)
        case .slope(let activation, let map, let saved):
          multiplyBySlope(
            map, of: activation, saved: saved, to: map, in: MapRegion(rows: band, columns: 0..<map.width))
        case .add(let map, let target):
          Kernels.add(map, target, to: target, in: MapRegion(rows: band, columns: 0..<map.width))
        case .dropout(let mask, let map):
          mask.apply(map, to: map, in: MapRegion(rows: band, columns: 0..<map.width))
        }
      }
    }
  }
}

/// A range of rows cut into bands of `height` rows, the last one possibly lower.
struct Bands: RandomAccessCollection {
  private let rows: Range<Int>
  private let height: Int

  init(_ rows: Range<Int>, height: Int) {
    self.rows = rows
    self.height = height
  }

  var startIndex: Int { 0 }
  var endIndex: Int { (rows.count + height - 1) / height }
  subscript(index: Int) -> Range<Int> {
    let start = rows.lowerBound + index * height
    return start..<Swift.min(start + height, rows.upperBound)
  }
}
