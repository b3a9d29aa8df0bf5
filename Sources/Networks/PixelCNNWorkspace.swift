// The activations of one image in a PixelCNN, and the passes between them.
import Kernels

/// Maps of H×W pixels. With `width` features: the residual stream (one map, updated in place: nothing needs its
/// past), its rectified copies, the hidden layer of the head. With width / 2: what lies between a block's layers.
/// Backward needs only what came out of each ReLU: it is the next layer's input and tells where the ReLU was open.
final class PixelCNNWorkspace: ModelWorkspace {
  let activations: Activations
  let logits: [FeatureMap]
  let logitGradients: [FeatureMap]
  /// Input layer, blocks, head.
  let forwardStages: [ForwardStage]
  /// Head, blocks from the last to the first, input layer; none in a workspace for evaluation.
  let backwardStages: [BackwardStage]
  let byteCount: Int

  /// Memory to run `model` on images of its configuration.
  init(_ model: PixelCNN, purpose: WorkspacePurpose) {
    let maker = MapMaker(model.configuration.shape, images: 1)
    let activations = Activations(model, maker, kept: purpose == .training ? .all : .none)
    self.activations = activations
    logits = [activations.logits]
    forwardStages = model.forwardStages(activations)
    if purpose == .training {
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
    /// The stream after its ReLU: [block], and last the head's.
    let rectified: [FeatureMap]
    /// After reduce and ReLU, [block]; bordered, since the 3×3 convolution reads it.
    let reduced: [FeatureMap]
    /// After conv and ReLU, [block].
    let convolved: [FeatureMap]
    let hidden: FeatureMap
    let logits: FeatureMap
    /// The classes of the images; nil where the model depends on none.
    let classes: ClassChoice?

    init(_ model: PixelCNN, _ maker: MapMaker, kept: KeptMaps, images: Int = 1) {
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
      rectified = maps(blocks + 1, kept: kept == .all) { maker.passingMap(configuration.width) }
      let border = ConvolutionWindow(size: 3, mask: .b).spread(over: images).border
      reduced = maps(blocks, kept: kept != .none) { maker.map(half, border: border) }
      convolved = maps(blocks, kept: kept == .all) { maker.passingMap(half) }
      hidden = maker.passingMap(configuration.width)
      logits = maker.passingMap(model.logits.outputChannels)
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

    init(_ model: PixelCNN, _ maker: MapMaker) {
      let width = model.configuration.width
      stream = maker.map(width)
      reduced = maker.map(width / 2)
      convolved = maker.map(width / 2, border: ConvolutionWindow(size: 3, mask: .b).mirrored.border)
      hidden = maker.map(width)
      logits = maker.map(model.logits.outputChannels)
    }
  }
}

/// A PixelCNN that goes pixel by pixel: each layer's pass over one place of every image. Of the 3×3 convolutions' inputs
/// and of the image the last rows are kept.
struct IncrementalPixelCNN: IncrementalNetwork {
  let passes: [ConvolutionPass]

  func run(row: Int, places: Range<Int>, packed: PackedParameters) {
    let region = MapRegion(row: row, columns: places)
    for pass in passes { pass.run(region, weights: packed.forward) }
  }

  func finish(row: Int, packed: PackedParameters) {}
}

extension PixelCNN {
  /// See `ImageModel`.
  public func makePixelRunner(images: Int) -> PixelRunner {
    let maker = MapMaker(lastRowsOf: configuration.shape, images: images)
    let activations = PixelCNNWorkspace.Activations(self, maker, kept: .neighbours, images: images)
    let passes = forwardStages(activations, images: images).flatMap(\.passes)
    return PixelRunner(
      IncrementalPixelCNN(passes: passes), configuration: configuration, maker: maker, images: images,
      input: activations.input, logits: activations.logits, classes: activations.classes)
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

  fileprivate func forwardStages(_ a: PixelCNNWorkspace.Activations, images: Int = 1) -> [ForwardStage] {
    func stage(_ passes: ConvolutionPass...) -> ForwardStage { ForwardStage(passes: passes, bandHeight: forwardBand) }
    let first = stage(
      input.forward(
        a.input, to: .start(stream: a.stream, rectified: a.rectified[0]), images: images,
        classes: a.classes?.biases))
    let middle = blocks.enumerated().map { index, block in
      stage(
        block.reduce.forward(a.rectified[index], to: .rectified(a.reduced[index]), images: images),
        block.conv.forward(
          a.reduced[index], to: .rectified(a.convolved[index]), images: images,
          classes: a.classes?.biases),
        block.expand.forward(
          a.convolved[index], to: .residual(stream: a.stream, rectified: a.rectified[index + 1]), images: images))
    }
    let head = stage(
      hidden.forward(a.rectified[blocks.count], to: .rectified(a.hidden), images: images),
      logits.forward(a.hidden, to: .store(a.logits), images: images))
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
        .weights(block.conv.weightGradient(a.reduced[index], g.convolved, classes: a.classes?.biases)),
        .input(block.conv.inputGradient(g.convolved, to: .masked(g.reduced, saved: a.reduced[index]))),
        .weights(block.reduce.weightGradient(a.rectified[index], g.reduced)),
        .input(
          block.reduce.inputGradient(
            g.reduced, to: .maskedResidual(stream: g.stream, saved: a.rectified[index]))))
    }
    return [head] + middle + [stage(.weights(input.weightGradient(a.input, g.stream, classes: a.classes?.biases)))]
  }
}
