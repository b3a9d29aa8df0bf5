// Where every parameter lies: one flat buffer, named slices.
import Kernels

/// One tensor in the flat buffer of parameters.
package struct ParameterSlice: Sendable, Equatable {
  /// A dotted name, as it stands in checkpoints: "blocks.3.conv.weight".
  package let name: String
  /// The shape in PyTorch's order: [output, input, height, width] of a convolution, [output] of a bias.
  package let shape: [Int]
  /// Where it begins in the buffer, in elements.
  package let offset: Int
  /// Which elements are learned; nil where all are. The others are masked: always zero.
  package let live: [Bool]?

  /// Elements, masked ones included.
  package var count: Int { shape.reduce(1, *) }
  /// Elements that are learned.
  package var liveCount: Int { live.map { $0.reduce(0) { $0 + ($1 ? 1 : 0) } } ?? count }
  /// The elements' positions in the buffer.
  package var range: Range<Int> { offset..<offset + count }
  /// The layer: the name without its last part.
  package var layer: String { name.split(separator: ".").dropLast().joined(separator: ".") }
}

/// The slices of all parameters of a model, in order. Parameters, gradient, Adam's moments and the moving average
/// share one layout, so each loop over them is one loop over slices.
public struct ParameterLayout: Sendable, Equatable {
  /// The slices, by ascending offset.
  package private(set) var slices: [ParameterSlice] = []
  /// Elements of the buffer.
  public private(set) var count = 0

  /// Whether the elements are counted and nothing else: no slices, no masks.
  let countsOnly: Bool

  /// An empty layout.
  package init() { self.init(countsOnly: false) }

  init(countsOnly: Bool) { self.countsOnly = countsOnly }

  /// Elements that are learned.
  public var liveCount: Int { slices.reduce(0) { $0 + $1.liveCount } }

  /// Appends a tensor and returns its slice.
  package mutating func append(_ name: String, shape: [Int], live: [Bool]? = nil) -> ParameterSlice {
    let slice = ParameterSlice(name: name, shape: shape, offset: count, live: live)
    count += slice.count
    if countsOnly { return slice }
    precondition(!slices.contains { $0.name == name }, "two parameters are called \(name)")
    precondition(live == nil || live?.count == slice.count, "the mask of \(name) does not fit its shape")
    slices.append(slice)
    return slice
  }

  /// The layers in order, each with its slices.
  package var layers: [(name: String, slices: [ParameterSlice])] {
    var result: [(name: String, slices: [ParameterSlice])] = []
    for slice in slices {
      if result.last?.name == slice.layer {
        result[result.count - 1].slices.append(slice)
      } else {
        result.append((slice.layer, [slice]))
      }
    }
    return result
  }
}

/// Numbers laid out like the parameters of a model: the parameters themselves, their gradient, or a moment.
public struct ParameterVector: Sendable {
  /// What lies where.
  public let layout: ParameterLayout
  /// The numbers. Copies of this value share them.
  package let storage: AlignedBuffer

  /// Zeros.
  package init(layout: ParameterLayout) {
    self.layout = layout
    storage = AlignedBuffer(count: layout.count)
  }

  /// A copy that shares nothing with this value.
  package func copy() -> ParameterVector {
    let copy = ParameterVector(layout: layout)
    copy.storage.copy(storage)
    return copy
  }

  /// The numbers of one tensor, copied.
  package subscript(slice: ParameterSlice) -> [Float] { storage.array(slice.range) }
}
