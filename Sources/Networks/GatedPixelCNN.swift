// The Gated PixelCNN: its layers, and the order in which they run.
import Kernels

/// Gated PixelCNN of van den Oord et al., "Conditional Image Generation with PixelCNN Decoders" (2016), sections 2.1 to
/// 2.3. Two stacks of d layers: the vertical one sees rows above, the horizontal one the pixels to the left and, through
/// a 1×1 link, what the vertical one has found. Never the other way, so nothing is seen that comes later, and no blind
/// spot is left: layer n sees n + 1 rows above, n pixels to either side.
///
///     vertical    2×3  v v v     horizontal  first 1×2  h h ·     others  h h
///                      v v v
///                        ·       · the pixel itself
///
///     a = vertical(v)                          v ← tanh(a₁) ⊙ σ(a₂)
///     z = horizontal(h) + link(a)              h ← h + output(tanh(z₁) ⊙ σ(z₂)), in the first layer without h +
///
/// Both stacks begin with the image. Row y of the vertical stack holds what it says to row y of the horizontal one, which
/// is what rows above y decide: so it lies one row lower than the rows that it reads, and the border above the first row
/// is zero. The head is that of `PixelCNN`.
///
/// Tensors, with k features and C channels: `layers.N.vertical.weight` [2k, k or C, 2, 3], `layers.N.link` [2k, 2k, 1, 1],
/// `layers.N.horizontal` [2k, k or C, 1, 2], `layers.N.output` [k, k, 1, 1], `head.hidden`, `head.logits`, each with its
/// bias; with K classes `vertical` and `horizontal` also have `.class.weight` [2k, K], the Vᵀc of both stacks' gates.
public struct GatedPixelCNN: ConvolutionalModel {
  /// What the model is.
  public let configuration: ModelConfiguration
  /// Its parameters.
  public let layout: ParameterLayout
  /// One: the rows that a layer's passes share then stay in the cache.
  public let imagesTogether = 1

  /// What one layer has of both stacks.
  struct Layer: Sendable {
    let vertical: Convolution
    let link: Convolution
    let horizontal: Convolution
    let output: Convolution
  }

  let layers: [Layer]
  let head: Head
  let packing: PackingPlan

  /// The network of `configuration`.
  public init(_ configuration: ModelConfiguration) {
    let width = configuration.width
    let channels = configuration.shape.channels
    let classes = configuration.classCount
    let colours = ColourOrder(configuration)
    var layout = ParameterLayout()
    var packing = PackingPlan()
    let features = ChannelOrder(width, .none(padded: true))
    let halves = ChannelOrder(2 * width, .interleaved(2))
    layers = (0..<configuration.blocks).map { index in
      let name = "layers.\(index)."
      let source = index == 0 ? ChannelOrder(channels, .none(padded: false)) : features
      // The image is read where it lies; a vertical stack's own output lies one row lower than what it saw.
      // Of a colour image the pixel itself is read too, through mask A.
      let rows = index == 0 ? -2 ... -1 : -1...0
      let columns = index == 0 ? -2...(colours.groups > 1 ? 0 : -1) : -1...0
      return Layer(
        vertical: Convolution(
          name + "vertical", rows: rows, columns: -1...1, from: source, to: halves, classes: classes, layout: &layout,
          packing: &packing),
        link: Convolution(
          name + "link", rows: 0...0, columns: 0...0, from: halves, to: halves, layout: &layout, packing: &packing),
        horizontal: Convolution(
          name + "horizontal", rows: 0...0, columns: columns, from: source, to: halves, classes: classes,
          colours: colours, mask: index == 0 ? .a : .b, layout: &layout, packing: &packing),
        output: Convolution(
          name + "output", inputChannels: width, outputChannels: width, colours: colours, layout: &layout,
          packing: &packing))
    }
    head = Head(configuration, colours, layout: &layout, packing: &packing)
    self.configuration = configuration
    self.layout = layout
    self.packing = packing
  }

  /// The convolutions in the order of the forward pass.
  public var convolutions: [Convolution] {
    layers.flatMap { [$0.vertical, $0.link, $0.horizontal, $0.output] } + head.convolutions
  }

  /// See `ImageModel`.
  public func makeWorkspace(_ purpose: WorkspacePurpose) -> any ModelWorkspace {
    GatedWorkspace(self, purpose: purpose)
  }

  /// See `ImageModel`.
  public func makePixelRunner(images: Int) -> PixelRunner {
    let maker = MapMaker(lastRowsOf: configuration.shape, images: images)
    let activations = GatedActivations(self, maker, kept: .neighbours)
    return PixelRunner(
      activations, configuration: configuration, maker: maker, images: images, input: activations.input,
      logits: activations.logits, classes: activations.classes)
  }

  /// See `ImageModel`.
  public func forward(
    _ batch: ImageBatch, images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace
  ) {
    own(workspace).forward(batch, image: images.lowerBound, packed)
  }

  /// See `ImageModel`.
  public func backward(
    images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace, into gradient: AlignedBuffer,
    observer: FlowObserver?
  ) {
    own(workspace).backward(packed, into: gradient, observer: observer)
  }

  private func own(_ workspace: any ModelWorkspace) -> GatedWorkspace {
    guard let own = workspace as? GatedWorkspace else { preconditionFailure("a workspace of another model") }
    return own
  }
}
