// A file as a stream of bytes, inflated on the way where it is gzip's.
import Core
import CZlib

/// Reads a file from its beginning to its end, a stretch at a time. One that begins with gzip's magic number (RFC 1952),
/// whatever it is called, is inflated; zlib checks each member's CRC-32 and length. Memory does not depend on what the
/// file says of itself: only what is asked for is made.
package final class GzipFile {
  /// The file.
  package let path: String
  /// Bytes on the disk.
  package let storedBytes: Int
  /// Whether it is inflated.
  package let isCompressed: Bool
  /// Bytes given out so far, inflated ones where it is compressed.
  package private(set) var position = 0
  private let file: UnsafeMutablePointer<FILE>
  /// On the heap: zlib keeps its address.
  private let stream: UnsafeMutablePointer<z_stream>
  private var input = [UInt8](repeating: 0, count: 1 << 16)
  /// What of `input` is not yet used.
  private var pending = 0..<0
  private var isAtEnd = false

  /// The most that deflate makes of a byte (RFC 1951: 258 bytes of two bits, and what surrounds them), rounded up.
  package static let mostExpansion = 1_100

  /// Opens the file at `path`.
  ///
  /// - Throws: `ScanlineError`: `badData` where there is no plain file of that name, `io` where it cannot be read.
  package init(_ path: String) throws {
    self.path = path
    var status = stat()
    guard path.withFileSystemPath({ stat($0, &status) }) == 0 else {
      let isMissing = errno == ENOENT || errno == ENOTDIR
      throw ScanlineError(
        isMissing ? .badData : .io, path: path, expected: "a file",
        found: isMissing ? "nothing of that name" : String(cString: strerror(errno)))
    }
    // A pipe or a device has no length to hold a header against, and cannot be read twice.
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw ScanlineError(.badData, path: path, expected: "a plain file", found: "a folder or device")
    }
    storedBytes = Int(status.st_size)
    guard let file = path.withFileSystemPath({ fopen($0, "rbe") }) else {
      throw ScanlineError(
        .io, path: path, expected: "a file that can be read", found: String(cString: strerror(errno)))
    }
    self.file = file
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let count = fread(&input, 1, input.count, file)
    pending = 0..<count
    isCompressed = count >= 2 && input[0] == 0x1F && input[1] == 0x8B
    // 15 bits of window, and 16 for gzip's header and trailer.
    let code =
      isCompressed ? inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) : Z_OK
    guard code == Z_OK else {
      throw ScanlineError(.internal, path: path, expected: "zlib to begin", found: "its error \(code)")
    }
    if ferror(file) != 0 { throw unreadable() }
  }

  deinit {
    if isCompressed { inflateEnd(stream) }
    stream.deallocate()
    fclose(file)
  }

  /// The next `count` bytes, fewer only at the end.
  ///
  /// - Throws: `ScanlineError`: `badData` where gzip's data are damaged, cut short or followed by something else, `io`
  ///   where the file cannot be read.
  package func read(upTo count: Int) throws -> [UInt8] {
    var result: [UInt8] = []
    // By pieces, so that memory follows what is there, not what was hoped for.
    while result.count < count {
      let wanted = min(count - result.count, 1 << 20)
      let piece = try isCompressed ? inflated(wanted) : stored(wanted)
      if piece.isEmpty { break }
      result += piece
    }
    position += result.count
    return result
  }

  /// Reads on to the end and gives the length of all.
  ///
  /// - Throws: as `read` does.
  package func length() throws -> Int {
    while try !read(upTo: 1 << 20).isEmpty {}
    return position
  }

  /// The most bytes that can be in the file, inflated.
  package var mostBytes: Int {
    isCompressed ? storedBytes.multipliedReportingOverflow(by: Self.mostExpansion).partialValue : storedBytes
  }

  // MARK: - Parts

  private func stored(_ count: Int) throws -> [UInt8] {
    if pending.isEmpty { try fill() }
    let piece = input[pending.prefix(count)]
    pending = pending.dropFirst(piece.count)
    return Array(piece)
  }

  private func inflated(_ count: Int) throws -> [UInt8] {
    guard !isAtEnd else { return [] }
    var output = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count, !isAtEnd {
      if pending.isEmpty { try fill() }
      guard !pending.isEmpty else { throw damaged("gzip data that go on to their end", "a file that is cut short") }
      let (code, used, made) = output.withUnsafeMutableBufferPointer { output in
        input.withUnsafeMutableBufferPointer { input in
          stream.pointee.next_in = input.baseAddress! + pending.lowerBound
          stream.pointee.avail_in = UInt32(pending.count)
          stream.pointee.next_out = output.baseAddress! + filled
          stream.pointee.avail_out = UInt32(count - filled)
          let code = inflate(stream, Z_NO_FLUSH)
          return (code, pending.count - Int(stream.pointee.avail_in), count - filled - Int(stream.pointee.avail_out))
        }
      }
      pending = pending.dropFirst(used)
      filled += made
      switch code {
      case Z_OK, Z_BUF_ERROR: break
      case Z_STREAM_END: try endMember()
      default:
        // zlib's words: "incorrect data check" is the CRC-32, "incorrect length check" the length.
        let words = stream.pointee.msg.map { String(cString: $0) } ?? "error \(code)"
        throw damaged("gzip data that are whole", "damage (\(words))")
      }
    }
    return Array(output.prefix(filled))
  }

  /// After a member comes the end of the file, or another member. Zeros between are padding: bsdtar and tapes fill their
  /// last block with them, and gzip and Python read past them.
  private func endMember() throws {
    while true {
      pending = pending.drop { input[$0] == 0 }
      if !pending.isEmpty { break }
      try fill()
      guard !pending.isEmpty else {
        isAtEnd = true
        return
      }
    }
    if pending.count < 2 { try fill() }
    guard pending.count >= 2, input[pending.lowerBound] == 0x1F, input[pending.lowerBound + 1] == 0x8B else {
      throw damaged("the end of the file after gzip's data", "more bytes")
    }
    inflateReset(stream)
  }

  /// Reads on behind what is pending.
  private func fill() throws {
    let kept = Array(input[pending])
    input.replaceSubrange(0..<kept.count, with: kept)
    let count = input.withUnsafeMutableBufferPointer {
      fread($0.baseAddress! + kept.count, 1, $0.count - kept.count, file)
    }
    pending = 0..<kept.count + count
    if ferror(file) != 0 { throw unreadable() }
  }

  private func damaged(_ expected: String, _ found: String) -> ScanlineError {
    ScanlineError(.badData, path: path, expected: expected, found: found)
  }

  private func unreadable() -> ScanlineError {
    ScanlineError(.io, path: path, expected: "a file that can be read", found: String(cString: strerror(errno)))
  }
}
