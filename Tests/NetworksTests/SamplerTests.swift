import Core
import Kernels
import Networks
import Testing
import TestSupport

@Suite struct SamplerTests {
  /// What the sampler computes pixel by pixel is what one pass over the finished images computes, to the last bit:
  /// logits, and so the cost of every image.
  @Test(arguments: SamplerCase.all)
  func logitsEqualTheParallelPass(c: SamplerCase) {
    let model = c.configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.4)
    let packed = model.packed(parameters)
    let shape = c.configuration.shape
    let images = randomBatch(c.configuration, count: c.images)
    let runner = model.makeIncrementalForward(images: c.images)
    let workspace = model.makeWorkspace(.evaluation)
    // Twice, since a runner is used again for other images.
    for turn in 0..<2 {
      var logits: [[UInt32]] = []
      runner.begin(classes: images.classes, transformations: images.transformations)
      for pixel in 0..<shape.pixels {
        let (y, x) = pixel.quotientAndRemainder(dividingBy: shape.width)
        // Where channels are drawn apart, each is run when those before it are known, and has its part of the logits.
        let turns = c.configuration.isChannelAutoregressive ? shape.channels : 1
        var parts = [[UInt32]](repeating: [], count: c.images)
        for channel in 0..<turns {
          runner.run(y: y, x: x, packed: packed)
          for (n, position) in runner.positions(x).enumerated() {
            let all = runner.logits.features(0, position).map(\.bitPattern)
            parts[n] += all[all.count / turns * channel..<all.count / turns * (channel + 1)]
          }
          let known = turns == 1 ? shape.channels : channel + 1
          runner.set(
            y: y, x: x,
            levels: (0..<c.images).flatMap { n in (0..<shape.channels).map { $0 < known ? images[n, y, x, $0] : 0 } })
        }
        logits.append(parts.flatMap { $0 })
      }
      for n in 0..<c.images {
        workspace.forward(images, images: n..<n + 1, packed: packed)
        let whole = workspace.logits[0]
        let wrong = (0..<shape.pixels).filter { pixel in
          let expected = whole.features(pixel / shape.width, pixel % shape.width).map(\.bitPattern)
          return Array(logits[pixel][n * expected.count..<(n + 1) * expected.count]) != expected
        }
        #expect(wrong == [], "turn \(turn), image \(n)")
      }
    }
  }

  @Test(arguments: SamplerCase.all)
  func costsSeenEqualTheScorersBits(c: SamplerCase) {
    let model = c.configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.4)
    let drawn = Sampler(model: model, parameters: parameters, threads: 2)
      .sample(
        SamplingRequest(
          count: 5, seed: 3, temperature: 0.8, classes: c.configuration.classNames.map { _ in [2, 0, 1, 1, 0] }))
    let scored = Scorer(model: model, parameters: parameters, threads: 2).nats(drawn.images)
    #expect(drawn.nats == scored)
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
      .sample(SamplingRequest(count: count, seed: 5)).images
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
        .sample(SamplingRequest(count: count, seed: seed)).images.levels
    }
    let ten = sample(10, threads: 1)
    #expect(sample(10, threads: 3) == ten)
    #expect(sample(4, threads: 2) == Array(ten.prefix(4 * 20)))
    #expect(sample(10, threads: 1, seed: 10) != ten)
  }

  /// More images than run together, and a number that does not divide evenly.
  @Test func groupsChangeNoBit() {
    let shape = ImageShape(height: 3, width: 4, channels: 1)
    let model = ModelConfiguration(model: .diagonalLSTM, width: 8, blocks: 1, shape: shape, levels: 3).makeModel()
    let parameters = randomParameters(model, scale: 1)
    func sample(_ count: Int, threads: Int) -> SampledImages {
      Sampler(model: model, parameters: parameters, threads: threads).sample(SamplingRequest(count: count, seed: 1))
    }
    let many = sample(300, threads: 2)
    #expect(Sampler.groups(300, threads: 2).count > 2)
    #expect(sample(300, threads: 3) == many)
    #expect(sample(131, threads: 1).images.levels == Array(many.images.levels.prefix(131 * 12)))
  }

  @Test func framesFillInAndEndWithTheSameImages() {
    let shape = ImageShape(height: 5, width: 4, channels: 1)
    let model = ModelConfiguration(width: 8, blocks: 1, shape: shape, levels: 4).makeModel()
    let sampler = Sampler(model: model, parameters: randomParameters(model, scale: 1), threads: 2)
    let whole = sampler.sample(SamplingRequest(count: 7, seed: 2))
    var frames: [(ImageBatch, Int)] = []
    let filled = sampler.sample(SamplingRequest(count: 7, seed: 2, frames: 3)) { _ in
    } frame: {
      frames.append(($0, $1))
    }
    #expect(filled == whole)
    #expect(frames.map(\.1) == [6, 13, 20])
    for (images, pixels) in frames {
      for n in 0..<7 {
        for pixel in 0..<20 {
          #expect(images.levels[n * 20 + pixel] == (pixel < pixels ? whole.images.levels[n * 20 + pixel] : 0))
        }
      }
    }
  }

  /// A 2×2 image of which the first row is given: frequencies against the exact conditional probabilities.
  @Test func givenPixelsStayAndTheRestFollowsThem() {
    let shape = ImageShape(height: 2, width: 2, channels: 1)
    let model = ModelConfiguration(width: 8, blocks: 1, shape: shape, levels: 2).makeModel()
    let parameters = randomParameters(model, scale: 1)
    let four = ImageBatch(shape: shape, count: 4, levels: [1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 1])
    let joint = Scorer(model: model, parameters: parameters, threads: 1).nats(four).map { exponentialOf(-$0) }
    let count = 20_000
    let start = ImageBatch(
      shape: shape, count: count, levels: (0..<count).flatMap { _ in [UInt8](arrayLiteral: 1, 0, 1, 1) })
    let given = GivenPixels(start, mask: [true, true, false, false])
    #expect(given.unseenCount(in: .rows) == 0)
    let drawn = Sampler(model: model, parameters: parameters, threads: 2)
      .sample(SamplingRequest(count: count, seed: 8, given: given)).images
    var seen = [Int](repeating: 0, count: 4)
    for n in 0..<count {
      #expect(drawn.levels[n * 4] == 1 && drawn.levels[n * 4 + 1] == 0)
      seen[Int(drawn.levels[n * 4 + 2]) + 2 * Int(drawn.levels[n * 4 + 3])] += 1
    }
    let total = joint.reduce(0, +)
    // χ² with 3 degrees of freedom exceeds 21.1 once in ten thousand times.
    let chiSquared = zip(seen, joint).reduce(0.0) {
      let expected = $1.1 / total * Double(count)
      return $0 + (Double($1.0) - expected) * (Double($1.0) - expected) / expected
    }
    #expect(chiSquared < 21.1)
    #expect(GivenPixels(four, mask: [false, true, false, true]).unseenCount(in: .rows) == 2)
  }

  @Test func lowTemperatureTakesTheLikeliest() {
    let logits = FeatureMap(height: 1, width: 4, channels: 3)
    logits.fill([1, 3, 2, 1, 3, 2, 1, 3, 2, 1, 3, 2])
    func drawn(_ temperature: Float, _ uniforms: [Float]) -> [UInt8] {
      var levels = [UInt8](repeating: 0, count: uniforms.count)
      Categorical(levels: 3).draw(
        logits: logits, y: 0, positions: 0..<4, channel: 0, temperature: temperature, uniforms: uniforms, into: &levels)
      return levels
    }
    #expect(drawn(0.01, [0, 0.5, 0.9, 0.999_999]) == [1, 1, 1, 1])
    // 0.090, 0.665, 0.245
    #expect(drawn(1, [0, 0.1, 0.74, 0.77]) == [0, 1, 1, 2])
  }

  /// Of 0.090, 0.665, 0.245 the fewest levels that come to the share are drawn, in the proportion that they had.
  @Test func topPLeavesOutUnlikelyLevels() {
    let logits = FeatureMap(height: 1, width: 4, channels: 3)
    logits.fill([1, 3, 2, 1, 3, 2, 1, 3, 2, 1, 3, 2])
    func drawn(_ topP: Float, _ uniforms: [Float]) -> [UInt8] {
      var levels = [UInt8](repeating: 0, count: 4)
      Categorical(levels: 3).draw(
        logits: logits, y: 0, positions: 0..<4, channel: 0, temperature: 1, topP: topP, uniforms: uniforms,
        into: &levels)
      return levels
    }
    #expect(drawn(0.5, [0, 0.3, 0.7, 0.999]) == [1, 1, 1, 1])
    #expect(drawn(0.7, [0, 0.73, 0.74, 0.999]) == [1, 1, 2, 2])
    #expect(drawn(0.95, [0, 0.08, 0.1, 0.999]) == [0, 0, 1, 2])
    #expect(drawn(1, [0, 0.1, 0.74, 0.77]) == [0, 1, 1, 2])
  }

  /// A share that one level has is its likeliest at any temperature; costs are those of the model all the same.
  @Test(arguments: [
    mixture(.diagonalLSTM, channels: 3, levels: 256), colour(.pixelCNN, levels: 4),
    recurrent(.linearRNN, width: 6, layers: 1, height: 4, width: 5, levels: 2),
  ])
  func theSmallestTopPTakesTheLikeliest(configuration: ModelConfiguration) {
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let sampler = Sampler(model: model, parameters: parameters, threads: 2)
    let likeliest = sampler.sample(SamplingRequest(count: 3, seed: 1, topP: 1e-6))
    #expect(likeliest.images == sampler.sample(SamplingRequest(count: 3, seed: 8, topP: 1e-6)).images)
    #expect(likeliest.nats == Scorer(model: model, parameters: parameters, threads: 1).nats(likeliest.images))
    let some = sampler.sample(SamplingRequest(count: 3, seed: 1, topP: 0.6))
    #expect(some != likeliest && some.images != sampler.sample(SamplingRequest(count: 3, seed: 1)).images)
  }
}

