// The activations of one image in a PixelCNN.
import Kernels

/// Maps of H×W pixels. With `width` features: the residual stream (one map, updated in place: nothing needs its
/// past), its activated copies, the hidden layer of the head. With width / 2: what lies between a block's layers.
/// Backward needs only what came out of each activation: it is the next layer's input and tells the slope.
final class PixelCNNWorkspace: ModelWorkspace {
  let activations: Activations
  let logits: [FeatureMap]
  let logitGradients: [FeatureMap]
  let dropout: Dropout?
  /// Input layer, blocks, head.
  let forwardSteps: [ForwardStep]
  /// Head, blocks from the last to the first, input layer; none in a workspace for evaluation.
  let backwardStages: [BackwardStage]
  let byteCount: Int

  /// Memory to run `model` on images of its configuration.
  init(_ model: PixelCNN, purpose: WorkspacePurpose) {
    let maker = MapMaker(model.configuration.shape, images: 1)
    dropout = purpose.makeDropout(images: 1)
    let activations = Activations(model, maker, kept: purpose.kept, dropout: dropout)
    self.activations = activations
    logits = [activations.logits]
    forwardSteps = model.forwardSteps(activations)
    if purpose.isTraining {
      let gradients = Gradients(model, maker)
      logitGradients = [gradients.logits]
      backwardStages = model.backwardStages(activations, gradients)
    } else {
      logitGradients = []
      backwardStages = []
    }
    byteCount = maker.byteCount
  }

  /// What the forward pass computes.
  struct Activations {
    let input: FeatureMap
    let stream: FeatureMap
    /// The stream after its activation: [block], and last the head's.
    let activated: [FeatureMap]
    /// After reduce and activation, [block]; bordered, since the 3×3 convolution reads it.
    let reduced: [FeatureMap]
    /// After conv and activation, [block].
    let convolved: [FeatureMap]
    /// What expand reads of it, [block].
    let thinned: [Dropout.Layer]
    let hidden: FeatureMap
    let logits: FeatureMap
    /// The classes of the images; nil where the model depends on none.
    let classes: ClassChoice?

    init(_ model: PixelCNN, _ maker: MapMaker, kept: KeptMaps, images: Int = 1, dropout: Dropout? = nil) {
      let configuration = model.configuration
      let half = configuration.width / 2
      let blocks = configuration.blocks
      func maps(_ count: Int, kept: Bool, _ make: () -> FeatureMap) -> [FeatureMap] {
        let made = (0..<(kept ? count : min(count, 2))).map { _ in make() }
        return (0..<count).map { made[$0 % made.count] }
      }
      input = maker.map(
        configuration.shape.channels, border: model.input.window.spread(over: images).border, padded: false)
      stream = maker.passingMap(configuration.width)
      activated = maps(blocks + 1, kept: kept == .all) { maker.passingMap(configuration.width) }
      let border = ConvolutionWindow(size: 3, mask: .b).spread(over: images).border
      reduced = maps(blocks, kept: kept != .none) { maker.map(half, border: border) }
      convolved = maps(blocks, kept: kept == .all) { maker.passingMap(half) }
      thinned = convolved.map { dropout.layer($0, maker) }
      hidden = maker.passingMap(configuration.width)
      logits = maker.passingMap(model.head.logits.outputChannels)
      classes = ClassChoice(configuration, images: images)
    }
  }

  /// Gradients of the nats with respect to the maps of the same name, reused from block to block.
  struct Gradients {
    let stream: FeatureMap
    let reduced: FeatureMap
    let convolved: FeatureMap
    let hidden: FeatureMap
    let logits: FeatureMap
    /// ∂nats/∂φ(stream), where no kernel passes it on to the stream at once.
    let activated: FeatureMap?

    init(_ model: PixelCNN, _ maker: MapMaker) {
      let width = model.configuration.width
      stream = maker.map(width)
      reduced = maker.map(width / 2)
      convolved = maker.map(width / 2, border: ConvolutionWindow(size: 3, mask: .b).mirrored.border)
      hidden = maker.map(width)
      logits = maker.map(model.head.logits.outputChannels)
      activated = model.configuration.residual == .pre && !model.fusesActivation ? maker.map(width) : nil
    }
  }
}
