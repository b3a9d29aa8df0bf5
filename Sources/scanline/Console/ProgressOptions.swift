// What every command that takes its time has: --quiet, and the console that follows it.
import ArgumentParser

/// How much a command says on standard error.
struct ProgressOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Say nothing on standard error but warnings and errors.") var quiet = false

  /// Standard error, as this command may use it.
  func console() -> Console { Console(isQuiet: quiet) }
}
