// What a recurrence does in one cell, apart from the matrix products: the protocol, and the plain cell.
import CScanline

/// The maps of one direction of one recurrent layer. A map holds `images` images interleaved pixel by pixel.
public struct CellMaps: Sendable {
  /// Before a cell runs: its pre-activations, gate by gate, each rounded up to whole vectors. After: what `backward`
  /// needs of them.
  public let gates: FeatureMap
  /// h, the cell's output.
  public let output: FeatureMap
  /// c, the inner state, where the cell has one.
  public let state: FeatureMap?
  /// What else the cell keeps for `backward`.
  public let kept: [FeatureMap]
  /// Places from a cell to the one whose inner state it goes on from: −images, or +images where the scan runs left.
  public let previous: Int

  /// Maps of one direction; see the properties.
  public init(gates: FeatureMap, output: FeatureMap, state: FeatureMap?, kept: [FeatureMap] = [], previous: Int) {
    self.gates = gates
    self.output = output
    self.state = state
    self.kept = kept
    self.previous = previous
  }
}

/// Gradients with respect to the maps of the same name.
public struct CellGradients: Sendable {
  /// With respect to the pre-activations: what `backward` computes.
  public let gates: FeatureMap
  /// With respect to the output, everything that reads it included.
  public let output: FeatureMap
  /// With respect to the inner state: a cell finds here what the next one left, and leaves some for the previous one.
  public let state: FeatureMap?

  /// Gradients of one direction; see the properties.
  public init(gates: FeatureMap, output: FeatureMap, state: FeatureMap?) {
    self.gates = gates
    self.output = output
    self.state = state
  }
}

/// A recurrent cell: how pre-activations and the previous inner state become an output, feature by feature. The scan over
/// the image and the matrix products are not its business, so another cell is one more conformance in a file of its own.
public protocol RecurrentCell: Sendable {
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
  /// From pre-activations to output in the places `columns` of row `y`.
  func forward(_ maps: CellMaps, row y: Int, columns: Range<Int>)
  /// From the output's gradient to the pre-activations' in the same places.
  func backward(_ maps: CellMaps, _ gradients: CellGradients, row y: Int, columns: Range<Int>)
  /// The derivatives of one feature of one cell that holds `values`.
  func derivatives(_ values: CellValues) -> CellDerivatives
}

extension RecurrentCell {
  /// None.
  public var keptMaps: Int { 0 }
  /// None.
  public var outputActivation: Activation? { nil }
  /// All.
  public var inputGates: [Bool] { [Bool](repeating: true, count: gateCount) }
  /// All.
  public var stateGates: [Bool] { [Bool](repeating: true, count: gateCount) }
}

/// What one feature of a cell holds once it has run.
public struct CellValues {
  /// As in `CellMaps.gates`.
  public let gates: [Double]
  /// h, and the inner state of the cell before; 0 where there is none.
  public let output: Double, stateBefore: Double
  /// As in `CellMaps.kept`.
  public let kept: [Double]

  /// The values; see the properties.
  public init(gates: [Double], output: Double, stateBefore: Double, kept: [Double]) {
    self.gates = gates
    self.output = output
    self.stateBefore = stateBefore
    self.kept = kept
  }
}

/// ∂(state, output)/∂(pre-activations, state before) of one feature.
public struct CellDerivatives {
  /// ∂c/∂z of each gate, ∂c/∂(c before).
  public var stateByGates: [Double], stateByState: Double
  /// ∂h/∂z of each gate, ∂h/∂(c before).
  public var outputByGates: [Double], outputByState: Double

  /// The derivatives of a cell with an inner state; without one, those of its state are 0.
  public init(
    stateByGates: [Double]? = nil, stateByState: Double = 0, outputByGates: [Double], outputByState: Double = 0
  ) {
    self.stateByGates = stateByGates ?? [Double](repeating: 0, count: outputByGates.count)
    self.stateByState = stateByState
    self.outputByGates = outputByGates
    self.outputByState = outputByState
  }
}

/// h = φ(z).
public struct PlainCell: RecurrentCell {
  /// φ
  public let activation: Activation
  /// 1
  public let gateCount = 1
  /// No
  public let hasState = false
  /// The pre-activations stay what they are.
  public let gateActivations: [Activation?] = [nil]
  /// φ
  public var outputActivation: Activation? { activation }

  /// The cell with this activation.
  public init(_ activation: Activation) { self.activation = activation }

  /// See `RecurrentCell`.
  public func forward(_ maps: CellMaps, row y: Int, columns: Range<Int>) {
    activate(maps.gates, by: activation, to: maps.output, in: MapRegion(row: y, columns: columns))
  }

  /// See `RecurrentCell`.
  public func backward(_ maps: CellMaps, _ gradients: CellGradients, row y: Int, columns: Range<Int>) {
    multiplyBySlope(
      gradients.output, of: activation, saved: maps.output, to: gradients.gates,
      in: MapRegion(row: y, columns: columns))
  }

  /// φ′
  public func derivatives(_ values: CellValues) -> CellDerivatives {
    CellDerivatives(outputByGates: [activation.slope(of: values.output)])
  }
}

extension Activation {
  /// φ′ where φ gave `output`.
  public func slope(of output: Double) -> Double {
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
