// The entries of a folder, to its end or to an error: readdir tells the two apart by errno alone.

/// Which file or folder a name leads to, whatever the name.
package struct FileIdentity: Hashable, Sendable {
  package let device: UInt64
  package let inode: UInt64

  package init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    inode = UInt64(truncatingIfNeeded: status.st_ino)
  }

  package init(device: UInt64, inode: UInt64) { (self.device, self.inode) = (device, inode) }

  /// What `path` leads to, links followed; nil where it leads nowhere.
  package init?(ofFileAt path: String) {
    var status = stat()
    guard path.withFileSystemPath({ stat($0, &status) }) == 0 else { return nil }
    self.init(status)
  }
}

/// A system call that failed, with its errno.
package struct SystemFailure: Error, Equatable {
  package let code: Int32

  /// "Permission denied"
  package var words: String { String(cString: strerror(code)) }
}

/// Where the entries of folders come from: the system, or a test that lets it fail.
package struct FolderSource: Sendable {
  #if canImport(Darwin)
    package typealias Stream = UnsafeMutablePointer<DIR>
  #else
    package typealias Stream = OpaquePointer
  #endif

  /// One name in a folder.
  package struct Entry {
    package let name: String
    /// `DT_DIR` and the like.
    package let type: Int32
    package let inode: UInt64
  }

  /// opendir and readdir, or what stands for them; either sets errno.
  package var open: @Sendable (_ path: String) -> Stream?
  package var next: @Sendable (_ stream: Stream) -> UnsafeMutablePointer<dirent>?

  package init(
    open: @escaping @Sendable (_ path: String) -> Stream? = { $0.withFileSystemPath { opendir($0) } },
    next: @escaping @Sendable (_ stream: Stream) -> UnsafeMutablePointer<dirent>? = { readdir($0) }
  ) {
    (self.open, self.next) = (open, next)
  }

  /// The system.
  package static let system = FolderSource()

  /// Calls `body` with each entry of the folder at `path`, "." and ".." left out, in the system's order; `begin` is given
  /// the folder's identity first, and false from it or from `body` ends the reading.
  package func read(
    _ path: String, begin: (FileIdentity) -> Bool = { _ in true }, _ body: (Entry) -> Bool
  ) throws(SystemFailure) {
    guard let stream = open(path) else { throw SystemFailure(code: errno) }
    defer { closedir(stream) }
    var status = stat()
    guard fstat(dirfd(stream), &status) == 0 else { throw SystemFailure(code: errno) }
    guard begin(FileIdentity(status)) else { return }
    while true {
      // A null that leaves errno alone is the end of the folder, any other an error.
      errno = 0
      guard let entry = next(stream) else {
        let code = errno
        guard code == 0 else { throw SystemFailure(code: code) }
        return
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 1) { name -> String? in
          let isSelf = name[0] == 0x2E && (name[1] == 0 || name[1] == 0x2E && name[2] == 0)
          if isSelf { return nil }
          // Nearly all names are plain UTF-8, and this is several times as fast: 60,000 of them are read at a time.
          let isPlain = strchr(name, 0xF4) == nil
          return (isPlain ? String(validatingCString: name) : nil) ?? String(fileName: name)
        }
      }
      guard let name else { continue }
      let inode = UInt64(truncatingIfNeeded: entry.pointee.d_ino)
      guard body(Entry(name: name, type: Int32(entry.pointee.d_type), inode: inode)) else { return }
    }
  }
}
