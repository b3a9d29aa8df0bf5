// Any number of levels: one logit a level.
import Core
import Kernels

/// p(q) = exp(z_q) / Σ exp(z): the softmax over L levels, channel by channel. Logits of a pixel are laid out
/// [channel][level]. The cost is log Σ exp(z − m) + m − z_q with m the largest logit; the gradient is p − 1 at the
/// level seen and p elsewhere.
package struct Categorical: Likelihood {
  /// Yes.
  package static let isChannelAutoregressive = true
  /// L
  package let levels: Int

  /// The likelihood of `levels` levels, 2 to 256.
  package init(levels: Int) {
    precondition((2...256).contains(levels), "a pixel has 2 to 256 levels, not \(levels)")
    self.levels = levels
  }

  /// L logits a channel.
  package func outputs(channels: Int) -> Int { channels * levels }

  /// See `Likelihood`.
  package func nats(_ batch: ImageBatch, image: Int, logits: FeatureMap, gradient: FeatureMap?) -> Double {
    var total = 0.0
    var weights = LevelWeights(levels: levels)
    for y in 0..<batch.shape.height {
      for x in 0..<batch.shape.width {
        for c in 0..<batch.shape.channels {
          let seen = Int(batch[image, y, x, c])
          weights.takeLogarithms { load($0, logits, y, x, c) }
          total += Double(weights.logSum + (weights.largest - logits[y, x, c * levels + seen]))
          guard let gradient else { continue }
          let scale = 1 / weights.sum
          for (i, e) in weights.shares.enumerated() { store(e * scale, i, gradient, y, x, c) }
          gradient[y, x, c * levels + seen] -= 1
        }
      }
    }
    return total
  }

  /// log softmax(z/T)
  package func logProbabilities(
    logits: FeatureMap, y: Int, x: Int, channel: Int, earlier: [UInt8], temperature: Float
  ) -> [Float] {
    var weights = LevelWeights(levels: levels)
    weights.takeLogarithms { load($0, logits, y, x, channel) / temperature }
    return (0..<levels).map {
      logits[y, x, channel * levels + $0] / temperature - weights.largest - weights.logSum
    }
  }

  /// See `Likelihood`.
  package func draw(
    logits: FeatureMap, y: Int, positions: Range<Int>, channel: Int, temperature: Float, uniforms: [Float],
    into drawn: inout [UInt8]
  ) {
    let channels = drawn.count / positions.count
    var weights = LevelWeights(levels: levels)
    for (image, x) in positions.enumerated() {
      weights.takeLogarithms { load($0, logits, y, x, channel) / temperature }
      drawn[image * channels + channel] = UInt8(weights.level(uniforms[image]))
    }
  }

  /// See `Likelihood`.
  package func costs(
    logits: FeatureMap, y: Int, positions: Range<Int>, channel: Int, levels seen: [UInt8], into nats: inout [Float]
  ) {
    let channels = seen.count / positions.count
    var weights = LevelWeights(levels: levels)
    for (image, x) in positions.enumerated() {
      weights.takeLogarithms { load($0, logits, y, x, channel) }
      let level = Int(seen[image * channels + channel])
      nats[image] = weights.logSum + (weights.largest - logits[y, x, channel * levels + level])
    }
  }

  /// Sixteen levels from level 16·`i` on; −∞ past the last.
  private func load(_ i: Int, _ logits: FeatureMap, _ y: Int, _ x: Int, _ c: Int) -> FloatVector {
    let first = i * Lanes.count
    if levels % Lanes.count == 0 { return logits[vector: y, x, c * levels + first] }
    var z = FloatVector(repeating: -.infinity)
    for lane in 0..<min(Lanes.count, levels - first) { z[lane] = logits[unchecked: y, x, c * levels + first + lane] }
    return z
  }

  private func store(_ value: FloatVector, _ i: Int, _ map: FeatureMap, _ y: Int, _ x: Int, _ c: Int) {
    let first = i * Lanes.count
    if levels % Lanes.count == 0 {
      map[vector: y, x, c * levels + first] = value
    } else {
      for lane in 0..<min(Lanes.count, levels - first) { map[unchecked: y, x, c * levels + first + lane] = value[lane] }
    }
  }
}
