// The gated recurrent unit.

/// r, z = σ, n = tanh(a_n + r ⊙ u), h = (1 − z) ⊙ n + z ⊙ h′, with h′ the previous cell's output (Cho et al., "Learning
/// Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation", 2014, in the form where the reset
/// gate scales what the state says after its product). The gates lie in the order r, z, n, u: the input reaches r, z and n,
/// the neighbouring cells' outputs r, z and u, whose bias is its own. As in the Diagonal LSTM, the previous cell is the left
/// one, or the right one in the flipped direction; the cell above acts through the products alone.
package struct GRUCell: RecurrentCell {
  /// 4: r, z, and the candidate's two parts.
  package let gateCount = 4
  /// The output once more, which the next cell goes on from.
  package let hasState = true
  /// r, z, n and what the reset gate scales.
  package let gateActivations: [Activation?] = [.sigmoid, .sigmoid, .tanh, nil]
  /// r, z, n
  package let inputGates = [true, true, true, false]
  /// r, z, u
  package let stateGates = [true, true, false, true]

  /// The cell.
  package init() {}

  /// See `RecurrentCell`. Leaves r, z and n in their positions.
  package func forward(_ maps: CellMaps, row y: Int, columns: Range<Int>) {
    guard let state = maps.state else { preconditionFailure("a GRU has a state") }
    let features = maps.output.pixelStride
    for x in columns {
      let gates = maps.gates.pixel(y, x)
      let (before, now, h) = (state.pixel(y, x &+ maps.previous), state.pixel(y, x), maps.output.pixel(y, x))
      var k = 0
      while k < features {
        let r = logistic(load(gates, k))
        let z = logistic(load(gates, features &+ k))
        let n = hyperbolicTangent(load(gates, 2 &* features &+ k) + r * load(gates, 3 &* features &+ k))
        let value = n + z * (load(before, k) - n)
        store(r, gates, k)
        store(z, gates, features &+ k)
        store(n, gates, 2 &* features &+ k)
        store(value, now, k)
        store(value, h, k)
        k &+= Lanes.count
      }
    }
  }

  /// See `RecurrentCell`.
  package func backward(_ maps: CellMaps, _ gradients: CellGradients, row y: Int, columns: Range<Int>) {
    guard let state = maps.state, let stateGradient = gradients.state else { preconditionFailure("a GRU has a state") }
    let features = maps.output.pixelStride
    for x in columns {
      let (gates, before) = (maps.gates.pixel(y, x), state.pixel(y, x &+ maps.previous))
      let (dh, dz) = (gradients.output.pixel(y, x), gradients.gates.pixel(y, x))
      let (dc, dcBefore) = (stateGradient.pixel(y, x), stateGradient.pixel(y, x &+ maps.previous))
      var k = 0
      while k < features {
        let (r, z) = (load(gates, k), load(gates, features &+ k))
        let (n, u) = (load(gates, 2 &* features &+ k), load(gates, 3 &* features &+ k))
        let total = load(dc, k) + load(dh, k)
        // Where the output is the state, that is its whole gradient.
        store(total, dh, k)
        let candidate = total * (1 - z) * (1 - n * n)
        store(candidate * u * (r * (1 - r)), dz, k)
        store(total * (load(before, k) - n) * (z * (1 - z)), dz, features &+ k)
        store(candidate, dz, 2 &* features &+ k)
        store(candidate * r, dz, 3 &* features &+ k)
        store(total * z, dcBefore, k)
        k &+= Lanes.count
      }
    }
  }

  /// See `RecurrentCell`.
  package func derivatives(_ values: CellValues) -> CellDerivatives {
    let (r, z, n, u) = (values.gates[0], values.gates[1], values.gates[2], values.gates[3])
    let candidate = (1 - z) * (1 - n * n)
    let byGates = [candidate * u * r * (1 - r), (values.stateBefore - n) * z * (1 - z), candidate, candidate * r]
    return CellDerivatives(stateByGates: byGates, stateByState: z, outputByGates: byGates, outputByState: z)
  }
}
