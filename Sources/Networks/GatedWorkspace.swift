// The activations of a Gated PixelCNN, and what runs them.
import Kernels

/// What the forward pass computes: maps of H×W places, or, pixel by pixel, of the last rows of N interleaved images.
final class GatedActivations {
  let input: FeatureMap
  let layers: [GatedRunner]
  /// The horizontal stack's last output after its ReLU.
  let rectified: FeatureMap
  let hidden: FeatureMap
  let logits: FeatureMap
  /// The classes of the images; nil where the model depends on none.
  let classes: ClassChoice?
  private let headPasses: [ConvolutionPass]
  private let runsChannelsApart: Bool

  init(_ model: GatedPixelCNN, _ maker: MapMaker, kept: KeptMaps, dropout: Dropout? = nil) {
    let images = maker.beside
    let width = model.configuration.width
    runsChannelsApart = model.configuration.drawsChannelsApart
    let classes = ClassChoice(model.configuration, images: images)
    // Two rows above and one place to the right for the vertical stack, two to the left for the horizontal one.
    let input = maker.map(
      model.configuration.shape.channels, border: .init(top: 2, left: 2 * images, right: images), padded: false)
    let rectified = maker.passingMap(width)
    var made: [GatedMaps] = []
    for index in model.layers.indices {
      // A layer reads what the last one wrote: so where nothing is kept two sets take turns.
      made.append(
        kept == .none && index > 1
          ? made[index - 2]
          : GatedMaps(model, maker, scratch: kept == .neighbours ? made.first : nil, dropout: dropout))
    }
    layers = model.layers.enumerated().map { index, layer in
      GatedRunner(
        layer, from: index == 0 ? (input, input) : (made[index - 1].above, made[index - 1].stream), maps: made[index],
        isFirst: index == 0, rectified: index == model.layers.count - 1 ? rectified : nil, images: images,
        classes: classes?.biases)
    }
    hidden = maker.passingMap(width)
    logits = maker.passingMap(model.head.logits.outputChannels)
    headPasses = model.head.forward(
      Head.Maps(features: rectified, hidden: hidden, logits: logits), images: images)
    self.input = input
    self.rectified = rectified
    self.classes = classes
  }

  /// A whole image.
  func forward(_ packed: PackedParameters) {
    let everywhere = MapRegion(allOf: logits)
    for layer in layers {
      layer.runVertical(everywhere.rows, firstRow: 0, packed)
      layer.runHorizontal(everywhere, packed)
    }
    runHead(everywhere, packed)
  }

  private func runHead(_ region: MapRegion, _ packed: PackedParameters) {
    for pass in headPasses { pass.run(region, weights: packed.forward) }
  }
}

/// Pixel by pixel. The vertical stack of a row depends on the rows above alone: it is computed before the row's first
/// pixel, for all of the row at once.
extension GatedActivations: IncrementalNetwork {
  func begin(row: Int, isFirst: Bool, packed: PackedParameters) {
    for layer in layers { layer.runVertical(row..<row + 1, firstRow: isFirst ? row : nil, packed) }
  }

  func run(row: Int, places: Range<Int>, packed: PackedParameters) {
    let pixel = MapRegion(row: row, columns: places)
    for layer in layers {
      if runsChannelsApart { layer.runLink(pixel, packed) }
      layer.runHorizontal(pixel, packed)
    }
    runHead(pixel, packed)
  }
}

/// Memory to run one image. Training keeps eleven maps of `width` features a layer; evaluation has two layers'.
final class GatedWorkspace: ModelWorkspace {
  let logits: [FeatureMap]
  let logitGradients: [FeatureMap]
  let dropout: Dropout?
  let byteCount: Int
  private let levels: Int
  let activations: GatedActivations
  private let backwardPasses: GatedBackward?

  init(_ model: GatedPixelCNN, purpose: WorkspacePurpose) {
    let configuration = model.configuration
    let maker = MapMaker(configuration.shape, images: 1)
    levels = configuration.levels
    dropout = purpose.makeDropout(images: 1)
    activations = GatedActivations(model, maker, kept: purpose.kept, dropout: dropout)
    backwardPasses = purpose.isTraining ? GatedBackward(model, activations, maker) : nil
    logits = [activations.logits]
    logitGradients = backwardPasses.map { [$0.logitGradient] } ?? []
    byteCount = maker.byteCount
  }

  func forward(_ batch: ImageBatch, image: Int, _ packed: PackedParameters) {
    activations.classes?.choose(batch, image..<image + 1)
    activations.input.fill(batch, image: image, levels: levels)
    activations.forward(packed)
  }

  func backward(_ packed: PackedParameters, into gradient: AlignedBuffer, observer: FlowObserver?) {
    guard let backwardPasses else { preconditionFailure("this workspace is not for training") }
    backwardPasses.run(packed, into: gradient, observer: observer)
  }
}
