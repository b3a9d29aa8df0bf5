// Reads safetensors bytes that nobody vouches for.
//
// The order of work is the defence: the header is read into small records, every record is checked against
// the bytes that are really there, and only then is memory taken for values. No number in the file decides
// how much memory is taken before it has been compared with the file's own size.
import Core

extension TensorArchive {
  /// Reads a safetensors file that is held in `bytes`; `path` is named in errors.
  ///
  /// F32 is taken as it is; F64, F16 and BF16 are converted to Float. Tensors keep the header's order.
  /// Throws `badData` for everything that the format (https://huggingface.co/docs/safetensors/index#format)
  /// forbids, duplicate keys included, and beyond it for: unknown fields, other element types, white space other than
  /// spaces after the header, names above 4096 bytes, more than 65,536 names or 1,024 entries of metadata, more than 32
  /// dimensions, finite F64 values outside Float's range. Metadata may be null, as the format's own reader takes it.
  /// A file of another kind is named.
  public init(parsing bytes: [UInt8], path: String) throws {
    func bad(expected: String, found: String) -> ScanlineError {
      ScanlineError(.badData, path: path, expected: expected, found: found)
    }
    try Self.refuseForeign(bytes, path: path)
    guard bytes.count >= 8 else {
      throw bad(
        expected: "at least the 8 bytes of a safetensors header's length", found: "\(bytes.count) bytes")
    }
    let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= Self.headerLimit else {
      throw bad(
        expected: "a safetensors header of at most \(Self.headerLimit) bytes", found: "a length of \(length)")
    }
    let dataStart = 8 + Int(length)
    guard dataStart <= bytes.count else {
      throw bad(
        expected: "a header that ends within the file's \(bytes.count) bytes",
        found: "one of \(length) bytes, which ends at \(dataStart)")
    }
    guard length > 0, bytes[8] == UInt8(ascii: "{") else {
      throw bad(
        expected: "a header that begins with an opening brace",
        found: length == 0 ? "an empty one" : "byte 0x" + String(bytes[8], radix: 16))
    }

    var reader = StrictJSON(bytes[8..<dataStart], path: path)
    var metadata: [String: String] = [:]
    var entries: [HeaderEntry] = []
    // Room for as many as there can be: an array that grows by doubling would end up larger than the text.
    entries.reserveCapacity(min(Int(length) / Self.shortestEntry, StrictJSON.keyCountLimit))
    try reader.object("the header") { reader, key in
      if key == Self.metadataKey {
        if reader.takeWord("null") { return }
        try reader.object("the metadata", atMost: Self.metadataLimit) { reader, key in
          metadata[key] = try reader.string("metadata \(StrictJSON.quoted(key))")
        }
      } else {
        entries.append(try HeaderEntry(key, &reader))
      }
    }
    try reader.finish("the header's object", spacesOnly: true)
    try HeaderEntry.checkCover(entries, of: bytes.count - dataStart, bad)

    self.init(
      tensors: try entries.map { entry in
        let values = entry.type.values(in: bytes, (dataStart + entry.begin)..<(dataStart + entry.end))
        if let value = entry.type.firstOutOfRange(values, in: bytes, from: dataStart + entry.begin) {
          throw bad(
            expected: "values of tensor \(StrictJSON.quoted(entry.name)) within the range of 32-bit floats",
            found: "\(value)")
        }
        return NamedTensor(name: entry.name, shape: entry.shape, values: values)
      }, metadata: metadata)
  }
}

/// What the header says of one tensor; made only if the entry agrees with itself.
private struct HeaderEntry {
  let name: String
  let type: TensorArchive.StoredType
  let shape: [Int]
  /// The bytes [begin, end) of the data that follow the header.
  let begin: Int
  let end: Int

