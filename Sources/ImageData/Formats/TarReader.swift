// The members of a tar archive, one after another.
//
// No path of an archive ever becomes a path on the disk. Folders, volume labels and the like are passed over; files, links
// and what else could have been meant as a file are given out, so that nothing is missing without a word.
import Core

/// Reads an archive (POSIX ustar and pax, GNU tar, or the layout of before both) from a stream.
package struct TarReader {
  /// What is in an archive.
  package struct Member: Equatable {
    /// Its kinds.
    package enum Content: Equatable {
      /// A regular file.
      case file
      /// A link to another member, by its path in the archive.
      case hardLink(String)
      /// A link by a path from the folder that it lies in.
      case symbolicLink(String)
      /// Something that cannot be read as a file, in words.
      case other(String)
    }

    /// Its path as the archive has it.
    package let path: String
    /// What it is.
    package let content: Content
    /// Its bytes.
    package let size: Int

    /// Where it leads, as the archive has it; nil where it is no link.
    package var target: String? {
      switch content {
      case .hardLink(let target), .symbolicLink(let target): target
      case .file, .other: nil
      }
    }
    /// The last part of its path.
    package var name: String { TarPath.parts(path).last ?? "" }
  }

  private static let block = 512
  /// The most bytes of a header in front of a member's: they hold a name or two.
  private static let mostHeaderBytes = 1 << 20
  private let file: GzipFile
  /// Bytes of the current member that are not read yet, and of its padding.
  private var unread = 0, padding = 0
  /// What headers say of all members that follow.
  private var global = TarFields()

  /// An archive that `file`, at its beginning, holds.
  package init(_ file: GzipFile) { self.file = file }

  /// Whether the file at `path` is an archive, by its first block.
  ///
  /// - Throws: as `GzipFile` does.
  package static func isArchive(_ path: String) throws -> Bool {
    let first = try GzipFile(path).read(upTo: block)
    return first.count == block && checksumFits(first)
  }

  /// The next member that is no folder; nil at the end.
  ///
  /// - Throws: `ScanlineError`: `badData` where a header is damaged or the archive is cut short; as `GzipFile` does.
  package mutating func next() throws -> Member? {
    try skip(unread + padding)
    (unread, padding) = (0, 0)
    // What headers say of the next member alone.
    var own = TarFields()
    while let header = try readHeader() {
      guard let stored = TarFields.number(header[124..<136]) else { throw damaged("a tar header") }
      switch header[156] {
      case UInt8(ascii: "L"): own.path = try readText(stored)
      case UInt8(ascii: "K"): own.link = try readText(stored)
      case UInt8(ascii: "x"), UInt8(ascii: "X"): try readRecords(stored, into: &own)
      case UInt8(ascii: "g"): try readRecords(stored, into: &global)
      default:
        if let member = try member(header, own.over(global), stored) { return member }
        own = TarFields()
      }
    }
    return nil
  }

  /// The next bytes of the current member, `count` or as many as are left.
  ///
  /// - Throws: as `next` does.
  package mutating func read(upTo count: Int) throws -> [UInt8] {
    let wanted = min(count, unread)
    let bytes = try file.read(upTo: wanted)
    guard bytes.count == wanted else { throw cutShort }
    unread -= wanted
    return bytes
  }

  // MARK: - Headers

  /// The next block that is a header; nil at the end.
  private func readHeader() throws -> [UInt8]? {
    let header = try file.read(upTo: Self.block)
    // Two blocks of zeros end an archive; some writers leave them out.
    if header.isEmpty || header.count == Self.block && header.allSatisfy({ $0 == 0 }) {
      _ = try file.length()
      return nil
    }
    guard header.count == Self.block else { throw cutShort }
    guard Self.checksumFits(header) else { throw damaged("a tar header") }
    return header
  }

  /// The member that `header` is of, its contents next in the stream; nil where it is to be passed over, which is done.
  private mutating func member(_ header: [UInt8], _ fields: TarFields, _ stored: Int) throws -> Member? {
    let path = fields.path ?? TarFields.path(header)
    let size = fields.size ?? stored
    func made(_ content: Member.Content, size: Int = 0) -> Member { Member(path: path, content: content, size: size) }
    switch header[156] {
    // '0', or a zero byte in old archives, where a slash at the end makes a folder; '7' is a file in one piece.
    case UInt8(ascii: "0"), 0, UInt8(ascii: "7"):
      (unread, padding) = (size, Self.padding(size))
      if fields.isSparse { return made(.other("a sparse file")) }
      if path.utf8.last != UInt8(ascii: "/") { return made(.file, size: size) }
      try skip(unread + padding)
      (unread, padding) = (0, 0)
    case UInt8(ascii: "1"):
      // Of pax, a link may bring the contents along; of others the size is that of the file it leads to.
      if let size = fields.size, size > 0 {
        (unread, padding) = (size, Self.padding(size))
        return made(.file, size: size)
      }
      return made(.hardLink(fields.link ?? TarFields.link(header)))
    case UInt8(ascii: "2"): return made(.symbolicLink(fields.link ?? TarFields.link(header)))
    case UInt8(ascii: "3"), UInt8(ascii: "4"): return made(.other("a device"))
    case UInt8(ascii: "6"): return made(.other("a pipe"))
    case UInt8(ascii: "S"):
      // GNU's list of holes may go on for blocks that the size does not count.
      var goesOn = header[482] != 0
      while goesOn {
        let more = try file.read(upTo: Self.block)
        guard more.count == Self.block else { throw cutShort }
        goesOn = more[504] != 0
      }
      (unread, padding) = (size, Self.padding(size))
      return made(.other("a sparse file"))
    default: try skip(size + Self.padding(size))
    }
    return nil
  }

  private func readContents(_ size: Int) throws -> [UInt8] {
    guard size <= Self.mostHeaderBytes else {
      throw damaged("a tar header of at most \(Self.mostHeaderBytes) bytes, its name included", found: "\(size) bytes")
    }
    let bytes = try file.read(upTo: size)
    guard bytes.count == size else { throw cutShort }
    try skip(Self.padding(size))
    return bytes
  }

  private func readText(_ size: Int) throws -> String { String(fileName: try readContents(size).prefix { $0 != 0 }) }

  private func readRecords(_ size: Int, into fields: inout TarFields) throws {
    guard fields.read(records: try readContents(size)[...]) else { throw damaged("a pax header's records") }
  }

  private func skip(_ count: Int) throws {
    var left = count
    while left > 0 {
      let piece = try file.read(upTo: min(left, 1 << 20)).count
      guard piece > 0 else { throw cutShort }
      left -= piece
    }
  }

  private static func padding(_ size: Int) -> Int { (block - size % block) % block }

  private var cutShort: ScanlineError {
    ScanlineError(
      .badData, path: file.path, expected: "an archive that goes on to its end", found: "one that is cut short")
  }

  private func damaged(_ what: String, found: String = "something else") -> ScanlineError {
    ScanlineError(
      .badData, path: file.path, expected: "\(what) at byte \(file.position - Self.block)", found: found)
  }

  /// The sum of a header's bytes, those of the sum itself counted as spaces.
  private static func checksumFits(_ header: [UInt8]) -> Bool {
    let sum = header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    return TarFields.number(header[148..<156]) == sum
  }
}
