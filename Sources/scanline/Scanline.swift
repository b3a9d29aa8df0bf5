// The command: its subcommands, and how it ends.
import ArgumentParser
import Core

struct Scanline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scanline",
    abstract: "Train, sample and score small autoregressive image models on folders of PNGs.",
    discussion: """
      Results go to standard output, progress and warnings to standard error.

      Exit codes:
        0    done
        64   wrong usage
        65   unusable data
        70   a bug of ours (theory: a statement came out other than it must)
        73   cannot create a file or folder
        74   cannot read or write
        75   another run holds the folder
        76   training diverged
        129  stopped by SIGHUP; train, once it is at work, saves first
        130  stopped by SIGINT, likewise
        143  stopped by SIGTERM, likewise
      """,
    version: "0.1.0",
    subcommands: [
      TrainCommand.self, SampleCommand.self, CompleteCommand.self, EvaluateCommand.self, CompareCommand.self,
      NeighboursCommand.self, ReportCommand.self, GradientsCommand.self, InspectCommand.self, DescribeCommand.self,
      TheoryCommand.self, ImportCommand.self, ImportIDXCommand.self, ImportCIFARCommand.self, DrawCommand.self,
      LearningRateCommand.self, CheckpointsCommand.self, PresetsCommand.self, BenchmarkCommand.self,
    ])
}

/// A command whose result is files: what it prints only tells of them, and is not missed where standard output is closed.
protocol LeavesFiles {}

/// What the parser has against the command line `example`; nil where it takes it. Nothing is run and no file is read: the
/// tests ask this of the examples in the help.
package func parserComplaint(about example: String) -> String? {
  do {
    _ = try Scanline.parseAsRoot(example.split(separator: " ").dropFirst().map(String.init))
    return nil
  } catch {
    return Scanline.message(for: error)
  }
}

extension CommandLine {
  /// The words of the command line with their bytes kept: `arguments` puts "�" for those of a name that is no UTF-8.
  static let fileNames = (0..<Int(argc)).compactMap { unsafeArgv[$0].map { String(fileName: $0) } }
}

@main
enum Entry {
  static func main() {
    let closed = openClosedDescriptors()
    // A reader that goes away (`| head`) must not end a run before it has saved, nor may a limit on the size of files
    // (`ulimit -f`), which then is an error of the write.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    let signals = StopSignals(trains: CommandLine.arguments.dropFirst().first == TrainCommand.configuration.commandName)
    var arguments: ConfiguredArguments?
    do {
      try requireKnownCommand()
      let configured = try ConfiguredArguments(Array(CommandLine.fileNames.dropFirst()))
      arguments = configured
      var command = try Scanline.parseAsRoot(configured.words)
      if var stoppable = command as? any StoppableCommand {
        try stoppable.run(signals)
      } else {
        try command.run()
      }
      try finishOutput(mayBeNowhere: closed.contains(STDOUT_FILENO) && command is any LeavesFiles)
    } catch let error as ScanlineError {
      // Where a signal is ending the process, the error may be of its making.
      UnfinishedFiles.waitForRemoval()
      say("scanline: \(arguments?.retold(error.inFlags) ?? error.inFlags)")
      exit(error.kind.rawValue)
    } catch
      where Scanline.exitCode(for: error) == .validationFailure
      && arguments?.position(of: "\(Scanline.message(for: error))") != nil
    {
      // The parser speaks of an option; what was written is a key in a file.
      let message = Scanline.message(for: error)
      say("scanline: \(arguments?.position(of: message) ?? ""): \(message)")
      exit(ScanlineError.Kind.usage.rawValue)
    } catch  where Scanline.exitCode(for: error) == .failure && !(error is ExitCode) {
      // Neither the user's mistake nor one that anybody thought of.
      UnfinishedFiles.waitForRemoval()
      say("scanline: unexpected error: \(error)")
      exit(ScanlineError.Kind.internal.rawValue)
    } catch {
      let code = Scanline.exitCode(for: error)
      if code == .success { Scanline.exit(withError: error) }
      let message = Scanline.fullMessage(for: error)
      if !message.isEmpty { say(message) }
      exit(code.rawValue)
    }
  }

  /// Opens those of standard input, output and error on /dev/null that were closed before (`<&- >&- 2>&-`): the next file
  /// that is opened would otherwise get the number, and what is printed would land in it. Gives those that were closed. To
  /// be called before anything else.
  ///
  /// Each is opened the wrong way round, so that reading or writing still fails, as it did: a result that goes nowhere is
  /// no result.
  private static func openClosedDescriptors() -> Set<Int32> {
    var closed: Set<Int32> = []
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is the one that is given, and those below are taken.
      guard open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) == descriptor else { continue }
      closed.insert(descriptor)
    }
    return closed
  }

  /// Writes to standard error. That may be on the full disk that the message is about: then the exit code has to tell.
  /// Control characters of what the user wrote are written out.
  private static func say(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).displayed }
    writeToStandardError(lines.joined(separator: "\n") + "\n")
  }

  /// Throws a usage error that names the nearest command, where the first word is none; the parser would only call it
  /// unexpected.
  private static func requireKnownCommand() throws {
    guard let word = CommandLine.fileNames.dropFirst().first, !word.hasPrefix("-") else { return }
    let names = Scanline.configuration.subcommands.map { $0._commandName } + ["help"]
    guard !names.contains(word) else { return }
    throw ValidationError("Unknown command “\(word)”\(suggestion(for: word, among: names)).")
  }

  /// Writes what `print` still holds. A result that a full disk or a closed standard output did not take is no result:
  /// `io`, unless it `mayBeNowhere`. A reader that has gone away has seen what it wanted.
  private static func finishOutput(mayBeNowhere: Bool) throws {
    guard fflush(nil) != 0 else { return }
    let code = errno
    guard code != EPIPE, !(mayBeNowhere && code == EBADF) else { return }
    throw ScanlineError(
      .io, path: "standard output", expected: "a place for the result", found: String(cString: strerror(code)))
  }
}
