import Core
import Kernels
import Networks
import Testing
import TestSupport

/// Models of every family, residual order and way to apply φ, in which features can be left out.
private let models: [ModelConfiguration] = [
  ModelConfiguration(width: 20, blocks: 3, shape: ImageShape(height: 5, width: 4, channels: 1), levels: 4),
  pixelCNN(.tanh, .pre), pixelCNN(.sigmoid, .post), pixelCNN(.tanh, .off),
  gated(width: 18, layers: 3, height: 4, width: 3, levels: 3),
  recurrent(.mdrnn, width: 6, layers: 2, height: 3, width: 4, levels: 3),
  recurrent(.mdrnn, width: 6, layers: 3, height: 3, width: 3, levels: 2, .tanh, directions: 2, residual: true),
  recurrent(.diagonalLSTM, width: 6, layers: 2, height: 4, width: 3, levels: 2),
  recurrent(.diagonalLSTM, width: 8, layers: 1, height: 3, width: 3, levels: 2, directions: 1),
  mixture(.pixelCNN, channels: 3, levels: 256),
]

@Suite struct DropoutTests {
  /// Loss and gradient of the network that is left, against the double-precision reference with the same features left
  /// out. Of a large tensor some twenty elements spread over it are taken.
  @Test(arguments: models) func lossAndGradientAreThoseOfTheThinnedNetwork(configuration: ModelConfiguration) {
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let batch = randomBatch(configuration, count: 5)
    let random = Philox(seed: 3, purpose: .dropout, stream: 11)
    let gradient = ParameterVector(layout: model.layout)
    let nats = BatchGradient(model: model, batchSize: 5, threads: 2, dropout: 0.4)
      .compute(batch, parameters: parameters, into: gradient, random: random)
    var reference = referenceModel(configuration, parameters)
    reference.thinning = thinning(configuration, 0.4, random)
    for image in 0..<5 { #expect(abs(nats[image] - reference.nats(batch, image: image)) < 1e-5 * max(1, nats[image])) }
    let h = 1e-6
    for slice in model.layout.slices {
      for i in stride(from: 0, to: slice.count, by: slice.count / 20 | 1) where slice.live?[i] ?? true {
        func mean(_ shift: Double) -> Double {
          reference.tensors[slice.name]?[i] += shift
          defer { reference.tensors[slice.name]?[i] -= shift }
          return (0..<5).reduce(0) { $0 + reference.nats(batch, image: $1) } / 5
        }
        let expected = (mean(h) - mean(-h)) / (2 * h)
        let found = Double(gradient.storage[slice.offset + i])
        #expect(abs(found - expected) < 2e-5 + 1e-5 * abs(expected), "\(slice.name)[\(i)]")
      }
    }
  }

  /// The factors of each layer and image: a mask drawn for the image alone.
  private func thinning(_ configuration: ModelConfiguration, _ share: Double, _ random: Philox) -> Dropping {
    let hasHalves = configuration.model == .pixelCNN || configuration.model == .diagonalLSTM
    let features = hasHalves ? configuration.width / 2 : configuration.width
    let shape = configuration.shape
    return { layer, image in
      let ones = FeatureMap(height: shape.height, width: shape.width, channels: features)
      ones.fill([Float](repeating: 1, count: shape.pixels * features))
      let mask = DropoutMask(like: ones, rate: share)
      mask.draw(
        random, start: UInt64(image * configuration.blocks + layer) * mask.countersPerImage(of: 1), image: 0, of: 1)
      mask.apply(ones, to: ones, in: MapRegion(allOf: ones))
      return ones.values.map(Double.init)
    }
  }

  @Test(arguments: models) func threadsChangeNoBitAndDrawsDo(configuration: ModelConfiguration) {
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let batch = randomBatch(configuration, count: 11)
    func run(threads: Int, dropout: Double, stream: UInt64 = 0) -> ([UInt32], [Double]) {
      let gradient = ParameterVector(layout: model.layout)
      let nats = BatchGradient(model: model, batchSize: 11, threads: threads, dropout: dropout).compute(
        batch, parameters: parameters, into: gradient,
        random: Philox(seed: 1, purpose: .dropout, stream: stream))
      return (gradient.storage.elements.map(\.bitPattern), nats)
    }
    let one = run(threads: 1, dropout: 0.5)
    for threads in [2, 3] {
      let other = run(threads: threads, dropout: 0.5)
      #expect(other.0 == one.0 && other.1 == one.1)
    }
    #expect(run(threads: 1, dropout: 0.5, stream: 1).1 != one.1)
    let none = run(threads: 1, dropout: 0)
    #expect(none.1 != one.1)
    // Scoring knows no dropout.
    #expect(Scorer(model: model, parameters: parameters, threads: 1).nats(batch) == none.1)
  }

  /// A share of 2⁻¹⁷ and less is none: everything is kept, unscaled, and the way through the masks changes no bit.
  @Test(arguments: models) func masksThatKeepAllChangeNoBit(configuration: ModelConfiguration) {
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let batch = randomBatch(configuration, count: 5)
    func run(_ dropout: Double) -> ([UInt32], [Double]) {
      let gradient = ParameterVector(layout: model.layout)
      let nats = BatchGradient(model: model, batchSize: 5, threads: 1, dropout: dropout)
        .compute(batch, parameters: parameters, into: gradient)
      return (gradient.storage.elements.map(\.bitPattern), nats)
    }
    let (with, without) = (run(1e-6), run(0))
    #expect(with.0 == without.0 && with.1 == without.1)
  }
}
