// The Jacobian of one direction of a recurrence: from the layer's input to the outputs of all cells.
import Core
import Kernels

/// Cell by cell in the order of the scan: from dz = W_in dx + W [dh beside, dh above] by the cell's derivatives to its
/// state and output; the transpose goes through the cells backward.
struct LinearizedRecurrence {
  private let input: DoubleStencil
  private let state: DoubleStencil
  private let features: Int
  private let scan: [(y: Int, x: Int)]
  private let flipped: Bool
  /// Of each cell and feature.
  private let derivatives: [CellDerivatives]

  /// The direction as it ran with `maps`.
  init(
    _ direction: RecurrentDirection, _ maps: CellMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) {
    input = direction.inputToState.doubleStencil(parameters, shape)
    state = direction.stateToState.doubleStencil(parameters, shape)
    features = direction.stateToState.inputChannels
    flipped = direction.flipped
    let order = DiagonalScan(height: shape.height, width: shape.width, flipped: direction.flipped)
    var scan: [(y: Int, x: Int)] = []
    for y in 0..<shape.height { order.forEachCell(ofRow: y) { scan.append(($0, $1)) } }
    self.scan = scan
    let features = features
    let cell = direction.cell
    derivatives = (0..<shape.pixels * features).map { position in
      let (y, x, k) = (position / features / shape.width, position / features % shape.width, position % features)
      let beside = direction.flipped ? x + 1 : x - 1
      let hasBefore = beside >= 0 && beside < shape.width
      return cell.derivatives(
        CellValues(
          gates: (0..<cell.gateCount).map { gate in
            Double(maps.gates[unchecked: y, x, direction.stateToState.outputOrder.position(gate * features + k)])
          }, output: Double(maps.output[y, x, k]),
          stateBefore: hasBefore ? maps.state.map { Double($0[y, beside, k]) } ?? 0 : 0,
          kept: maps.kept.map { Double($0[y, x, k]) }))
    }
  }

  var jacobian: LinearOperator {
    LinearOperator(
      rows: scan.count * features, columns: scan.count * input.inputs, product: product,
      transposedProduct: transposedProduct)
  }

  /// The positions of the cells that (y, x) goes on from, nil outside of the image.
  private func sources(_ y: Int, _ x: Int) -> (beside: Int?, above: Int?) {
    let beside = flipped ? x + 1 : x - 1
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
      for k in 0..<features {
        let own = derivatives[p * features + k]
        let before = beside.map { dc[$0 * features + k] } ?? 0
        var (c, h) = (own.stateByState * before, own.outputByState * before)
        for gate in own.outputByGates.indices {
          let z = dz[p * state.outputs + gate * features + k]
          c += own.stateByGates[gate] * z
          h += own.outputByGates[gate] * z
        }
        (dc[p * features + k], dh[p * features + k]) = (c, h)
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
      for k in 0..<features {
        let own = derivatives[p * features + k]
        let (c, h) = (dc[p * features + k], dh[p * features + k])
        for gate in own.outputByGates.indices {
          dz[p * state.outputs + gate * features + k] = own.stateByGates[gate] * c + own.outputByGates[gate] * h
        }
        if let beside { dc[beside * features + k] += own.stateByState * c + own.outputByState * h }
      }
      if let beside { state.addTransposed(tap: 0, of: dz, at: p * state.outputs, to: &dh, at: beside * features) }
      if let above { state.addTransposed(tap: 1, of: dz, at: p * state.outputs, to: &dh, at: above * features) }
    }
    return input.transposedProduct(dz)
  }
}
