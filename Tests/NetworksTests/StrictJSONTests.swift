import Core
import Networks
import Safetensors
import Testing

@Suite struct StrictJSONTests {
  private func parse(_ text: String) throws -> StrictJSON.Value {
    try StrictJSON.parse(Array(text.utf8), path: "x.json")
  }

  @Test func readsWhatJSONAllows() throws {
    #expect(
      try parse(" {\"a\" : [1, -2.5e+3, true, false, null], \"b\":{}} \n")
        == .object([
          "a": .array([.number("1"), .number("-2.5e+3"), .bool(true), .bool(false), .null]),
          "b": .object([:]),
        ]))
    #expect(try parse("[]") == .array([]))
    #expect(try parse("0") == .number("0"))
    // 2⁶⁴ − 1, which a Double would round.
    #expect(try parse("18446744073709551615") == .number("18446744073709551615"))
  }

  @Test func readsEscapes() throws {
    #expect(
      try parse(#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00é""#)
        == .string("\"\\/\u{8}\u{C}\n\r\tAé€😀é"))
    #expect(try parse(#""\u0000""#) == .string("\0"))
  }

  @Test func escapesWhatItReads() throws {
    let text = String(String.UnicodeScalarView((0..<0x300).compactMap(Unicode.Scalar.init))) + "\u{2028}😀"
    #expect(try parse(StrictJSON.escaped(text)) == .string(text))
  }

  @Test(arguments: [
    "", " ", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}", "{1:2}", "{\"a\" 1}",
    "{\"a\":1 \"b\":2}", "[1,]", "[,1]", "[1 2]", "[1", "]", "\"", "\"a", "\"\\\"", "\"\\", "\"\\x41\"",
    "\"\\u12\"",
    "\"\\u12g4\"", "\"\\u+123\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"",
    "\"\t\"", "\"\n\"",
    "01", "-", "+1", ".5", "1.", "1e", "1e+", "-01", "0x1", "NaN", "Infinity", "-Infinity", "tru", "True",
    "nul",
    "1 2", "{} x", "{}{}", "// c\n1", "/**/1", "\u{FEFF}{}", "\u{A0}1", "{\"a\":1,\"a\":1}",
    "{\"a\":1,\"\\u0061\":1}", "{\"é\":1,\"e\u{301}\":2}", "{\"x\":{\"a\":1,\"b\":2,\"a\":3}}",
  ])
  func refusesWhatJSONForbids(_ text: String) {
    #expect { try parse(text) } throws: { ($0 as? ScanlineError)?.kind == .badData }
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8],
      [0xFF],
    ] as [[UInt8]])
  func refusesInvalidUTF8(_ bytes: [UInt8]) throws {
    let error = try #require(throws: ScanlineError.self) {
      try StrictJSON.parse([0x22] + bytes + [0x22], path: "x.json")
    }
    #expect(error.expected.contains("UTF-8"))
  }

  @Test func boundsNesting() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try parse(nested(32))
    let error = try #require(throws: ScanlineError.self) { try parse(nested(33)) }
    #expect(error.expected == "at most 32 levels of nesting")
    // Deep enough to overflow the stack of a reader that recursed without a bound.
    for text in [String(repeating: "[", count: 1_000_000), String(repeating: "{\"a\":", count: 1_000_000)] {
      #expect(throws: ScanlineError.self) { try parse(text) }
    }
  }

  @Test func readsWholeNumbers() throws {
    func number(_ text: String) throws -> Int {
      var reader = StrictJSON(Array(text.utf8)[...], path: "x.json")
      return try reader.wholeNumber("the number")
    }
    #expect(try number("0") == 0)
    #expect(try number("9223372036854775807") == Int.max)
    for text in ["-1", "-0", "1.0", "1e3", "\"1\"", "true", "[1]", ""] {
      #expect(throws: ScanlineError.self) { try number(text) }
    }
    for text in ["9223372036854775808", "18446744073709551616", String(repeating: "9", count: 100_000)] {
      let error = try #require(throws: ScanlineError.self) { try number(text) }
      #expect(error.expected == "a number below 2⁶³ as the number")
      #expect(error.found.utf8.count < 100)
    }
  }

  @Test func boundsKeys() throws {
    let key = String(repeating: "k", count: StrictJSON.keyLimit)
    _ = try parse("{\"\(key)\":1}")
    #expect(throws: ScanlineError.self) { try parse("{\"\(key)k\":1}") }
  }

  @Test func namesPathExpectationFindingAndPosition() throws {
    let error = try #require(throws: ScanlineError.self) { try parse("{\"a\":1,\"b\" 2}") }
    #expect(error.description == "x.json: expected a colon after key \"b\", found a number at byte 11")
    let twice = try #require(throws: ScanlineError.self) { try parse("{\"a\":1,\"a\":2}") }
    #expect(twice.description == "x.json: expected every key of the text once, found \"a\" again at byte 7")
  }

  /// Unicode's stream-safe text allows 30 marks in a row; sorting more takes time that grows with their square.
  @Test func refusesHeapsOfMarks() throws {
    func text(_ marks: Int) -> String {
      let heap = String(repeating: "\u{301}\u{323}", count: marks / 2)
      return "{\"a\(heap)b\(heap)\": 1}"
    }
    #expect(throws: Never.self) { try parse(text(30)) }
    let error = try #require(throws: ScanlineError.self) { try parse(text(32)) }
    #expect(error.description.contains("at most 30 combining marks in a row in the text, found more at byte 1"))
    // Of text that is no key, nobody asks.
    #expect(throws: Never.self) { try parse("[\"a" + String(repeating: "\u{301}", count: 100) + "\"]") }
  }

  @Test func quotesHostileNames() {
    #expect(StrictJSON.quoted("a\u{1B}[31m\n\u{202E}") == "\"a\u{FFFD}[31m\u{FFFD}\u{FFFD}\"")
    #expect(StrictJSON.quoted(String(repeating: "a", count: 1000)).count == 83)
  }
}
