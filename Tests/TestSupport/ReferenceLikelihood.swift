// What a pixel costs, in double precision, from the formulas in the papers.
import Kernels
import Networks

/// −log p in nats of a pixel's `levels`, one a channel, given the network's outputs there.
package func referenceNats(_ configuration: ModelConfiguration, outputs: [Double], levels: [Int]) -> Double {
  if let mixtures = configuration.mixtures {
    return -naturalLog(
      referenceMixture(outputs: outputs, seen: levels, of: configuration.levels, mixtures: mixtures))
  }
  let each = outputs.count / levels.count
  return levels.enumerated().reduce(0) { total, channel in
    let z = Array(outputs[channel.offset * each..<(channel.offset + 1) * each])
    let logits = configuration.likelihood == .bernoulli ? [0, z[0]] : z
    let most = logits.max() ?? 0
    return total + naturalLog(logits.reduce(0) { $0 + exponentialOf($1 - most) }) + most - logits[channel.element]
  }
}

/// The probability of the levels `seen` of a pixel's first channels, of as many channels as there are outputs for
/// (PixelCNN++, section 2): differences of logistic functions.
package func referenceMixture(outputs: [Double], seen: [Int], of levels: Int, mixtures: Int) -> Double {
  let channels = outputs.count == 10 * mixtures ? 3 : 1
  func output(_ kind: Int, _ m: Int) -> Double { outputs[kind * mixtures + m] }
  let x = seen.map { 2 * Double($0) / Double(levels - 1) - 1 }
  let half = 1 / Double(levels - 1)
  let most = (0..<mixtures).map { output(0, $0) }.max() ?? 0
  let total = (0..<mixtures).reduce(0) { $0 + exponentialOf(output(0, $1) - most) }
  return (0..<mixtures).reduce(0) { sum, m in
    var p = exponentialOf(output(0, m) - most) / total
    for c in seen.indices {
      var mean = output(1 + 2 * c, m)
      // R→G, R→B, G→B
      if c == 1 { mean += hyperbolicTangentOf(output(1 + 2 * channels, m)) * x[0] }
      if c == 2 {
        mean += hyperbolicTangentOf(output(2 + 2 * channels, m)) * x[0]
        mean += hyperbolicTangentOf(output(3 + 2 * channels, m)) * x[1]
      }
      let inverse = exponentialOf(-max(output(2 + 2 * c, m), -7))
      let end = seen[c] == levels - 1 ? 1 : 1 / (1 + exponentialOf(-(x[c] + half - mean) * inverse))
      let begin = seen[c] == 0 ? 0 : 1 / (1 + exponentialOf(-(x[c] - half - mean) * inverse))
      p *= end - begin
    }
    return sum + p
  }
}
