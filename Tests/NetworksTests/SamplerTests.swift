import Kernels
import Networks
import TestSupport
import Testing

@Suite struct SamplerTests {
  /// What the sampler computes row by row is what one pass over the finished image computes, to the last bit.
  @Test(arguments: [(2, 5, 7), (16, 6, 4), (256, 3, 5)], ModelKind.allCases)
  func rowByRowEqualsTheWholePass(size: (levels: Int, height: Int, width: Int), kind: ModelKind) {
    let (levels, height, width) = size
    let shape = ImageShape(height: height, width: width, channels: 1)
    var configuration = ModelConfiguration(model: kind, width: 16, blocks: 3, shape: shape, levels: levels)
    configuration.recurrence?.directions = 2
    let model = configuration.makeModel()
    let packed = model.packed(randomParameters(model, scale: 0.4))
    let image = randomBatch(shape, count: 1, levels: levels)
    let whole = model.makeWorkspace(.evaluation)
    model.forward(image, images: 0..<1, rows: 0..<height, packed: packed, workspace: whole)
    let rows = model.makeWorkspace(.sampling)
    var known = ImageBatch(shape: shape, count: 1)
    for y in 0..<height {
      for x in 0..<width {
        model.forward(known, images: 0..<1, rows: y..<y + 1, packed: packed, workspace: rows)
        let (a, b) = (rows.logits[0].features(y, x), whole.logits[0].features(y, x))
        #expect(a.map(\.bitPattern) == b.map(\.bitPattern))
        known[0, y, x, 0] = image[0, y, x, 0]
      }
    }
  }

  /// Frequencies of 2×2 images against their exact probabilities.
  @Test func samplesFollowTheModel() {
    let shape = ImageShape(height: 2, width: 2, channels: 1)
    let model = ModelConfiguration(width: 8, blocks: 1, shape: shape, levels: 2).makeModel()
    let parameters = randomParameters(model, scale: 1)
    let all = ImageBatch(shape: shape, count: 16, levels: (0..<64).map { UInt8(($0 / 4) >> ($0 % 4) & 1) })
    let exact = Scorer(model: model, parameters: parameters, threads: 1).nats(all).map { exponentialOf(-$0) }
    let count = 20_000
    let drawn = Sampler(model: model, parameters: parameters, threads: 2)
      .sample(count: count, seed: 5, temperature: 1)
    var seen = [Int](repeating: 0, count: 16)
    for image in 0..<count {
      seen[(0..<4).reduce(0) { $0 | Int(drawn.levels[image * 4 + $1]) << $1 }] += 1
    }
    // χ² with 15 degrees of freedom exceeds 44.3 once in ten thousand times; the seed is fixed.
    let chiSquared = zip(seen, exact).reduce(0.0) {
      let expected = $1.1 * Double(count)
      return $0 + (Double($1.0) - expected) * (Double($1.0) - expected) / expected
    }
    #expect(chiSquared < 44.3)
  }

  @Test func imagesDependOnSeedAndNumberAlone() {
    let shape = ImageShape(height: 4, width: 5, channels: 1)
    let model = ModelConfiguration(width: 8, blocks: 1, shape: shape, levels: 4).makeModel()
    let parameters = model.initialParameters(seed: 1)
    func sample(_ count: Int, threads: Int, seed: UInt64 = 9) -> [UInt8] {
      Sampler(model: model, parameters: parameters, threads: threads)
        .sample(count: count, seed: seed, temperature: 1).levels
    }
    let ten = sample(10, threads: 1)
    #expect(sample(10, threads: 3) == ten)
    #expect(sample(4, threads: 2) == Array(ten.prefix(4 * 20)))
    #expect(sample(10, threads: 1, seed: 10) != ten)
  }

  @Test func lowTemperatureTakesTheLikeliest() {
    let logits = FeatureMap(height: 1, width: 1, channels: 3)
    logits.fill([1, 3, 2])
    for u in [Float(0), 0.5, 0.999_999] {
      #expect(Categorical(levels: 3).sample(logits: logits, y: 0, x: 0, channel: 0, temperature: 0.01, uniform: u) == 1)
    }
    #expect(Categorical(levels: 3).sample(logits: logits, y: 0, x: 0, channel: 0, temperature: 1, uniform: 0) == 0)
  }
}
