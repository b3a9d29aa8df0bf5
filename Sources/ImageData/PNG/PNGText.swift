// The text chunks of a PNG: what made the picture, written into it.

/// Keys and values in order, as a PNG carries them.
public struct PNGText: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// One text.
  public struct Entry: Sendable, Equatable {
    /// 1 to 79 Latin-1 characters.
    public let key: String
    /// Any text.
    public let value: String
  }

  /// The texts, in the order of the file.
  public private(set) var entries: [Entry] = []

  /// Texts in the order given.
  public init(dictionaryLiteral elements: (String, String)...) {
    entries = elements.map { Entry(key: $0.0, value: $0.1) }
  }

  /// The texts of the PNG file whose bytes these are: tEXt, and iTXt that is not compressed. Whatever is no such chunk
  /// is passed over, so bytes that are no PNG have none. Checksums are the decoder's business.
  public init(parsing png: [UInt8]) {
    var position = 8
    while position <= png.count - 12 {
      let length = png[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= png.count - position - 12 else { return }
      let body = png[position + 8..<position + 8 + length]
      switch png[position + 4..<position + 8] {
      case [0x74, 0x45, 0x58, 0x74]: addText(body)
      case [0x69, 0x54, 0x58, 0x74]: addInternationalText(body)
      default: break
      }
      position += length + 12
    }
  }

  /// The first text of this key; setting it replaces that one, or adds one at the end.
  public subscript(key: String) -> String? {
    get { entries.first { $0.key == key }?.value }
    set {
      let position = entries.firstIndex { $0.key == key }
      if let newValue, let position {
        entries[position] = Entry(key: key, value: newValue)
      } else if let newValue {
        entries.append(Entry(key: key, value: newValue))
      } else if let position {
        entries.remove(at: position)
      }
    }
  }

  /// Keyword, zero, Latin-1 text.
  private mutating func addText(_ body: ArraySlice<UInt8>) {
    guard let end = body.firstIndex(of: 0) else { return }
    entries.append(Entry(key: Self.latin(body[..<end]), value: Self.latin(body[(end + 1)...])))
  }

  /// Keyword, zero, compression flag and method, language, zero, translated keyword, zero, UTF-8 text.
  private mutating func addInternationalText(_ body: ArraySlice<UInt8>) {
    guard let end = body.firstIndex(of: 0), body.endIndex - end >= 5, body[end + 1] == 0 else { return }
    guard let language = body[(end + 3)...].firstIndex(of: 0) else { return }
    guard let translated = body[(language + 1)...].firstIndex(of: 0) else { return }
    let value = String(decoding: body[(translated + 1)...], as: UTF8.self)
    entries.append(Entry(key: Self.latin(body[..<end]), value: value))
  }

  private static func latin(_ bytes: ArraySlice<UInt8>) -> String {
    String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }
}
