// A recurrence: the same weights at every step.
//
// x[t+1] = φ(W·x[t]), so ∂x[t+1]/∂x[t] = diag(φ′)·W, whose largest singular value is at most sup|φ′|·σ_max(W); that of
// a product is at most the product of the factors' (Pascanu, Mikolov and Bengio, 2013, section 2.1).
import Networks

extension TheoryStatement {
  private static let width = 8

  func recurrence(_ depth: Int, _ isViolated: Bool) -> TheoryReport {
    // With the sigmoid, half a weight a step leaves an eighth of the gradient; with tanh a bound that decays more
    // slowly, so that both can be seen beside each other.
    let sigmoid = recurrence(.sigmoid, depth, largest: isViolated ? 2 : 0.5)
    let tanh = recurrence(.tanh, depth, largest: isViolated ? 3.6 : 0.9)
    return TheoryReport(
      self,
      "A recurrence x[t+1] = φ(W·x[t]): σ_max(∂x[n]/∂x[1]) ≤ (sup|φ′|·σ_max(W))ⁿ⁻¹. With the sigmoid and σ_max(W) = 1/2 "
        + "that is (1/8)ⁿ⁻¹, with tanh and σ_max(W) = 0.9 it is 0.9ⁿ⁻¹.",
      source: "Bengio, Simard and Frasconi, 1994; Pascanu, Mikolov and Bengio, 2013",
      networks: "for each φ 8 recurrences of 8 units, the first with orthogonal W, each from 4 inputs",
      violation: isViolated ? "σ_max(W) of 2 in place of 1/2, and of 3.6 in place of 0.9" : nil,
      checks: [
        TheoryCheck(
          "sigmoid", "σ_max(∂x[n]/∂x[1])", upper: TheoryBound("(1/8)ⁿ⁻¹", base: 0.125, offset: 1, depth: depth),
          panel: "Sigmoid, σ_max(W) = 1/2", measured: sigmoid),
        TheoryCheck(
          "tanh", "σ_max(∂x[n]/∂x[1])", upper: TheoryBound("0.9ⁿ⁻¹", base: 0.9, offset: 1, depth: depth),
          panel: "Tanh, σ_max(W) = 0.9", measured: tanh),
      ])
  }

  /// σ_max(∂x[n]/∂x[1]) at n = 1…`depth`, over all recurrences and inputs; 1 at n = 1.
  private func recurrence(_ activation: TheoryActivation, _ depth: Int, largest: Double) -> [TheoryRange] {
    var ranges = [TheoryRange](repeating: TheoryRange(), count: depth)
    for network in 0..<Self.networks {
      var random = TheoryRandom(self, network: network)
      let weight =
        network == 0 ? random.orthogonal(Self.width, scale: largest) : random.matrix(Self.width, largest: largest)
      let step = TheoryMap.affine(weight, bias: [Double](repeating: 0, count: Self.width)).then(
        .elementwise(activation))
      let steps = [TheoryMap](repeating: step, count: depth - 1)
      // From 0 every φ′ of tanh is 1, and the orthogonal W meets the bound at every depth.
      var inputs = [[Double](repeating: 0, count: Self.width)]
      for _ in 0..<3 { inputs.append(random.vector(Self.width, scale: 1.5)) }
      for input in inputs {
        ranges[0].include(1)
        for (index, trace) in traces(steps, from: input).enumerated() {
          ranges[index + 1].include(trace.product.singularValues()[0])
        }
      }
    }
    return ranges
  }
}
