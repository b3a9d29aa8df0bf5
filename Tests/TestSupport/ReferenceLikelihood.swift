// What a pixel costs, in double precision.
import Kernels
import Networks

/// −log p in nats of a pixel's `levels`, one a channel, given the network's outputs there.
public func referenceNats(_ configuration: ModelConfiguration, outputs: [Double], levels: [Int]) -> Double {
  let each = outputs.count / levels.count
  return levels.enumerated().reduce(0) { total, channel in
    let z = Array(outputs[channel.offset * each..<(channel.offset + 1) * each])
    let logits = configuration.likelihood == .bernoulli ? [0, z[0]] : z
    let most = logits.max() ?? 0
    return total + naturalLog(logits.reduce(0) { $0 + exponentialOf($1 - most) }) + most - logits[channel.element]
  }
}
