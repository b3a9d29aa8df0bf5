// One run, one folder: the lock that keeps a second process out.
import Core
import ImageData

/// Sole use of a run folder, from `init` until this object goes or the process ends, however it ends: the lock
/// is `flock`'s, on the file `.lock` in the folder, and the system drops it with the process. The file itself
/// stays, because removing it would let two processes lock two different files of that name.
public final class RunLock: Sendable {
  /// The run folder that is held.
  public let run: String
  private let file: Int32

  /// Takes the lock of `run`, which is made with its parents where it is missing.
  ///
  /// Throws `locked`, naming the process that holds it, where another does; `cannotCreate` where the folder or
  /// the file cannot be made; `io` where the file system cannot lock.
  public init(run: String) throws {
    try DurableFiles.createFolders(run)
    let path = run + "/.lock"
    file = DurableFiles.open(path, O_RDWR | O_CREAT | O_CLOEXEC)
    self.run = run
    guard file >= 0 else { throw DurableFiles.creationError("a lock file that can be opened", path) }
    guard DurableFiles.repeating({ flock(file, LOCK_EX | LOCK_NB) }) == 0 else {
      let code = errno
      // `deinit` runs after a throw here, and closes the file.
      guard code == EWOULDBLOCK else {
        throw DurableFiles.ioError("a file system that can lock this file", path, code: code)
      }
      throw ScanlineError(
        .locked, path: run, expected: "a run folder that no other run uses",
        found: "process \(Self.holder(file)) at work in it")
    }
    // The number is for the message above only; a full disk must not keep a run from its lock.
    _ = ftruncate(file, 0)
    try? DurableFiles.append(Array("\(getpid())\n".utf8), to: file, path: path)
  }

  deinit { if file >= 0 { _ = close(file) } }

  /// Whether a process holds the lock of `run` now. Looking makes no file, and keeps no lock; a run that begins in the
  /// very instant of looking would be told that the folder is locked.
  package static func isHeld(_ run: String) -> Bool {
    let file = DurableFiles.open(run + "/.lock", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { _ = close(file) }
    // A shared lock: two that look at the same time do not take each other for a run. Closing gives it back.
    return DurableFiles.repeating { flock(file, LOCK_SH | LOCK_NB) } != 0 && errno == EWOULDBLOCK
  }

  private static func holder(_ file: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(file, &bytes, bytes.count, 0)
    let digits = bytes.prefix(max(0, count)).prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    return digits.isEmpty ? "(number not yet written)" : String(decoding: digits, as: UTF8.self)
  }
}
