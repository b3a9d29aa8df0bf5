// The files in a tar archive, one after another.
//
// Only what data sets need: regular files, by the last part of their name. Folders, links and the extended headers of
// pax and GNU are passed over, and no path of an archive ever becomes a path on the disk.
import Kernels

/// Reads an archive (POSIX ustar, or GNU tar's of the same layout) from a stream.
package struct TarReader {
  /// A regular file in it.
  package struct Member: Equatable {
    /// The last part of its path.
    package let name: String
    /// Its bytes.
    package let size: Int
  }

  private static let block = 512
  private let file: GzipFile
  /// Bytes of the current member that are not read yet, and of its padding.
  private var unread = 0, padding = 0

  /// An archive that `file`, at its beginning, holds.
  package init(_ file: GzipFile) { self.file = file }

  /// Whether the file at `path` is an archive, by its first block.
  ///
  /// - Throws: as `GzipFile` does.
  package static func isArchive(_ path: String) throws -> Bool {
    let first = try GzipFile(path).read(upTo: block)
    return first.count == block && first[257..<262].elementsEqual("ustar".utf8) && checksumFits(first)
  }

  /// The next regular file; nil at the end.
  ///
  /// - Throws: `ScanlineError`: `badData` where a header is damaged or the archive is cut short; as `GzipFile` does.
  package mutating func next() throws -> Member? {
    try skip(unread + padding)
    (unread, padding) = (0, 0)
    while true {
      let header = try file.read(upTo: Self.block)
      // Two blocks of zeros end an archive; some writers leave them out.
      if header.isEmpty || header.count == Self.block && header.allSatisfy({ $0 == 0 }) {
        _ = try file.length()
        return nil
      }
      guard header.count == Self.block else { throw cutShort }
      guard Self.checksumFits(header), let size = Self.number(header[124..<136]) else {
        throw ScanlineError(
          .badData, path: file.path, expected: "a tar header at byte \(file.position - Self.block)",
          found: "something else")
      }
      let padding = (Self.block - size % Self.block) % Self.block
      // '0', or a zero byte in old archives.
      guard header[156] == UInt8(ascii: "0") || header[156] == 0 else {
        try skip(size + padding)
        continue
      }
      (unread, self.padding) = (size, padding)
      let path = String(decoding: header[0..<100].prefix { $0 != 0 }, as: UTF8.self)
      return Member(name: DurableFiles.split(path).name, size: size)
    }
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

  private func skip(_ count: Int) throws {
    var left = count
    while left > 0 {
      let piece = try file.read(upTo: min(left, 1 << 20)).count
      guard piece > 0 else { throw cutShort }
      left -= piece
    }
  }

  private var cutShort: ScanlineError {
    ScanlineError(
      .badData, path: file.path, expected: "an archive that goes on to its end", found: "one that is cut short")
  }

  /// The sum of a header's bytes, those of the sum itself counted as spaces.
  private static func checksumFits(_ header: [UInt8]) -> Bool {
    let sum = header.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
    return number(header[148..<156]) == sum
  }

  /// An octal number between spaces or zero bytes; nil where it is none, or above 2⁴⁰.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
    guard !digits.isEmpty, let value = Int(String(decoding: digits, as: UTF8.self), radix: 8) else { return nil }
    return (0...1 << 40).contains(value) ? value : nil
  }
}
