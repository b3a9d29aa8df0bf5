// Reads JSON (RFC 8259) strictly, one value at a time, from bytes that may be hostile.

/// A reader that walks through JSON text. It exists because Foundation's readers accept what must be refused
/// here, duplicate keys above all (two programs would then read two different files). It builds no tree and
/// allocates nothing larger than the string at hand. Every failure is a ``ScanlineError`` of kind `badData`
/// that names the path, what was expected and what stands at which byte.
///
/// `what`, in every call, names the value for that message: "the shape of tensor …".
public struct StrictJSON {
  let bytes: ArraySlice<UInt8>
  private(set) var position: Int
  private var depth = 0
  /// The file that messages name.
  public let path: String
  /// How deep objects and arrays may nest.
  public let depthLimit: Int
  /// The longest key in UTF-8 bytes.
  public static let keyLimit = 4096
  /// The most combining marks in a row in a key, as in Unicode's stream-safe text format (UAX #15). Keys are hashed by
  /// Unicode equivalence, which sorts the marks in time that grows with their square: a file of nothing else would
  /// take minutes.
  public static let markLimit = 30
  /// The most keys of one object. Text of many tiny keys would otherwise take some twelve times its own size
  /// in memory, the one way in which a header could.
  public static let keyCountLimit = 65_536

  /// A reader at the beginning of `bytes`; offsets in messages are indices of that slice.
  public init(_ bytes: ArraySlice<UInt8>, path: String, depthLimit: Int = 32) {
    self.bytes = bytes
    self.path = path
    self.depthLimit = depthLimit
    position = bytes.startIndex
  }

  /// Reads an object of at most `limit` members. `member` gets every key in order and must read its value. Throws for a
  /// key that comes twice; keys that differ only in Unicode normalization count as the same.
  public mutating func object(
    _ what: @autoclosure () -> String, atMost limit: Int = keyCountLimit,
    _ member: (inout StrictJSON, _ key: String) throws -> Void
  ) throws {
    try open("{", what: what(), as: "an object")
    var keys = Set<String>()
    if take("}") { return depth -= 1 }
    repeat {
      let start = position
      let key = try string("a key of \(what())")
      guard key.utf8.count <= Self.keyLimit else {
        throw error(
          expected: "keys of at most \(Self.keyLimit) bytes in \(what())",
          found: "one of \(key.utf8.count) bytes at byte \(start)")
      }
      guard key.utf8.count <= Self.markLimit || Self.hasFewMarks(key) else {
        throw error(
          expected: "keys of at most \(Self.markLimit) combining marks in a row in \(what())",
          found: "more at byte \(start)")
      }
      guard keys.insert(key).inserted else {
        throw error(
          expected: "every key of \(what()) once", found: "\(Self.quoted(key)) again at byte \(start)")
      }
      guard keys.count <= limit else {
        throw error(expected: "at most \(limit) keys in \(what())", found: "more")
      }
      guard take(":") else { throw unexpected("a colon after key \(Self.quoted(key))") }
      try member(&self, key)
    } while take(",")
    guard take("}") else { throw unexpected("a comma or the closing brace of \(what())") }
    depth -= 1
  }

  /// Reads an array. `element` gets every index in order and must read that element.
  public mutating func array(
    _ what: @autoclosure () -> String, _ element: (inout StrictJSON, _ index: Int) throws -> Void
  ) throws {
    try open("[", what: what(), as: "an array")
    if take("]") { return depth -= 1 }
    var index = 0
    repeat {
      try element(&self, index)
      index += 1
    } while take(",")
    guard take("]") else { throw unexpected("a comma or the closing bracket of \(what())") }
    depth -= 1
  }

