// The discretized mixture of logistics: that it is a distribution, at its edges too, and the one that the paper says.
import Core
import Kernels
import Networks
import Testing
import TestSupport

@Suite struct LogisticMixtureTests {
  /// One pixel with these outputs.
  private func pixel(_ outputs: [Float]) -> FeatureMap {
    let map = FeatureMap(height: 1, width: 1, channels: outputs.count)
    map.fill(outputs)
    return map
  }

  private func sum(_ logs: [Float]) -> Double { logs.reduce(0.0) { $0 + exponentialOf(Double($1)) } }

  /// Weights, means and logarithms of scales from usual to absurd: far means, scales at the floor and below, scales that
  /// make all levels but the outer two vanish.
  @Test(arguments: [2, 3, 16, 17, 255, 256]) func sumsToOne(levels: Int) {
    for (stream, (weight, mean, log)) in [
      (Float(3), Float(1), Float(3)), (1, 0.2, 0), (20, 5, 7), (0, 300, 30), (1, 1e6, 100), (1, 1, 80),
    ].enumerated() {
      for mixtures in [1, 2, 5, 10] {
        let values = randomValues(3 * mixtures, stream: UInt64(stream))
        let outputs = values.enumerated().map { $1 * [weight, mean, log][$0 / mixtures] }
        let likelihood = LogisticMixture(levels: levels, mixtures: mixtures)
        for temperature in [Float(0.5), 1, 2] {
          let logs = likelihood.logProbabilities(
            logits: pixel(outputs), y: 0, x: 0, channel: 0, temperature: temperature)
          #expect(logs.count == levels && logs.allSatisfy { $0.isFinite && $0 < 1e-5 })
          // At the floor a bin's edge is known to 2⁻²⁴·e⁷ of a scale, so that neighbours may differ by 10⁻⁵ there.
          #expect(abs(sum(logs) - 1) < 2e-5, "\(outputs) at \(temperature)")
        }
      }
    }
  }

  /// Log-probabilities against differences of logistic functions in double precision.
  @Test(arguments: [2, 7, 256]) func equalsThePaper(levels: Int) {
    for stream in 0..<20 {
      let outputs = randomValues(15, stream: UInt64(stream), scale: 2)
      let logs = LogisticMixture(levels: levels, mixtures: 5)
        .logProbabilities(logits: pixel(outputs), y: 0, x: 0, channel: 0, temperature: 1)
      for q in 0..<levels {
        let p = referenceMixture(outputs: outputs.map(Double.init), seen: [q], of: levels, mixtures: 5)
        #expect(abs(Double(logs[q]) - naturalLog(p)) < 1e-5, "level \(q)")
      }
    }
  }

  /// Nothing is lost in a tail: the level seen may be thousands of scales away.
  @Test func farTailsStayFinite() {
    let shape = ImageShape(height: 1, width: 4, channels: 1)
    for (mean, log) in [(Float(0.3), Float(-50)), (1e4, -7), (-1e4, 0), (0, 60), (3, -4)] {
      let logits = FeatureMap(height: 1, width: 4, channels: 3)
      logits.fill((0..<4).flatMap { _ in [0, mean, log] })
      let gradient = FeatureMap(height: 1, width: 4, channels: 3)
      let batch = ImageBatch(shape: shape, count: 1, levels: [0, 1, 254, 255])
      let nats = LogisticMixture(levels: 256, mixtures: 1)
        .nats(batch, image: 0, logits: logits, gradient: gradient)
      #expect(nats.isFinite && nats > 0)
      #expect(gradient.values.allSatisfy { $0.isFinite })
      // The slope of a tail is one over the scale. Below the floor the scale no longer moves anything.
      if log == -50 {
        #expect(abs(abs(gradient[0, 1, 1]) - 1096.633) < 0.01)
        #expect(gradient[0, 1, 2] == 0)
      }
    }
  }

