// The checksum of TensorBoard's records. zlib's, which guards checkpoints, is of another polynomial.

/// CRC-32C: Castagnoli's polynomial 0x1EDC6F41, lowest bit first (RFC 3720, section 12.1 and appendix B.4).
package enum CRC32C {
  /// What a byte does to the checksum. A byte at a time is fast enough: a run writes a few hundred kilobytes a minute.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
  }

  /// The checksum of `bytes`.
  package static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
    return ~crc
  }

  /// As records hold it: turned right by 15 bits, and a constant added, so that a checksum of bytes that hold checksums
  /// is not a special one (TensorFlow's tfrecord format).
  package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let crc = of(bytes)
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }
}