  /// Reads a string. Throws for control characters, unknown escapes, lone surrogates and invalid UTF-8.
  public mutating func string(_ what: @autoclosure () -> String) throws -> String {
    guard take("\"") else { throw unexpected("a string as \(what())") }
    let start = position
    var hasEscapes = false
    while position < bytes.endIndex, bytes[position] != UInt8(ascii: "\"") {
      if bytes[position] < 0x20 { throw unexpected("no bare control character in \(what())") }
      // The byte after a backslash is never the closing quote; `unescaped` judges it.
      let isEscape = bytes[position] == UInt8(ascii: "\\")
      hasEscapes = hasEscapes || isEscape
      position += isEscape ? 2 : 1
    }
    guard position < bytes.endIndex else {
      position = bytes.endIndex
      throw unexpected("the closing quote of \(what())")
    }
    let raw = bytes[start..<position]
    position += 1
    let text =
      hasEscapes
      ? String(validating: try unescaped(raw, what: what()), as: UTF8.self)
      : String(validating: raw, as: UTF8.self)
    guard let text else {
      throw error(
        expected: "valid UTF-8 in \(what())", found: "other bytes in the string at byte \(start - 1)")
    }
    return text
  }

  /// Reads a number that is written as a whole one and not negative: digits only, at most `Int.max`.
  public mutating func wholeNumber(_ what: @autoclosure () -> String) throws -> Int {
    skipSpace()
    let start = position
    let literal = try numberLiteral(what())
    var value = 0
    for byte in literal {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else {
        throw error(
          expected: "a whole number as \(what())", found: "\(Self.excerpt(literal)) at byte \(start)")
      }
      let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, exceeded) = shifted.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
      guard !overflowed, !exceeded else {
        throw error(
          expected: "a number below 2⁶³ as \(what())", found: "\(Self.excerpt(literal)) at byte \(start)")
      }
      value = sum
    }
    return value
  }

  /// Reads a number and gives its text: an optional minus, digits without a needless zero in front, an
  /// optional fraction, an optional exponent.
  public mutating func numberLiteral(_ what: @autoclosure () -> String) throws -> ArraySlice<UInt8> {
    skipSpace()
    guard isNumberNext else { throw unexpected("a number as \(what())") }
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    if next == UInt8(ascii: "0") {
      position += 1
      if isDigit { throw unexpected("no digit after a leading zero in \(what())") }
    } else {
      try digits(what())
    }
    if next == UInt8(ascii: ".") {
      position += 1
      try digits(what())
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try digits(what())
    }
    return bytes[start..<position]
  }

  /// Reads one of the bare words true, false and null; false where another value stands.
  mutating func takeWord(_ word: StaticString) -> Bool {
    skipSpace()
    let text = word.description.utf8
    guard bytes[position...].starts(with: text) else { return false }
    position += text.count
    return true
  }

  /// Demands that nothing but white space is left; with `spacesOnly`, nothing but the byte 0x20.
  public mutating func finish(_ what: @autoclosure () -> String, spacesOnly: Bool = false) throws {
    if spacesOnly {
      while next == UInt8(ascii: " ") { position += 1 }
    } else {
      skipSpace()
    }
    guard position == bytes.endIndex else {
      throw error(
        expected: "only \(spacesOnly ? "spaces" : "white space") after \(what())",
        found: "\(foundHere) at byte \(position)")
    }
  }
}

// MARK: - The bytes

extension StrictJSON {
  var next: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

  var isDigit: Bool { next.map { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } ?? false }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// The first byte of the next value, nil at the end.
  mutating func peek() -> UInt8? {
    skipSpace()
    return next
  }

  var isNumberNext: Bool { isDigit || next == UInt8(ascii: "-") }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func open(_ bracket: Unicode.Scalar, what: String, as kind: String) throws {
    guard take(bracket) else { throw unexpected("\(kind) as \(what)") }
    depth += 1
    guard depth <= depthLimit else {
      throw error(
        expected: "at most \(depthLimit) levels of nesting", found: "another at byte \(position - 1)")
    }
  }

  private mutating func digits(_ what: String) throws {
    guard isDigit else { throw unexpected("a digit in \(what)") }
    while isDigit { position += 1 }
  }
}
