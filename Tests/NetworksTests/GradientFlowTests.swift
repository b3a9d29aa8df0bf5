import Core
import Networks
import Testing
import TestSupport

@Suite struct GradientFlowTests {
  /// A batch run once, watched, and the reference that it is held against.
  private struct Watched {
    let model: ImageModel
    let observer: StatisticsCollector
    let batch: ImageBatch
    var reference: any ReferenceModel

    /// Nine images: with four that run together, groups of one are met too.
    init(_ configuration: ModelConfiguration, count: Int) {
      model = configuration.makeModel()
      let parameters = randomParameters(model, scale: 0.5)
      batch = randomBatch(configuration, count: count)
      observer = StatisticsCollector(model)
      let engine = BatchGradient(model: model, batchSize: count, threads: 2)
      let gradient = ParameterVector(layout: model.layout)
      _ = engine.compute(batch, parameters: parameters, into: gradient, observer: observer)
      reference = referenceModel(configuration, parameters)
    }
  }

  /// RMS, mean and maximum, and the shares, of every layer's outputs against those of the reference.
  @Test(arguments: smallConfigurations) func outputsEqualTheReference(configuration: ModelConfiguration) throws {
    var watched = Watched(configuration, count: 5)
    let probe = LayerProbe()
    watched.reference.probe = probe
    for image in 0..<5 { _ = watched.reference.nats(watched.batch, image: image) }
    for flow in watched.observer.layers {
      let name = flow.layer.name
      let direct = try #require(probe.outputs[name], "\(name)")
      let sums = try #require(flow.outputs?.sums)
      #expect(sums.count == direct.count, "\(name)")
      let rms = (direct.reduce(0) { $0 + $1 * $1 } / Double(direct.count)).squareRoot()
      #expect(abs(sums.rootMeanSquare - rms) < 1e-5 * (1 + rms), "\(name)")
      #expect(abs(sums.mean - direct.reduce(0) { $0 + abs($1) } / Double(direct.count)) < 1e-5 * (1 + rms), "\(name)")
      #expect(abs(Double(sums.maximum) - (direct.map { abs($0) }.max() ?? 0)) < 1e-5 * (1 + rms), "\(name)")
      #expect(flow.zeroShare == Double(direct.count { $0 == 0 }) / Double(direct.count), "\(name)")
      // A unit is one channel at every pixel of every image.
      let channels = flow.layer.channels
      let dead = (0..<channels).count { c in
        let values = stride(from: c, to: direct.count, by: channels).map { direct[$0] }
        switch kind(flow.layer.units, c, channels, configuration.family.choices.cell) {
        case .relu: return values.allSatisfy { $0 == 0 }
        case .tanh: return values.allSatisfy { $0 > 0.974_679_4 } || values.allSatisfy { $0 < -0.974_679_4 }
        case .sigmoid: return values.allSatisfy { $0 > 0.987_339_7 } || values.allSatisfy { $0 < 0.012_660_3 }
        case .linear, .gates, .gated: return false
        }
      }
      #expect(flow.deadShare == Double(dead) / Double(channels), "\(name)")
      let saturated = direct.indices.count { i in
        switch kind(flow.layer.units, i % channels, channels, configuration.family.choices.cell) {
        case .tanh: abs(direct[i]) > 0.974_679_4
        case .sigmoid: direct[i] > 0.987_339_7 || direct[i] < 0.012_660_3
        case .relu, .linear, .gates, .gated: false
        }
      }
      #expect(flow.saturatedShare == Double(saturated) / Double(direct.count), "\(name)")
    }
  }

  /// Gates i, f, o are sigmoid, g is tanh; r, z are sigmoid, n is tanh, u neither; of a gated unit the first half is tanh.
  private func kind(_ units: OutputNonlinearity, _ channel: Int, _ channels: Int, _ cell: CellKind?)
    -> OutputNonlinearity
  {
    switch units {
    case .gates where cell == .gru: [.sigmoid, .sigmoid, .tanh, .linear][4 * channel / channels]
    case .gates: channel < 3 * channels / 4 ? .sigmoid : .tanh
    case .gated: channel < channels / 2 ? .tanh : .sigmoid
    default: units
    }
  }

