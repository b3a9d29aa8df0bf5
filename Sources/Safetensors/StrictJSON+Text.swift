// The inside of JSON strings, and the messages of the reader.
import Core

extension StrictJSON {
  /// The UTF-8 bytes that a string with escapes stands for.
  func unescaped(_ raw: ArraySlice<UInt8>, what: String) throws -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(raw.count)
    var index = raw.startIndex
    func wrong(_ expected: String) -> ScanlineError {
      error(expected: "\(expected) in \(what)", found: "another escape at byte \(index)")
    }
    func codeUnit(at start: Int) throws -> UInt32 {
      guard start + 6 <= raw.endIndex, raw[start] == UInt8(ascii: "\\"), raw[start + 1] == UInt8(ascii: "u")
      else { throw wrong("\\u and four hexadecimal digits") }
      var unit: UInt32 = 0
      for byte in raw[(start + 2)..<(start + 6)] {
        guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
          throw wrong("\\u and four hexadecimal digits")
        }
        unit = unit << 4 | UInt32(digit)
      }
      return unit
    }
    while index < raw.endIndex {
      guard raw[index] == UInt8(ascii: "\\") else {
        result.append(raw[index])
        index += 1
        continue
      }
      let letter = raw[index + 1]
      if letter == UInt8(ascii: "u") {
        var unit = try codeUnit(at: index)
        var length = 6
        if unit >= 0xD800, unit < 0xDC00 {
          let low = try codeUnit(at: index + 6)
          guard low >= 0xDC00, low < 0xE000 else { throw wrong("surrogates in pairs") }
          unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
          length = 12
        }
        guard let scalar = Unicode.Scalar(unit) else { throw wrong("surrogates in pairs") }
        result.append(contentsOf: String(scalar).utf8)
        index += length
        continue
      }
      guard let byte = Self.shortEscapes[letter] else { throw wrong("an escape that JSON knows") }
      result.append(byte)
      index += 2
    }
    return result
  }

  private static let shortEscapes: [UInt8: UInt8] = [
    UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "/"): 0x2F, UInt8(ascii: "b"): 0x08,
    UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
  ]

  /// Whether no more than `markLimit` combining marks follow each other.
  static func hasFewMarks(_ key: String) -> Bool {
    var run = 0
    for scalar in key.unicodeScalars {
      run = scalar.value < 0x300 || scalar.properties.canonicalCombiningClass == .notReordered ? 0 : run + 1
      if run > markLimit { return false }
    }
    return true
  }

  /// An error about this file.
  public func error(expected: String, found: String) -> ScanlineError {
    ScanlineError(.badData, path: path, expected: expected, found: found)
  }

  /// An error about what stands at the reader's place.
  func unexpected(_ expected: String) -> ScanlineError {
    error(expected: expected, found: "\(foundHere) at byte \(position)")
  }

  var foundHere: String {
    switch next {
    case nil: "the end of the text"
    case UInt8(ascii: "{"): "an object"
    case UInt8(ascii: "["): "an array"
    case UInt8(ascii: "\""): "a string"
    case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): "a bare word"
    case _ where isNumberNext: "a number"
    case let byte? where byte > 0x20 && byte < 0x7F: Self.excerpt([byte])
    case let byte?: "byte 0x" + String(byte, radix: 16)
    }
  }

  static func excerpt(_ literal: ArraySlice<UInt8>) -> String {
    String(decoding: literal.prefix(40), as: UTF8.self) + (literal.count > 40 ? "…" : "")
  }
}
