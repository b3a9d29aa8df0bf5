import Core
import Kernels
import Networks
import Testing
import TestSupport

/// A small recurrent model.
func recurrent(
  _ model: ModelKind, width features: Int, layers: Int, height: Int, width: Int, levels: Int,
  _ activation: Activation = .tanh, directions: Int? = nil, residual: Bool = false, cell: CellKind? = nil
) -> ModelConfiguration {
  ModelConfiguration(
    model: model, width: features, blocks: layers, shape: ImageShape(height: height, width: width, channels: 1),
    levels: levels, activation: activation, residual: residual ? .pre : nil, directions: directions,
    cell: cell)
}

/// A small PixelCNN of two blocks with this activation and these residual connections.
func pixelCNN(_ activation: Activation, _ residual: ResidualOrder) -> ModelConfiguration {
  ModelConfiguration(
    width: 6, blocks: 2, shape: ImageShape(height: 3, width: 4, channels: 1), levels: 3, activation: activation,
    residual: residual)
}

/// A small Gated PixelCNN.
func gated(width features: Int, layers: Int, height: Int, width: Int, levels: Int) -> ModelConfiguration {
  ModelConfiguration(
    model: .gatedPixelCNN, width: features, blocks: layers,
    shape: ImageShape(height: height, width: width, channels: 1), levels: levels)
}

/// A small model whose pixels, grey or colour, are mixtures of two logistics.
func mixture(_ model: ModelKind, channels: Int, levels: Int) -> ModelConfiguration {
  ModelConfiguration(
    model: model, width: 6, blocks: 2, shape: ImageShape(height: 3, width: 3, channels: channels), levels: levels,
    likelihood: .logisticMixture, mixtures: 2)
}

/// The same with three classes.
func conditional(_ configuration: ModelConfiguration) -> ModelConfiguration {
  var configuration = configuration
  configuration.classNames = ["a", "b", "c"]
  return configuration
}

/// A small colour model whose channels are drawn one after the other.
func colour(_ model: ModelKind, levels: Int, width: Int = 6) -> ModelConfiguration {
  ModelConfiguration(
    model: model, width: width, blocks: 2, shape: ImageShape(height: 2, width: 3, channels: 3), levels: levels)
}

/// A small BiLSTM that sees every earlier pixel.
private let wholeRows = ModelConfiguration(
  model: .diagonalLSTM, width: 6, blocks: 2, shape: ImageShape(height: 4, width: 3, channels: 1), levels: 3,
  wholeRows: true)

/// The same with a masked convolution from the image to the logits.
private func skipping(_ configuration: ModelConfiguration) -> ModelConfiguration {
  var configuration = configuration
  configuration.skip = 3
  return configuration
}

/// The same, told of transformations.
private func told(_ configuration: ModelConfiguration, of augmentation: Augmentation) -> ModelConfiguration {
  var configuration = configuration
  configuration.augmentation = augmentation
  return configuration
}

/// A small model with layers of attention.
func attentive(_ model: ModelKind, blocks: Int, attention: Int) -> ModelConfiguration {
  ModelConfiguration(
    model: model, width: 6, blocks: blocks, shape: ImageShape(height: 3, width: 4, channels: 1), levels: 3,
    attention: attention)
}

