// The command: its subcommands, and how it ends.
import ArgumentParser
import Foundation
import Kernels

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
        130  stopped by SIGINT, after saving
        143  stopped by SIGTERM, after saving
      """,
    version: "0.1.0",
    subcommands: [
      TrainCommand.self, SampleCommand.self, CompleteCommand.self, EvaluateCommand.self, CompareCommand.self,
      NeighboursCommand.self,
      GradientsCommand.self, InspectCommand.self, DescribeCommand.self, TheoryCommand.self, ImportCommand.self,
      DrawCommand.self,
      PresetsCommand.self, BenchmarkCommand.self,
    ])
}

@main
enum Entry {
  static func main() {
    // A reader that goes away (`| head`) must not end a run before it has saved.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try Scanline.parseAsRoot()
      try command.run()
      try finishOutput()
    } catch let error as ScanlineError {
      FileHandle.standardError.write(Data("scanline: \(error)\n".utf8))
      exit(error.kind.rawValue)
    } catch  where Scanline.exitCode(for: error) == .failure && !(error is ExitCode) {
      // Neither the user's mistake nor one that anybody thought of.
      FileHandle.standardError.write(Data("scanline: unexpected error: \(error)\n".utf8))
      exit(ScanlineError.Kind.inner.rawValue)
    } catch {
      Scanline.exit(withError: error)
    }
  }

  /// Writes what `print` still holds. A result that a full disk did not take is no result: `io`. A reader that has gone
  /// away has seen what it wanted.
  private static func finishOutput() throws {
    guard fflush(nil) != 0 else { return }
    let code = errno
    guard code != EPIPE else { return }
    throw ScanlineError(
      .io, path: "standard output", expected: "a place for the result", found: String(cString: strerror(code)))
  }
}