  init(_ name: String, _ reader: inout StrictJSON) throws {
    let quoted = "tensor " + StrictJSON.quoted(name)
    var type: TensorArchive.StoredType?
    var shape: [Int]?
    var offsets: [Int]?
    try reader.object("the entry of \(quoted)") { reader, field in
      switch field {
      case "dtype":
        let text = try reader.string("the dtype of \(quoted)")
        guard let known = TensorArchive.StoredType(rawValue: text) else {
          let all = TensorArchive.StoredType.allCases.map(\.rawValue).joined(separator: ", ")
          throw reader.error(
            expected: "one of \(all) as the dtype of \(quoted)", found: StrictJSON.quoted(text))
        }
        type = known
      case "shape":
        shape = try reader.wholeNumbers("the shape of \(quoted)", atMost: TensorArchive.rankLimit)
      case "data_offsets": offsets = try reader.wholeNumbers("the data_offsets of \(quoted)", atMost: 2)
      default:
        throw reader.error(
          expected: "only dtype, shape and data_offsets in the entry of \(quoted)",
          found: "the field \(StrictJSON.quoted(field))")
      }
    }
    func field<Value>(_ value: Value?, _ name: String) throws -> Value {
      guard let value else {
        throw reader.error(expected: "the field \(name) in the entry of \(quoted)", found: "none")
      }
      return value
    }
    self.name = name
    self.type = try field(type, "dtype")
    self.shape = try field(shape, "shape")
    let pair = try field(offsets, "data_offsets")
    guard pair.count == 2 else {
      throw reader.error(expected: "two data_offsets of \(quoted)", found: "\(pair.count)")
    }
    guard pair[0] <= pair[1] else {
      throw reader.error(
        expected: "data_offsets of \(quoted) that do not run backwards", found: "\(pair[0]) to \(pair[1])")
    }
    begin = pair[0]
    end = pair[1]

    var size = self.type.size
    for dimension in self.shape {
      let (product, overflowed) = size.multipliedReportingOverflow(by: dimension)
      guard !overflowed else {
        throw reader.error(
          expected: "a shape of \(quoted) whose size in bytes is below 2⁶³", found: "\(self.shape)")
      }
      size = product
    }
    guard size == end - begin else {
      throw reader.error(
        expected:
          "\(size) bytes of data for the shape \(self.shape) and dtype \(self.type.rawValue) of \(quoted)",
        found: "data_offsets that span \(end - begin)")
    }
  }

  /// Demands that the entries cover `count` bytes of data without overlap, hole or rest.
  static func checkCover(
    _ entries: [HeaderEntry], of count: Int, _ bad: (_ expected: String, _ found: String) -> ScanlineError
  ) throws {
    // Positions in the header, in the order of the data: the header itself may come in any order.
    let order = entries.indices.sorted {
      (entries[$0].begin, entries[$0].end) < (entries[$1].begin, entries[$1].end)
    }
    var covered = 0
    for entry in order.lazy.map({ entries[$0] }) {
      let name = "tensor " + StrictJSON.quoted(entry.name)
      guard entry.end <= count else {
        throw bad("the data of \(name) within the \(count) bytes after the header", "an end at \(entry.end)")
      }
      guard entry.begin >= covered else {
        throw bad(
          "the data of \(name) not to overlap another tensor's, which end at \(covered)",
          "a beginning at \(entry.begin)")
      }
      guard entry.begin == covered else {
        throw bad(
          "no hole in the data before \(name)", "\(entry.begin - covered) bytes that belong to no tensor")
      }
      covered = entry.end
    }
    guard covered == count else {
      throw bad("the last tensor to end with the file", "\(count - covered) bytes of data more")
    }
  }
}

extension StrictJSON {
  /// Reads an array of at most `limit` whole numbers.
  fileprivate mutating func wholeNumbers(_ what: String, atMost limit: Int) throws -> [Int] {
    var numbers: [Int] = []
    try array(what) { reader, index in
      guard index < limit else {
        throw reader.error(expected: "at most \(limit) numbers in \(what)", found: "more")
      }
      numbers.append(try reader.wholeNumber("an element of \(what)"))
    }
    return numbers
  }
}