/// Small models whose every derivative can be taken by finite differences.
let smallConfigurations: [ModelConfiguration] = [
  ModelConfiguration(width: 4, blocks: 1, shape: ImageShape(height: 3, width: 5, channels: 1), levels: 2),
  ModelConfiguration(width: 6, blocks: 2, shape: ImageShape(height: 4, width: 3, channels: 1), levels: 5),
  pixelCNN(.sigmoid, .off), pixelCNN(.sigmoid, .pre), pixelCNN(.sigmoid, .post), pixelCNN(.tanh, .off),
  pixelCNN(.tanh, .pre), pixelCNN(.tanh, .post), pixelCNN(.relu, .off), pixelCNN(.relu, .post),
  recurrent(.mdrnn, width: 3, layers: 1, height: 3, width: 4, levels: 2),
  recurrent(.mdrnn, width: 4, layers: 2, height: 4, width: 3, levels: 3, .sigmoid, directions: 2),
  recurrent(.mdrnn, width: 4, layers: 3, height: 3, width: 3, levels: 2, .relu, directions: 2, residual: true),
  recurrent(.mdrnn, width: 4, layers: 3, height: 2, width: 4, levels: 2, .tanh, residual: true),
  recurrent(.mdrnn, width: 3, layers: 1, height: 3, width: 4, levels: 2, cell: .gru),
  recurrent(.mdrnn, width: 4, layers: 2, height: 4, width: 3, levels: 3, directions: 2, residual: true, cell: .gru),
  recurrent(.diagonalLSTM, width: 6, layers: 1, height: 4, width: 3, levels: 2, directions: 1),
  recurrent(.diagonalLSTM, width: 4, layers: 2, height: 3, width: 5, levels: 3),
  conditional(ModelConfiguration(width: 6, blocks: 2, shape: ImageShape(height: 4, width: 3, channels: 1), levels: 3)),
  conditional(recurrent(.mdrnn, width: 4, layers: 2, height: 3, width: 3, levels: 2, directions: 2, residual: true)),
  conditional(recurrent(.diagonalLSTM, width: 6, layers: 2, height: 3, width: 4, levels: 2)),
  recurrent(.linearRNN, width: 4, layers: 2, height: 3, width: 5, levels: 3),
  conditional(recurrent(.linearRNN, width: 18, layers: 1, height: 4, width: 3, levels: 2)),
  colour(.linearRNN, levels: 2), mixture(.linearRNN, channels: 3, levels: 3),
  attentive(.pixelSNAIL, blocks: 3, attention: 2), attentive(.linearRNN, blocks: 1, attention: 1),
  attentive(.diagonalLSTM, blocks: 2, attention: 1), wholeRows,
  conditional(attentive(.pixelSNAIL, blocks: 2, attention: 1)),
  colour(.pixelSNAIL, levels: 2, width: 12),
  colour(.pixelCNN, levels: 2), colour(.gatedPixelCNN, levels: 3), colour(.mdrnn, levels: 3),
  colour(.diagonalLSTM, levels: 2),
  gated(width: 4, layers: 1, height: 3, width: 5, levels: 2),
  gated(width: 6, layers: 2, height: 5, width: 3, levels: 3),
  gated(width: 18, layers: 3, height: 2, width: 3, levels: 2),
  conditional(gated(width: 4, layers: 2, height: 4, width: 3, levels: 3)),
  mixture(.pixelCNN, channels: 1, levels: 256), mixture(.pixelCNN, channels: 3, levels: 5),
  mixture(.gatedPixelCNN, channels: 3, levels: 4), mixture(.mdrnn, channels: 3, levels: 16),
  conditional(mixture(.diagonalLSTM, channels: 3, levels: 3)),
  skipping(mixture(.diagonalLSTM, channels: 3, levels: 5)), skipping(colour(.pixelCNN, levels: 3)),
  skipping(recurrent(.linearRNN, width: 4, layers: 1, height: 3, width: 5, levels: 2)),
  skipping(gated(width: 4, layers: 1, height: 3, width: 5, levels: 3)),
  told(
    ModelConfiguration(width: 6, blocks: 1, shape: ImageShape(height: 3, width: 3, channels: 1), levels: 3),
    of: Augmentation(flip: true, transpose: true, shift: 1)),
  told(gated(width: 4, layers: 2, height: 4, width: 3, levels: 3), of: Augmentation(verticalFlip: true)),
  told(
    conditional(recurrent(.mdrnn, width: 4, layers: 2, height: 3, width: 3, levels: 2, directions: 2, residual: true)),
    of: Augmentation(flip: true, verticalFlip: true)),
  told(recurrent(.diagonalLSTM, width: 6, layers: 1, height: 3, width: 4, levels: 2), of: Augmentation(shift: 1)),
  told(conditional(mixture(.linearRNN, channels: 3, levels: 3)), of: Augmentation(flip: true, transpose: true)),
  ModelConfiguration(
    width: 4, blocks: 0, shape: ImageShape(height: 2, width: 2, channels: 1), levels: 2, likelihood: .categorical),
]

@Suite struct GradientTests {
  @Test(arguments: smallConfigurations) func natsEqualTheReference(configuration: ModelConfiguration) {
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let batch = randomBatch(configuration, count: 3)
    let reference = referenceModel(configuration, parameters)
    for (image, nats) in Scorer(model: model, parameters: parameters, threads: 1).nats(batch).enumerated() {
      // Single precision through a few layers: 2⁻²⁴ of ten nats, a few times over.
      #expect(abs(nats - reference.nats(batch, image: image)) < 1e-5)
    }
  }

