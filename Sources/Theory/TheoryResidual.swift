// Residual stacks z[l+1] = z[l] + F(z[l]): with small branches, and with large ones.
//
// A layer's Jacobian is I + ∂F. By Weyl's inequality its singular values lie within σ_max(∂F) of 1, and are at least
// σ_min(∂F) − 1; products multiply such bounds (σ_min(A·B) ≥ σ_min(A)·σ_min(B), σ_max likewise from above).
import Networks

extension TheoryStatement {
  private static let width = 8

  func residual(_ depth: Int, _ isViolated: Bool) -> TheoryReport {
    let epsilon = 0.02
    let gain = isViolated ? 5 * epsilon : epsilon
    var layers = [TheoryRange](repeating: TheoryRange(), count: depth)
    var products = layers
    for network in 0..<Self.networks {
      var random = TheoryRandom(self, network: network)
      let stack = (0..<depth).map { _ in smallBranch(network, gain, &random).residual() }
      // From 0 the first two networks meet the upper and the lower bound at every depth.
      for input in [[Double](repeating: 0, count: Self.width), random.vector(Self.width), random.vector(Self.width)] {
        products[0].include(1)
        for (index, trace) in traces(stack, from: input).enumerated() {
          for value in trace.layer.singularValues() { layers[index].include(value) }
          guard index + 1 < depth else { continue }
          for value in trace.product.singularValues() { products[index + 1].include(value) }
        }
      }
    }
    func constant(_ formula: String, _ value: Double) -> TheoryBound {
      TheoryBound(formula, [Double](repeating: value, count: depth))
    }
    return TheoryReport(
      self,
      "A residual stack z[l+1] = z[l] + F(z[l]) with σ_max(∂F) ≤ ε: each layer's singular values lie in [1−ε, 1+ε], the "
        + "product's in [(1−ε)ⁿ⁻¹, (1+ε)ⁿ⁻¹]. While nε is small the gradient neither vanishes nor explodes. Here ε = 0.02.",
      source: "He, Zhang, Ren and Sun, 2016 (identity mappings); the bounds follow from Weyl's inequality",
      networks: "8 stacks of layers z + V·tanh(U·z + b) of 8 units, σ_max(U) = 1, σ_max(V) = ε, each from 3 inputs",
      violation: isViolated ? "σ_max(∂F) up to 0.1 in place of 0.02" : nil,
      checks: [
        TheoryCheck(
          "layer", "singular values of ∂z[n+1]/∂z[n]", lower: constant("1−ε", 1 - epsilon),
          upper: constant("1+ε", 1 + epsilon), panel: "One layer", measured: layers),
        TheoryCheck(
          "product", "singular values of ∂z[n]/∂z[1]",
          lower: TheoryBound("(1−ε)ⁿ⁻¹", base: 1 - epsilon, offset: 1, depth: depth),
          upper: TheoryBound("(1+ε)ⁿ⁻¹", base: 1 + epsilon, offset: 1, depth: depth),
          panel: "The product of all layers",
          measured: products),
      ])
  }

  /// V·tanh(U·z + b). The first network is gain·tanh(z), the second its negative.
  private func smallBranch(_ network: Int, _ gain: Double, _ random: inout TheoryRandom) -> TheoryMap {
    let isPlain = network < 2
    let inner = isPlain ? DenseMatrix(identity: Self.width) : random.matrix(Self.width, largest: 1)
    let outer =
      isPlain
      ? DenseMatrix(identity: Self.width, scale: network == 0 ? gain : -gain)
      : random.matrix(Self.width, largest: gain)
    let none = [Double](repeating: 0, count: Self.width)
    return TheoryMap.affine(inner, bias: isPlain ? none : random.vector(Self.width, scale: 0.5))
      .then(.elementwise(.tanh)).then(.affine(outer, bias: none))
  }

  func residualLargeGain(_ depth: Int, _ isViolated: Bool) -> TheoryReport {
    let beta = 10.0
    let gain = isViolated ? 2 : beta
    var ranges = [TheoryRange](repeating: TheoryRange(), count: depth)
    let none = [Double](repeating: 0, count: Self.width)
    for network in 0..<Self.networks {
      var random = TheoryRandom(self, network: network)
      let stack = (0..<depth - 1).map { _ in
        // The first network is −gain·φ(z), which takes as much from the identity as a branch can.
        let inner = network == 0 ? DenseMatrix(identity: Self.width) : random.orthogonal(Self.width)
        let outer =
          network == 0 ? DenseMatrix(identity: Self.width, scale: -gain) : random.orthogonal(Self.width, scale: gain)
        return TheoryMap.affine(inner, bias: network == 0 ? none : random.vector(Self.width))
          .then(.elementwise(.expanding)).then(.affine(outer, bias: none)).residual()
      }
      for _ in 0..<3 {
        ranges[0].include(1)
        for (index, trace) in traces(stack, from: random.vector(Self.width)).enumerated() {
          ranges[index + 1].include(trace.product.singularValues()[0])
        }
      }
    }
    return TheoryReport(
      self,
      "A residual stack z[l+1] = z[l] + F(z[l]) where all singular values of ∂F are at least β ≫ 1: "
        + "σ_max(∂z[n]/∂z[1]) ≥ (β−1)ⁿ⁻¹, so the gradient explodes. Here β = 10.",
      source: "the same inequality read from below; Pascanu, Mikolov and Bengio, 2013, on exploding gradients",
      networks:
        "8 stacks of layers z + V·φ(U·z + b) of 8 units, U orthogonal, V orthogonal times β, φ(a) = a + ½·tanh a, "
        + "each from 3 inputs",
      violation: isViolated ? "singular values of ∂F from 2 to 3 in place of 10 and more" : nil,
      checks: [
        TheoryCheck(
          "product", "σ_max(∂z[n]/∂z[1])", lower: TheoryBound("(β−1)ⁿ⁻¹", base: beta - 1, offset: 1, depth: depth),
          panel: "The product of all layers", measured: ranges)
      ])
  }
}
