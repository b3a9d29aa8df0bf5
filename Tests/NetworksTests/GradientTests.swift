import Kernels
import Networks
import TestSupport
import Testing

/// Small models whose every derivative can be taken by finite differences.
let smallConfigurations: [ModelConfiguration] = [
  ModelConfiguration(width: 4, blocks: 1, shape: ImageShape(height: 3, width: 5, channels: 1), levels: 2),
  ModelConfiguration(width: 6, blocks: 2, shape: ImageShape(height: 4, width: 3, channels: 1), levels: 5),
  ModelConfiguration(
    width: 4, blocks: 0, shape: ImageShape(height: 2, width: 2, channels: 1), levels: 2, likelihood: .categorical),
]

@Suite struct GradientTests {
  @Test(arguments: smallConfigurations) func natsEqualTheReference(configuration: ModelConfiguration) {
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let batch = randomBatch(configuration.shape, count: 3, levels: configuration.levels)
    let reference = ReferencePixelCNN(configuration, parameters)
    for (image, nats) in Scorer(model: model, parameters: parameters, threads: 1).nats(batch).enumerated() {
      // Single precision through a few layers: 2⁻²⁴ of ten nats, a few times over.
      #expect(abs(nats - reference.nats(batch, image: image)) < 1e-5)
    }
  }

  /// Central differences of the double-precision reference. Their own error is about h² and 10⁻¹⁶/h, both far
  /// below the single precision that is being tested; h is so small that it rarely crosses a ReLU's corner.
  @Test(arguments: smallConfigurations) func gradientsEqualFiniteDifferences(configuration: ModelConfiguration) {
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let batch = randomBatch(configuration.shape, count: 2, levels: configuration.levels)
    let gradient = ParameterVector(layout: model.layout)
    let engine = BatchGradient(model: model, batchSize: 2, threads: 1)
    _ = engine.compute(batch, parameters: parameters, into: gradient)
    var reference = ReferencePixelCNN(configuration, parameters)
    let h = 1e-6
    for slice in model.layout.slices {
      for i in 0..<slice.count {
        let found = Double(gradient.storage[slice.offset + i])
        guard slice.live?[i] ?? true else {
          #expect(found == 0, "\(slice.name)[\(i)] is masked")
          continue
        }
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

  @Test func everyTensorHasAGradient() {
    let configuration = smallConfigurations[1]
    let model = configuration.makeModel()
    let gradient = ParameterVector(layout: model.layout)
    let engine = BatchGradient(model: model, batchSize: 2, threads: 1)
    _ = engine.compute(
      randomBatch(configuration.shape, count: 2, levels: 5), parameters: randomParameters(model, scale: 0.5),
      into: gradient)
    for slice in model.layout.slices { #expect(gradient[slice].contains { $0 != 0 }, "\(slice.name)") }
  }

  @Test(arguments: [2, 3, 8]) func threadsChangeNoBit(threads: Int) {
    let configuration = ModelConfiguration(
      width: 8, blocks: 2, shape: ImageShape(height: 6, width: 9, channels: 1), levels: 4)
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
