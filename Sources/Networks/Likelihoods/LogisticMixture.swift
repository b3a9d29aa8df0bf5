// Any number of levels, grey or colour: a few logistic distributions, cut into levels.
import Core
import Kernels

/// The discretized mixture of logistics of PixelCNN++ (Salimans et al., 2017): see `LogisticMixtureKernel` for the
/// formula, `PixelScale` for the scale that it is over. All channels of a pixel come from one set of outputs, the channels
/// after the first through linear coefficients, so a network needs no masks between channels.
package struct LogisticMixture: Likelihood {
  /// No: see `LogisticMixtureKernel`.
  package static let isChannelAutoregressive = false
  /// M where nothing is said.
  package static let defaultMixtures = 10

  /// L
  package let levels: Int
  /// M
  package let mixtures: Int

  /// The likelihood of `levels` levels, 2 to 256, of `mixtures` logistics.
  package init(levels: Int, mixtures: Int = defaultMixtures) {
    precondition((2...256).contains(levels), "a pixel has 2 to 256 levels, not \(levels)")
    precondition(mixtures > 0, "a mixture of \(mixtures)")
    self.levels = levels
    self.mixtures = mixtures
  }

  /// 3 M for grey, 10 M for RGB.
  package func outputs(channels: Int) -> Int { LogisticMixtureKernel.outputs(mixtures: mixtures, channels: channels) }

  /// Each logistic's means begin at what a neighbour has, or a plane through three: the predictors of PNG and of lossless
  /// JPEG.
  package func neighbourWeights(channels: Int) -> [WeightStart] {
    let predictors: [[(dy: Int, dx: Int, weight: Float)]] = [
      [(0, -1, 1)], [(-1, 0, 1)], [(0, -1, 1), (-1, 0, 1), (-1, -1, -1)], [(-1, 1, 1)], [(0, -1, 0.5), (-1, 0, 0.5)],
    ]
    return (0..<mixtures).flatMap { m in
      (0..<channels).flatMap { c in
        predictors[m % predictors.count].map { tap in
          // Networks read values from 0 to 1, means are on the scale from −1 to 1.
          WeightStart(
            output: mixtures * (1 + 2 * c) + m, input: c, dy: tap.dy, dx: tap.dx, weight: 2 * tap.weight)
        }
      }
    }
  }

  /// See `Likelihood`. Sixteen pixels of a row are computed at a time.
  package func nats(_ batch: ImageBatch, image: Int, logits: FeatureMap, gradient: FeatureMap?) -> Double {
    let (width, channels) = (batch.shape.width, batch.shape.channels)
    let kernel = LogisticMixtureKernel(levels: levels, mixtures: mixtures, channels: channels)
    var costs = [FloatVector](repeating: .zero, count: channels)
    var total = 0.0
    for y in 0..<batch.shape.height {
      for first in stride(from: 0, to: width, by: Lanes.count) {
        let columns = first..<min(first + Lanes.count, width)
        kernel.load(logits, y: y, columns: columns)
        for c in 0..<channels {
          var seen = FloatVector.zero
          for (lane, x) in columns.enumerated() { seen[lane] = Float(batch[image, y, x, c]) }
          costs[c] = kernel.see(channel: c, levels: seen)
        }
        for lane in 0..<columns.count {
          for c in 0..<channels { total += Double(costs[c][lane]) }
        }
        if let gradient { kernel.storeGradient(gradient, y: y, columns: columns) }
      }
    }
    return total
  }

  /// See `Likelihood`: log p / T, made to sum to 1 again where T is not 1.
  package func logProbabilities(
    logits: FeatureMap, y: Int, x: Int, channel: Int, earlier: [UInt8], temperature: Float
  ) -> [Float] {
    let kernel = LogisticMixtureKernel(
      levels: levels, mixtures: mixtures, channels: channels(of: logits))
    prepare(kernel, logits, y, x, channel, earlier)
    let logs = (0..<Lanes.roundUp(levels) / Lanes.count).map {
      self.logProbabilities(kernel, channel, $0) / temperature
    }
    let each = (0..<levels).map { logs[$0 / Lanes.count][$0 % Lanes.count] }
    if temperature == 1 { return each }
    var weights = LevelWeights(levels: levels)
    weights.takeLogarithms { logs[$0] }
    return each.map { $0 - weights.largest - weights.logSum }
  }

  /// See `Likelihood`.
  package func draw(
    logits: FeatureMap, y: Int, positions: Range<Int>, channel: Int, temperature: Float, uniforms: [Float],
    into drawn: inout [UInt8]
  ) {
    let channels = drawn.count / positions.count
    let kernel = LogisticMixtureKernel(levels: levels, mixtures: mixtures, channels: channels)
    var weights = LevelWeights(levels: levels)
    for (image, x) in positions.enumerated() {
      prepare(kernel, logits, y, x, channel, drawn[image * channels..<image * channels + channel])
      kernel.prepareToDraw(channel: channel)
      if temperature == 1 {
        drawn[image * channels + channel] = UInt8(kernel.level(uniforms[image]))
        continue
      }
      weights.takeLogarithms { vector in
        let q = levels(vector)
        let logs = logarithm(kernel.probabilities(levels: q)) / temperature
        return logs.replacing(with: -.infinity, where: q .>= Float(self.levels))
      }
      drawn[image * channels + channel] = UInt8(weights.level(uniforms[image]))
    }
  }

  /// See `Likelihood`.
  package func costs(
    logits: FeatureMap, y: Int, positions: Range<Int>, channel: Int, levels seen: [UInt8], into nats: inout [Float]
  ) {
    let channels = seen.count / positions.count
    let kernel = LogisticMixtureKernel(levels: levels, mixtures: mixtures, channels: channels)
    for first in stride(from: 0, to: positions.count, by: Lanes.count) {
      let count = min(Lanes.count, positions.count - first)
      let start = positions.lowerBound + first
      kernel.load(logits, y: y, columns: start..<start + count)
      var cost = FloatVector.zero
      for c in 0...channel {
        var level = FloatVector.zero
        for lane in 0..<count { level[lane] = Float(seen[(first + lane) * channels + c]) }
        cost = kernel.see(channel: c, levels: level)
      }
      for lane in 0..<count { nats[first + lane] = cost[lane] }
    }
  }

  /// Loads one pixel and sees its earlier channels.
  private func prepare(
    _ kernel: LogisticMixtureKernel, _ logits: FeatureMap, _ y: Int, _ x: Int, _ channel: Int,
    _ earlier: some Collection<UInt8>
  ) {
    precondition(earlier.count >= channel, "\(earlier.count) levels before channel \(channel)")
    kernel.load(logits, y: y, x: x)
    for (c, level) in earlier.prefix(channel).enumerated() {
      _ = kernel.see(channel: c, levels: FloatVector(repeating: Float(level)))
    }
  }

  /// Sixteen levels from level 16·`vector` on.
  private func levels(_ vector: Int) -> FloatVector {
    FloatVector(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) + Float(vector * Lanes.count)
  }

  /// log p of sixteen levels from level 16·`vector` on; −∞ past the last.
  private func logProbabilities(_ kernel: LogisticMixtureKernel, _ channel: Int, _ vector: Int) -> FloatVector {
    let q = levels(vector)
    return kernel.logProbabilities(channel: channel, levels: q).replacing(
      with: -.infinity, where: q .>= Float(self.levels))
  }

  /// The channels that these outputs are of.
  private func channels(of logits: FeatureMap) -> Int {
    guard let channels = (1...4).first(where: { outputs(channels: $0) == logits.channels }) else {
      preconditionFailure("\(logits.channels) outputs of \(mixtures) mixtures")
    }
    return channels
  }
}
