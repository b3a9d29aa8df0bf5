import Core
import Testing

@Suite struct ChecksumTests {
  @Test func knownValues() {
    // The check value of the CRC catalogue, and the CRC of PNG's IEND chunk type.
    #expect(Checksum.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(Checksum.crc32(Array("IEND".utf8)) == 0xAE42_6082)
    #expect(Checksum.crc32([UInt8]()) == 0)
  }

  @Test func piecesContinue() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let whole = Checksum.crc32(bytes)
    for cut in [0, 1, 7, 500, 999, 1000] {
      let first = Checksum.crc32(Array(bytes[..<cut]))
      #expect(Checksum.crc32(Array(bytes[cut...]), continuing: first) == whole)
    }
    // An empty piece must not start the sum again.
    #expect(Checksum.crc32([UInt8](), continuing: whole) == whole)
  }

  @Test func hexadecimalKeepsLeadingZeros() {
    #expect(Checksum.hexadecimal(0x00AB_CDEF) == "00abcdef")
    #expect(Checksum.hexadecimal(0) == "00000000")
  }
}
