// Where the norm stands: in the branch, or behind the sum.
//
// Pre-activation, z[l+1] = z[l] + F(norm(z[l])). The norm divides by rms(z), so σ_max of the branch's Jacobian is at
// most γ/rms(z[l]), γ being that of F alone. A layer's Jacobian is I + that, and the product of all contains the
// identity itself, "1 + …" (He et al., 2016, equation 5). With r[l] the smallest rms(z[l]) of any run,
//
//     Π (1 − γ/r[l]) ≤ σ(∂z[n]/∂z[1]) ≤ Π (1 + γ/r[l]),        l = 1 … n−1
//
// and as the stream grows like √l, the factors go to 1 and the products fall or grow ever more slowly.
//
// Post-normalised, z[l+1] = norm(z[l] + F(z[l])). The Jacobian of the norm, (I − u·uᵀ/‖u‖²)/rms(u) at u = z + F(z), stands
// before the whole sum: shortcut and branch are both divided by rms(u), at every layer. With ρ[l] the smallest rms(u[l]) of
// any run,
//
//     σ_max(∂z[n]/∂z[1]) ≤ Π (1 + γ)/ρ[l]
//
// The stream has rms 1, a branch of rms s that is not aligned with it makes rms(u) ≈ √(1+s²): the shortcut alone shrinks
// as (1+s²)^(−n/2) (Xiong et al., 2020, find it in Transformers), and unless the branches' own derivatives make up for
// it the gradient vanishes. The check uses branches that cannot (γ = 0.1, s = 1.5), the same in both stacks: what one
// order carries through any depth, the other loses.
//
// r and ρ are taken from the forward pass, so the bounds do not know the Jacobians that they bound.
import Networks

extension TheoryStatement {
  private static let width = 16, slope = 0.1, branchSize = 1.5, inputs = 3

  func residualOrder(_ depth: Int, _ isViolated: Bool) -> TheoryReport {
    var pre = OrderRun(depth), post = OrderRun(depth)
    for network in 0..<Self.networks {
      var random = TheoryRandom(self, network: network)
      let branches = (0..<depth - 1).map { _ in
        let inner = TheoryMap.affine(random.matrix(Self.width, largest: 1), bias: random.vector(Self.width))
        return inner.then(.elementwise(.tanh)).then(
          .affine(
            random.matrix(Self.width, largest: Self.slope), bias: random.vector(Self.width, rms: Self.branchSize)))
      }
      for _ in 0..<Self.inputs {
        let input = random.vector(Self.width, rms: 1)
        pre.add(
          branches.map { TheoryMap.norm.then($0).residual(shortcut: isViolated ? 0.5 : 1) }, from: input,
          measuring: { stream, _ in TheoryMap.rootMeanSquare(stream) })
        post.add(
          branches.map { isViolated ? $0.residual() : $0.residual().then(.norm) }, from: input,
          measuring: { stream, layer in
            TheoryMap.rootMeanSquare(zip(stream, branches[layer].run(stream).value).map { $0 + $1 })
          })
      }
    }
    let panel = "Gradient from z[n] back to z[1]"
    return TheoryReport(
      self,
      "Of two residual orders, pre-activation z + F(norm(z)) keeps the path “1 + …” open at any depth; norm(z + F(z)) "
        + "multiplies every path by the norm's Jacobian at every layer. With the same branches, σ_max(∂F) ≤ γ = 0.1.",
      source: "He, Zhang, Ren and Sun, 2016 (identity mappings); Xiong et al., 2020 (on layer normalization)",
      networks:
        "8 stacks of 16 units with branches V·tanh(U·z + b) + c, rms(c) = 1.5, in both orders, each from 3 inputs; "
        + "r and ρ are the smallest rms of z and of z + F(z) met at each layer",
      violation: isViolated
        ? "the pre-activation shortcut halved, z/2 + F(norm(z)); the other stack without its norm" : nil,
      checks: [
        TheoryCheck(
          "pre-activation", "singular values of ∂z[n]/∂z[1]",
          lower: TheoryBound("Π(1−γ/r)", pre.products { max(0, 1 - Self.slope / $0) }),
          upper: TheoryBound("Π(1+γ/r)", pre.products { 1 + Self.slope / $0 }), panel: panel, measured: pre.all),
        TheoryCheck(
          "post-normalised", "σ_max(∂z[n]/∂z[1])",
          upper: TheoryBound("Π(1+γ)/ρ", post.products { (1 + Self.slope) / $0 }), panel: panel,
          measured: post.largest),
      ])
  }
}

/// What all runs of one order add up to.
private struct OrderRun {
  /// All singular values of the product at each depth, and the largest of each run.
  private(set) var all: [TheoryRange], largest: [TheoryRange]
  /// The smallest size of what is normalised, at each layer.
  private var smallest: [Double]

  init(_ depth: Int) {
    all = [TheoryRange](repeating: TheoryRange(), count: depth)
    largest = all
    smallest = [Double](repeating: .infinity, count: depth - 1)
  }

  mutating func add(_ stack: [TheoryMap], from input: [Double], measuring size: ([Double], Int) -> Double) {
    all[0].include(1)
    largest[0].include(1)
    var stream = input
    for (layer, trace) in traces(stack, from: input).enumerated() {
      smallest[layer] = min(smallest[layer], size(stream, layer))
      stream = trace.value
      let values = trace.product.singularValues()
      for value in values { all[layer + 1].include(value) }
      largest[layer + 1].include(values[0])
    }
  }

  /// 1, and the running product of `factor` of each layer's smallest size.
  func products(_ factor: (Double) -> Double) -> [Double] {
    smallest.reduce(into: [1.0]) { $0.append($0[$0.count - 1] * factor($1)) }
  }
}
