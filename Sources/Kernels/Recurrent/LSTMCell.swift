// The long short-term memory cell.

/// i, f, o = σ(z), g = tanh(z); c = f ⊙ c′ + i ⊙ g; h = o ⊙ tanh(c), with c′ the previous cell's state (Hochreiter and
/// Schmidhuber, 1997, with the forget gate of Gers et al.). The gates lie in the order i, f, o, g. In the Diagonal
/// LSTM of van den Oord et al. (2016), section 3.2, the previous cell is the left one, or the right one in the
/// flipped direction; the cell above acts through its h alone.
package struct LSTMCell: RecurrentCell {
  /// 4
  package let gateCount = 4
  /// Yes
  package let hasState = true
  /// The state's tanh.
  package let keptMaps = 1
  /// i, f, o and g.
  package let gateActivations: [Activation?] = [.sigmoid, .sigmoid, .sigmoid, .tanh]

  /// The cell.
  package init() {}

  /// See `RecurrentCell`. Leaves σ and tanh of the gates in their positions.
  package func forward(_ maps: CellMaps, row y: Int, columns: Range<Int>) {
    guard let state = maps.state, let squashed = maps.kept.first else { preconditionFailure("an LSTM has a state") }
    let features = maps.output.pixelStride
    for x in columns {
      let gates = maps.gates.pixel(y, x)
      let before = state.pixel(y, x &+ maps.previous)
      let (c, t, h) = (state.pixel(y, x), squashed.pixel(y, x), maps.output.pixel(y, x))
      var k = 0
      while k < features {
        let i = logistic(load(gates, k))
        let f = logistic(load(gates, features &+ k))
        let o = logistic(load(gates, 2 &* features &+ k))
        let g = hyperbolicTangent(load(gates, 3 &* features &+ k))
        let now = f * load(before, k) + i * g
        let tanhNow = hyperbolicTangent(now)
        store(i, gates, k)
        store(f, gates, features &+ k)
        store(o, gates, 2 &* features &+ k)
        store(g, gates, 3 &* features &+ k)
        store(now, c, k)
        store(tanhNow, t, k)
        store(o * tanhNow, h, k)
        k &+= Lanes.count
      }
    }
  }

  /// See `RecurrentCell`.
  package func backward(_ maps: CellMaps, _ gradients: CellGradients, row y: Int, columns: Range<Int>) {
    guard let state = maps.state, let squashed = maps.kept.first, let stateGradient = gradients.state else {
      preconditionFailure("an LSTM has a state")
    }
    let features = maps.output.pixelStride
    for x in columns {
      let gates = maps.gates.pixel(y, x)
      let before = state.pixel(y, x &+ maps.previous)
      let t = squashed.pixel(y, x)
      let (dh, dz) = (gradients.output.pixel(y, x), gradients.gates.pixel(y, x))
      let (dc, dcBefore) = (stateGradient.pixel(y, x), stateGradient.pixel(y, x &+ maps.previous))
      var k = 0
      while k < features {
        let (i, f) = (load(gates, k), load(gates, features &+ k))
        let (o, g) = (load(gates, 2 &* features &+ k), load(gates, 3 &* features &+ k))
        let (tanhNow, slope) = (load(t, k), load(dh, k))
        let total = load(dc, k) + slope * o * (1 - tanhNow * tanhNow)
        store(total * g * (i * (1 - i)), dz, k)
        store(total * load(before, k) * (f * (1 - f)), dz, features &+ k)
        store(slope * tanhNow * (o * (1 - o)), dz, 2 &* features &+ k)
        store(total * i * (1 - g * g), dz, 3 &* features &+ k)
        store(total * f, dcBefore, k)
        k &+= Lanes.count
      }
    }
  }

  /// See `RecurrentCell`.
  package func derivatives(_ values: CellValues) -> CellDerivatives {
    let (i, f, o, g) = (values.gates[0], values.gates[1], values.gates[2], values.gates[3])
    let t = values.kept[0]
    let stateByGates = [g * i * (1 - i), values.stateBefore * f * (1 - f), 0, i * (1 - g * g)]
    let slope = o * (1 - t * t)
    var outputByGates = stateByGates.map { slope * $0 }
    outputByGates[2] = t * o * (1 - o)
    return CellDerivatives(
      stateByGates: stateByGates, stateByState: f, outputByGates: outputByGates, outputByState: slope * f)
  }
}
