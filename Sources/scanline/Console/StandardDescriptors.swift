// Standard input, output and error that were closed before the command began (`<&- >&- 2>&-`).
import Core

/// The descriptors 0, 1 and 2.
enum StandardDescriptors {
  /// Opens those that are closed on /dev/null: the next file that is opened would otherwise get the number, and what is
  /// printed would land in it. Gives those that were closed. To be called before anything else.
  ///
  /// Each is opened the wrong way round, so that reading or writing still fails, as it did: a result that goes nowhere is
  /// no result.
  static func openClosed() -> Set<Int32> {
    var closed: Set<Int32> = []
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is the one that is given, and those below are taken.
      guard open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) == descriptor else { continue }
      closed.insert(descriptor)
    }
    return closed
  }
}
