// How events lie in a file: records one after the other, each with checksums of its own.

/// A record: the length of the data (8 bytes), its masked CRC-32C (4), the data, their masked CRC-32C (4). Numbers are
/// little endian. This is TensorFlow's TFRecord format.
package enum EventRecord {
  /// `data` as a record.
  package static func framed(_ data: [UInt8]) -> [UInt8] {
    let length = bytes(UInt64(data.count))
    return length + bytes(CRC32C.masked(length)) + data + bytes(CRC32C.masked(data))
  }

  /// The places of the whole records in `file`, and of the data in them, up to the first one that is torn or damaged: a
  /// reader cannot know where the next one would begin.
  package static func records(in file: [UInt8]) -> [(record: Range<Int>, data: Range<Int>)] {
    var found: [(record: Range<Int>, data: Range<Int>)] = []
    var start = 0
    while file.count - start >= 16 {
      let header = file[start..<start + 8]
      let length = header.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard number(file, at: start + 8) == CRC32C.masked(header), length <= UInt64(file.count - start - 16) else {
        break
      }
      let data = start + 12..<start + 12 + Int(length)
      guard number(file, at: data.upperBound) == CRC32C.masked(file[data]) else { break }
      found.append((start..<data.upperBound + 4, data))
      start = data.upperBound + 4
    }
    return found
  }

  private static func number(_ file: [UInt8], at place: Int) -> UInt32 {
    file[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
}
