// How events lie in a file: records one after the other, each with checksums of its own.

/// A record: the length of the data (8 bytes), its masked CRC-32C (4), the data, their masked CRC-32C (4). Numbers are
/// little endian. This is TensorFlow's TFRecord format.
package enum EventRecord {
  /// `data` as a record.
  package static func framed(_ data: [UInt8]) -> [UInt8] {
    let length = bytes(UInt64(data.count))
    return length + bytes(CRC32C.masked(length)) + data + bytes(CRC32C.masked(data))
  }

  /// What bytes begin with.
  package enum Beginning: Equatable {
    /// A record, up to `end`, with its data in it.
    case record(data: Range<Int>, end: Int)
    /// Nothing, or part of a record.
    case part
    /// Something else; where the next record would begin cannot be known.
    case damage
  }

  /// What `bytes` begin with; positions are those of `bytes`.
  package static func beginning(of bytes: ArraySlice<UInt8>) -> Beginning {
    guard bytes.count >= 12 else { return .part }
    let header = bytes.prefix(8)
    guard number(bytes.dropFirst(8).prefix(4)) == UInt64(CRC32C.masked(header)) else { return .damage }
    // Data and their checksum. A length beyond all measure is a part of a record that never ends.
    let length = number(header)
    guard length <= UInt64(bytes.count), bytes.count - 16 >= Int(length) else { return .part }
    let data = bytes.dropFirst(12).prefix(Int(length))
    guard number(bytes[data.endIndex...].prefix(4)) == UInt64(CRC32C.masked(data)) else { return .damage }
    return .record(data: data.indices, end: data.endIndex + 4)
  }

  /// The data of the records in `file`, up to the first one that is torn or damaged.
  package static func records(in file: [UInt8]) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var rest = file[...]
    while case .record(let data, let end) = beginning(of: rest) {
      found.append(Array(file[data]))
      rest = file[end...]
    }
    return found
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// `number`, little endian.
  static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
}
