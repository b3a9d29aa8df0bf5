// Names of files as the file system holds them: bytes. Linux allows any but "/" and 0, and a Swift string holds only
// valid UTF-8, so a byte that is no part of UTF-8 stands in a string as one private-use character of its own:
// U+10FE00 + the byte. The two directions are exact inverses (a name that really holds such characters has their bytes
// kept one by one), so every file that exists can be listed, opened and written back under its own name. Reading a name
// by `String(cString:)` would replace those bytes by "�", and no such file exists.

extension String {
  private static let firstStandIn: UInt32 = 0x10_FE00

  /// The byte that this scalar stands for, where it stands for one.
  private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
    (firstStandIn + 0x80...firstStandIn + 0xFF).contains(scalar.value) ? UInt8(scalar.value - firstStandIn) : nil
  }

  /// The name of a file whose bytes these are.
  package init(fileName bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    // 0xF4 begins the characters that stand for bytes; nearly no name has it.
    if !bytes.contains(0xF4), let name = String(validating: bytes, as: UTF8.self) {
      self = name
      return
    }
    var scalars = String.UnicodeScalarView()
    var decoder = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var offset = 0
    func keep(_ part: ArraySlice<UInt8>) {
      for byte in part {
        scalars.append(Unicode.Scalar(byte < 0x80 ? UInt32(byte) : Self.firstStandIn + UInt32(byte))!)
      }
    }
    parsing: while true {
      switch decoder.parseScalar(from: &iterator) {
      case .valid(let encoded):
        let scalar = Unicode.UTF8.decode(encoded)
        if Self.byte(of: scalar) == nil {
          scalars.append(scalar)
        } else {
          keep(bytes[offset..<offset + encoded.count])
        }
        offset += encoded.count
      case .error(let length):
        keep(bytes[offset..<offset + length])
        offset += length
      case .emptyInput: break parsing
      }
    }
    self = String(scalars)
  }

  /// The name of a file in the system's form, a C string.
  package init(fileName: UnsafePointer<CChar>) {
    self.init(fileName: UnsafeBufferPointer(start: fileName, count: strlen(fileName)).map { UInt8(bitPattern: $0) })
  }

  /// The bytes of the name of a file, without the 0 that ends a C string.
  package var fileNameBytes: [UInt8] {
    guard utf8.contains(0xF4) else { return Array(utf8) }
    return unicodeScalars.flatMap { scalar in Self.byte(of: scalar).map { [$0] } ?? Array(UTF8.encode(scalar)!) }
  }

  /// Calls `body` with the path as system calls take it.
  package func withFileSystemPath<Result, Failure: Error>(
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let bytes = fileNameBytes.map { CChar(bitPattern: $0) } + [0]
    return try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) -> Result in try body(buffer.baseAddress!) }
  }

  /// The text as it is safe to show in a line of a message or a table: characters that control a terminal or turn the
  /// direction of text, and bytes that are no UTF-8, are written out (\n, \x1B, \xE9, \u{202E}).
  package var displayed: String {
    guard unicodeScalars.contains(where: Self.mustBeEscaped) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      guard Self.mustBeEscaped(scalar) else { return text.unicodeScalars.append(scalar) }
      text += Self.escaped(scalar)
    }
  }

  private static func mustBeEscaped(_ scalar: Unicode.Scalar) -> Bool {
    if byte(of: scalar) != nil { return true }
    switch scalar.properties.generalCategory {
    // Format characters shape scripts and emoji (U+200C, U+200D); those that turn or hide text do harm.
    case .format: return scalar.value != 0x200C && scalar.value != 0x200D
    case .control, .lineSeparator, .paragraphSeparator: return true
    default: return false
    }
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    func hexadecimal(_ value: UInt32) -> String { (value < 16 ? "0" : "") + String(value, radix: 16, uppercase: true) }
    switch scalar {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default:
      if let byte = byte(of: scalar) { return "\\x" + hexadecimal(UInt32(byte)) }
      return scalar.value < 0x80 ? "\\x" + hexadecimal(scalar.value) : "\\u{\(hexadecimal(scalar.value))}"
    }
  }
}
