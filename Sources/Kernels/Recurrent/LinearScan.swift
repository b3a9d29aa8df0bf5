// A two-dimensional recurrence that is linear in its state: no product in the scan, so features go on by themselves.

/// The maps of one direction of a gated linear recurrence of k features.
package struct LinearScanMaps: Sendable {
  /// Before a position runs: the pre-activations of f, s, o and g, each rounded up to whole vectors. After: their values.
  package let gates: FeatureMap
  /// h, with a border of zeros above and on the side that the scan comes from.
  package let state: FeatureMap
  /// y
  package let output: FeatureMap
  /// Positions from one to the one beside that it goes on from: −N, or +N where the scan runs left, of N interleaved images.
  package let previous: Int

  /// Maps of one direction; see the properties.
  package init(gates: FeatureMap, state: FeatureMap, output: FeatureMap, previous: Int) {
    (self.gates, self.state, self.output, self.previous) = (gates, state, output, previous)
  }

  /// The activations of f, s, o and g.
  package static let gateActivations: [Activation?] = [.sigmoid, .sigmoid, .sigmoid, .tanh]

  /// Runs the positions `columns` of row `y`, against the direction of `previous`:
  ///
  ///     f, s, o = σ(z), g = tanh(z)
  ///     h = f ⊙ (s ⊙ h beside + (1 − s) ⊙ h above) + (1 − f) ⊙ g
  ///     y = o ⊙ h
  package func forward(row y: Int, columns: Range<Int>) {
    let features = output.pixelStride
    for number in 0..<columns.count {
      let x = previous < 0 ? columns.lowerBound &+ number : columns.upperBound &- 1 &- number
      let (gate, out, h) = (gates.pixel(y, x), output.pixel(y, x), state.pixel(y, x))
      let (beside, above) = (state.pixel(y, x &+ previous), state.pixel(y &- 1, x))
      var k = 0
      while k < features {
        let f = logistic(load(gate, k))
        let s = logistic(load(gate, features &+ k))
        let o = logistic(load(gate, 2 &* features &+ k))
        let g = hyperbolicTangent(load(gate, 3 &* features &+ k))
        let before = s * load(beside, k) + (1 - s) * load(above, k)
        let now = f * before + (1 - f) * g
        store(f, gate, k)
        store(s, gate, features &+ k)
        store(o, gate, 2 &* features &+ k)
        store(g, gate, 3 &* features &+ k)
        store(now, h, k)
        store(o * now, out, k)
        k &+= Lanes.count
      }
    }
  }

  /// Goes back through all rows from `first` on: from ∂/∂y, `given`, to ∂/∂z in `gateGradient`, zero in the rows before, by
  /// way of ∂/∂h in `stateGradient`.
  package func backward(
    _ given: FeatureMap, to gateGradient: FeatureMap, _ stateGradient: FeatureMap, fromRow first: Int
  ) {
    let features = output.pixelStride
    clear(stateGradient, in: MapRegion(row: state.height - 1, columns: 0..<state.width))
    for y in (first..<state.height).reversed() {
      for number in 0..<state.width {
        let x = previous < 0 ? state.width &- 1 &- number : number
        let (gate, h, dz) = (gates.pixel(y, x), state.pixel(y, x), gateGradient.pixel(y, x))
        let (beside, above) = (state.pixel(y, x &+ previous), state.pixel(y &- 1, x))
        let (dy, dh) = (given.pixel(y, x), stateGradient.pixel(y, x))
        let (isFirst, isTop) = (number >= state.width &- abs(previous), y == 0)
        // At an edge, where nothing goes on, a position that is done with is written once more.
        let dBeside = isFirst ? dh : stateGradient.pixel(y, x &+ previous)
        let dAbove = isTop ? dh : stateGradient.pixel(y &- 1, x)
        var k = 0
        while k < features {
          let (f, s) = (load(gate, k), load(gate, features &+ k))
          let (o, g) = (load(gate, 2 &* features &+ k), load(gate, 3 &* features &+ k))
          let (left, up, slope) = (load(beside, k), load(above, k), load(dy, k))
          let total = load(dh, k) + slope * o
          let kept = total * f
          store(total * (s * left + (1 - s) * up - g) * (f * (1 - f)), dz, k)
          store(kept * (left - up) * (s * (1 - s)), dz, features &+ k)
          store(slope * load(h, k) * (o * (1 - o)), dz, 2 &* features &+ k)
          store((total - kept) * (1 - g * g), dz, 3 &* features &+ k)
          // The row below has stored its share for the one beside already; the one above gets its first.
          store(load(dBeside, k) + kept * s, dBeside, k)
          store(kept * (1 - s), dAbove, k)
          k &+= Lanes.count
        }
      }
    }
    clear(gateGradient, in: MapRegion(rows: 0..<first, columns: 0..<state.width))
  }
}