  /// Central differences of the double-precision reference. Their own error is about h² and 10⁻¹⁶/h, both far
  /// below the single precision that is being tested; h is so small that it rarely crosses a ReLU's corner. Of a tensor
  /// of more than fifty elements, some fifty spread over it are taken; masked ones all.
  @Test(arguments: smallConfigurations) func gradientsEqualFiniteDifferences(configuration: ModelConfiguration) {
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let batch = randomBatch(configuration, count: 2)
    let gradient = ParameterVector(layout: model.layout)
    let engine = BatchGradient(model: model, batchSize: 2, threads: 1)
    _ = engine.compute(batch, parameters: parameters, into: gradient)
    var reference = referenceModel(configuration, parameters)
    let h = 1e-6
    for slice in model.layout.slices {
      // An odd stride meets all taps, inputs and outputs.
      let stride = slice.count / 50 | 1
      for i in 0..<slice.count {
        let found = Double(gradient.storage[slice.offset + i])
        guard slice.live?[i] ?? true else {
          #expect(found == 0, "\(slice.name)[\(i)] is masked")
          continue
        }
        guard i % stride == 0 else { continue }
        func mean(_ shift: Double) -> Double {
          reference.tensors[slice.name]?[i] += shift
          defer { reference.tensors[slice.name]?[i] -= shift }
          return (reference.nats(batch, image: 0) + reference.nats(batch, image: 1)) / 2
        }
        let expected = (mean(h) - mean(-h)) / (2 * h)
        #expect(abs(found - expected) < 2e-5 + 1e-5 * abs(expected), "\(slice.name)[\(i)]")
      }
    }
  }

  /// All but the smallest PixelCNN, whose two hidden units are off on these images.
  @Test(arguments: smallConfigurations.dropFirst()) func everyTensorHasAGradient(configuration: ModelConfiguration) {
    let model = configuration.makeModel()
    let gradient = ParameterVector(layout: model.layout)
    let engine = BatchGradient(model: model, batchSize: 2, threads: 1)
    _ = engine.compute(
      randomBatch(configuration, count: 2),
      parameters: randomParameters(model, scale: 0.5),
      into: gradient)
    for slice in model.layout.slices { #expect(gradient[slice].contains { $0 != 0 }, "\(slice.name)") }
  }

  /// Standard deviations of uniform numbers within the bounds that each way promises.
  @Test(arguments: Initialization.allCases) func weightsBeginAsSaid(initialization: Initialization) throws {
    let configuration = ModelConfiguration(
      width: 64, blocks: 1, shape: ImageShape(height: 4, width: 4, channels: 1), levels: 2,
      initialization: initialization)
    let model = configuration.makeModel()
    let parameters = model.initialParameters(seed: 1)
    let weight = try #require(model.layout.slices.first { $0.name == "blocks.0.conv.weight" })
    let bias = try #require(model.layout.slices.first { $0.name == "blocks.0.conv.bias" })
    let live = zip(parameters[weight], weight.live ?? []).filter(\.1).map { Double($0.0) }
    #expect(live.count == 32 * 32 * 5)
    // 32 features in and out, 5 live taps of 9.
    let bound =
      switch initialization {
      case .uniform: (1.0 / 160).squareRoot()
      case .he: (6.0 / 160).squareRoot()
      case .glorot: (6.0 / 320).squareRoot()
      }
    let deviation = (live.reduce(0) { $0 + $1 * $1 } / Double(live.count)).squareRoot()
    #expect(abs(deviation / (bound / 3.0.squareRoot()) - 1) < 0.03)
    #expect(live.allSatisfy { abs($0) <= bound })
    #expect(parameters[bias].allSatisfy { $0 == 0 } == (initialization != .uniform))
  }

  @Test(arguments: [2, 3, 8], ModelKind.allCases) func threadsChangeNoBit(threads: Int, kind: ModelKind) {
    let configuration = ModelConfiguration(
      model: kind, width: 8, blocks: 2, shape: ImageShape(height: 6, width: 9, channels: 1), levels: 4)
    let model = configuration.makeModel()
    let parameters = model.initialParameters(seed: 1)
    let batch = randomBatch(configuration.shape, count: 37, levels: 4)
    func run(_ threads: Int) -> ([Float], [Double]) {
      let gradient = ParameterVector(layout: model.layout)
      let nats = BatchGradient(model: model, batchSize: 37, threads: threads)
        .compute(batch, parameters: parameters, into: gradient)
      return (gradient.storage.elements, nats)
    }
    let (one, several) = (run(1), run(threads))
    #expect(one.0.map(\.bitPattern) == several.0.map(\.bitPattern))
    #expect(one.1 == several.1)
  }
}
