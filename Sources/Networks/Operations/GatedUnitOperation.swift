// The gated activation unit in a graph, with its derivative.
import Core
import Kernels

/// y = tanh(a) ⊙ σ(b) of 2k pre-activations, k features a position: see `GatedUnit`. With `blanksFirstRow` the image's
/// first row gives zeros: what a vertical stack, which lies one row lower than what it saw, says above the image.
///
/// The pre-activations are kept for the backward pass; where nothing else reads them, a plan keeps tanh(a) and σ(b) in
/// their position.
struct GatedUnitOperation: Operation {
  /// k features.
  let outputOrder: ChannelLayout
  let blanksFirstRow: Bool
  let title = "tanh × σ"

  /// How the pre-activations lie.
  var sumsOrder: ChannelLayout { ChannelLayout(2 * outputOrder.channels, .interleaved(2)) }

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    GatedUnitForward(sums: maps.inputs[0], output: maps.output, blanksFirstRow: blanksFirstRow)
  }

  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    guard let target = gradients.inputs[0] else { return BackwardPasses() }
    precondition(target.isNew || target.isWhole, "a gated unit gives a gradient to all rows or adds to all")
    let (given, inner, areGates) = (gradients.output, maps.inputs[0], maps.holdsGates)
    let rows = firstGradientRow..<target.map.height
    return MapPass(target.map) { region in
      gatedUnitGradient(
        given, of: inner, areGates: areGates, to: target.map, adds: target.isWhole,
        in: MapRegion(rows: rows, columns: region.columns))
    }
  }

  /// Above this row no gradient goes through the unit.
  var firstGradientRow: Int { blanksFirstRow ? 1 : 0 }

  func jacobians(
    _ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) -> OperationJacobians {
    let inner = maps.inputs[0].values(in: sumsOrder)
    let units = outputOrder.channels
    let slopes =
      maps.holdsGates
      ? GateSlopes(gates: inner, units: units)
      : GateSlopes(preactivations: inner, units: units, blankPositions: blanksFirstRow ? shape.width : 0)
    return OperationJacobians(inputs: [slopes.jacobian])
  }
}

/// The unit in a pass of its own.
private struct GatedUnitForward: ForwardPass {
  let sums: FeatureMap, output: FeatureMap
  let blanksFirstRow: Bool

  func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    let rows = blanksFirstRow ? blankingFirstRow(of: output, region, firstRow) : region.rows
    applyGatedUnit(sums, to: output, in: MapRegion(rows: rows, columns: region.columns))
  }
}

/// A convolution that ends in the unit.
struct GatedConvolutionForward: ForwardPass {
  /// To the pre-activations alone, and on to the unit.
  let sums: ConvolutionPass, gated: ConvolutionPass
  let output: FeatureMap
  let blanksFirstRow: Bool

  func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    let rows = blanksFirstRow ? blankingFirstRow(of: output, region, firstRow) : region.rows
    sums.run(
      MapRegion(rows: region.rows.lowerBound..<rows.lowerBound, columns: region.columns), weights: packed.forward)
    gated.run(MapRegion(rows: rows, columns: region.columns), weights: packed.forward)
  }
}

/// Clears row `firstRow` of `output` where `region` begins with it; the rows that are left.
private func blankingFirstRow(of output: FeatureMap, _ region: MapRegion, _ firstRow: Int) -> Range<Int> {
  guard region.rows.lowerBound == firstRow else { return region.rows }
  clear(output, in: MapRegion(row: firstRow, columns: region.columns))
  return firstRow + 1..<region.rows.upperBound
}

extension FeatureMap {
  /// The features in the order of the checkpoint, H×W×channels, where they lie as `order` says.
  func values(in order: ChannelLayout) -> [Float] {
    let positions = (0..<order.channels).map(order.position)
    return (0..<height).flatMap { y in (0..<width).flatMap { x in positions.map { self[unchecked: y, x, $0] } } }
  }
}
/// The derivative of tanh(a) ⊙ σ(b), for each unit with respect to a and to b.
private struct GateSlopes {
  private let first: [Double], second: [Double]
  private let units: Int

  /// From t = tanh(a) and s = σ(b), 2·`units` a position.
  init(gates: [Float], units: Int) {
    self.units = units
    let positions = gates.count / (2 * units)
    var (first, second): ([Double], [Double]) = ([], [])
    for p in 0..<positions {
      for k in 0..<units {
        let (t, s) = (Double(gates[p * 2 * units + k]), Double(gates[p * 2 * units + units + k]))
        first.append((1 - t * t) * s)
        second.append(t * s * (1 - s))
      }
    }
    (self.first, self.second) = (first, second)
  }

  /// From a and b; the first `blankPositions` positions pass nothing on.
  init(preactivations: [Float], units: Int, blankPositions: Int) {
    let gates = preactivations.enumerated().map { position, z in
      let vector = FloatVector(repeating: z)
      return position % (2 * units) < units ? hyperbolicTangent(vector)[0] : logistic(vector)[0]
    }
    // σ = 0 has no slope.
    self.init(
      gates: gates.enumerated().map { $0 / (2 * units) < blankPositions && $0 % (2 * units) >= units ? 0 : $1 },
      units: units)
  }

  var jacobian: LinearOperator {
    let (first, second, units) = (first, second, units)
    return LinearOperator(
      rows: first.count, columns: 2 * first.count,
      product: { z in
        first.indices.map { i in
          let position = i / units * 2 * units + i % units
          return first[i] * z[position] + second[i] * z[position + units]
        }
      },
      transposedProduct: { y in
        var z = [Double](repeating: 0, count: 2 * first.count)
        for i in first.indices {
          let position = i / units * 2 * units + i % units
          (z[position], z[position + units]) = (first[i] * y[i], second[i] * y[i])
        }
        return z
      })
  }
}
