// Any number of levels: one logit a level.
import Kernels

/// p(q) = exp(z_q) / Σ exp(z): the softmax over L levels, channel by channel. Logits of a pixel are laid out
/// [channel][level]. The cost is log Σ exp(z − m) + m − z_q with m the largest logit; the gradient is p − 1 at the
/// level seen and p elsewhere.
public struct Categorical: Likelihood {
  /// L
  public let levels: Int

  /// The likelihood of `levels` levels, 2 to 256.
  public init(levels: Int) {
    precondition((2...256).contains(levels), "a pixel has 2 to 256 levels, not \(levels)")
    self.levels = levels
  }

  /// L logits a channel.
  public func outputs(channels: Int) -> Int { channels * levels }

  /// See `Likelihood`.
  public func nats(_ batch: ImageBatch, image: Int, logits: FeatureMap, gradient: FeatureMap?) -> Double {
    var total = 0.0
    var scratch = [FloatVector](repeating: .zero, count: Lanes.roundUp(levels) / Lanes.count)
    for y in 0..<batch.shape.height {
      for x in 0..<batch.shape.width {
        for c in 0..<batch.shape.channels {
          let seen = Int(batch[image, y, x, c])
          let (logSum, largest, sum) = normalize(logits, y, x, c, temperature: 1, into: &scratch)
          total += Double(logSum + (largest - logits[y, x, c * levels + seen]))
          guard let gradient else { continue }
          let scale = 1 / sum
          for (i, e) in scratch.enumerated() { store(e * scale, i, gradient, y, x, c) }
          gradient[y, x, c * levels + seen] -= 1
        }
      }
    }
    return total
  }

  /// log softmax(z/T)
  public func logProbabilities(
    logits: FeatureMap, y: Int, x: Int, channel: Int, temperature: Float
  ) -> [Float] {
    var scratch = [FloatVector](repeating: .zero, count: Lanes.roundUp(levels) / Lanes.count)
    let (logSum, largest, _) = normalize(logits, y, x, channel, temperature: temperature, into: &scratch)
    return (0..<levels).map { logits[y, x, channel * levels + $0] / temperature - largest - logSum }
  }

  /// See `Likelihood`. What is accumulated is exp(z − m), up to u·Σ.
  public func draw(
    logits: FeatureMap, y: Int, places: Range<Int>, channel: Int, temperature: Float, uniforms: [Float],
    into drawn: inout [UInt8]
  ) {
    let channels = drawn.count / places.count
    var scratch = [FloatVector](repeating: .zero, count: Lanes.roundUp(levels) / Lanes.count)
    for (image, x) in places.enumerated() {
      let (_, _, sum) = normalize(logits, y, x, channel, temperature: temperature, into: &scratch)
      let limit = uniforms[image] * sum
      var cumulative: Float = 0
      // Rounding may leave the sum just below the limit; then the last level that can occur is meant.
      var level = 0
      for q in 0..<levels {
        let share = scratch[q / Lanes.count][q % Lanes.count]
        cumulative += share
        if share > 0 { level = q }
        if limit < cumulative { break }
      }
      drawn[image * channels + channel] = UInt8(level)
    }
  }

  /// See `Likelihood`.
  public func costs(
    logits: FeatureMap, y: Int, places: Range<Int>, channel: Int, levels seen: [UInt8], into nats: inout [Float]
  ) {
    let channels = seen.count / places.count
    var scratch = [FloatVector](repeating: .zero, count: Lanes.roundUp(levels) / Lanes.count)
    for (image, x) in places.enumerated() {
      let (logSum, largest, _) = normalize(logits, y, x, channel, temperature: 1, into: &scratch)
      nats[image] =
        logSum + (largest - logits[y, x, channel * levels + Int(seen[image * channels + channel])])
    }
  }

  /// exp(z − m) into `scratch` (0 in the lanes past L), and log Σ, m and Σ.
  private func normalize(
    _ logits: FeatureMap, _ y: Int, _ x: Int, _ c: Int, temperature: Float, into scratch: inout [FloatVector]
  ) -> (logSum: Float, largest: Float, sum: Float) {
    var most = FloatVector(repeating: -.infinity)
    for i in scratch.indices {
      let z = load(i, logits, y, x, c) / temperature
      scratch[i] = z
      most = most.replacing(with: z, where: .!(z .<= most))
    }
    var largest = most[0]
    for lane in 1..<Lanes.count where !(most[lane] <= largest) { largest = most[lane] }
    var sums = FloatVector.zero
    for i in scratch.indices {
      let e = exponential(scratch[i] - largest)
      scratch[i] = e
      sums += e
    }
    let sum = laneSum(sums)
    return (logarithm(FloatVector(repeating: sum))[0], largest, sum)
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
