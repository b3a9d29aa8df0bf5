import Core
import Kernels
import Networks
import Testing
import TestSupport

/// Every likelihood that grey pixels of so many levels may have.
private func likelihoods(levels: Int) -> [any Likelihood] {
  [Categorical(levels: levels), LogisticMixture(levels: levels, mixtures: 3)] + (levels == 2 ? [Bernoulli()] : [])
}

@Suite struct LikelihoodTests {
  /// All 531,441 images of 2×2 pixels, three channels and three levels.
  @Test(arguments: ModelKind.allCases) func probabilitiesOfAllColourImagesSumToOne(kind: ModelKind) {
    let shape = ImageShape(height: 2, width: 2, channels: 3)
    let model = ModelConfiguration(model: kind, width: 6, blocks: 1, shape: shape, levels: 3).makeModel()
    let scorer = Scorer(model: model, parameters: randomParameters(model, scale: 0.5), threads: 2)
    let (perPart, count) = (59_049, 531_441)
    var total = 0.0
    for part in 0..<count / perPart {
      var levels: [UInt8] = []
      levels.reserveCapacity(perPart * 12)
      for image in part * perPart..<(part + 1) * perPart {
        var rest = image
        for _ in 0..<12 {
          levels.append(UInt8(rest % 3))
          rest /= 3
        }
      }
      total += scorer.nats(ImageBatch(shape: shape, count: perPart, levels: levels)).reduce(0) {
        $0 + exponentialOf(-$1)
      }
    }
    #expect(abs(total - 1) < 1e-5)
  }

  @Test(arguments: [2, 3, 16, 17, 255, 256]) func categoricalSumsToOne(levels: Int) {
    let likelihood = Categorical(levels: levels)
    let logits = FeatureMap(height: 1, width: 2, channels: levels)
    logits.fill(randomValues(2 * levels, stream: 1, scale: 20))
    for temperature in [Float(0.5), 1, 2] {
      for x in 0..<2 {
        let logs = likelihood.logProbabilities(logits: logits, y: 0, x: x, channel: 0, temperature: temperature)
        let total = logs.reduce(0.0) { $0 + exponentialOf(Double($1)) }
        // Each logarithm is a difference of numbers up to 40, rounded to 2⁻²⁴ of that.
        #expect(abs(total - 1) < 1e-5)
      }
    }
  }

  @Test func bernoulliSumsToOne() {
    let logits = FeatureMap(height: 1, width: 9, channels: 1)
    logits.fill([-90, -20, -1, -1e-6, 0, 0.5, 3, 20, 90])
    for x in 0..<9 {
      let logs = Bernoulli().logProbabilities(logits: logits, y: 0, x: x, channel: 0, temperature: 1)
      #expect(abs(logs.reduce(0.0) { $0 + exponentialOf(Double($1)) } - 1) < 1e-6)
    }
  }

  /// The cost that training sees is the cost that sampling sees.
  @Test(arguments: [2, 7, 32]) func natsAreMinusLogProbability(levels: Int) {
    for likelihood in likelihoods(levels: levels) {
      let shape = ImageShape(height: 3, width: 6, channels: 1)
      let logits = FeatureMap(height: 3, width: 6, channels: likelihood.outputs(channels: 1))
      logits.fill(randomValues(18 * likelihood.outputs(channels: 1), stream: 2, scale: 6))
      let batch = randomBatch(shape, count: 1, levels: levels)
      var expected = 0.0
      for p in 0..<18 {
        let logs = likelihood.logProbabilities(logits: logits, y: p / 6, x: p % 6, channel: 0, temperature: 1)
        expected -= Double(logs[Int(batch[0, p / 6, p % 6, 0])])
      }
      #expect(abs(likelihood.nats(batch, image: 0, logits: logits, gradient: nil) - expected) < 1e-4)
    }
  }

  /// ∂nats/∂logits against differences of the likelihood itself. (Those of a mixture: see `LogisticMixtureTests`.)
  @Test(arguments: [2, 5]) func gradientEqualsFiniteDifferences(levels: Int) {
    for likelihood in likelihoods(levels: levels) where !(likelihood is LogisticMixture) {
      let outputs = likelihood.outputs(channels: 1)
      let shape = ImageShape(height: 2, width: 3, channels: 1)
      let batch = randomBatch(shape, count: 1, levels: levels)
      let values = randomValues(6 * outputs, stream: 3, scale: 2)
      func nats(_ values: [Float], _ gradient: FeatureMap? = nil) -> Double {
        let logits = FeatureMap(height: 2, width: 3, channels: outputs)
        logits.fill(values)
        return likelihood.nats(batch, image: 0, logits: logits, gradient: gradient)
      }
      let gradient = FeatureMap(height: 2, width: 3, channels: outputs)
      _ = nats(values, gradient)
      let found = gradient.values
      for i in values.indices {
        // h = 2⁻⁷ balances the curvature's h²/6 against single precision's 10⁻⁶/h.
        var (up, down) = (values, values)
        up[i] += 0x1p-7
        down[i] -= 0x1p-7
        #expect(abs(Double(found[i]) - (nats(up) - nats(down)) / 0x1p-6) < 2e-4)
      }
    }
  }

  /// Every one of the 16 images of 2×2 binary pixels.
  @Test(arguments: LikelihoodKind.allCases) func allImagesSumToOne(kind: LikelihoodKind) {
    let shape = ImageShape(height: 2, width: 2, channels: 1)
    let model = ModelConfiguration(width: 8, blocks: 2, shape: shape, levels: 2, likelihood: kind).makeModel()
    let scorer = Scorer(model: model, parameters: randomParameters(model, scale: 1), threads: 2)
    let all = ImageBatch(shape: shape, count: 16, levels: (0..<64).map { UInt8(($0 / 4) >> ($0 % 4) & 1) })
    let probabilities = scorer.nats(all).map { exponentialOf(-$0) }
    #expect(abs(probabilities.reduce(0, +) - 1) < 1e-6)
    #expect(Set(probabilities).count > 8, "a network that ignores its input would give few distinct values")
  }

  /// And of the 81 images of 2×2 pixels with 3 levels.
  @Test func allImagesOfThreeLevelsSumToOne() {
    let shape = ImageShape(height: 2, width: 2, channels: 1)
    let model = ModelConfiguration(width: 8, blocks: 1, shape: shape, levels: 3).makeModel()
    let scorer = Scorer(model: model, parameters: randomParameters(model, scale: 1), threads: 2)
    var levels: [UInt8] = []
    for image in 0..<81 { levels += [image / 27, image / 9 % 3, image / 3 % 3, image % 3].map { UInt8($0) } }
    let nats = scorer.nats(ImageBatch(shape: shape, count: 81, levels: levels))
    #expect(abs(nats.reduce(0) { $0 + exponentialOf(-$1) } - 1) < 1e-6)
  }
}