  /// ∂ nats/∂ outputs of grey and colour against central differences of the double-precision formula.
  @Test(arguments: [(2, 1), (16, 1), (256, 1), (2, 3), (5, 3), (256, 3)])
  func gradientEqualsFiniteDifferences(levels: Int, channels: Int) {
    let mixtures = 3
    let outputs = LogisticMixture(levels: levels, mixtures: mixtures).outputs(channels: channels)
    #expect(outputs == (channels == 1 ? 9 : 30))
    var configuration = ModelConfiguration(
      width: 4, blocks: 1, shape: ImageShape(height: 1, width: 19, channels: channels), levels: levels,
      likelihood: .logisticMixture)
    configuration.mixtures = mixtures
    let likelihood = configuration.pixelLikelihood
    let batch = randomBatch(configuration, count: 1)
    let logits = FeatureMap(height: 1, width: 19, channels: outputs)
    logits.fill(randomValues(19 * outputs, stream: 7, scale: 2))
    let gradient = FeatureMap(height: 1, width: 19, channels: outputs)
    let nats = likelihood.nats(batch, image: 0, logits: logits, gradient: gradient)
    var expected = 0.0
    for x in 0..<19 {
      let seen = (0..<channels).map { Int(batch[0, 0, x, $0]) }
      let own = logits.features(0, x).map(Double.init)
      expected += referenceNats(configuration, outputs: own, levels: seen)
      for o in 0..<outputs {
        func cost(_ amount: Double) -> Double {
          var moved = own
          moved[o] += amount
          return referenceNats(configuration, outputs: moved, levels: seen)
        }
        // Errors of h² and 10⁻¹⁶/(h·p), with p down to 10⁻⁹.
        let slope = (cost(1e-5) - cost(-1e-5)) / 2e-5
        #expect(abs(Double(gradient[0, x, o]) - slope) < 1e-4 * (1 + abs(slope)), "pixel \(x), output \(o)")
      }
    }
    #expect(abs(nats - expected) < 1e-5 * expected)
  }

