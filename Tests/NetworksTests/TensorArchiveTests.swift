import Core
import Kernels
import Networks
import Safetensors
import Testing

@Suite struct TensorArchiveTests {
  static let small = TensorArchive(
    tensors: [
      NamedTensor(
        name: "head.weight", shape: [2, 3], values: [1, -2, 0.5, .infinity, -0.0, .leastNonzeroMagnitude]),
      NamedTensor(name: "empty", shape: [0, 7], values: []),
      NamedTensor(name: "a \"quoted\" näme\n", shape: [], values: [42]),
    ], metadata: ["format": "pt", "é\\": "line\nbreak"])

  /// A file with `header` and `data` bytes of zeros.
  private func file(_ header: String, data: Int = 0) -> [UInt8] {
    let text = Array(header.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
      + [UInt8](repeating: 0, count: data)
  }

  private func entry(_ name: String, dtype: String = "F32", shape: String, _ offsets: String) -> String {
    "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  @Test func roundTripKeepsOrderAndBits() throws {
    let bytes = Self.small.serialized()
    let back = try TensorArchive(parsing: bytes, path: "m")
    #expect(back == Self.small)
    #expect(back.tensors[0].values[4].sign == .minus)
    #expect(back.serialized() == bytes)
    // NaN keeps its payload: a checkpoint must give back the bits it was given.
    let payload = Float(bitPattern: 0x7FC1_2345)
    let nan = TensorArchive(tensors: [NamedTensor(name: "n", shape: [1], values: [payload])])
    let bits = try TensorArchive(parsing: nan.serialized(), path: "m").tensors[0].values[0].bitPattern
    #expect(bits == 0x7FC1_2345)
    #expect(try TensorArchive(parsing: TensorArchive(tensors: []).serialized(), path: "m").tensors.isEmpty)
  }

  @Test func layoutIsTheFormats() {
    let archive = TensorArchive(
      tensors: [NamedTensor(name: "w", shape: [1, 2], values: [1, -2])], metadata: ["b": "2", "a": "1"])
    let header = #"{"__metadata__":{"a":"1","b":"2"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#
    let padded = header + String(repeating: " ", count: 96 - header.utf8.count)
    #expect(
      archive.serialized() == [96, 0, 0, 0, 0, 0, 0, 0] + Array(padded.utf8) + [
        0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0,
      ])
  }

  @Test func dataBeginsAtAMultipleOfEight() {
    for length in 1...16 {
      let name = String(repeating: "x", count: length)
      let bytes = TensorArchive(tensors: [NamedTensor(name: name, shape: [], values: [1])]).serialized()
      #expect(bytes[0] % 8 == 0)
    }
  }

  @Test func readsAnyHeaderOrder() throws {
    var bytes = file(
      "{" + entry("b", shape: "[1]", "[4,8]") + "," + entry("a", shape: "[1]", "[0,4]") + "}", data: 8)
    bytes[bytes.count - 1] = 0x40
    let archive = try TensorArchive(parsing: bytes, path: "m")
    #expect(archive.tensors.map(\.name) == ["b", "a"])
    #expect(archive.tensors.map { $0.values[0] } == [2, 0])
  }

