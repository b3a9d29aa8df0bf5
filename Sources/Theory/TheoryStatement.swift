// The statements that the program checks.

/// A statement about depth: what gradients or costs do as networks get deeper. Each is checked on networks that are built
/// for it, at every depth from 1; `report` says how.
package enum TheoryStatement: String, Sendable, CaseIterable {
  /// A chain of n sigmoid units: 0 ≤ |∂y/∂x| ≤ (1/4)ⁿ.
  case sigmoidChain = "sigmoid-chain"
  /// A chain of n tanh units: 0 < |∂y/∂x| ≤ 1.
  case tanhChain = "tanh-chain"
  /// x[t+1] = φ(W·x[t]): σ_max(∂x[n]/∂x[1]) ≤ (sup|φ′|·σ_max(W))ⁿ⁻¹.
  case recurrence
  /// z + F(z) with σ_max(∂F) ≤ ε: the product's singular values lie in [(1−ε)ⁿ⁻¹, (1+ε)ⁿ⁻¹].
  case residual
  /// z + F(z) with all singular values of ∂F ≥ β: σ_max ≥ (β−1)ⁿ⁻¹.
  case residualLargeGain = "residual-large-gain"
  /// z + F(norm(z)) against norm(z + F(z)).
  case residualOrder = "residual-order"
  /// PixelCNN against MDRNN: weights, connections, steps, context.
  case costs

  /// The deepest that `report` goes: beyond, 16ⁿ and its like would soon leave the range of a Double.
  package static let deepest = 100

  /// Checks the statement at depths 1…`depth` (at most `deepest`). With `isViolated` the networks are changed so that
  /// the premise is broken, while the bounds stay those of the premise. The same arguments give the same report.
  package func report(depth: Int, isViolated: Bool = false) -> TheoryReport {
    precondition((1...Self.deepest).contains(depth), "depths 1 to \(Self.deepest)")
    return switch self {
    case .sigmoidChain: sigmoidChain(depth, isViolated)
    case .tanhChain: tanhChain(depth, isViolated)
    case .recurrence: recurrence(depth, isViolated)
    case .residual: residual(depth, isViolated)
    case .residualLargeGain: residualLargeGain(depth, isViolated)
    case .residualOrder: residualOrder(depth, isViolated)
    case .costs: costs(depth, isViolated)
    }
  }

  /// Networks of each statement; their numbers are the seeds.
  static let networks = 8
}