  /// Each channel is a distribution given those before it, and together they are the pixel's.
  @Test func channelsSumToOneGivenTheEarlier() {
    let likelihood = LogisticMixture(levels: 6, mixtures: 4)
    let logits = pixel(randomValues(40, stream: 3, scale: 2))
    let shape = ImageShape(height: 1, width: 1, channels: 3)
    for red in UInt8(0)..<6 {
      let earlier: [[UInt8]] = [[], [red], [red, 5 - red]]
      let logs = earlier.indices.map {
        likelihood.logProbabilities(
          logits: logits, y: 0, x: 0, channel: $0, earlier: earlier[$0], temperature: 1)
      }
      for channel in logs { #expect(abs(sum(channel) - 1) < 2e-6) }
      let batch = ImageBatch(shape: shape, count: 1, levels: [red, 5 - red, 2])
      let expected = -(logs[0][Int(red)] + logs[1][5 - Int(red)] + logs[2][2])
      #expect(abs(likelihood.nats(batch, image: 0, logits: logits, gradient: nil) - Double(expected)) < 1e-5)
    }
  }

  /// Colours drawn one channel after the other against their exact probabilities, as they are and at a temperature.
  @Test(arguments: [Float(1), 0.7, 2]) func drawnColoursFollowTheirProbabilities(temperature: Float) {
    let likelihood = LogisticMixture(levels: 3, mixtures: 2)
    let logits = pixel(randomValues(20, stream: 11, scale: 1.5))
    let count = 20_000
    let map = FeatureMap(height: 1, width: count, channels: 20)
    map.fill((0..<count).flatMap { _ in logits.values })
    let random = Philox(seed: 1, purpose: .test)
    var levels = [UInt8](repeating: 0, count: 3 * count)
    for c in 0..<3 {
      let uniforms = (0..<count).map { random.uniform(at: UInt64(3 * $0 + c)) }
      likelihood.draw(
        logits: map, y: 0, positions: 0..<count, channel: c, temperature: temperature, uniforms: uniforms, into: &levels
      )
    }
    var seen = [Int](repeating: 0, count: 27)
    for n in 0..<count {
      let (red, green, blue) = (Int(levels[3 * n]), Int(levels[3 * n + 1]), Int(levels[3 * n + 2]))
      seen[red * 9 + green * 3 + blue] += 1
    }
    var chiSquared = 0.0
    for color in 0..<27 {
      let parts = [UInt8(color / 9), UInt8(color / 3 % 3), UInt8(color % 3)]
      var log = 0.0
      for c in 0..<3 {
        let logs = likelihood.logProbabilities(
          logits: logits, y: 0, x: 0, channel: c, earlier: Array(parts.prefix(c)), temperature: temperature)
        log += Double(logs[Int(parts[c])])
      }
      let expected = exponentialOf(log) * Double(count)
      let difference = Double(seen[color]) - expected
      chiSquared += difference * difference / expected
    }
    // χ² with 26 degrees of freedom exceeds 60.1 once in ten thousand times.
    #expect(chiSquared < 60.1)
  }

  /// The level that each number means, against cumulative sums of the exact probabilities, however cold it is.
  @Test(arguments: [Float(1), 0.01, 3]) func eachNumberMeansItsLevel(temperature: Float) {
    let likelihood = LogisticMixture(levels: 256)
    let logits = pixel(randomValues(30, stream: 5, scale: 2))
    let logs = likelihood.logProbabilities(logits: logits, y: 0, x: 0, channel: 0, temperature: temperature)
    var cumulative = 0.0
    for (q, log) in logs.enumerated() {
      let p = exponentialOf(Double(log))
      // In the middle of what a level owns, where rounding cannot reach.
      if p > 1e-4 {
        var drawn: [UInt8] = [0]
        likelihood.draw(
          logits: logits, y: 0, positions: 0..<1, channel: 0, temperature: temperature,
          uniforms: [Float(cumulative + p / 2)], into: &drawn)
        #expect(Int(drawn[0]) == q)
      }
      cumulative += p
    }
  }

  /// All 4096 colour images of 2×2 pixels with 2 levels, in every family.
  @Test(arguments: ModelKind.allCases) func allColourImagesSumToOne(kind: ModelKind) {
    let shape = ImageShape(height: 2, width: 2, channels: 3)
    let model = ModelConfiguration(
      model: kind, width: 4, blocks: 1, shape: shape, levels: 2, likelihood: .logisticMixture, mixtures: 2
    ).makeModel()
    let scorer = Scorer(model: model, parameters: randomParameters(model, scale: 1), threads: 2)
    var all = ImageBatch(shape: shape, count: 4096)
    for position in all.levels.indices {
      all.levels[position] = UInt8(truncatingIfNeeded: (position / 12) >> (position % 12)) & 1
    }
    let probabilities = scorer.nats(all).map { exponentialOf(-$0) }
    #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
    #expect(Set(probabilities).count > 2000, "a network that ignores its input would give few distinct values")
  }

  /// And all 531,441 with 3 levels.
  @Test func allColourImagesOfThreeLevelsSumToOne() {
    let shape = ImageShape(height: 2, width: 2, channels: 3)
    let model = ModelConfiguration(
      width: 2, blocks: 1, shape: shape, levels: 3, likelihood: .logisticMixture, mixtures: 2
    ).makeModel()
    let scorer = Scorer(model: model, parameters: randomParameters(model, scale: 1), threads: 2)
    let count = 531_441
    var levels = [UInt8](repeating: 0, count: count * 12)
    for image in 0..<count {
      var rest = image
      for position in 0..<12 {
        levels[image * 12 + position] = UInt8(rest % 3)
        rest /= 3
      }
    }
    let nats = scorer.nats(ImageBatch(shape: shape, count: count, levels: levels))
    #expect(abs(nats.reduce(0) { $0 + exponentialOf(-$1) } - 1) < 1e-5)
  }
}
