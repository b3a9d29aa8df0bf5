// Tensors with names, in memory: what a weights file holds. Files themselves are opened elsewhere.

/// A tensor of Floats with a dotted name.
public struct NamedTensor: Sendable, Equatable {
  /// The name, such as "blocks.3.conv.weight".
  public let name: String
  /// The sizes, slowest dimension first; empty for a scalar.
  public let shape: [Int]
  /// The values in row-major order, as many as the product of `shape`.
  public var values: [Float]

  /// A tensor; the number of values must be the product of `shape`.
  public init(name: String, shape: [Int], values: [Float]) {
    precondition(
      shape.allSatisfy { $0 >= 0 } && shape.reduce(1, *) == values.count,
      "tensor \(name): \(values.count) values do not fill the shape \(shape)")
    self.name = name
    self.shape = shape
    self.values = values
  }
}

/// The contents of a safetensors file (https://huggingface.co/docs/safetensors/index#format): tensors in the
/// order of the header, and a map of text to text.
public struct TensorArchive: Sendable, Equatable {
  /// The tensors, in the order in which they are written and were read. Names are unique.
  public var tensors: [NamedTensor]
  /// Free text by key: what a program wants to say of itself.
  public var metadata: [String: String]

  /// An archive of `tensors`, whose names must be unique.
  public init(tensors: [NamedTensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The header key that holds `metadata`, and so can name no tensor.
  static let metadataKey = "__metadata__"
  /// The longest header that the format's own reader takes: 100 MB.
  static let headerLimit = 100_000_000
  /// The most entries of the metadata. Text of many tiny keys would take some nine times its own size in a table; this
  /// many take less than 128 KiB.
  static let metadataLimit = 1_024
  /// Bytes of the shortest entry of a tensor in the header, which has an empty name:
  /// `"":{"dtype":"F32","shape":[],"data_offsets":[0,4]},`.
  static let shortestEntry = 51
  /// The most dimensions of a tensor. The format sets no bound; this one keeps a hostile shape small.
  static let rankLimit = 32
}
