// What a recurrence does in one cell, apart from the matrix products: the protocol, and the plain cell.
import CScanline

/// The maps of one direction of one recurrent layer. A map holds `images` images interleaved pixel by pixel.
package struct CellMaps: Sendable {
  /// Before a cell runs: its pre-activations, gate by gate, each rounded up to whole vectors. After: what `backward`
  /// needs of them.
  package let gates: FeatureMap
  /// h, the cell's output.
  package let output: FeatureMap
  /// c, the inner state, where the cell has one.
  package let state: FeatureMap?
  /// What else the cell keeps for `backward`.
  package let kept: [FeatureMap]
  /// Positions from a cell to the one whose inner state it goes on from: −images, or +images where the scan runs left.
  package let previous: Int

  /// Maps of one direction; see the properties.
  package init(gates: FeatureMap, output: FeatureMap, state: FeatureMap?, kept: [FeatureMap] = [], previous: Int) {
    self.gates = gates
    self.output = output
    self.state = state
    self.kept = kept
    self.previous = previous
  }
}

/// Gradients with respect to the maps of the same name.
package struct CellGradients: Sendable {
  /// With respect to the pre-activations: what `backward` computes.
  package let gates: FeatureMap
  /// With respect to the output, everything that reads it included.
  package let output: FeatureMap
  /// With respect to the inner state: a cell finds here what the next one left, and leaves some for the previous one.
  package let state: FeatureMap?

  /// Gradients of one direction; see the properties.
  package init(gates: FeatureMap, output: FeatureMap, state: FeatureMap?) {
    self.gates = gates
    self.output = output
    self.state = state
  }
}

/// A recurrent cell: how pre-activations and the previous inner state become an output, feature by feature. The scan over
/// the image and the matrix products are not its business, so another cell is one more conformance in a file of its own.
package protocol RecurrentCell: Sendable {
  /// Pre-activations for each feature of the output.
  var gateCount: Int { get }
  /// Whether it has an inner state.
  var hasState: Bool { get }
  /// Maps of the output's size that `backward` needs besides gates, output and state.
  var keptMaps: Int { get }
  /// What each gate holds once the cell has run: what an activation gave, or nil: anything.
  var gateActivations: [Activation?] { get }
  /// The activation that the output comes from directly; nil where there is none.
  var outputActivation: Activation? { get }
  /// Which gates the layer's input reaches, and which the neighbouring cells' outputs do.
  var inputGates: [Bool] { get }
  var stateGates: [Bool] { get }
  /// From pre-activations to output in the positions `columns` of row `y`.
  func forward(_ maps: CellMaps, row y: Int, columns: Range<Int>)
  /// From the output's gradient to the pre-activations' in the same positions.
  func backward(_ maps: CellMaps, _ gradients: CellGradients, row y: Int, columns: Range<Int>)
  /// The derivatives of one feature of one cell that holds `values`.
  func derivatives(_ values: CellValues) -> CellDerivatives
}

extension RecurrentCell {
  /// None.
  package var keptMaps: Int { 0 }
  /// None.
  package var outputActivation: Activation? { nil }
  /// All.
  package var inputGates: [Bool] { [Bool](repeating: true, count: gateCount) }
  /// All.
  package var stateGates: [Bool] { [Bool](repeating: true, count: gateCount) }
}

/// What one feature of a cell holds once it has run.
package struct CellValues {
  /// As in `CellMaps.gates`.
  package let gates: [Double]
  /// h, and the inner state of the cell before; 0 where there is none.
  package let output: Double, stateBefore: Double
  /// As in `CellMaps.kept`.
  package let kept: [Double]

  /// The values; see the properties.
  package init(gates: [Double], output: Double, stateBefore: Double, kept: [Double]) {
    self.gates = gates
    self.output = output
    self.stateBefore = stateBefore
    self.kept = kept
  }
}

/// ∂(state, output)/∂(pre-activations, state before) of one feature.
package struct CellDerivatives {
  /// ∂c/∂z of each gate, ∂c/∂(c before).
  package var stateByGates: [Double], stateByState: Double
  /// ∂h/∂z of each gate, ∂h/∂(c before).
  package var outputByGates: [Double], outputByState: Double

  /// The derivatives of a cell with an inner state; without one, those of its state are 0.
  package init(
    stateByGates: [Double]? = nil, stateByState: Double = 0, outputByGates: [Double], outputByState: Double = 0
  ) {
    self.stateByGates = stateByGates ?? [Double](repeating: 0, count: outputByGates.count)
    self.stateByState = stateByState
    self.outputByGates = outputByGates
    self.outputByState = outputByState
  }
}

/// h = φ(z).
package struct PlainCell: RecurrentCell {
  /// φ
  package let activation: Activation
  /// 1
  package let gateCount = 1
  /// No
  package let hasState = false
  /// The pre-activations stay what they are.
  package let gateActivations: [Activation?] = [nil]
  /// φ
  package var outputActivation: Activation? { activation }

  /// The cell with this activation.
  package init(_ activation: Activation) { self.activation = activation }

  /// See `RecurrentCell`.
  package func forward(_ maps: CellMaps, row y: Int, columns: Range<Int>) {
    activate(maps.gates, by: activation, to: maps.output, in: MapRegion(row: y, columns: columns))
  }

  /// See `RecurrentCell`.
  package func backward(_ maps: CellMaps, _ gradients: CellGradients, row y: Int, columns: Range<Int>) {
    multiplyBySlope(
      gradients.output, of: activation, saved: maps.output, to: gradients.gates,
      in: MapRegion(row: y, columns: columns))
  }

  /// φ′
  package func derivatives(_ values: CellValues) -> CellDerivatives {
    CellDerivatives(outputByGates: [activation.slope(of: values.output)])
  }
}

extension Activation {
  /// φ′ where φ gave `output`.
  package func slope(of output: Double) -> Double {
    switch self {
    case .relu: output > 0 ? 1 : 0
    case .tanh: 1 - output * output
    case .sigmoid: output * (1 - output)
    }
  }
}

@inline(__always)
func load(_ pointer: UnsafeMutablePointer<Float>, _ index: Int) -> FloatVector {
  UnsafeRawPointer(pointer + index).loadUnaligned(as: FloatVector.self)
}

@inline(__always)
func store(_ value: FloatVector, _ pointer: UnsafeMutablePointer<Float>, _ index: Int) {
  UnsafeMutableRawPointer(pointer + index).storeBytes(of: value, as: FloatVector.self)
}
