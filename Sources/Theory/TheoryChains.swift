// Chains of single units: one number in, one out, n times.
//
// y = φ(w·y + b), n times. ∂y/∂x is the product of n factors w·φ′(a). With |w| ≤ 1 each is at most sup|φ′|: 1/4 for
// the sigmoid, whatever the biases and the input, and 1 for tanh. Neither derivative is ever 0.
import Networks

extension TheoryStatement {
  func sigmoidChain(_ depth: Int, _ isViolated: Bool) -> TheoryReport {
    // The bias −w/2 puts the unit's steepest point at its input 1/2, whose output is 1/2 again: the first network,
    // which has no more bias than this, meets the bound exactly from there.
    let measured = chain(.sigmoid, depth, weight: isViolated ? 8 : 1, centre: 0.5)
    return TheoryReport(
      self, "A chain of n sigmoid units with weights of ±1: 0 ≤ |∂y/∂x| ≤ (1/4)ⁿ, so the gradient vanishes.",
      source: "Hochreiter, 1991; Bengio, Simard and Frasconi, 1994",
      networks: "8 chains of units σ(±y + b), with biases from none to ±2, each from 6 inputs",
      violation: isViolated ? "weights of ±8 in place of ±1" : nil,
      checks: [
        TheoryCheck(
          "sigmoid", "|∂y/∂x|", lower: TheoryBound("0", base: 0, offset: 0, depth: depth),
          upper: TheoryBound("(1/4)ⁿ", base: 0.25, offset: 0, depth: depth), panel: "Gradient through the chain",
          measured: measured)
      ])
  }

  func tanhChain(_ depth: Int, _ isViolated: Bool) -> TheoryReport {
    let measured = chain(.tanh, depth, weight: isViolated ? 8 : 1, centre: 0)
    return TheoryReport(
      self,
      "A chain of n tanh units with weights of ±1: 0 < |∂y/∂x| ≤ 1; it need not vanish, and it cannot explode.",
      source: "Hochreiter, 1991; Bengio, Simard and Frasconi, 1994",
      networks: "8 chains of units tanh(±y + b), with biases from none to ±2, each from 6 inputs",
      violation: isViolated ? "weights of ±8 in place of ±1" : nil,
      checks: [
        TheoryCheck(
          "tanh", "|∂y/∂x|", lower: TheoryBound("0", base: 0, offset: 0, depth: depth),
          upper: TheoryBound("1", base: 1, offset: 0, depth: depth), isStrict: true,
          panel: "Gradient through the chain", measured: measured)
      ])
  }

  /// |∂y/∂x| after 1…`depth` units, over all chains and inputs. `centre` is the input at which a unit without further
  /// bias is steepest; it is the first input.
  private func chain(_ activation: TheoryActivation, _ depth: Int, weight: Double, centre: Double) -> [TheoryRange] {
    var ranges = [TheoryRange](repeating: TheoryRange(), count: depth)
    for network in 0..<Self.networks {
      var random = TheoryRandom(self, network: network)
      let spread = 2 * Double(network) / Double(Self.networks - 1)
      let units = (0..<depth).map { _ in
        let signed = random.next() < 0 ? -weight : weight
        let bias = -signed * centre + spread * random.next()
        return TheoryMap.affine(DenseMatrix(identity: 1, scale: signed), bias: [bias]).then(.elementwise(activation))
      }
      for input in [centre] + random.vector(5, scale: 3) {
        for (index, trace) in traces(units, from: [input]).enumerated() {
          ranges[index].include(abs(trace.product[0, 0]))
        }
      }
    }
    return ranges
  }
}
