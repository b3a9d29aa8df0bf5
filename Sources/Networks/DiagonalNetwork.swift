// The recurrent models: MDRNN, Diagonal LSTM and BiLSTM.
import Kernels

/// Layers of two-dimensional recurrences, run by anti-diagonals.
///
/// **MDRNN** (Graves, Fernández and Schmidhuber, 2007): h[i,j] = φ(W_in x[i,j] + W_W h[i,j−1] + W_N h[i−1,j] + b). The
/// first layer's x is the shifted input, the pixels to the left and above, never the pixel itself. Tensors:
/// `layers.N.left.input.weight` [k, in, 1, 1], `.bias` [k], `layers.N.left.state.weight` [k, 2k] (left, then above);
/// `right` likewise where there are two directions.
///
/// **Diagonal LSTM and BiLSTM** (van den Oord et al., "Pixel Recurrent Neural Networks", 2016, section 3.2): a 7×7 mask A
/// convolution to `width`; each layer an LSTM of width/2 features a direction, and a 1×1 convolution back to `width`,
/// added to the layer's input. Tensors: `input`, `layers.N.left.input` [4h, width, 1, 1], `layers.N.left.state.weight`
/// [4h, 2h], `layers.N.output` [width, h, 1, 1]; gates in the order i, f, o, g.
///
/// The recurrent products start within ±1/√(2k), so that ‖W_W‖ + ‖W_N‖ is near 1: paths through the image multiply, and
/// their number grows as C(i + j, i).
///
/// With K classes, `input` and every `input`-to-state product have `.class.weight` [out, K] too.
///
/// Both end in the head of the PixelCNN. The direction from the right is moved down one row before it is used: at (i, j)
/// it would otherwise have seen pixels to the right of j in row i.
public struct DiagonalNetwork: ConvolutionalModel {
  /// What the model is.
  public let configuration: ModelConfiguration
  /// Its parameters.
  public let layout: ParameterLayout
  /// Four: with two vectors of features, enough rows to hide the latency of a product, and a worker's activations
  /// still fit the last cache.
  public let imagesTogether = 4

  /// A layer: one or two directions, and what becomes of their sum.
  struct Layer: Sendable {
    let directions: [RecurrentDirection]
    /// Back to the width of the stream, where the cells are narrower.
    let output: Convolution?
    let isResidual: Bool
  }

  /// The first convolution, where the layers do not read the image themselves.
  let input: Convolution?
  let layers: [Layer]
  let head: Head
  let packing: PackingPlan

  /// The network of `configuration`, whose model is a recurrent one.
  public init(_ configuration: ModelConfiguration) {
    let channels = configuration.shape.channels
    let width = configuration.width
    let classes = configuration.classCount
    let colours = ColourOrder(configuration)
    var layout = ParameterLayout()
    var packing = PackingPlan()
    let isLSTM = configuration.model == .diagonalLSTM
    input =
      isLSTM
      ? Convolution(
        "input", inputChannels: channels, outputChannels: width, kernelSize: 7, mask: .a, readsImage: true,
        classes: classes, colours: colours, layout: &layout, packing: &packing) : nil
    layers = (0..<configuration.blocks).map { index in
      let cell: any RecurrentCell = isLSTM ? LSTMCell() : PlainCell(configuration.activation)
      let features = isLSTM ? width / 2 : width
      let readsImage = !isLSTM && index == 0
      let directions = (0..<configuration.directions).map { direction in
        let name = "layers.\(index).\(direction == 0 ? "left" : "right")."
        let gates = cell.gateCount * features
        return RecurrentDirection(
          inputToState: readsImage
            ? Convolution(
              neighbours: name + "input", inputChannels: channels, outputChannels: gates, gateCount: cell.gateCount,
              readsImage: true, classes: classes, colours: colours, layout: &layout, packing: &packing)
            : Convolution(
              name + "input", inputChannels: width, outputChannels: gates, gateCount: cell.gateCount,
              classes: classes, colours: colours, layout: &layout, packing: &packing),
          stateToState: Convolution(
            neighbours: name + "state", inputChannels: features, outputChannels: gates, gateCount: cell.gateCount,
            mirrored: direction == 1, layout: &layout, packing: &packing),
          cell: cell, mirrored: direction == 1)
      }
      return Layer(
        directions: directions,
        output: isLSTM
          ? Convolution(
            "layers.\(index).output", inputChannels: features, outputChannels: width, colours: colours, layout: &layout,
            packing: &packing) : nil,
        isResidual: isLSTM || (configuration.residual == .pre && index > 0))
    }
    head = Head(configuration, colours, layout: &layout, packing: &packing)
    self.configuration = configuration
    self.layout = layout
    self.packing = packing
  }

  /// All layers that have weights, in the order of the forward pass.
  public var convolutions: [Convolution] {
    (input.map { [$0] } ?? [])
      + layers.flatMap { layer in
        layer.directions.flatMap { [$0.inputToState, $0.stateToState] } + (layer.output.map { [$0] } ?? [])
      } + head.convolutions
  }

  /// See `ImageModel`.
  public func makeWorkspace(_ purpose: WorkspacePurpose) -> any ModelWorkspace {
    DiagonalWorkspace(self, purpose: purpose, images: imagesTogether)
  }

  /// See `ImageModel`.
  public func makePixelRunner(images: Int) -> PixelRunner {
    let maker = MapMaker(lastRowsOf: configuration.shape, images: images)
    let activations = DiagonalActivations(self, maker, kept: .neighbours)
    return PixelRunner(
      activations, configuration: configuration, maker: maker, images: images, input: activations.input,
      logits: activations.logits, classes: activations.classes)
  }

  /// See `ImageModel`.
  public func forward(
    _ batch: ImageBatch, images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace
  ) {
    own(workspace).forward(batch, images: images, packed)
  }

  /// See `ImageModel`.
  public func backward(
    images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace, into gradient: AlignedBuffer,
    observer: FlowObserver?
  ) {
    own(workspace).backward(images: images.count, packed, into: gradient, observer: observer)
  }

  /// See `ImageModel`. Input-to-state counts with the gates, state-to-state with the cells' outputs.
  public var flowLayers: [FlowLayer] {
    (input.map { [FlowLayer($0, .linear)] } ?? [])
      + layers.flatMap { layer in
        layer.directions.flatMap { direction in
          let features = direction.stateToState.inputChannels
          let isPlain = direction.cell.gateCount == 1
          return [
            FlowLayer(direction.inputToState, isPlain ? .linear : .gates),
            FlowLayer(
              direction.stateToState, isPlain ? UnitKind(configuration.activation) : .linear, channels: features),
          ]
        } + (layer.output.map { [FlowLayer($0, .linear)] } ?? [])
      } + head.flowLayers()
  }

  /// See `ImageModel`.
  public func diagonalFlow(
    images: Int, packed: PackedParameters, workspace: any ModelWorkspace, scratch: AlignedBuffer
  ) -> [DiagonalFlow] {
    own(workspace).diagonalFlow(images: images, packed, scratch: scratch)
  }

  private func own(_ workspace: any ModelWorkspace) -> DiagonalWorkspace {
    guard let own = workspace as? DiagonalWorkspace else { preconditionFailure("a workspace of another model") }
    return own
  }
}
