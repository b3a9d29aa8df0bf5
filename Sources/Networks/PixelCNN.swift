// The PixelCNN: its layers, and the order in which they run.
import Kernels

/// PixelCNN of van den Oord, Kalchbrenner and Kavukcuoglu, "Pixel Recurrent Neural Networks" (2016), section 3.5:
///
///     input ─ 7×7 mask A ─ x ─ blocks × (x + [ReLU, 1×1 → h, ReLU, 3×3 mask B, ReLU, 1×1 → width]) ─ head
///     head    ReLU, 1×1 → width, ReLU, 1×1 → logits                                       h = width / 2
///
/// Tensors: `input`, `blocks.N.reduce`, `blocks.N.conv`, `blocks.N.expand`, `head.hidden`, `head.logits`, each with
/// `.weight` [out, in, k, k] and `.bias` [out]. The network has a blind spot: pixels above and to the right, beyond
/// a slope of one pixel a row, never reach it.
public struct PixelCNN: ImageModel {
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
  let hidden: Convolution
  let logits: Convolution
  private let packing: PackingPlan

  /// The network of `configuration`.
  public init(_ configuration: ModelConfiguration) {
    let (width, half) = (configuration.width, configuration.width / 2)
    let channels = configuration.shape.channels
    let outputs = configuration.likelihood.likelihood(levels: configuration.levels).outputs(channels: channels)
    var layout = ParameterLayout()
    var packing = PackingPlan()
    input = Convolution(
      "input", inputChannels: channels, outputChannels: width, kernelSize: 7, mask: .a, readsImage: true,
      layout: &layout, packing: &packing)
    blocks = (0..<configuration.blocks).map { index in
      let name = "blocks.\(index)."
      return Block(
        reduce: Convolution(
          name + "reduce", inputChannels: width, outputChannels: half, layout: &layout, packing: &packing),
        conv: Convolution(
          name + "conv", inputChannels: half, outputChannels: half, kernelSize: 3, mask: .b, layout: &layout,
          packing: &packing),
        expand: Convolution(
          name + "expand", inputChannels: half, outputChannels: width, layout: &layout, packing: &packing))
    }
    hidden = Convolution(
      "head.hidden", inputChannels: width, outputChannels: width, layout: &layout, packing: &packing)
    logits = Convolution(
      "head.logits", inputChannels: width, outputChannels: outputs, layout: &layout, packing: &packing)
    self.configuration = configuration
    self.layout = layout
    self.packing = packing
  }

  /// The convolutions in the order of the forward pass.
  public var convolutions: [Convolution] {
    [input] + blocks.flatMap { [$0.reduce, $0.conv, $0.expand] } + [hidden, logits]
  }

  /// See `ImageModel`.
  public func initialParameters(seed: UInt64) -> ParameterVector {
    let parameters = ParameterVector(layout: layout)
    for convolution in convolutions { convolution.initialize(parameters, seed: seed) }
    return parameters
  }

  /// See `ImageModel`.
  public func makePackedParameters() -> PackedParameters { packing.makeParameters() }
  /// See `ImageModel`.
  public func makePackedGradient() -> AlignedBuffer { packing.makeGradient() }

  /// See `ImageModel`.
  public func pack(_ parameters: ParameterVector, into packed: PackedParameters) {
    for convolution in convolutions { convolution.pack(parameters, into: packed) }
  }

  /// See `ImageModel`.
  public func unpackGradient(_ packed: AlignedBuffer, into gradient: ParameterVector) {
    for convolution in convolutions { convolution.unpackGradient(packed, into: gradient) }
  }

  /// See `ImageModel`.
  public func makeWorkspace(_ purpose: WorkspacePurpose) -> any ModelWorkspace {
    PixelCNNWorkspace(self, purpose: purpose)
  }

  // MARK: Forward

  /// See `ImageModel`. A block runs a band of rows through its three layers before the next band begins, so that
  /// what lies between them is still in the first cache.
  public func forward(
    _ batch: ImageBatch, images: Range<Int>, rows: Range<Int>, packed: PackedParameters,
    workspace: any ModelWorkspace
  ) {
    let w = pixelCNNWorkspace(workspace)
    // The row above once more: when it was run, its last pixel may not have been known.
    let known = max(0, rows.lowerBound - 1)..<rows.upperBound
    w.input.fill(batch, image: images.lowerBound, levels: configuration.levels, rows: known)
    for band in Bands(rows, height: w.forwardBand) {
      input.forward(w.input, rows: band, packed, to: .start(stream: w.stream, rectified: w.rectified[0]))
    }
    for (index, block) in blocks.enumerated() {
      let (reduced, convolved) = (w.reduced[index], w.convolved[index])
      for band in Bands(rows, height: w.forwardBand) {
        block.reduce.forward(w.rectified[index], rows: band, packed, to: .rectified(reduced))
        block.conv.forward(reduced, rows: band, packed, to: .rectified(convolved))
        block.expand.forward(
          convolved, rows: band, packed, to: .residual(stream: w.stream, rectified: w.rectified[index + 1]))
      }
    }
    for band in Bands(rows, height: w.forwardBand) {
      hidden.forward(w.rectified[blocks.count], rows: band, packed, to: .rectified(w.hidden))
      logits.forward(w.hidden, rows: band, packed, to: .store(w.logits[0]))
    }
  }

  // MARK: Backward

  /// See `ImageModel`. Bands run upward, since a pixel's gradient comes from the rows below it.
  public func backward(
    images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace, into gradient: AlignedBuffer
  ) {
    let w = pixelCNNWorkspace(workspace)
    guard let g = w.gradients else { preconditionFailure("a workspace for evaluation has no gradients") }
    let rows = 0..<configuration.shape.height
    for band in Bands(rows, height: w.backwardBand).reversed() {
      logits.weightGradient(w.hidden, g.logits, rows: band, into: gradient)
      logits.inputGradient(g.logits, rows: band, packed, to: .masked(g.hidden, saved: w.hidden))
      hidden.weightGradient(w.rectified[blocks.count], g.hidden, rows: band, into: gradient)
      hidden.inputGradient(g.hidden, rows: band, packed, to: .masked(g.stream, saved: w.rectified[blocks.count]))
    }
    for (index, block) in blocks.enumerated().reversed() {
      let (rectified, reduced, convolved) = (w.rectified[index], w.reduced[index], w.convolved[index])
      for band in Bands(rows, height: w.backwardBand).reversed() {
        block.expand.weightGradient(convolved, g.stream, rows: band, into: gradient)
        block.expand.inputGradient(g.stream, rows: band, packed, to: .masked(g.convolved, saved: convolved))
        block.conv.weightGradient(reduced, g.convolved, rows: band, into: gradient)
        block.conv.inputGradient(g.convolved, rows: band, packed, to: .masked(g.reduced, saved: reduced))
        block.reduce.weightGradient(rectified, g.reduced, rows: band, into: gradient)
        block.reduce.inputGradient(
          g.reduced, rows: band, packed, to: .maskedResidual(stream: g.stream, saved: rectified))
      }
    }
    input.weightGradient(w.input, g.stream, rows: rows, into: gradient)
  }

  private func pixelCNNWorkspace(_ workspace: any ModelWorkspace) -> PixelCNNWorkspace {
    guard let own = workspace as? PixelCNNWorkspace else { preconditionFailure("a workspace of another model") }
    return own
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
