import Kernels
import Networks
import TestSupport
import Testing

@Suite struct CausalityTests {
  @Test(arguments: [(2, 5, 7), (16, 6, 4), (2, 1, 9), (3, 9, 1)])
  func noOutputSeesALaterPixel(levels: Int, height: Int, width: Int) {
    let configuration = ModelConfiguration(
      width: 8, blocks: 3, shape: ImageShape(height: height, width: width, channels: 1), levels: levels)
    let model = configuration.makeModel()
    let audit = CausalityAudit(model, parameters: randomParameters(model, scale: 0.5))
    #expect(audit.leak == nil)
    #expect(audit.pixels == height * width)
  }

  /// Both directions of the recurrences, on images that are not square: the direction from the right is where a row too
  /// few would leak the future.
  @Test(arguments: [(5, 7), (7, 4), (1, 6), (6, 1)], [ModelKind.mdrnn, .diagonalLSTM])
  func noRecurrenceSeesALaterPixel(size: (height: Int, width: Int), kind: ModelKind) {
    for directions in 1...2 {
      let configuration = recurrent(
        kind, width: 8, layers: 3, height: size.height, width: size.width, levels: 4, directions: directions)
      let model = configuration.makeModel()
      #expect(CausalityAudit(model, parameters: randomParameters(model, scale: 0.5)).leak == nil)
    }
  }

  /// Neither stack of a Gated PixelCNN: the vertical one would leak a row if it were not read one row lower.
  @Test(arguments: [(5, 7), (7, 4), (1, 6), (6, 1)], 1...3)
  func noStackSeesALaterPixel(size: (height: Int, width: Int), layers: Int) {
    let model = gated(width: 8, layers: layers, height: size.height, width: size.width, levels: 4).makeModel()
    #expect(CausalityAudit(model, parameters: randomParameters(model, scale: 0.5)).leak == nil)
  }

  /// All channels of a pixel come from one set of outputs, which sees none of them.
  @Test(arguments: ModelKind.allCases) func noOutputSeesItsOwnColour(kind: ModelKind) {
    let model = ModelConfiguration(
      model: kind, width: 8, blocks: 2, shape: ImageShape(height: 4, width: 5, channels: 3), levels: 8,
      likelihood: .logisticMixture
    ).makeModel()
    #expect(CausalityAudit(model, parameters: randomParameters(model, scale: 0.5)).leak == nil)
  }

  /// An audit that cannot fail proves nothing: here the network gets the image upside down.
  @Test func aLeakIsFound() throws {
    let model = UpsideDown(
      inner: PixelCNN(
        ModelConfiguration(width: 8, blocks: 1, shape: ImageShape(height: 5, width: 7, channels: 1), levels: 2)))
    let audit = CausalityAudit(model, parameters: randomParameters(model, scale: 0.5))
    let leak = try #require(audit.leak)
    #expect(leak.output[0] < leak.changed[0])
  }

  /// What comes before does reach an output: the pixel to the left and the one above change it.
  @Test(arguments: ModelKind.allCases) func outputsSeeTheirContext(kind: ModelKind) {
    let configuration = ModelConfiguration(
      model: kind, width: 8, blocks: 4, shape: ImageShape(height: 6, width: 7, channels: 1), levels: 2)
    let model = configuration.makeModel()
    let packed = model.packed(randomParameters(model, scale: 0.5))
    let workspace = model.makeWorkspace(.evaluation)
    func logit(_ batch: ImageBatch) -> Float {
      model.forward(batch, images: 0..<1, packed: packed, workspace: workspace)
      return workspace.logits[0][4, 3, 0]
    }
    let base = randomBatch(configuration.shape, count: 1, levels: 2)
    for (y, x) in [(4, 2), (3, 3), (0, 0)] + (kind == .mdrnn ? [] : [(3, 4)]) {
      var changed = base
      changed[0, y, x, 0] = 1 - base[0, y, x, 0]
      #expect(logit(changed) != logit(base), "pixel \(y), \(x)")
    }
  }
}

/// A model that leaks: its network reads the rows from the bottom up.
private struct UpsideDown: ImageModel {
  let inner: PixelCNN
  var configuration: ModelConfiguration { inner.configuration }
  var layout: ParameterLayout { inner.layout }
  var imagesTogether: Int { 1 }
  var pyTorchNames: [String: String] { [:] }
  var layerCosts: [LayerCost] { inner.layerCosts }
  func linearized(_ batch: ImageBatch, image: Int, parameters: ParameterVector) -> [LinearizedLayer] {
    inner.linearized(batch, image: image, parameters: parameters)
  }
  var flowLayers: [FlowLayer] { inner.flowLayers }
  var contextSteps: [ContextStep] { inner.contextSteps }
  var sequentialSteps: SequentialSteps { inner.sequentialSteps }
  func initialParameters(seed: UInt64) -> ParameterVector { inner.initialParameters(seed: seed) }
  func makePackedParameters() -> PackedParameters { inner.makePackedParameters() }
  func pack(_ parameters: ParameterVector, into packed: PackedParameters) { inner.pack(parameters, into: packed) }
  func makePackedGradient() -> AlignedBuffer { inner.makePackedGradient() }
  func unpackGradient(_ packed: AlignedBuffer, into gradient: ParameterVector) {
    inner.unpackGradient(packed, into: gradient)
  }
  func makeWorkspace(_ purpose: WorkspacePurpose) -> any ModelWorkspace { inner.makeWorkspace(purpose) }
  func makePixelRunner(images: Int) -> PixelRunner { inner.makePixelRunner(images: images) }
  func forward(
    _ batch: ImageBatch, images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace
  ) {
    var turned = batch
    for y in 0..<batch.shape.height {
      for x in 0..<batch.shape.width { turned[0, y, x, 0] = batch[0, batch.shape.height - 1 - y, x, 0] }
    }
    inner.forward(turned, images: images, packed: packed, workspace: workspace)
  }
  func backward(
    images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace, into gradient: AlignedBuffer,
    observer: FlowObserver?
  ) {}
}
