// The checksum that guards files against torn and damaged bytes.
import CScanline

/// CRC-32 (the polynomial of PNG, gzip and IEEE 802.3), computed by zlib. It notices every change confined to
/// four neighbouring bytes, and all but 1 in 2³² of other damage; it is no defence against an adversary.
public enum Checksum {
  /// The CRC-32 of `bytes`, of any length. `continuing` is the CRC-32 of the bytes before them, so that a
  /// file can be summed in pieces; 0 where there are none.
  public static func crc32(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
    scanline_crc32(crc, bytes.baseAddress, bytes.count)
  }

  /// The CRC-32 of an array of bytes; see ``crc32(_:continuing:)-(UnsafeRawBufferPointer,_)``.
  public static func crc32(_ bytes: [UInt8], continuing crc: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { crc32($0, continuing: crc) }
  }

  /// The CRC-32 of whole numbers, each as four bytes, the lowest first.
  public static func crc32(words: [UInt32]) -> UInt32 {
    crc32(words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
  }

  /// Eight lower-case hexadecimal digits, as manifests write a checksum.
  public static func hexadecimal(_ crc: UInt32) -> String { String(printf: "%08x", crc) }
}
