// What lies below a folder: names only, read with opendir and readdir, which tell files from folders without a
// look at each (60,000 files list in a few hundredths of a second).
import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder's PNG files and folders, hidden ones (a leading dot) left out. Symbolic links are followed, but not
/// back into a folder that is being read.
struct DirectoryTree {
  /// Names of PNG files (.png in any case), in byte order.
  var images: [String] = []
  /// Folders, in byte order of their names.
  var folders: [(name: String, tree: DirectoryTree)] = []
  /// Files that are no PNG by name, counted by lower-case extension (".jpg"; "" where there is none).
  var ignored: [String: Int] = [:]

  /// PNG files here and below.
  var imageCount: Int { folders.reduce(images.count) { $0 + $1.tree.imageCount } }

  /// Folders that hold PNG files, at any depth.
  var imageFolders: [(name: String, tree: DirectoryTree)] { folders.filter { $0.tree.imageCount > 0 } }

  /// Ignored files here and below, by extension.
  var allIgnored: [String: Int] {
    folders.reduce(into: ignored) { $0.merge($1.tree.allIgnored, uniquingKeysWith: +) }
  }

  /// Calls `body` with the path of every PNG file here and below, relative to this folder.
  func forEachImage(prefix: String = "", _ body: (String) -> Void) {
    for name in images { body(prefix + name) }
    for (name, tree) in folders { tree.forEachImage(prefix: prefix + name + "/", body) }
  }

  /// Reads the folder at `path` and all below, the subfolders of the first folder that has several on `threads` threads.
  ///
  /// - Throws: `ScanlineError` (`io`) naming a folder that cannot be read.
  init(reading path: String, threads: Int) throws { try self.init(path: path, above: [], threads: threads) }

  private struct Identity: Equatable {
    let device: UInt64
    let inode: UInt64
  }

  private init(path: String, above: [Identity], threads: Int) throws {
    func unreadable() -> ScanlineError {
      ScanlineError(.io, path: path, expected: "a readable folder", found: String(cString: strerror(errno)))
    }
    guard let directory = opendir(path) else { throw unreadable() }
    defer { closedir(directory) }
    var status = stat()
    guard fstat(dirfd(directory), &status) == 0 else { throw unreadable() }
    let identity = Identity(
      device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(truncatingIfNeeded: status.st_ino))
    // A link that leads back to a folder above it would be read for ever.
    guard !above.contains(identity) else { return }
    var folderNames: [String] = []
    while let entry = readdir(directory) {
      let type = Int32(entry.pointee.d_type)
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
      }
      if name.utf8.first == UInt8(ascii: ".") { continue }
      switch Self.kind(type, path: path, name: name) {
      case .folder: folderNames.append(name)
      case .file where Self.isPNG(name): images.append(name)
      case .file: ignored[Self.pathExtension(name), default: 0] += 1
      }
    }
    images.sort(by: Self.inByteOrder)
    folderNames.sort(by: Self.inByteOrder)
    let trees = Locked([DirectoryTree?](repeating: nil, count: folderNames.count))
    let firstError = FirstError()
    parallelFor(folderNames.count, threads: threads) { number, _ in
      firstError.record(at: number) {
        let tree = try DirectoryTree(
          path: path + "/" + folderNames[number], above: above + [identity],
          threads: folderNames.count == 1 ? threads : 1)
        trees.withLock { $0[number] = tree }
      }
    }
    try firstError.rethrow()
    folders = zip(folderNames, trees.withLock { $0 }).compactMap { name, tree in tree.map { (name, $0) } }
  }

  private enum Kind { case file, folder }

  private static func kind(_ type: Int32, path: String, name: String) -> Kind {
    if type == Int32(DT_DIR) { return .folder }
    if type != Int32(DT_LNK) && type != Int32(DT_UNKNOWN) { return .file }
    var status = stat()
    // A link to nothing stays a file: if it is called .png, reading it says what is wrong with it.
    guard stat(path + "/" + name, &status) == 0 else { return .file }
    return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
  }

  /// Whether the folder at `path` has nothing in it, hidden files included.
  ///
  /// - Throws: `ScanlineError` (`io`) where it cannot be read.
  static func isEmpty(_ path: String) throws -> Bool {
    guard let directory = opendir(path) else {
      throw ScanlineError(
        .io, path: path, expected: "a readable folder", found: String(cString: strerror(errno)))
    }
    defer { closedir(directory) }
    // "." and ".." are always there.
    for _ in 0..<2 { guard readdir(directory) != nil else { return true } }
    return readdir(directory) == nil
  }

  /// The names in the folder at `path`, hidden ones left out, in byte order.
  ///
  /// - Throws: `ScanlineError` (`io`) where it cannot be read.
  static func names(in path: String) throws -> [String] {
    guard let directory = opendir(path) else {
      throw ScanlineError(
        .io, path: path, expected: "a readable folder", found: String(cString: strerror(errno)))
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
      }
      if name.utf8.first != UInt8(ascii: ".") { names.append(name) }
    }
    return names.sorted(by: inByteOrder)
  }

  /// Whether a folder, or a link to one, has this name.
  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  static func isPNG(_ name: String) -> Bool { pathExtension(name) == ".png" }

  static func pathExtension(_ name: String) -> String {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return "" }
    return name[dot...].lowercased()
  }

  /// The order of the bytes of UTF-8, which no locale and no Unicode version changes.
  static func inByteOrder(_ a: String, _ b: String) -> Bool {
    let order = a.utf8.withContiguousStorageIfAvailable { a in
      b.utf8.withContiguousStorageIfAvailable { b in
        // In one call: of 60,000 names, comparing byte by byte took a quarter of the time that listing takes.
        guard let x = a.baseAddress, let y = b.baseAddress else { return a.count < b.count }
        let order = memcmp(x, y, min(a.count, b.count))
        return order != 0 ? order < 0 : a.count < b.count
      }
    }
    return (order ?? nil) ?? a.utf8.lexicographicallyPrecedes(b.utf8)
  }
}
