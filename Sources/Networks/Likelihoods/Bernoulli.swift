// Two levels: one logit a pixel.
import Core
import Kernels

/// p(1) = σ(z): a pixel of level 1 costs softplus(−z) nats, one of level 0 softplus(z); the gradient is σ(z) − x.
package struct Bernoulli: Likelihood {
  /// Yes.
  package static let isChannelAutoregressive = true
  /// 2
  package let levels = 2

  /// The likelihood of binary pixels.
  package init() {}

  /// One logit a channel.
  package func outputs(channels: Int) -> Int { channels }

  /// See `Likelihood`. Sixteen values are computed at a time, in raster order.
  package func nats(_ batch: ImageBatch, image: Int, logits: FeatureMap, gradient: FeatureMap?) -> Double {
    let channels = batch.shape.channels
    let rowValues = batch.shape.width * channels
    var total = 0.0
    for y in 0..<batch.shape.height {
      for start in stride(from: 0, to: rowValues, by: Lanes.count) {
        let count = min(Lanes.count, rowValues - start)
        var z = FloatVector.zero
        var target = FloatVector.zero
        for lane in 0..<count {
          let (x, c) = (start + lane).quotientAndRemainder(dividingBy: channels)
          z[lane] = logits[unchecked: y, x, c]
          target[lane] = Float(batch[image, y, x, c])
        }
        let cost = Self.cost(z, of: target)
        for lane in 0..<count { total += Double(cost[lane]) }
        guard let gradient else { continue }
        let slope = logistic(z) - target
        for lane in 0..<count {
          let (x, c) = (start + lane).quotientAndRemainder(dividingBy: channels)
          gradient[unchecked: y, x, c] = slope[lane]
        }
      }
    }
    return total
  }

  /// [log(1 − σ(z/T)), log σ(z/T)]
  package func logProbabilities(
    logits: FeatureMap, y: Int, x: Int, channel: Int, earlier: [UInt8], temperature: Float
  ) -> [Float] {
    let z = logits[y, x, channel] / temperature
    return [-softplus(FloatVector(repeating: z))[0], -softplus(FloatVector(repeating: -z))[0]]
  }

  /// See `Likelihood`.
  package func draw(
    logits: FeatureMap, y: Int, positions: Range<Int>, channel: Int, temperature: Float, uniforms: [Float],
    into levels: inout [UInt8]
  ) {
    let channels = levels.count / positions.count
    forEachGroup(logits, y, positions, channel) { first, count, z in
      let zero = exponential(-softplus(z / temperature))
      for lane in 0..<count {
        levels[(first + lane) * channels + channel] = uniforms[first + lane] < zero[lane] ? 0 : 1
      }
    }
  }

  /// See `Likelihood`.
  package func costs(
    logits: FeatureMap, y: Int, positions: Range<Int>, channel: Int, levels: [UInt8], into nats: inout [Float]
  ) {
    let channels = levels.count / positions.count
    forEachGroup(logits, y, positions, channel) { first, count, z in
      var target = FloatVector.zero
      for lane in 0..<count { target[lane] = Float(levels[(first + lane) * channels + channel]) }
      let cost = Self.cost(z, of: target)
      for lane in 0..<count { nats[first + lane] = cost[lane] }
    }
  }

  /// log(1 + e^±z): the sign says which level was seen.
  @inline(__always)
  private static func cost(_ z: FloatVector, of target: FloatVector) -> FloatVector {
    softplus(z.replacing(with: -z, where: target .> 0.5))
  }

  /// The logits of `positions` sixteen at a time, with the number of the first and how many they are.
  @inline(__always)
  private func forEachGroup(
    _ logits: FeatureMap, _ y: Int, _ positions: Range<Int>, _ channel: Int, _ body: (Int, Int, FloatVector) -> Void
  ) {
    for first in stride(from: 0, to: positions.count, by: Lanes.count) {
      let count = min(Lanes.count, positions.count - first)
      var z = FloatVector.zero
      for lane in 0..<count { z[lane] = logits[unchecked: y, positions.lowerBound + first + lane, channel] }
      body(first, count, z)
    }
  }
}
