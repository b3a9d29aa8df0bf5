// Safetensors files made to harm: every truncation, random damage, and headers that are all names or all depth.
// `make torture-files` runs hundreds of thousands of rounds, and again under AddressSanitizer, which also tells how
// large a block the reader asked for.
import Core
import Safetensors
import Testing
import TestSupport

@Suite struct HostileArchiveTests {
  /// Files of every element type, with names to escape, empty tensors, a scalar, and the header in disorder.
  private static let files: [[UInt8]] = {
    func file(_ header: String, _ data: Int) -> [UInt8] {
      let text = Array(header.utf8)
      return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text + (0..<data).map { UInt8($0 % 60) }
    }
    return [
      TensorArchiveTests.small.serialized(),
      TensorArchive(tensors: []).serialized(),
      file(
        #"{"b":{"dtype":"F16","shape":[2,2],"data_offsets":[16,24]},"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}"#,
        24),
      file(
        #"{"__metadata__":{"k":"\u00e9\n"},"t":{"data_offsets":[0,6],"dtype":"BF16","shape":[3,1]},"#
          + #""z":{"shape":[0],"dtype":"F32","data_offsets":[6,6]}}   "#, 6),
    ]
  }()

  private static let tokens: [[UInt8]] =
    [
      "{", "}", "[", "]", "\"", ":", ",", "\\u0000", "\\ud800", "\\", "-", "1e9", "0", "9223372036854775807",
      "18446744073709551616", "4294967296", "null", "\"__metadata__\":{", "\"shape\":[", "\"data_offsets\":[0,", "F16",
      "F64", "BF16", "I8", "é", "e\u{301}",
    ].map { Array($0.utf8) } + [[0], [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0, 0, 0, 0, 0, 0, 0, 0x80]]

  /// The archive in `bytes`, nil where it is refused as it should be; measures the largest block.
  private func read(_ bytes: [UInt8], _ round: Int = 0) -> (archive: TensorArchive?, block: Int) {
    var result: Result<TensorArchive, any Error>?
    // Only the reading: expectations allocate too. The testing library keeps a table of all errors that were thrown, which
    // grows now and then while one is; the reader does the same each time.
    func measured() -> Int {
      AllocationMeter.largest { result = Result { try TensorArchive(parsing: bytes, path: "m") } } ?? 0
    }
    var block = measured()
    if block > Self.mostOfOneBlock(bytes.count) { block = min(block, measured()) }
    if case .failure(let error) = result {
      let ours = error as? ScanlineError
      #expect(ours?.kind == .badData && ours?.path == "m", "\(round): \(error)")
      #expect((ours?.description.utf8.count ?? 0) < 1_000)
    }
    return (try? result?.get(), block)
  }

  /// No block is larger than `bytes`, or than what a few names and messages take; a string or an array begins with some
  /// bytes of its own.
  private static func mostOfOneBlock(_ bytes: Int) -> Int { max(bytes + 64, 2_048) }

  /// The most that may be asked for at once to read a file. Only values of two bytes (F16, BF16) become twice as many.
  private func bound(_ bytes: [UInt8]) -> Int {
    Self.mostOfOneBlock(bytes.contains(Self.sixteenBits) ? 2 * bytes.count : bytes.count)
  }
  private static let sixteenBits = Array("F16".utf8)

  @Test func everyTruncation() {
    var count = 0
    for bytes in Self.files {
      #expect(read(bytes).archive != nil)
      for length in 0..<bytes.count {
        let (archive, block) = read(Array(bytes[..<length]))
        if archive != nil || block > bound(bytes) { Issue.record("\(length) of \(bytes.count) bytes: \(block)") }
        count += 1
      }
    }
    Torture.report("\(count) truncations of \(Self.files.count) safetensors files, all refused")
  }

  /// Each byte of each header, given every value.
  @Test(.enabled(if: Torture.isOn)) func everyValueOfEveryByte() {
    var count = 0, accepted = 0, largest = 0.0
    for bytes in Self.files {
      for position in bytes.indices {
        var changed = bytes
        for value in UInt8.min...UInt8.max where value != bytes[position] {
          changed[position] = value
          let (archive, block) = read(changed)
          accepted += archive == nil ? 0 : 1
          largest = max(largest, Double(block) / Double(bound(changed)))
          count += 1
        }
      }
    }
    #expect(largest <= 1)
    Torture.report("\(count) safetensors files with one byte changed, \(accepted) of them legal; \(blocks(largest))")
  }

  private func blocks(_ share: Double) -> String {
    share == 0 ? "allocations not counted" : "largest block \(share) of the most that is allowed"
  }

  @Test func randomDamage() throws {
    let rounds = Torture.rounds(5_000, long: 400_000)
    var refused = 0, largest = 0.0
    for round in 0..<rounds {
      var random = Mutator(round: round)
      let sound = Self.files[random.below(Self.files.count)]
      var bytes = random.damaged(sound, header: sound.count - 20, tokens: Self.tokens)
      // Half of them with a header length that fits again, so that what is in the header is judged.
      if round % 2 == 0, let brace = bytes.lastIndex(of: UInt8(ascii: "}")), brace >= 8 {
        bytes.replaceSubrange(0..<8, with: withUnsafeBytes(of: UInt64(brace - 7).littleEndian, Array.init))
      }
      let (archive, block) = read(bytes, round)
      largest = max(largest, Double(block) / Double(bound(bytes)))
      guard let archive else {
        refused += 1
        continue
      }
      // What is accepted is a cover of the file, and can be written and read again.
      let again = try TensorArchive(parsing: archive.serialized(), path: "again")
      if again.tensors.map(\.shape) != archive.tensors.map(\.shape) || again.metadata != archive.metadata {
        Issue.record("round \(round): the archive does not survive being written")
      }
    }
    #expect(refused > rounds / 4 && refused < rounds)
    #expect(largest <= 1)
    Torture.report("\(rounds) damaged safetensors files, \(refused) refused, the others read; \(blocks(largest))")
  }

  /// Text that is cheap to write and might be dear to read. Each is refused, or read, in time that grows with the file.
  @Test func bombs() {
    let scale = Torture.rounds(1, long: 20)
    func file(_ header: String) -> [UInt8] {
      withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8)
    }
    func repeated(_ text: String, _ bytes: Int) -> String { String(repeating: text, count: bytes / text.utf8.count) }
    let empty = #":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#
    let million = 1_000_000 * scale
    let bombs: [(name: String, bytes: [UInt8], isLegal: Bool)] = [
      ("spaces", file("{}" + repeated(" ", million)), true),
      ("deep objects", file(repeated(#"{"a":"#, million)), false),
      ("deep arrays", file(#"{"a":{"shape":"# + repeated("[", million)), false),
      ("a long number", file(#"{"a":{"shape":["# + repeated("9", million)), false),
      ("a long string", file(#"{"a":{"dtype":""# + repeated("x", million) + #""}}"#), false),
      ("a long text", file(#"{"__metadata__":{"a":""# + repeated(#"\u00e9"#, million) + #""}}"#), true),
      ("escapes", file(#"{"a":{"dtype":""# + repeated(#"\u0041"#, million) + #""}}"#), false),
      ("numbers", file(#"{"a":{"shape":["# + repeated("1,", million)), false),
      // Keys compare by Unicode equivalence: marks in an order that must be sorted first, as many as are allowed.
      (
        "marks",
        file(
          "{"
            + (0..<20 * scale).map {
              "\"\($0)" + repeated("a" + String(repeating: "\u{301}\u{323}", count: 15), 4_000) + "\"" + empty
            }.joined(separator: ",") + "}"), true
      ),
      ("names", file("{" + (0..<65_000).map { "\"\($0)\"" + empty }.joined(separator: ",") + "}"), true),
      (
        "texts", file(#"{"__metadata__":{"# + (0..<1_024).map { "\"\($0)\":\"\"" }.joined(separator: ",") + "}}"), true
      ),
      (
        "too many texts",
        file(#"{"__metadata__":{"# + (0..<65_000).map { "\"\($0)\":\"\"" }.joined(separator: ",") + "}}"), false
      ),
      (
        "too many names", file("{" + (0..<70_000).map { "\"\($0)\"" + empty }.joined(separator: ",") + "}"), false
      ),
    ]
    for (name, bytes, isLegal) in bombs {
      PeakMemory.reset()
      let before = PeakMemory.bytes
      var outcome: (archive: TensorArchive?, block: Int) = (nil, 0)
      let time = processorSeconds { outcome = read(bytes) }
      let rise = PeakMemory.bytes - before
      #expect((outcome.archive != nil) == isLegal, "\(name)")
      #expect(time < 10, "\(name) took \(time) s")
      // Tables of names are no larger than the text that fills them; the metadata's have a size of their own.
      #expect(outcome.block <= max(bytes.count + 64, 128 << 10), "\(name): \(outcome.block) bytes at once")
      Torture.report(
        "\(name): \(bytes.count) bytes, \(time) s, \(rise >> 10) KiB more, largest block \(outcome.block) bytes; "
          + (isLegal ? "read" : "refused"))
    }
  }
}