  /// The gradient with respect to every output of every layer, one by one, by central differences of the reference. Where
  /// a recurrence of ReLUs gives exactly 0, the head's ReLU has no derivative: that model is left out, and so is one with
  /// too many outputs for this.
  @Test(
    arguments: smallConfigurations.filter {
      ($0.model != .mdrnn || $0.family.choices.activation != .relu) && $0.width <= 6
    })
  func flowEqualsFiniteDifferences(configuration: ModelConfiguration) {
    let images = configuration.model == .pixelCNN ? 1 : 2
    var watched = Watched(configuration, count: images)
    let probe = LayerProbe()
    watched.reference.probe = probe
    let h = 1e-5
    for flow in watched.observer.layers {
      var direct: [Double] = []
      probe.layer = flow.layer.name
      for image in 0..<images {
        for position in 0..<configuration.shape.pixels * flow.layer.channels {
          probe.position = position
          func nats(_ amount: Double) -> Double {
            probe.amount = amount
            return watched.reference.nats(watched.batch, image: image)
          }
          direct.append((nats(h) - nats(-h)) / (2 * h))
        }
      }
      let rms = (direct.reduce(0) { $0 + $1 * $1 } / Double(direct.count)).squareRoot()
      let mean = direct.reduce(0) { $0 + abs($1) } / Double(direct.count)
      let most = direct.map { abs($0) }.max() ?? 0
      #expect(flow.gradients.count == direct.count, "\(flow.layer.name)")
      #expect(abs(flow.gradients.rootMeanSquare - rms) < 1e-6 + 1e-4 * rms, "\(flow.layer.name)")
      #expect(abs(flow.gradients.mean - mean) < 1e-6 + 1e-4 * mean, "\(flow.layer.name)")
      #expect(abs(Double(flow.gradients.maximum) - most) < 1e-5 + 1e-4 * most, "\(flow.layer.name)")
    }
  }

  /// What reaches the cells k diagonals before the corner, by central differences of the corner pixel's cost alone.
  @Test(arguments: [
    recurrent(.mdrnn, width: 3, layers: 2, height: 3, width: 4, levels: 2, directions: 2),
    recurrent(.diagonalLSTM, width: 4, layers: 2, height: 4, width: 3, levels: 3),
  ]) func diagonalsEqualFiniteDifferences(configuration: ModelConfiguration) throws {
    // One image, so that every derivative is of one cost.
    var watched = Watched(configuration, count: 1)
    let (height, width) = (configuration.shape.height, configuration.shape.width)
    let probe = LayerProbe()
    watched.reference.probe = probe
    #expect(watched.observer.diagonals.count == 4)
    let h = 1e-5
    for diagonal in watched.observer.diagonals {
      let isRight = diagonal.name.hasSuffix("right")
      let features = configuration.model == .mdrnn ? configuration.width : configuration.width / 2
      let corner = isRight ? 0 : width - 1
      probe.layer = diagonal.name + ".state"
      var squares = [Double](repeating: 0, count: diagonal.rootMeanSquares.count)
      var counts = [Int](repeating: 0, count: squares.count)
      for y in 0..<height - (isRight ? 1 : 0) {
        for x in 0..<width {
          for k in 0..<features {
            probe.position = (y * width + x) * features + k
            func cost(_ amount: Double) -> Double {
              probe.amount = amount
              return watched.reference.cost(watched.batch, image: 0, pixel: (height - 1) * width + corner)
            }
            let slope = (cost(h) - cost(-h)) / (2 * h)
            let distance = height - 1 - (isRight ? 1 : 0) - y + abs(corner - x)
            squares[distance] += slope * slope
            counts[distance] += 1
          }
        }
      }
      for k in squares.indices {
        let expected = (squares[k] / Double(counts[k])).squareRoot()
        #expect(abs(diagonal.rootMeanSquares[k] - expected) < 1e-6 + 1e-3 * expected, "\(diagonal.name) at \(k)")
      }
    }
  }

  /// Watching changes neither the gradient nor the nats, and what is seen does not depend on the threads.
  @Test(arguments: ModelKind.allCases) func watchingChangesNoBit(kind: ModelKind) {
    let configuration = ModelConfiguration(
      model: kind, width: 8, blocks: 2, shape: ImageShape(height: 5, width: 6, channels: 1), levels: 4)
    let model = configuration.makeModel()
    let parameters = model.initialParameters(seed: 1)
    let batch = randomBatch(configuration, count: 21)
    func run(_ observer: StatisticsCollector?, threads: Int) -> ([UInt32], [Double]) {
      let gradient = ParameterVector(layout: model.layout)
      let nats = BatchGradient(model: model, batchSize: 21, threads: threads)
        .compute(batch, parameters: parameters, into: gradient, observer: observer)
      return (gradient.storage.elements.map(\.bitPattern), nats)
    }
    let (one, two) = (StatisticsCollector(model), StatisticsCollector(model))
    let (plain, watched) = (run(nil, threads: 2), run(one, threads: 1))
    #expect(plain.0 == watched.0)
    #expect(plain.1 == watched.1)
    _ = run(two, threads: 3)
    #expect(one.layers == two.layers)
    #expect(one.diagonals == two.diagonals)
  }
}
