// The one error that files and user input throw. Programmer errors are preconditions.

/// What went wrong with a file or with what the user asked for: the path, what was expected and what was
/// found. `kind` decides the exit code of the command (sysexits.h).
public struct ScanlineError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The exit codes of the command, by cause.
  public enum Kind: Int32, Sendable {
    /// The request itself makes no sense: a wrong flag or combination of flags.
    case usage = 64
    /// A file or folder holds something that cannot be used.
    case badData = 65
    /// A bug of ours.
    case `internal` = 70
    /// A file or folder cannot be created.
    case cannotCreate = 73
    /// Reading or writing failed.
    case io = 74
    /// Another run holds the folder.
    case locked = 75
    /// A loss, gradient or weight is not finite.
    case diverged = 76
  }

  /// The cause, which decides the exit code.
  public let kind: Kind
  /// The file, folder or option concerned.
  public let path: String
  /// What was expected there.
  public let expected: String
  /// What was found instead.
  public let found: String

  /// An error about `path`: `expected` and `found` are phrases that read on from "expected" and "found".
  public init(_ kind: Kind, path: String, expected: String, found: String) {
    self.kind = kind
    self.path = path
    self.expected = expected
    self.found = found
  }

  /// One line for the user: path, expectation, finding. Control characters of names are written out.
  public var description: String { "\(path): expected \(expected), found \(found)".displayed }
}
