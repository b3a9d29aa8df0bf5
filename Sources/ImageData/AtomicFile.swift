// Writing a file so that its name holds the old bytes or the new ones, never half of them.
import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes `bytes` to `path`: to a temporary file in the same folder, flushed to the disk, then renamed over
/// `path`. A reader, or whoever comes after a crash, finds the old file or the new one. `isDurable` false leaves
/// out the flush, for files that can be made again.
///
/// - Throws: `ScanlineError` naming `path`: `cannotCreate` where the folder does not take a file, `io` where
///   writing fails; the temporary file is gone then.
package func writeAtomically(_ bytes: [UInt8], to path: String, isDurable: Bool = true) throws {
  let (folder, name) = splitPath(path)
  let temporary = folder + "/." + name + ".\(getpid()).tmp"
  func failure(_ kind: ScanlineError.Kind, _ code: Int32) -> ScanlineError {
    ScanlineError(kind, path: path, expected: "a place to write to", found: String(cString: strerror(code)))
  }
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
  guard descriptor >= 0 else { throw failure(.cannotCreate, errno) }
  var isOpen = true
  func abandon() -> ScanlineError {
    let code = errno
    if isOpen { close(descriptor) }
    unlink(temporary)
    return failure(.io, code)
  }
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, $0.count - written) }
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else { throw abandon() }
    written += count
  }
  guard !isDurable || fsync(descriptor) == 0 else { throw abandon() }
  isOpen = false
  guard close(descriptor) == 0 else { throw abandon() }
  guard rename(temporary, path) == 0 else { throw abandon() }
  guard isDurable else { return }
  // The rename itself lasts once the folder is flushed. Some file systems cannot; the file is whole even so.
  let parent = open(folder, O_RDONLY | O_CLOEXEC)
  guard parent >= 0 else { return }
  fsync(parent)
  close(parent)
}

/// Makes the folder `path` and the folders above it where they are missing.
///
/// - Throws: `ScanlineError` (`cannotCreate`) naming the folder that could not be made.
package func makeFolder(_ path: String) throws {
  if mkdir(path, 0o777) == 0 { return }
  let code = errno
  var status = stat()
  if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
  let (parent, _) = splitPath(path)
  guard code == ENOENT, parent != path, parent != "." else {
    throw ScanlineError(
      .cannotCreate, path: path, expected: "a folder to create", found: String(cString: strerror(code)))
  }
  try makeFolder(parent)
  guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
    throw ScanlineError(
      .cannotCreate, path: path, expected: "a folder to create", found: String(cString: strerror(errno)))
  }
}

/// The folder and the last name of `path`: ("a", "b") of "a/b", (".", "b") of "b", ("/", "b") of "/b".
func splitPath(_ path: String) -> (folder: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  let folder = path[..<slash]
  return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
}
