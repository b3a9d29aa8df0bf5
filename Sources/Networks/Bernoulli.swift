// Two levels: one logit a pixel.
import Kernels

/// p(1) = σ(z): a pixel of level 1 costs softplus(−z) nats, one of level 0 softplus(z); the gradient is σ(z) − x.
public struct Bernoulli: Likelihood {
  /// 2
  public let levels = 2

  /// The likelihood of binary pixels.
  public init() {}

  /// One logit a channel.
  public func outputs(channels: Int) -> Int { channels }

  /// See `Likelihood`. Sixteen values are computed at a time, in raster order.
  public func nats(_ batch: ImageBatch, image: Int, logits: FeatureMap, gradient: FeatureMap?) -> Double {
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
        // log(1 + e^±z): the sign says which level was seen.
        let cost = softplus(z.replacing(with: -z, where: target .> 0.5))
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
  public func logProbabilities(
    logits: FeatureMap, y: Int, x: Int, channel: Int, temperature: Float
  ) -> [Float] {
    let z = logits[y, x, channel] / temperature
    return [-softplus(FloatVector(repeating: z))[0], -softplus(FloatVector(repeating: -z))[0]]
  }
}
