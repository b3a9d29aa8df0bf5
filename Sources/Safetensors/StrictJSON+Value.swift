// JSON as a tree, for small files whose keys are not known beforehand; and JSON strings as they are written.
import Core

extension StrictJSON {
  /// One JSON value. Numbers keep their text, so that 64-bit whole numbers are not rounded.
  public enum Value: Sendable, Equatable {
    /// null
    case null
    /// true or false
    case bool(Bool)
    /// The number's own text.
    case number(String)
    /// A string, unescaped.
    case string(String)
    /// Elements in order.
    case array([Value])
    /// Members by key; the reader has refused duplicates.
    case object([String: Value])
  }

  /// The tree of a whole text. Throws `badData` for anything RFC 8259 does not allow, for duplicate keys, and
  /// for nesting beyond `depthLimit`.
  public static func parse(_ bytes: [UInt8], path: String, depthLimit: Int = 32) throws -> Value {
    var reader = StrictJSON(bytes[...], path: path, depthLimit: depthLimit)
    let value = try reader.value("the text")
    try reader.finish("the JSON text")
    return value
  }

  /// Reads any value as a tree. The recursion is bounded by `depthLimit`.
  public mutating func value(_ what: @autoclosure () -> String) throws -> Value {
    switch peek() {
    case UInt8(ascii: "{"):
      var members: [String: Value] = [:]
      try object(what()) { members[$1] = try $0.value("the value of \(Self.quoted($1))") }
      return .object(members)
    case UInt8(ascii: "["):
      var elements: [Value] = []
      try array(what()) { reader, _ in elements.append(try reader.value("an element")) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try string(what()))
    default:
      if takeWord("true") { return .bool(true) }
      if takeWord("false") { return .bool(false) }
      if takeWord("null") { return .null }
      guard isNumberNext else { throw unexpected("a value as \(what())") }
      return .number(String(decoding: try numberLiteral(what()), as: UTF8.self))
    }
  }

  /// `text` as a JSON string with its quotes: what JSON demands is escaped, all else stays UTF-8.
  public static func escaped(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<" ": result += String(printf: "\\u%04x", scalar.value)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// A name from a file, fit for a message: quoted, at most 80 characters, with nothing in it that could steer
  /// a terminal.
  public static func quoted(_ name: String) -> String {
    let shown = name.unicodeScalars.prefix(80).map { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
      default: String(scalar)
      }
    }
    return "\"" + shown.joined() + (name.unicodeScalars.dropFirst(80).isEmpty ? "\"" : "…\"")
  }
}
