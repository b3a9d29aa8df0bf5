// Files that survive a crash: the system calls under everything that is written, with their errors in words.
//
// Foundation's file calls neither fsync nor say whether a rename replaced something, so these go to the
// system. Every call is repeated after a signal (EINTR); short reads and writes are continued.

/// Folders and files written so that they are there after a power cut. Nothing here follows a plan: what is
/// written, renamed and removed when is the caller's.
package enum DurableFiles {
  /// Makes one folder. Throws `cannotCreate`, or `io` where the disk is full or broken.
  package static func createFolder(_ path: String) throws {
    guard path.withFileSystemPath({ mkdir($0, 0o777) }) == 0 else {
      throw creationError("a folder that can be made", path)
    }
  }

  /// Makes a folder and those above it that are missing, and unless they can be made again makes them last. Throws as
  /// `createFolder` does, and `cannotCreate` where a file has that name.
  package static func createFolders(_ path: String, isDurable: Bool = true) throws {
    if path.withFileSystemPath({ mkdir($0, 0o777) }) != 0 {
      let code = errno
      if isFolder(path) { return }
      let parent = split(path).parent
      guard code == ENOENT, parent != path else { throw creationError("a folder that can be made", path, code: code) }
      try createFolders(parent, isDurable: isDurable)
      // Two runs that start together may both get here; the lock decides between them, not this.
      guard path.withFileSystemPath({ mkdir($0, 0o777) }) == 0 || errno == EEXIST && isFolder(path) else {
        throw creationError("a folder that can be made", path)
      }
    }
    if isDurable { try synchronizeFolder(split(path).parent) }
  }

  /// Gives the file `path` the contents `bytes`, whether it is there or not: a reader, or whoever comes after a crash,
  /// finds the old ones or the new. They are written to a hidden file beside it that takes its name; `isDurable` false does
  /// not wait for the disk, for files that can be made again. Throws `cannotCreate` where the folder does not take a file,
  /// `io` where writing fails; the hidden file is gone then.
  package static func replace(_ path: String, with bytes: [UInt8], isDurable: Bool = true) throws {
    let (parent, name) = split(path)
    let temporary = temporaryPath(of: name, in: parent)
    let file = try UnfinishedFiles.begin(temporary) {
      let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC)
      guard file >= 0 else { throw creationError("a place to write to", path) }
      return file
    }
    var isOpen = true
    do {
      try append(bytes, to: file, path: path)
      if isDurable { try synchronize(file, path: path) }
      isOpen = false
      // Where nobody waits for the disk, this is the last moment at which a network's can refuse.
      guard close(file) == 0 else { throw ioError("\(bytes.count) bytes to be written", path) }
      try UnfinishedFiles.end(temporary) {
        guard rename(temporary, to: path) == 0 else { throw ioError("a place to write to", path) }
      }
    } catch {
      if isOpen { _ = close(file) }
      UnfinishedFiles.end(temporary) { _ = temporary.withFileSystemPath { unlink($0) } }
      throw error
    }
    // The name lasts from here on. A folder that cannot be read takes files too; they are whole even so.
    if isDurable { try? synchronizeFolder(parent) }
  }

  /// The folder that holds `path`, and its last name: ("a", "b") of "a/b" and "a/b/", (".", "b") of "b", ("/", "b") of
  /// "/b".
  package static func split(_ path: String) -> (parent: String, name: String) {
    // Bytes: a slash with a combining mark behind it is one character of Swift's, and another one.
    let slash = UInt8(ascii: "/")
    let parts = path.utf8.split(separator: slash).map { String(Substring($0)) }
    let root = path.utf8.first == slash ? "/" : ""
    let parent = root + parts.dropLast().joined(separator: "/")
    return (parent.isEmpty ? "." : parent, parts.last ?? "")
  }

  /// The path from the root, without "." and "..", as it reads: links are not looked at.
  package static func absolute(_ path: String) -> String {
    let slash = UInt8(ascii: "/")
    let whole = path.utf8.first == slash ? path : currentFolder + "/" + path
    var parts: [Substring.UTF8View] = []
    for part in whole.utf8.split(separator: slash) {
      if part.elementsEqual("..".utf8) {
        _ = parts.popLast()
      } else if !part.elementsEqual(".".utf8) {
        parts.append(part)
      }
    }
    return "/" + parts.map { String(Substring($0)) }.joined(separator: "/")
  }

  /// The current folder; "." where the system does not tell.
  package static var currentFolder: String {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return String(fileName: path)
  }

  /// The path without slashes at its end; one that is nothing else stays "/".
  package static func withoutFinalSlashes(_ path: String) -> String {
    var bytes = Substring(path).utf8
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return String(Substring(bytes))
  }

  /// The system's open, repeated after signals; a new file is for everybody that the process's mask lets.
  package static func open(_ path: String, _ flags: Int32) -> Int32 {
    path.withFileSystemPath { path in repeating { systemOpen(path, flags) } }
  }

  /// The system's rename.
  package static func rename(_ source: String, to target: String) -> Int32 {
    source.withFileSystemPath { source in target.withFileSystemPath { target in systemRename(source, target) } }
  }

  /// Writes a new file and waits until its bytes have reached the disk. Throws `cannotCreate` where it cannot
  /// be made (it exists, say), `io` where writing fails.
  package static func write(_ bytes: [UInt8], toNew path: String) throws {
    try write(toNew: path) { append in try append(bytes) }
  }

  /// The same in pieces: `body` gets a function that appends one.
  package static func write(toNew path: String, _ body: (_ append: ([UInt8]) throws -> Void) throws -> Void) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)
    guard file >= 0 else { throw creationError("a file that can be made", path) }
    defer { _ = close(file) }
    try body { try append($0, to: file, path: path) }
    try synchronize(file, path: path)
  }

  /// Writes all of `bytes` at the position of an open file. Throws `io`.
  package static func append(_ bytes: [UInt8], to file: Int32, path: String) throws {
    try bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        // Linux writes at most 2³¹ − 4096 bytes a call and macOS refuses more; 1 GiB suits both.
        let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
        let count = repeating { systemWrite(file, piece) }
        guard count > 0 else {
          throw ioError("\(bytes.count) bytes to be written", path, code: count == 0 ? ENOSPC : errno)
        }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Cuts off what a file holds behind its first `length` bytes. Throws `io`.
  package static func cut(_ path: String, to length: Int) throws {
    guard path.withFileSystemPath({ path in repeating { truncate(path, off_t(length)) } }) == 0 else {
      throw ioError("a file that can be cut off", path)
    }
  }

  /// Waits until the names in a folder have reached the disk. Throws `io`.
  package static func synchronizeFolder(_ path: String) throws {
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw ioError("a folder that can be opened", path) }
    defer { _ = close(folder) }
    // Some network file systems cannot synchronize a folder; there its names are as safe as they get.
    guard repeating({ fsync(folder) }) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw ioError("its names to reach the disk", path)
    }
  }

  private static func synchronize(_ file: Int32, path: String) throws {
    #if canImport(Darwin)
      // fsync leaves the bytes in the drive's own cache there; where this is not supported, fsync follows.
      if fcntl(file, F_FULLFSYNC) == 0 { return }
    #endif
    guard repeating({ fsync(file) }) == 0 else { throw ioError("its bytes to reach the disk", path) }
  }

  /// Gives the folder `source` the name `target`, which must be free. POSIX's rename refuses to replace a file
  /// or a folder with anything in it; an empty folder that appears between the look and the rename is the one
  /// thing that could be replaced, and no loss. Throws `cannotCreate` where the name is taken, `io` for the rest.
  package static func renameFolder(_ source: String, toNew target: String) throws {
    guard !exists(target) else { throw nameTaken(target) }
    guard rename(source, to: target) == 0 else {
      throw errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR
        ? nameTaken(target) : ioError("\(source) to be renamed to this", target)
    }
  }

  /// Removes a file, or a folder with all in it; links are removed, not followed. Nothing to remove is no error.
  /// Throws `io`.
  package static func removeAll(_ path: String) throws {
    if path.withFileSystemPath({ unlink($0) }) == 0 || errno == ENOENT { return }
    // Linux says EISDIR of a folder, POSIX and macOS EPERM.
    guard errno == EISDIR || errno == EPERM else { throw ioError("something that can be removed", path) }
    for name in try names(in: path) { try removeAll(path + "/" + name) }
    guard path.withFileSystemPath({ rmdir($0) }) == 0 || errno == ENOENT else {
      throw ioError("a folder that can be removed", path)
    }
  }

  // MARK: - Errors

  /// The error for a target that already exists.
  package static func nameTaken(_ path: String) -> ScanlineError {
    ScanlineError(
      .cannotCreate, path: path, expected: "a name that is free", found: "a file or folder of that name")
  }

  /// An `io` error with the system's words for `code`.
  package static func ioError(_ expected: String, _ path: String, code: Int32 = errno) -> ScanlineError {
    ScanlineError(.io, path: path, expected: expected, found: words(code))
  }

  /// A `cannotCreate` error, but `io` where the disk and not the request is at fault.
  package static func creationError(_ expected: String, _ path: String, code: Int32 = errno) -> ScanlineError {
    if code == EEXIST { return nameTaken(path) }
    let isDisk = code == ENOSPC || code == EDQUOT || code == EIO
    return ScanlineError(isDisk ? .io : .cannotCreate, path: path, expected: expected, found: words(code))
  }

  /// "permission denied (error 13)".
  private static func words(_ code: Int32) -> String {
    let text = String(cString: strerror(code))
    return text.prefix(1).lowercased() + text.dropFirst() + " (error \(code))"
  }

  /// The result of `call`, called again as long as a signal interrupts it.
  package static func repeating<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
      let result = call()
      if result != -1 || errno != EINTR { return result }
    }
  }
}
