// The activations of one image in a PixelCNN.
import Kernels

/// Maps of H×W pixels. With `width` features: the residual stream (one map, updated in place: nothing needs its
/// past), its rectified copies, the hidden layer of the head. With width / 2: what lies between a block's layers.
/// Backward needs only what came out of each ReLU: it is the next layer's input and tells where the ReLU was open.
final class PixelCNNWorkspace: ModelWorkspace {
  let input: FeatureMap
  let stream: FeatureMap
  /// The stream after its ReLU: [block], and last the head's.
  let rectified: [FeatureMap]
  /// After reduce and ReLU, [block]; bordered, since the 3×3 convolution reads it.
  let reduced: [FeatureMap]
  /// After conv and ReLU, [block].
  let convolved: [FeatureMap]
  let hidden: FeatureMap
  let logits: [FeatureMap]
  let gradients: Gradients?
  /// Rows that run through a block together, forward: as many as fit the first cache.
  let forwardBand: Int
  /// The same backward: more, since a weight gradient's sums are loaded and stored for each band.
  let backwardBand: Int

  /// Gradients of the nats with respect to the maps of the same name. They are reused from block to block.
  struct Gradients {
    let stream: FeatureMap
    let reduced: FeatureMap
    let convolved: FeatureMap
    let hidden: FeatureMap
    let logits: FeatureMap
  }

  init(_ model: PixelCNN, purpose: WorkspacePurpose) {
    let configuration = model.configuration
    let (height, width) = (configuration.shape.height, configuration.shape.width)
    func map(_ channels: Int, border: FeatureMap.Border = FeatureMap.Border()) -> FeatureMap {
      FeatureMap(height: height, width: width, channels: channels, border: border)
    }
    func maps(_ count: Int, distinct: Int, _ channels: Int, border: FeatureMap.Border = .init()) -> [FeatureMap] {
      let made = (0..<min(count, distinct)).map { _ in map(channels, border: border) }
      return (0..<count).map { made[$0 % distinct] }
    }
    let features = configuration.width
    let half = features / 2
    let blocks = configuration.blocks
    let kept = purpose == .evaluation ? 2 : blocks + 1
    let window = ConvolutionWindow(size: 3, mask: .b)
    input = FeatureMap(
      height: height, width: width, channels: configuration.shape.channels, border: model.input.window.border,
      padded: false)
    stream = map(features)
    rectified = maps(blocks + 1, distinct: kept, features)
    reduced = maps(blocks, distinct: kept, half, border: window.border)
    convolved = maps(blocks, distinct: kept, half)
    hidden = map(features)
    logits = [map(model.logits.outputChannels)]
    gradients =
      purpose == .training
      ? Gradients(
        stream: map(features), reduced: map(half),
        convolved: map(half, border: window.mirrored.border), hidden: map(features),
        logits: map(model.logits.outputChannels)) : nil
    // A row of stream, its rectified copy in and out, and of both narrow maps.
    let bytesPerRow = width * (3 * Lanes.roundUp(features) + 2 * Lanes.roundUp(half)) * 4
    forwardBand = max(1, min(height, 32_768 / bytesPerRow))
    backwardBand = max(1, min(height, 131_072 / bytesPerRow))
  }

  var logitGradients: [FeatureMap] { gradients.map { [$0.logits] } ?? [] }

  var byteCount: Int {
    let gradientMaps = gradients.map { [$0.stream, $0.reduced, $0.convolved, $0.hidden, $0.logits] } ?? []
    var seen: Set<ObjectIdentifier> = []
    let all = [input, stream, hidden] + rectified + reduced + convolved + logits + gradientMaps
    return all.reduce(0) { seen.insert($1.identity).inserted ? $0 + $1.byteCount : $0 }
  }
}
