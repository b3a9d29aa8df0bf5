// What a model pays for pixels that it is certain of: never less than nothing, and what double precision says it is.
import Core
import Kernels
import Networks
import Testing
import TestSupport

@Suite struct CertainLikelihoodTests {
  /// One row of the table.
  struct Case: Sendable, CustomTestStringConvertible {
    let kind: LikelihoodKind
    let levels: Int
    let channels: Int
    let side: Int

    var testDescription: String { "\(kind.rawValue), \(levels) levels, \(side)×\(side)×\(channels)" }

    static let all: [Case] = LikelihoodKind.allCases.flatMap { kind in
      (kind == .bernoulli ? [2] : [2, 4, 16, 256]).flatMap { levels in
        [1, 3].flatMap { channels in
          [8, 28, 32].map { Case(kind: kind, levels: levels, channels: channels, side: $0) }
        }
      }
    }

    var configuration: ModelConfiguration {
      ModelConfiguration(
        width: 6, blocks: 1, shape: ImageShape(height: side, width: side, channels: channels), levels: levels,
        likelihood: kind, mixtures: kind == .logisticMixture ? 5 : nil)
    }
  }

  /// Outputs that are certain of a pixel of `levels`: `margin` is how far the best logit stands above the others, or for a
  /// mixture how many scales lie between a mean and the border of an outer level, as far as the floor of scales allows.
  private func outputs(_ test: Case, _ levels: [Int], margin: Float, pixel: Int) -> [Float] {
    let noise = randomValues(16, stream: UInt64(pixel % 97), scale: 4)
    switch test.kind {
    case .bernoulli: return levels.map { $0 == 1 ? margin : -margin }
    case .categorical:
      return levels.flatMap { seen in (0..<test.levels).map { noise[0] + ($0 == seen ? margin : 0) } }
    case .logisticMixture:
      let half = 1 / Float(test.levels - 1)
      let weights = (0..<5).map { noise[$0] }
      let parts = levels.map { seen -> [Float] in
        let middle = 2 * Float(seen) * half - 1
        let isOuter = seen == 0 || seen == test.levels - 1
        // Of an outer level the mean lies where the border is `margin` scales of e⁻³ away.
        let mean = seen == 0 ? -1 + half - margin * 0.0498 : isOuter ? 1 - half + margin * 0.0498 : middle
        return [Float](repeating: mean, count: 5) + [Float](repeating: isOuter ? -3 : -8, count: 5)
      }
      let coefficients = test.channels == 1 ? [] : [Float](repeating: 0, count: 15)
      return weights + parts.joined() + coefficients
    }
  }

  /// Pixels that images are made of, and what they show: few, since the reference takes its time.
  private func pixels(_ test: Case) -> [[Int]] {
    let (last, noise) = (test.levels - 1, Philox(seed: 7, purpose: .test))
    let any = (0..<2).map { n in (0..<test.channels).map { noise.below(test.levels, at: UInt64(9 * n + $0)) } }
    return [[0, 0, 0], [last, last, last], [0, last, 0]].map { Array($0.prefix(test.channels)) } + any
  }

