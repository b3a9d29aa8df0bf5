// CRC-32, which names the content of an image or a path.
import CScanline

/// zlib's CRC-32 of `bytes`, going on from `crc`.
package func crc32(of bytes: [UInt8], continuing crc: UInt32 = 0) -> UInt32 {
  bytes.withUnsafeBufferPointer { scanline_crc32(crc, $0.baseAddress, $0.count) }
}

/// The CRC-32 of `words` as little-endian bytes.
func crc32(of words: [UInt32]) -> UInt32 {
  crc32(of: words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
}

/// zlib's CRC-32 of `bytes`.
func crc32(of bytes: UnsafeMutableBufferPointer<UInt8>) -> UInt32 {
  scanline_crc32(0, bytes.baseAddress, bytes.count)
}
