// Looking at files and folders: the reading half of the system calls under checkpoints.

extension DurableFiles {
  /// Whether anything has this name, a dangling link included.
  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return path.withFileSystemPath { lstat($0, &status) } == 0
  }

  /// Whether a folder, or a link to one, has this name.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return path.withFileSystemPath { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether a symbolic link has this name.
  package static func isLink(_ path: String) -> Bool {
    var status = stat()
    return path.withFileSystemPath { lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
  }

  /// Whether both paths lead to one file or folder.
  package static func isSame(_ a: String, _ b: String) -> Bool {
    FileIdentity(ofFileAt: a).map { $0 == FileIdentity(ofFileAt: b) } ?? false
  }

  /// The names in a folder without "." and "..", in byte order. Throws `badData` where there is no such folder, `io`
  /// where it cannot be read.
  package static func names(in folder: String, source: FolderSource = .system) throws -> [String] {
    var names: [String] = []
    do throws(SystemFailure) {
      try source.read(folder) {
        names.append($0.name)
        return true
      }
    } catch { throw missingOrUnreadable("a folder", folder, code: error.code) }
    return names.sorted(by: String.inByteOrder)
  }

  /// A file's bytes in pieces of at most `pieceSize`, in order, and its size when it was opened. `body` gets
  /// the size and then the pieces by calling `next`, which gives an empty array at the end of the file.
  /// Throws `badData` where there is no plain file, `io` where it cannot be read.
  package static func read<Result>(
    _ path: String, pieceSize: Int = 1 << 20,
    _ body: (_ size: Int, _ next: () throws -> [UInt8]) throws -> Result
  ) throws -> Result {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw missingOrUnreadable("a file", path) }
    defer { _ = close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw ioError("a file that can be read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw ScanlineError(.badData, path: path, expected: "a plain file", found: "a folder or device")
    }
    return try body(Int(status.st_size)) { try nextPiece(of: file, atMost: pieceSize, path: path) }
  }

  /// A whole file of at most `limit` bytes. Throws as `read` does, and `badData` where it has more.
  package static func contents(of path: String, atMost limit: Int = .max) throws -> [UInt8] {
    try read(path) { size, next in
      guard size <= limit else {
        throw ScanlineError(.badData, path: path, expected: "at most \(limit) bytes", found: "\(size)")
      }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(size)
      while true {
        let piece = try next()
        if piece.isEmpty { return bytes }
        bytes += piece
      }
    }
  }

  /// Calls `body` with every whole line of a file without its newline, and with its number from 1; what follows the last
  /// newline is passed over. Gives the bytes read, that included. Throws as `read` does, and what `body` throws.
  @discardableResult
  package static func readLines(_ path: String, _ body: (_ line: [UInt8], _ number: Int) throws -> Void) throws -> Int {
    try read(path, pieceSize: 1 << 16) { _, next in
      var begun: [UInt8] = []
      var (number, bytes) = (0, 0)
      while true {
        let piece = try next()
        if piece.isEmpty { return bytes }
        bytes += piece.count
        var rest = piece[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          number += 1
          try body(begun + rest[..<end], number)
          begun = []
          rest = rest[(end + 1)...]
        }
        begun += rest
      }
    }
  }

  /// What comes next of an open file, less than `size` bytes only at its end. Throws `io`.
  package static func nextPiece(of file: Int32, atMost size: Int, path: String) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      while filled < size {
        let target = UnsafeMutableRawBufferPointer(buffer)[filled...].prefix(1 << 30)
        let piece = UnsafeMutableRawBufferPointer(rebasing: target)
        let count = repeating { Int(systemRead(file, piece)) }
        guard count >= 0 else { throw ioError("a file that can be read", path) }
        if count == 0 { return }
        filled += count
      }
    }
  }

  private static func missingOrUnreadable(_ kind: String, _ path: String, code: Int32 = errno) -> ScanlineError {
    switch code {
    case ENOENT: ScanlineError(.badData, path: path, expected: kind, found: "nothing of that name")
    case ENOTDIR:
      ScanlineError(.badData, path: path, expected: kind, found: "a path that leads through a file")
    default: ioError("\(kind) that can be read", path, code: code)
    }
  }
}