  /// From 9, where each of a few thousand values costs 10⁻⁴ nats, past 16.7, where 1 + e⁻ᶻ has just begun to round to 1,
  /// to 80, where nothing is left even in double precision.
  @Test(arguments: Case.all) func equalsDoublePrecision(test: Case) {
    let configuration = test.configuration
    let likelihood = configuration.pixelLikelihood
    let (side, pixels) = (test.side, pixels(test))
    let logits = FeatureMap(height: side, width: side, channels: likelihood.outputs(channels: test.channels))
    let gradient = FeatureMap(height: side, width: side, channels: logits.channels)
    for margin in [Float(9), 12.5, 16.8, 17.5, 80] {
      let own = pixels.enumerated().map { outputs(test, $1, margin: margin, pixel: $0) }
      let costs = zip(pixels, own).map {
        referenceNats(configuration, outputs: $1.map(Double.init), levels: $0)
      }
      // Of one kind of pixel, so that no error is balanced by another; and of all in turn.
      for kinds in [[0], [1], [3], [0, 1, 2, 3, 4]] where test.side < 32 || kinds.count > 1 || kinds == [0] {
        let order = (0..<side * side).map { kinds[$0 % kinds.count] }
        logits.fill(order.flatMap { own[$0] })
        let batch = ImageBatch(
          shape: configuration.shape, count: 1, levels: order.flatMap { pixels[$0].map { UInt8($0) } })
        let nats = likelihood.nats(batch, image: 0, logits: logits, gradient: gradient)
        let expected = order.reduce(0.0) { $0 + costs[$1] }
        #expect(nats >= 0 && abs(nats - expected) < 1e-4, "pixels \(kinds), \(margin): \(nats), not \(expected)")
        if test.side == 8 { #expect(gradient.values.allSatisfy { $0.isFinite }, "pixels \(kinds), \(margin)") }
      }
    }
  }

  /// Where nothing is paid, nothing is to be gained.
  @Test(arguments: [1, 3]) func noCostHasNoGradient(channels: Int) {
    let test = Case(kind: .logisticMixture, levels: 256, channels: channels, side: 8)
    let likelihood = test.configuration.pixelLikelihood
    let logits = FeatureMap(height: 8, width: 8, channels: likelihood.outputs(channels: channels))
    let gradient = FeatureMap(height: 8, width: 8, channels: logits.channels)
    let seen = [Int](repeating: 0, count: channels)
    logits.fill((0..<64).flatMap { outputs(test, seen, margin: 200, pixel: $0) })
    let batch = ImageBatch(shape: test.configuration.shape, count: 1)
    #expect(likelihood.nats(batch, image: 0, logits: logits, gradient: gradient) == 0)
    #expect(gradient.values.allSatisfy { $0 == 0 })
  }

  /// The derivative is that of the cost in double precision, where the cost is nearly nothing too.
  @Test(arguments: [Float(3), 9, 14]) func gradientOfACertainPixel(margin: Float) {
    for channels in [1, 3] {
      let test = Case(kind: .logisticMixture, levels: 16, channels: channels, side: 1)
      let likelihood = test.configuration.pixelLikelihood
      for seen in [[0, 15, 0], [15, 0, 15], [0, 0, 0]].map({ Array($0.prefix(channels)) }) {
        var own = outputs(test, seen, margin: margin, pixel: 3)
        // The mixtures differ, so that weights matter.
        for m in 0..<5 { own[10 + m] += 0.3 * Float(m) }
        let logits = FeatureMap(height: 1, width: 1, channels: own.count)
        logits.fill(own)
        let gradient = FeatureMap(height: 1, width: 1, channels: own.count)
        let batch = ImageBatch(shape: test.configuration.shape, count: 1, levels: seen.map { UInt8($0) })
        _ = likelihood.nats(batch, image: 0, logits: logits, gradient: gradient)
        for o in own.indices {
          func cost(_ amount: Double) -> Double {
            var moved = own.map(Double.init)
            moved[o] += amount
            return referenceNats(test.configuration, outputs: moved, levels: seen)
          }
          let slope = (cost(1e-5) - cost(-1e-5)) / 2e-5
          let found = Double(gradient[0, 0, o])
          #expect(abs(found - slope) < 1e-5 * abs(slope) + 3e-7, "output \(o) of \(seen): \(found), not \(slope)")
        }
      }
    }
  }

  /// 10,000 pixels of outputs from usual to absurd: no channel of any costs less than nothing, and what sampling says of
  /// the level agrees.
  @Test(arguments: LikelihoodKind.allCases, [1, 3]) func neverNegative(kind: LikelihoodKind, channels: Int) {
    for levels in kind == .bernoulli ? [2] : [2, 4, 16, 256] {
      let likelihood: any Likelihood =
        switch kind {
        case .bernoulli: Bernoulli()
        case .categorical: Categorical(levels: levels)
        case .logisticMixture: LogisticMixture(levels: levels, mixtures: 10)
        }
      let outputs = likelihood.outputs(channels: channels)
      let width = levels == 256 && kind == .categorical ? 100 : 400
      for (stream, scale) in [Float(1), 5, 30, 200, 1e4].enumerated() {
        let logits = FeatureMap(height: 1, width: width, channels: outputs)
        logits.fill(randomValues(width * outputs, stream: UInt64(stream), scale: scale))
        let seen = randomBatch(
          ImageShape(height: 1, width: width, channels: channels), count: 1, levels: levels
        ).levels
        var nats = [Float](repeating: -1, count: width)
        for c in 0..<channels {
          likelihood.costs(logits: logits, y: 0, positions: 0..<width, channel: c, levels: seen, into: &nats)
          #expect(nats.allSatisfy { $0 >= 0 && $0.isFinite }, "±\(scale), channel \(c): \(nats.min() ?? 0)")
          for x in stride(from: 0, to: width, by: 50) {
            let earlier = Array(seen[x * channels..<x * channels + c])
            let logs = likelihood.logProbabilities(
              logits: logits, y: 0, x: x, channel: c, earlier: earlier, temperature: 1)
            #expect(logs.allSatisfy { $0 <= 0 }, "±\(scale), pixel \(x)")
            let log = Double(logs[Int(seen[x * channels + c])])
            #expect(abs(log + Double(nats[x])) < 1e-6 * (1 + abs(log)), "±\(scale), pixel \(x)")
          }
        }
      }
    }
  }

  /// What is drawn is what is scored: a certain level is drawn whatever the number, at any temperature.
  @Test(arguments: [Float(1), 0.5, 2]) func certainLevelsAreDrawn(temperature: Float) {
    for levels in [4, 256] {
      let test = Case(kind: .logisticMixture, levels: levels, channels: 3, side: 1)
      let likelihood = test.configuration.pixelLikelihood
      let seen = [0, levels - 1, 0]
      let own = outputs(test, seen, margin: 80, pixel: 5)
      let logits = FeatureMap(height: 1, width: 1, channels: own.count)
      logits.fill(own)
      for uniform: Float in [0x1p-24, 0.5, 1 - 0x1p-24] {
        var drawn: [UInt8] = [9, 9, 9]
        for c in 0..<3 {
          likelihood.draw(
            logits: logits, y: 0, positions: 0..<1, channel: c, temperature: temperature, uniforms: [uniform],
            into: &drawn)
        }
        #expect(drawn.map(Int.init) == seen, "\(levels) levels, number \(uniform)")
      }
    }
  }
}