  @Test func convertsOtherFloats() throws {
    func values(_ dtype: String, _ raw: [[UInt8]]) throws -> [Float] {
      let data = raw.flatMap { $0 }
      let header = "{" + entry("t", dtype: dtype, shape: "[\(raw.count)]", "[0,\(data.count)]") + "}"
      return try TensorArchive(parsing: file(header) + data, path: "m").tensors[0].values
    }
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian, Array.init)
    }
    #expect(try values("BF16", [0x3F80, 0xC000, 0x7F80].map { bytes(UInt16($0)) }) == [1, -2, .infinity])
    #expect(
      try values("F64", [1, -2.5, 0.1, -.infinity].map { bytes(($0 as Double).bitPattern) }) == [
        1, -2.5, 0.1, -.infinity,
      ])
    // Every binary16 there is, against its definition.
    let halves = try values("F16", (0...0xFFFF).map { bytes(UInt16($0)) })
    for (bits, value) in halves.enumerated() {
      let exponent = bits >> 10 & 31, fraction = Float(bits & 1023)
      let magnitude =
        switch exponent {
        case 0: fraction * 0x1p-24
        case 31: fraction == 0 ? Float.infinity : .nan
        default: (1024 + fraction) * Float(sign: .plus, exponent: exponent - 25, significand: 1)
        }
      let agrees = magnitude.isNaN ? value.isNaN : abs(value) == magnitude
      if !agrees || (value.sign == .minus) != (bits >= 0x8000) {
        Issue.record("half \(bits) became \(value)")
      }
    }
    let error = try #require(throws: ScanlineError.self) {
      try values("F64", [Double.infinity, 1e39].map { bytes($0.bitPattern) })
    }
    #expect(error.found == "1e+39")
  }

  // MARK: - Hostile files

  /// What a file does wrong, and a part of the message that only this wrong gives.
  private var hostile: [(bytes: [UInt8], message: String)] {
    let a = entry("a", shape: "[1]", "[0,4]")
    func one(_ entry: String, data: Int = 4) -> [UInt8] { file("{" + entry + "}", data: data) }
    func length(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }
    return [
      ([1, 0, 0], "8 bytes of a safetensors header's length, found 3 bytes"),
      (length(1 << 63) + [0x7B], "at most 100000000 bytes, found a length of 9223372036854775808"),
      (length(100_000_001) + [0x7B], "at most 100000000 bytes, found a length of 100000001"),
      (length(3) + [0x7B, 0x7D], "ends within the file's 10 bytes, found one of 3 bytes"),
      (length(0), "opening brace, found an empty one"),
      (file(" {}"), "opening brace, found byte 0x20"),
      (file("[]"), "opening brace, found byte 0x5b"),
      (length(8) + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D, 0x20], "valid UTF-8 in a key of the header"),
      (file("{\"a\":"), "an object as the entry of tensor \"a\", found the end of the text"),
      (file("{}\n"), "only spaces after the header's object, found byte 0xa"),
      (file("{}{}"), "only spaces after the header's object, found an object"),
      (file("{}\0"), "only spaces after the header's object, found byte 0x0"),
      (one(a + "," + a), "every key of the header once, found \"a\" again"),
      (file("{\"__metadata__\":{},\"__metadata__\":{}}"), "once, found \"__metadata__\" again"),
      (file("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}"), "every key of the metadata once"),
      (one("\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}"), "every key of the entry of tensor \"a\" once"),
      (
        one("\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}"),
        "the field dtype in the entry of tensor \"a\", found none"
      ),
      (one("\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}"), "the field shape in the entry"),
      (one("\"a\":{\"dtype\":\"F32\",\"shape\":[1]}"), "the field data_offsets in the entry"),
      (one("\"a\":{\"dtype\":\"F32\",\"offsets\":[0,4]}"), "found the field \"offsets\""),
      (
        one(entry("a", dtype: "I32", shape: "[1]", "[0,4]")),
        "F16, BF16 as the dtype of tensor \"a\", found \"I32\""
      ),
      (one(entry("a", dtype: "f32", shape: "[1]", "[0,4]")), "found \"f32\""),
      (one("\"a\":{\"dtype\":1}"), "a string as the dtype of tensor \"a\", found a number"),
      (
        one(entry("a", shape: "[-1]", "[0,4]")),
        "a whole number as an element of the shape of tensor \"a\", found -1"
      ),
      (one(entry("a", shape: "[1.0]", "[0,4]")), "found 1.0"),
      (one(entry("a", shape: "[1e0]", "[0,4]")), "found 1e0"),
      (
        one(entry("a", shape: "[\"1\"]", "[0,4]")),
        "a number as an element of the shape of tensor \"a\", found a string"
      ),
      (one(entry("a", shape: "1", "[0,4]")), "an array as the shape of tensor \"a\", found a number"),
      (one(entry("a", shape: "null", "[0,4]")), "an array as the shape of tensor \"a\", found a bare word"),
      (one(entry("a", shape: "[9223372036854775808]", "[0,4]")), "a number below 2⁶³"),
      (one(entry("a", shape: "[4294967296,4294967296]", "[0,4]")), "whose size in bytes is below 2⁶³"),
      (one(entry("a", shape: "[4611686018427387904]", "[0,0]")), "found [4611686018427387904]"),
      (
        one(entry("a", shape: "[" + String(repeating: "1,", count: 32) + "1]", "[0,4]")),
        "at most 32 numbers in the shape"
      ),
      (one(entry("a", shape: "[1]", "[0]")), "two data_offsets of tensor \"a\", found 1"),
      (one(entry("a", shape: "[1]", "[0,4,4]")), "at most 2 numbers in the data_offsets"),
      (one(entry("a", shape: "[1]", "[4,0]")), "do not run backwards, found 4 to 0"),
      (one(entry("a", shape: "[1]", "[-4,0]")), "the data_offsets of tensor \"a\", found -4"),
      (one(entry("a", shape: "[2]", "[0,4]")), "8 bytes of data for the shape [2] and dtype F32"),
      (one(entry("a", shape: "[0]", "[0,4]")), "0 bytes of data for the shape [0]"),
      (
        one(entry("a", dtype: "F16", shape: "[1]", "[0,4]")),
        "2 bytes of data for the shape [1] and dtype F16"
      ),
      (one(entry("a", shape: "[2]", "[0,8]")), "within the 4 bytes after the header, found an end at 8"),
      (one(a + "," + entry("b", shape: "[1]", "[0,4]")), "not to overlap another tensor's, which end at 4"),
      (one(a + "," + entry("b", shape: "[2]", "[2,10]"), data: 10), "found a beginning at 2"),
      (one(a + "," + entry("b", shape: "[0]", "[3,3]")), "found a beginning at 3"),
      (
        one(a + "," + entry("b", shape: "[1]", "[8,12]"), data: 12),
        "no hole in the data before tensor \"b\", found 4"
      ),
      (one(entry("a", shape: "[1]", "[4,8]"), data: 8), "no hole in the data before tensor \"a\""),
      (one(a, data: 5), "to end with the file, found 1 bytes of data more"),
      (file("{}", data: 2), "to end with the file, found 2 bytes"),
      (file("{\"__metadata__\":{\"k\":1}}"), "a string as metadata \"k\", found a number"),
      (file("{\"__metadata__\":\"k\"}"), "an object as the metadata, found a string"),
      (file("{\"__metadata__\":true}"), "an object as the metadata, found a bare word"),
      (file(String(repeating: "{\"a\":", count: 100_000)), "found the field \"a\""),
      (
        file("{\"a\":{\"shape\":" + String(repeating: "[", count: 100_000)),
        "the shape of tensor \"a\", found an array"
      ),
      (
        file("{\"__metadata__\":{" + (0...1_024).map { "\"\($0)\":\"\"" }.joined(separator: ",") + "}}"),
        "at most 1024 keys in the metadata"
      ),
      (file("{\"" + String(repeating: "a", count: 4097) + "\":"), "keys of at most 4096 bytes"),
    ]
  }

  @Test func refusesHostileFilesEachWithItsMessage() {
    var messages = Set<String>()
    for (bytes, message) in hostile {
      do {
        _ = try TensorArchive(parsing: bytes, path: "m.safetensors")
        Issue.record("accepted: \(message)")
      } catch let error as ScanlineError {
        #expect(error.kind == .badData && error.path == "m.safetensors")
        #expect(error.description.contains(message), "\(error)")
        #expect(error.description.utf8.count < 400)
        messages.insert(error.description)
      } catch { Issue.record("not ours: \(error)") }
    }
    #expect(messages.count == hostile.count)
  }

  @Test func acceptsTheEdges() throws {
    for text in [
      "{}", "{}     ", "{ \"__metadata__\" : {} }", "{" + entry("", shape: "[]", "[0,4]") + "}",
      "{" + entry("z", shape: "[0,9223372036854775807]", "[0,0]") + "," + entry("a", shape: "[1]", "[0,4]")
        + "}",
      "{" + entry("a", shape: "[1]", "[0,4]") + "," + entry("z", shape: "[5,0]", "[4,4]") + "}",
    ] {
      let bytes = file(text, data: text.contains("[0,4]") ? 4 : 0)
      #expect(throws: Never.self) { try TensorArchive(parsing: bytes, path: "m") }
    }
  }

  @Test func refusesEveryTruncation() {
    let bytes = Self.small.serialized()
    for length in 0..<bytes.count {
      #expect(throws: ScanlineError.self) { try TensorArchive(parsing: Array(bytes[..<length]), path: "m") }
    }
    #expect(throws: ScanlineError.self) { try TensorArchive(parsing: bytes + [0], path: "m") }
  }

  /// 5,000 files with one to four bytes changed: the reader throws or gives an archive, and never crashes.
  @Test func survivesMutations() {
    let bytes = Self.small.serialized()
    let random = Philox(seed: 8, purpose: .test)
    let interesting: [UInt8] = Array("{}[]\",:0123456789-.e\\ ".utf8) + [0, 0x7F, 0x80, 0xFF]
    var refused = 0
    for round in 0..<5_000 {
      var damaged = bytes
      for change in 0..<(1 + round % 4) {
        let index = UInt64(round * 16 + change * 4)
        // Three in four changes hit the header, where there is more to break.
        let range = round % 4 == 0 ? bytes.count : bytes.count - 28
        let byte = random.bits(at: index + 1)
        damaged[random.below(range, at: index)] =
          byte & 256 == 0 ? UInt8(byte & 255) : interesting[Int(byte >> 9) % interesting.count]
      }
      do {
        let archive = try TensorArchive(parsing: damaged, path: "m")
        // What is accepted can be written and read again.
        #expect(
          (try? TensorArchive(parsing: archive.serialized(), path: "m"))?.tensors.count
            == archive.tensors.count)
      } catch is ScanlineError { refused += 1 } catch { Issue.record("not ours: \(error)") }
    }
    // The data and the names are a fair part of the file, and changes there are legal.
    #expect(refused > 2_000 && refused < 5_000)
  }
}
