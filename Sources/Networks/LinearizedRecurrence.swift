// The Jacobian of one direction of a recurrence: from the layer's input to the outputs of all cells.
import Kernels

/// dh = φ′ ⊙ (W_in dx + W [dh beside, dh above]) for a plain cell, the derivative of the gates and of the inner state for
/// an LSTM, cell by cell in the order of the scan; the transpose goes through the cells backward.
struct LinearizedRecurrence {
  private let input: DoubleStencil
  private let state: DoubleStencil
  private let features: Int
  private let scan: [(y: Int, x: Int)]
  private let mirrored: Bool
  private let cell: Cell

  private enum Cell {
    /// φ′ of each output.
    case plain([Double])
    /// i, f, o, g of each cell, the state before and tanh of the state after it.
    case lstm(gates: [Double], before: [Double], squashed: [Double])
  }

  /// The direction as it ran with `maps`.
  init(
    _ direction: RecurrentDirection, _ maps: CellMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) {
    input = direction.inputToState.doubleStencil(parameters, shape)
    state = direction.stateToState.doubleStencil(parameters, shape)
    features = direction.stateToState.inputChannels
    mirrored = direction.mirrored
    let order = DiagonalScan(height: shape.height, width: shape.width, mirrored: direction.mirrored)
    var scan: [(y: Int, x: Int)] = []
    for y in 0..<shape.height { order.forEachCell(ofRow: y) { scan.append(($0, $1)) } }
    self.scan = scan
    if let state = maps.state, let squashed = maps.squashed {
      // Each gate is rounded up to whole vectors in the map.
      let (all, padded) = (maps.gates.values.map(Double.init), maps.gates.channels / 4)
      let features = features
      let gates = (0..<shape.pixels * 4 * features).map { i in
        let (gate, k) = (i % (4 * features)).quotientAndRemainder(dividingBy: features)
        return all[i / (4 * features) * maps.gates.channels + gate * padded + k]
      }
      let states = state.values.map(Double.init)
      var before = [Double](repeating: 0, count: states.count)
      for (y, x) in scan {
        let beside = direction.mirrored ? x + 1 : x - 1
        guard beside >= 0, beside < shape.width else { continue }
        for k in 0..<features {
          before[(y * shape.width + x) * features + k] = states[(y * shape.width + beside) * features + k]
        }
      }
      cell = .lstm(gates: gates, before: before, squashed: squashed.values.map(Double.init))
    } else {
      let activation = (direction.cell as? PlainCell)?.activation ?? .tanh
      cell = .plain(activation.slopes(maps.output.values))
    }
  }

  var jacobian: LinearOperator {
    LinearOperator(
      rows: scan.count * features, columns: scan.count * input.inputs, product: product,
      transposedProduct: transposedProduct)
  }

  /// The places of the cells that (y, x) goes on from, nil outside of the image.
  private func sources(_ y: Int, _ x: Int) -> (beside: Int?, above: Int?) {
    let beside = mirrored ? x + 1 : x - 1
    return (
      beside >= 0 && beside < input.width ? y * input.width + beside : nil, y > 0 ? (y - 1) * input.width + x : nil
    )
  }

  private func product(_ dx: [Double]) -> [Double] {
    var dz = input.product(dx)
    var dh = [Double](repeating: 0, count: scan.count * features)
    var dc = dh
    for (y, x) in scan {
      let p = y * input.width + x
      let (beside, above) = sources(y, x)
      if let beside { state.add(tap: 0, of: dh, at: beside * features, to: &dz, at: p * state.outputs) }
      if let above { state.add(tap: 1, of: dh, at: above * features, to: &dz, at: p * state.outputs) }
      let h = p * features
      switch cell {
      case .plain(let slopes): for k in h..<h + features { dh[k] = slopes[k] * dz[k] }
      case .lstm(let gates, let before, let squashed):
        let z = p * 4 * features
        for k in 0..<features {
          let (i, f) = (gates[z + k], gates[z + features + k])
          let (o, g) = (gates[z + 2 * features + k], gates[z + 3 * features + k])
          let t = squashed[h + k]
          let passed = beside.map { f * dc[$0 * features + k] } ?? 0
          dc[h + k] =
            passed + before[h + k] * f * (1 - f) * dz[z + features + k] + g * i * (1 - i) * dz[z + k]
            + i * (1 - g * g) * dz[z + 3 * features + k]
          dh[h + k] = t * o * (1 - o) * dz[z + 2 * features + k] + o * (1 - t * t) * dc[h + k]
        }
      }
    }
    return dh
  }

  private func transposedProduct(_ given: [Double]) -> [Double] {
    var dh = given
    var dc = [Double](repeating: 0, count: dh.count)
    var dz = [Double](repeating: 0, count: scan.count * state.outputs)
    for (y, x) in scan.reversed() {
      let p = y * input.width + x
      let (beside, above) = sources(y, x)
      let h = p * features
      switch cell {
      case .plain(let slopes): for k in h..<h + features { dz[k] = slopes[k] * dh[k] }
      case .lstm(let gates, let before, let squashed):
        let z = p * 4 * features
        for k in 0..<features {
          let (i, f) = (gates[z + k], gates[z + features + k])
          let (o, g) = (gates[z + 2 * features + k], gates[z + 3 * features + k])
          let t = squashed[h + k]
          let total = dc[h + k] + dh[h + k] * o * (1 - t * t)
          dz[z + k] = total * g * i * (1 - i)
          dz[z + features + k] = total * before[h + k] * f * (1 - f)
          dz[z + 2 * features + k] = dh[h + k] * t * o * (1 - o)
          dz[z + 3 * features + k] = total * i * (1 - g * g)
          if let beside { dc[beside * features + k] += total * f }
        }
      }
      if let beside { state.addTransposed(tap: 0, of: dz, at: p * state.outputs, to: &dh, at: beside * features) }
      if let above { state.addTransposed(tap: 1, of: dz, at: p * state.outputs, to: &dh, at: above * features) }
    }
    return input.transposedProduct(dz)
  }
}
