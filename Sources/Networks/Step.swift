// The steps between a network's maps, forward and backward.
//
// Each runs over a whole image before the next begins. Bands of rows, each led through a layer's steps while it is in the
// first cache, were slower: forward by 12% at width 32 and 5% at 128, backward by 4% at 128. A step that begins again for
// every band loads its weights, and its sums of a weight gradient, as often.
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

/// A step backward over all of given maps.
enum BackwardStep {
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

  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    switch self {
    case .weights(let pass): pass.run(into: gradient)
    case .input(let pass): pass.run(weights: packed.transposed)
    case .slope(let activation, let map, let saved):
      multiplyBySlope(map, of: activation, saved: saved, to: map, in: MapRegion(allOf: map))
    case .add(let map, let target): Kernels.add(map, target, to: target, in: MapRegion(allOf: map))
    case .dropout(let mask, let map): mask.apply(map, to: map, in: MapRegion(allOf: map))
    }
  }
}

extension [BackwardStep] {
  /// One after the other.
  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    for step in self { step.run(packed, into: gradient) }
  }
}

/// Backward steps after which some layers' gradients can be looked at.
struct BackwardStage {
  let steps: [BackwardStep]
  /// The maps that hold the gradient of a layer's outputs once the stage has run, and the layers.
  var gradients: [(layer: Int, map: FeatureMap)] = []
}
