// Names in folders: their kinds, their endings, their order.
import Core

extension DirectoryTree {
  enum Kind {
    case folder, linkedFolder
    case file(FileIdentity, isLink: Bool)
  }

  /// What `entry` of the folder at `path` is; `own` is the identity that readdir gives.
  static func kind(_ entry: FolderSource.Entry, in path: String, _ own: FileIdentity) -> Kind {
    if entry.type == Int32(DT_DIR) { return .folder }
    let isLink = entry.type == Int32(DT_LNK)
    if !isLink && entry.type != Int32(DT_UNKNOWN) { return .file(own, isLink: false) }
    let path = path + "/" + entry.name
    var status = stat()
    // A link to nothing stays a file: if it is called .png, reading it says what is wrong with it.
    guard path.withFileSystemPath({ stat($0, &status) }) == 0 else { return .file(own, isLink: isLink) }
    // Where the system does not tell the kind, a second look shows whether there is a link.
    var itself = status
    let isKnown = isLink || path.withFileSystemPath { lstat($0, &itself) } == 0
    let leads = isLink || isKnown && itself.st_mode & S_IFMT == S_IFLNK
    if status.st_mode & S_IFMT == S_IFDIR { return leads ? .linkedFolder : .folder }
    return .file(FileIdentity(status), isLink: leads)
  }

  /// The error for a folder that cannot be read; one below the root may be passed over.
  static func unreadable(_ path: String, _ failure: SystemFailure, isRoot: Bool) -> ScanlineError {
    ScanlineError(
      .io, path: path, expected: "a readable folder" + (isRoot ? "" : " (`skipsBad` passes over it)"),
      found: failure.words)
  }

  /// Whether the folder at `path` has nothing in it, hidden files included.
  ///
  /// - Throws: `ScanlineError` (`io`) where it cannot be read.
  static func isEmpty(_ path: String, source: FolderSource = .system) throws -> Bool {
    var isEmpty = true
    do {
      try source.read(path) { _ in
        isEmpty = false
        return false
      }
    } catch { throw unreadable(path, error, isRoot: true) }
    return isEmpty
  }

  /// The names in the folder at `path`, hidden ones left out, in byte order.
  ///
  /// - Throws: `ScanlineError` (`io`) where it cannot be read.
  static func names(in path: String, source: FolderSource = .system) throws -> [String] {
    var names: [String] = []
    do {
      try source.read(path) {
        if $0.name.utf8.first != UInt8(ascii: ".") { names.append($0.name) }
        return true
      }
    } catch { throw unreadable(path, error, isRoot: true) }
    return names.sorted(by: String.inByteOrder)
  }

  static func isPNG(_ name: String) -> Bool { pathExtension(name) == ".png" }

  static func pathExtension(_ name: String) -> String {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return "" }
    return name[dot...].lowercased()
  }
}
