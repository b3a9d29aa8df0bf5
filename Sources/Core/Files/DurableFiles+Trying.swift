// Whether a file or folder could be written, found out before the work whose result it is to hold.

extension DurableFiles {
  /// The longest name that the usual file systems take, in bytes.
  private static let longestName = 255

  /// The hidden file in `parent` that the file `name` is written to first. A name that leaves no room for more is
  /// represented by its checksum.
  static func temporaryPath(of name: String, in parent: String) -> String {
    let ending = ".\(getpid()).tmp"
    let bytes = name.fileNameBytes
    let fits = bytes.count + ending.utf8.count < longestName
    return parent + "/." + (fits ? name : Checksum.hexadecimal(Checksum.crc32(bytes))) + ending
  }

  /// Throws what ``replace(_:with:isDurable:)`` would throw if it were called for `path` now: `cannotCreate`, or `io`
  /// where the disk is full or broken. Nothing is left behind.
  package static func tryReplacing(_ path: String) throws {
    let (parent, name) = split(path)
    let temporary = temporaryPath(of: name, in: parent)
    for name in [path, temporary] {
      var status = stat()
      guard name.withFileSystemPath({ lstat($0, &status) }) == 0 || errno == ENOENT || errno == ENOTDIR else {
        throw creationError("a place to write to", path)
      }
    }
    guard isFolder(parent) else {
      throw ScanlineError(
        .cannotCreate, path: path, expected: "a file in a folder that exists",
        found: exists(parent) ? "\(parent), which is no folder" : "no \(parent)")
    }
    try tryFile(in: parent, named: temporary, for: path)
    // In a folder like /tmp only its owner, or the file's, may replace a file.
    var (folder, file) = (stat(), stat())
    guard parent.withFileSystemPath({ stat($0, &folder) }) == 0, folder.st_mode & S_ISVTX != 0,
      path.withFileSystemPath({ lstat($0, &file) }) == 0
    else { return }
    let user = geteuid()
    guard user == 0 || user == folder.st_uid || user == file.st_uid else {
      throw creationError("a file of your own to replace", path, code: EPERM)
    }
  }

  /// Throws what ``createFolders(_:isDurable:)`` would throw if it were called for `path` now, and where that exists,
  /// what making a file in it would. `room` is the number of bytes that paths below `path` add to it. Nothing is left
  /// behind.
  package static func tryMakingFolder(_ path: String, room: Int = 0) throws {
    let bytes = path.fileNameBytes
    let longest = bytes.split(separator: UInt8(ascii: "/")).map(\.count).max() ?? 0
    guard longest <= longestName, bytes.count + room < Int(PATH_MAX) else {
      throw creationError("a folder that can be made", path, code: ENAMETOOLONG)
    }
    var existing = path
    while !exists(existing) {
      guard errno == ENOENT || errno == ENOTDIR else { throw creationError("a folder that can be made", path) }
      let parent = split(existing).parent
      guard parent != existing else { break }
      existing = parent
    }
    guard isFolder(existing) else {
      let found = existing == path ? "a file" : "\(existing), which is no folder"
      throw ScanlineError(.cannotCreate, path: path, expected: "a folder that can be made", found: found)
    }
    try tryFile(in: existing, named: temporaryPath(of: "trial", in: existing), for: path)
  }

  /// Makes a file in `folder` and gives it up: one without a name, where the file system can, so that not even a kill
  /// leaves anything behind; else one called `name`.
  private static func tryFile(in folder: String, named name: String, for path: String) throws {
    #if os(Linux)
      // O_TMPFILE, a macro that Swift does not import.
      let unnamed = open(folder, 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC)
      if unnamed >= 0 {
        _ = close(unnamed)
        return
      }
      // Otherwise the file system, or an old kernel, has no such files.
      guard [EOPNOTSUPP, EISDIR, EINVAL, ENOENT].contains(errno) else {
        throw creationError("a place to write to", path)
      }
    #endif
    let file = try UnfinishedFiles.begin(name) {
      let file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC)
      guard file >= 0 else { throw creationError("a place to write to", path) }
      return file
    }
    _ = close(file)
    UnfinishedFiles.end(name) { _ = name.withFileSystemPath { unlink($0) } }
  }
}