/// A model to go through pixel by pixel: higher than the rows that are kept, narrow, single rows and columns, features
/// that do not fill a vector.
struct SamplerCase: CustomTestStringConvertible, Sendable {
  var configuration: ModelConfiguration
  var images: Int

  var testDescription: String {
    let c = configuration
    return "\(c.model.rawValue) \(c.shape) width \(c.width), \(c.levels) levels \(c.likelihood.rawValue), "
      + "\(c.family.choices.directions ?? 1) directions, \(images) images"
  }

  static let all: [SamplerCase] = ModelKind.allCases.flatMap { kind in
    let sizes: [(height: Int, width: Int, levels: Int, features: Int, images: Int)] = [
      (19, 5, 2, 32, 3), (4, 9, 16, 16, 4), (9, 1, 256, 8, 2), (1, 7, 3, 20, 17), (8, 8, 2, 8, 2),
    ]
    let colours = [(2, 9), (5, 4)].map { levels, height in
      SamplerCase(
        configuration: ModelConfiguration(
          model: kind, width: 12, blocks: 2, shape: ImageShape(height: height, width: 5, channels: 3), levels: levels,
          directions: kind == .mdrnn ? 2 : nil), images: 3)
    }
    let plain = kind == .pixelCNN ? [(Activation.tanh, ResidualOrder.post), (.sigmoid, .off), (.tanh, .pre)] : []
    let variants = plain.map { activation, residual in
      SamplerCase(
        configuration: ModelConfiguration(
          width: 16, blocks: 2, shape: ImageShape(height: 11, width: 3, channels: 1), levels: 2, activation: activation,
          residual: residual), images: 3)
    }
    let colour = SamplerCase(
      configuration: ModelConfiguration(
        model: kind, width: 8, blocks: 2, shape: ImageShape(height: 10, width: 5, channels: 3), levels: 256,
        likelihood: .logisticMixture, mixtures: 3), images: 18)
    return colours + variants + [colour]
      + sizes.flatMap { size -> [SamplerCase] in
        ([.mdrnn, .diagonalLSTM].contains(kind) ? 1...2 : 1...1).map { directions in
          var configuration = ModelConfiguration(
            model: kind, width: size.features, blocks: 3,
            shape: ImageShape(height: size.height, width: size.width, channels: 1), levels: size.levels,
            likelihood: size.levels == 2 && size.height == 8 ? .categorical : nil, directions: directions)
          if size.height == 4 { configuration = conditional(configuration) }
          return SamplerCase(configuration: configuration, images: size.images)
        }
      }
  }
}
