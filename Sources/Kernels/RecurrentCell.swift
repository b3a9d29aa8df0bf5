// What a recurrence does in one cell, apart from the matrix products: the protocol, and the plain cell.
import CScanline

/// The maps of one direction of one recurrent layer. A map holds `images` images interleaved pixel by pixel.
public struct CellMaps: Sendable {
  /// Before a cell runs: its pre-activations, gate by gate, each rounded up to whole vectors. After: what `backward`
  /// needs of them.
  public let gates: FeatureMap
  /// h, the cell's output.
  public let output: FeatureMap
  /// c, the inner state, and its tanh, where the cell has one.
  public let state: FeatureMap?, squashed: FeatureMap?
  /// Places from a cell to the one whose inner state it goes on from: −images, or +images where the scan runs left.
  public let previous: Int

  /// Maps of one direction; see the properties.
  public init(gates: FeatureMap, output: FeatureMap, state: FeatureMap?, squashed: FeatureMap?, previous: Int) {
    self.gates = gates
    self.output = output
    self.state = state
    self.squashed = squashed
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

/// A recurrent cell: how pre-activations and the previous inner state become an output. The scan over the image and
/// the matrix products are not its business, so another cell is one more conformance.
public protocol RecurrentCell: Sendable {
  /// Pre-activations for each feature of the output.
  var gateCount: Int { get }
  /// Whether it has an inner state.
  var hasState: Bool { get }
  /// From pre-activations to output in the places `columns` of row `y`.
  func forward(_ maps: CellMaps, row y: Int, columns: Range<Int>)
  /// From the output's gradient to the pre-activations' in the same places.
  func backward(_ maps: CellMaps, _ gradients: CellGradients, row y: Int, columns: Range<Int>)
}

/// h = φ(z).
public struct PlainCell: RecurrentCell {
  /// φ
  public let activation: Activation
  /// 1
  public let gateCount = 1
  /// No
  public let hasState = false

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
}

@inline(__always)
func load(_ pointer: UnsafeMutablePointer<Float>, _ index: Int) -> FloatVector {
  UnsafeRawPointer(pointer + index).loadUnaligned(as: FloatVector.self)
}

@inline(__always)
func store(_ value: FloatVector, _ pointer: UnsafeMutablePointer<Float>, _ index: Int) {
  UnsafeMutableRawPointer(pointer + index).storeBytes(of: value, as: FloatVector.self)
}
