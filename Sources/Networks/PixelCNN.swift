// The PixelCNN: its layers, and the order in which they run.
import Kernels

/// PixelCNN of van den Oord, Kalchbrenner and Kavukcuoglu, "Pixel Recurrent Neural Networks" (2016), section 3.5:
///
///     input ─ 7×7 mask A ─ x ─ blocks × (x + [ReLU, 1×1 → h, ReLU, 3×3 mask B, ReLU, 1×1 → width]) ─ head
///     head    ReLU, 1×1 → width, ReLU, 1×1 → logits                                       h = width / 2
///
/// The ReLU may be another activation φ, and a block may end without the sum or with φ after it (`ResidualOrder`): to
/// see what becomes of the gradient.
///
/// Tensors: `input`, `blocks.N.reduce`, `blocks.N.conv`, `blocks.N.expand`, `head.hidden`, `head.logits`, each with
/// `.weight` [out, in, k, k] and `.bias` [out]; with K classes `input` and each `conv` also `.class.weight` [out, K]. The network has a blind spot: pixels above and to the right, beyond
/// a slope of one pixel a row, never reach it.
public struct PixelCNN: ConvolutionalModel {
  /// What the model is.
  public let configuration: ModelConfiguration
  /// Its parameters.
  public let layout: ParameterLayout
  /// One: an image's activations then stay in the cache.
  public let imagesTogether = 1

  /// A residual block's three layers.
  struct Block: Sendable {
    let reduce: Convolution
    let conv: Convolution
    let expand: Convolution
  }

  let input: Convolution
  let blocks: [Block]
  let head: Head
  let packing: PackingPlan
  /// Whether kernels apply the activation on the way.
  let fusesActivation: Bool

  /// The network of `configuration`.
  public init(_ configuration: ModelConfiguration) { self.init(configuration, fusesActivation: true) }

  /// The network; `fusesActivation` false keeps a ReLU apart from the kernels, to the same bits.
  package init(_ configuration: ModelConfiguration, fusesActivation: Bool) {
    self.fusesActivation = fusesActivation && configuration.activation == .relu
    let (width, half) = (configuration.width, configuration.width / 2)
    let channels = configuration.shape.channels
    let classes = configuration.classCount
    let colours = ColourOrder(configuration)
    var layout = ParameterLayout()
    var packing = PackingPlan()
    input = Convolution(
      "input", inputChannels: channels, outputChannels: width, kernelSize: 7, mask: .a, readsImage: true,
      classes: classes, colours: colours, layout: &layout, packing: &packing)
    blocks = (0..<configuration.blocks).map { index in
      let name = "blocks.\(index)."
      return Block(
        reduce: Convolution(
          name + "reduce", inputChannels: width, outputChannels: half, colours: colours, layout: &layout,
          packing: &packing),
        conv: Convolution(
          name + "conv", inputChannels: half, outputChannels: half, kernelSize: 3, mask: .b, classes: classes,
          colours: colours, layout: &layout,
          packing: &packing),
        expand: Convolution(
          name + "expand", inputChannels: half, outputChannels: width, colours: colours, layout: &layout,
          packing: &packing))
    }
    head = Head(configuration, colours, layout: &layout, packing: &packing)
    self.configuration = configuration
    self.layout = layout
    self.packing = packing
  }

  /// The convolutions in the order of the forward pass.
  public var convolutions: [Convolution] {
    [input] + blocks.flatMap { [$0.reduce, $0.conv, $0.expand] } + head.convolutions
  }

  /// See `ImageModel`.
  public func makeWorkspace(_ purpose: WorkspacePurpose) -> any ModelWorkspace {
    PixelCNNWorkspace(self, purpose: purpose)
  }

  // MARK: Running

  /// See `ImageModel`.
  public func forward(
    _ batch: ImageBatch, images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace
  ) {
    let own = own(workspace)
    own.activations.classes?.choose(batch, images)
    own.activations.input.fill(batch, image: images.lowerBound, levels: configuration.levels)
    let everywhere = MapRegion(allOf: own.activations.logits)
    for step in own.forwardSteps { step.run(everywhere, packed) }
  }

  /// See `ImageModel`.
  public func backward(
    images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace, into gradient: AlignedBuffer,
    observer: FlowObserver?
  ) {
    let own = own(workspace)
    precondition(!own.backwardStages.isEmpty, "this workspace is not for training")
    for stage in own.backwardStages {
      stage.steps.run(packed, into: gradient)
      guard let observer else { continue }
      for (layer, map) in stage.gradients { observer.gradients(layer, map) }
    }
    guard let observer else { return }
    let a = own.activations
    for (layer, map)
      in ([a.activated[0]] + blocks.indices.flatMap { [a.reduced[$0], a.convolved[$0], a.activated[$0 + 1]] }
      + [a.hidden, a.logits]).enumerated()
    {
      observer.outputs(layer, map)
    }
  }

  /// See `ImageModel`. A block's last layer counts with the stream that it ends in.
  public var flowLayers: [FlowLayer] {
    let units = UnitKind(configuration.activation)
    return convolutions.dropLast(2).map { FlowLayer($0, units) } + head.flowLayers(units)
  }

  private func own(_ workspace: any ModelWorkspace) -> PixelCNNWorkspace {
    guard let own = workspace as? PixelCNNWorkspace else { preconditionFailure("a workspace of another model") }
    return own
  }
}
