// The activations of one image in a PixelCNN, and the passes between them.
import Kernels

/// Maps of H×W pixels. With `width` features: the residual stream (one map, updated in place: nothing needs its
/// past), its rectified copies, the hidden layer of the head. With width / 2: what lies between a block's layers.
/// Backward needs only what came out of each ReLU: it is the next layer's input and tells where the ReLU was open.
final class PixelCNNWorkspace: ModelWorkspace {
  let input: FeatureMap
  let logits: [FeatureMap]
  let logitGradients: [FeatureMap]
  /// Input layer, blocks, head.
  let forwardStages: [ForwardStage]
  /// Head, blocks from the last to the first, input layer; none in a workspace for evaluation.
  let backwardStages: [BackwardStage]
  let byteCount: Int

  /// Memory to run `model` on images of its configuration.
  init(_ model: PixelCNN, purpose: WorkspacePurpose) {
    let activations = Activations(model, purpose: purpose)
    input = activations.input
    logits = [activations.logits]
    forwardStages = model.forwardStages(activations)
    var maps = activations.all
    if purpose == .training {
      let gradients = Gradients(model)
      logitGradients = [gradients.logits]
      backwardStages = model.backwardStages(activations, gradients)
      maps += gradients.all
    } else {
      logitGradients = []
      backwardStages = []
    }
    var seen: Set<ObjectIdentifier> = []
    byteCount = maps.reduce(0) { seen.insert($1.identity).inserted ? $0 + $1.byteCount : $0 }
  }

  /// What the forward pass computes.
  struct Activations {
    let input: FeatureMap
    let stream: FeatureMap
    /// The stream after its ReLU: [block], and last the head's.
    let rectified: [FeatureMap]
    /// After reduce and ReLU, [block]; bordered, since the 3×3 convolution reads it.
    let reduced: [FeatureMap]
    /// After conv and ReLU, [block].
    let convolved: [FeatureMap]
    let hidden: FeatureMap
    let logits: FeatureMap

    init(_ model: PixelCNN, purpose: WorkspacePurpose) {
      let configuration = model.configuration
      let half = configuration.width / 2
      let blocks = configuration.blocks
      // Where nothing is kept, two maps take turns.
      let kept = purpose == .evaluation ? 2 : blocks + 1
      func maps(_ count: Int, _ channels: Int, border: FeatureMap.Border = .init()) -> [FeatureMap] {
        let made = (0..<min(count, kept)).map { _ in model.map(channels, border: border) }
        return (0..<count).map { made[$0 % kept] }
      }
      input = model.map(configuration.shape.channels, border: model.input.window.border, padded: false)
      stream = model.map(configuration.width)
      rectified = maps(blocks + 1, configuration.width)
      reduced = maps(blocks, half, border: ConvolutionWindow(size: 3, mask: .b).border)
      convolved = maps(blocks, half)
      hidden = model.map(configuration.width)
      logits = model.map(model.logits.outputChannels)
    }

    var all: [FeatureMap] { [input, stream, hidden, logits] + rectified + reduced + convolved }
  }

  /// Gradients of the nats with respect to the maps of the same name, reused from block to block.
  struct Gradients {
    let stream: FeatureMap
    let reduced: FeatureMap
    let convolved: FeatureMap
    let hidden: FeatureMap
    let logits: FeatureMap

    init(_ model: PixelCNN) {
      let width = model.configuration.width
      stream = model.map(width)
      reduced = model.map(width / 2)
      convolved = model.map(width / 2, border: ConvolutionWindow(size: 3, mask: .b).mirrored.border)
      hidden = model.map(width)
      logits = model.map(model.logits.outputChannels)
    }

    var all: [FeatureMap] { [stream, reduced, convolved, hidden, logits] }
  }
}

extension PixelCNN {
  /// A map of the image's height and width.
  fileprivate func map(
    _ channels: Int, border: FeatureMap.Border = .init(), padded: Bool = true
  ) -> FeatureMap {
    FeatureMap(
      height: configuration.shape.height, width: configuration.shape.width, channels: channels, border: border,
      padded: padded)
  }

  /// Bytes that a row takes in the maps that a block touches: the stream, its rectified copies before and after, the
  /// two narrow maps.
  private var bytesPerRow: Int {
    configuration.shape.width * 4
      * (3 * Lanes.roundUp(configuration.width) + 2 * Lanes.roundUp(configuration.width / 2))
  }

  /// As many rows as fit the first cache.
  private var forwardBand: Int { max(1, 32_768 / bytesPerRow) }
  /// More than forward, since a weight gradient's sums are loaded and stored for each band.
  private var backwardBand: Int { max(1, 131_072 / bytesPerRow) }

  fileprivate func forwardStages(_ a: PixelCNNWorkspace.Activations) -> [ForwardStage] {
    func stage(_ passes: ConvolutionPass...) -> ForwardStage { ForwardStage(passes: passes, bandHeight: forwardBand) }
    let first = stage(input.forward(a.input, to: .start(stream: a.stream, rectified: a.rectified[0])))
    let middle = blocks.enumerated().map { index, block in
      stage(
        block.reduce.forward(a.rectified[index], to: .rectified(a.reduced[index])),
        block.conv.forward(a.reduced[index], to: .rectified(a.convolved[index])),
        block.expand.forward(
          a.convolved[index], to: .residual(stream: a.stream, rectified: a.rectified[index + 1])))
    }
    let head = stage(
      hidden.forward(a.rectified[blocks.count], to: .rectified(a.hidden)),
      logits.forward(a.hidden, to: .store(a.logits)))
    return [first] + middle + [head]
  }

  fileprivate func backwardStages(
    _ a: PixelCNNWorkspace.Activations, _ g: PixelCNNWorkspace.Gradients
  ) -> [BackwardStage] {
    func stage(_ steps: BackwardStage.Step...) -> BackwardStage {
      BackwardStage(steps: steps, bandHeight: backwardBand)
    }
    let last = a.rectified[blocks.count]
    let head = stage(
      .weights(logits.weightGradient(a.hidden, g.logits)),
      .input(logits.inputGradient(g.logits, to: .masked(g.hidden, saved: a.hidden))),
      .weights(hidden.weightGradient(last, g.hidden)),
      .input(hidden.inputGradient(g.hidden, to: .masked(g.stream, saved: last))))
    let middle = blocks.enumerated().reversed().map { index, block in
      stage(
        .weights(block.expand.weightGradient(a.convolved[index], g.stream)),
        .input(block.expand.inputGradient(g.stream, to: .masked(g.convolved, saved: a.convolved[index]))),
        .weights(block.conv.weightGradient(a.reduced[index], g.convolved)),
        .input(block.conv.inputGradient(g.convolved, to: .masked(g.reduced, saved: a.reduced[index]))),
        .weights(block.reduce.weightGradient(a.rectified[index], g.reduced)),
        .input(
          block.reduce.inputGradient(
            g.reduced, to: .maskedResidual(stream: g.stream, saved: a.rectified[index]))))
    }
    return [head] + middle + [stage(.weights(input.weightGradient(a.input, g.stream)))]
  }
}
