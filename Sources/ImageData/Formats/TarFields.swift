// The parts of a tar header, and the fields that other headers put in their place.
import Core

/// What stands in place of a header's own fields: pax (POSIX.1-2001) and GNU tar give a member headers in front of its
/// own, for paths that do not fit in 100 bytes and sizes that do not fit in eleven octal digits.
struct TarFields {
  /// The path.
  var path: String?
  /// Where a link leads.
  var link: String?
  /// The bytes of the contents.
  var size: Int?
  /// Whether only parts of the file are stored, with a list of where they belong.
  var isSparse = false

  /// These fields, and those of `global` where there are none.
  func over(_ global: TarFields) -> TarFields {
    TarFields(
      path: path ?? global.path, link: link ?? global.link, size: size ?? global.size,
      isSparse: isSparse || global.isSparse)
  }

  /// Takes a pax header's records, "LENGTH KEY=VALUE\n" one after another, the length that of the record. An empty value
  /// takes a field back. Gives false where they are no such records.
  mutating func read(records bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let digits = rest.prefix { $0 != UInt8(ascii: " ") }.prefix(9)
      guard let length = Self.decimal(digits), length > digits.count + 2, length <= rest.count,
        rest.dropFirst(digits.count).first == UInt8(ascii: " ")
      else { return false }
      let record = rest.prefix(length)
      rest = rest.dropFirst(length)
      let text = record.dropFirst(digits.count + 1).dropLast()
      guard record.last == UInt8(ascii: "\n"), let equals = text.firstIndex(of: UInt8(ascii: "=")) else { return false }
      let value = text[(equals + 1)...]
      switch String(decoding: text[..<equals], as: UTF8.self) {
      case "path", "GNU.sparse.name": path = value.isEmpty ? nil : String(fileName: value)
      case "linkpath": link = value.isEmpty ? nil : String(fileName: value)
      case "size":
        size = Self.decimal(value)
        guard value.isEmpty || size != nil else { return false }
      default: break
      }
      if text.starts(with: "GNU.sparse.".utf8) { isSparse = true }
    }
    return true
  }

  // MARK: - A header's own

  /// The path: ustar's first part, where it has one, and the name. GNU tar has times in the place of the first part.
  static func path(_ header: [UInt8]) -> String {
    let name = header[0..<100].prefix { $0 != 0 }
    let prefix = header[345..<500].prefix { $0 != 0 }
    guard header[257..<263].elementsEqual("ustar\0".utf8), !prefix.isEmpty else { return String(fileName: name) }
    return String(fileName: prefix + [UInt8(ascii: "/")] + name)
  }

  /// Where a link leads.
  static func link(_ header: [UInt8]) -> String { String(fileName: header[157..<257].prefix { $0 != 0 }) }

  /// An octal number between spaces or zero bytes, or with its first bit set a binary one, the highest byte first; nil where
  /// it is none, negative, or above 2⁴⁰.
  static func number(_ field: ArraySlice<UInt8>) -> Int? {
    if let first = field.first, first & 0x80 != 0 {
      var value = Int(first & 0x7F)
      for byte in field.dropFirst() {
        value = value << 8 | Int(byte)
        guard value <= most else { return nil }
      }
      return value
    }
    let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x37).contains($0) }),
      let value = Int(String(decoding: digits, as: UTF8.self), radix: 8)
    else { return nil }
    return value <= most ? value : nil
  }

  private static let most = 1 << 40

  /// Decimal digits; nil where there is none or another character, or above 2⁴⁰.
  private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(String(decoding: digits, as: UTF8.self)).flatMap { $0 <= most ? $0 : nil }
  }
}
