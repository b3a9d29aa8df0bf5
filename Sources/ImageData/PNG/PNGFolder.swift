// A folder that many PNG files are written into.
import Core

/// A folder to fill with files, each of which appears whole or not at all.
package struct PNGFolder: Sendable {
  /// The folder.
  package let path: String

  /// The folder at `path`, which is made when the first file is written; unless `force`, it must be new or empty. With
  /// `force`, files of the same names are replaced and others stay.
  ///
  /// - Throws: `ScanlineError`: `cannotCreate` where there are files, or `path` is a file itself; `io` where it cannot
  ///   be read.
  package init(_ path: String, force: Bool = false) throws {
    self.path = path
    var status = stat()
    guard path.withFileSystemPath({ stat($0, &status) }) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw ScanlineError(.cannotCreate, path: path, expected: "a new or empty folder", found: "a file")
    }
    guard try force || DirectoryTree.isEmpty(path) else {
      throw ScanlineError(.cannotCreate, path: path, expected: "a new or empty folder", found: "files in it")
    }
  }

  /// Makes the folder, and `subfolders` in it.
  ///
  /// - Throws: `ScanlineError` (`cannotCreate`).
  package func make(subfolders: [String] = []) throws {
    try DurableFiles.createFolders(path, isDurable: false)
    for name in subfolders { try DurableFiles.createFolders(path + "/" + name, isDurable: false) }
  }

  /// Writes files 0..<`count` on `threads` threads, and tells `progress` of each; `file` gives the name and the bytes of
  /// one.
  ///
  /// - Throws: `ScanlineError`: what `file` throws, `cannotCreate` where the folder does not take a file, `io` where
  ///   writing fails; of several errors the one of the lowest number.
  package func write(
    _ count: Int, threads: Int = availableThreads(), progress: @Sendable (_ files: Int) -> Void = { _ in },
    file: (Int) throws -> (name: String, bytes: [UInt8])
  ) throws {
    try make()
    let results = FirstError()
    parallelFor(count, threads: threads) { number, _ in
      results.record(at: number) {
        let (name, bytes) = try file(number)
        // Not flushed one by one: sixty thousand files would take minutes, and can be made again.
        try DurableFiles.replace(path + "/" + name, with: bytes, isDurable: false)
      }
      progress(1)
    }
    try results.rethrow()
  }

  /// `number` with zeros before it: as many digits as the last of `count` files needs, and `digits` at least.
  package static func numeral(_ number: Int, of count: Int, digits: Int) -> String {
    String(printf: "%0\(max(digits, String(max(count - 1, 0)).count))ld", number)
  }
}
