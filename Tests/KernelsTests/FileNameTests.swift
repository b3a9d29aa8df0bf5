// Names of files that no Swift string can hold as they are.
import Core
import Testing

@Suite struct FileNameTests {
  @Test(arguments: [
    Array("digits 7 é 🙂.png".utf8), [], [0x61, 0xE9, 0x62], [0xF4, 0x8F, 0xB9], [0xED, 0xA0, 0x80], [0xFF, 0xFE, 0xC3],
    // U+10FEE9, the character that stands for the byte E9.
    [0xF4, 0x8F, 0xBB, 0xA9],
  ])
  func everyNameComesBackByteForByte(_ bytes: [UInt8]) {
    #expect(String(fileName: bytes).fileNameBytes == bytes)
  }

  @Test func namesOfRandomBytesComeBack() {
    let random = Philox(seed: 3, purpose: .dataOrder, stream: 1)
    let likely: [UInt8] = [0x61, 0xC3, 0xA9, 0xE2, 0x82, 0xF4, 0x8F, 0xB9, 0xBA, 0xBB]
    for number in 0..<20_000 as Range<UInt64> {
      let bytes = (0..<number % 8).map { position in
        let bits = random.bits(at: number * 8 + position)
        return bits & 1 == 0 ? likely[Int((bits >> 1) % 10)] : UInt8(truncatingIfNeeded: bits >> 1)
      }
      let name = String(fileName: bytes)
      #expect(name.fileNameBytes == bytes)
      #expect(String(fileName: name.fileNameBytes) == name)
    }
  }

  @Test func differentBytesAreDifferentNames() {
    #expect(String(fileName: [0x61, 0xE9]) != String(fileName: [0x61, 0xE8]))
  }

  @Test func systemCallsGetTheBytes() {
    let path = String(fileName: [0x61, 0xE9])
    #expect(
      path.withFileSystemPath { [UInt8(bitPattern: $0[0]), UInt8(bitPattern: $0[1]), UInt8(bitPattern: $0[2])] } == [
        0x61, 0xE9, 0,
      ])
  }

  @Test func controlCharactersAreShownWrittenOut() {
    #expect("a\nb\u{1B}[31m\u{7F}\u{202E}x\u{85}".displayed == "a\\nb\\x1B[31m\\x7F\\u{202E}x\\u{85}")
    #expect(String(fileName: [0x61, 0xE9]).displayed == "a\\xE9")
    #expect("🧑‍🚀 é ü".displayed == "🧑‍🚀 é ü")
    let error = ScanlineError(.badData, path: "a\nb", expected: "c", found: "d\u{1B}")
    #expect(error.description == "a\\nb: expected c, found d\\x1B")
  }
}
