// The examples in the commands' help, as words to parse.
import Core
import ArgumentParser

/// Every line of a command's help that begins with "scanline ", with those that a backslash adds to it: what people copy
/// must be understood, and be no wider than a terminal, which would break it.
package enum HelpExamples {
  /// The examples of all commands, each on one line.
  package static var all: [String] {
    printedLines.joined(separator: "\n").replacing(#/ *\\\n */#, with: " ").split(separator: "\n")
      .map { $0.trimmed() }
  }

  /// What the parser has against `example`; nil where it takes it. Nothing is run and no file is read.
  package static func complaint(about example: String) -> String? {
    do {
      _ = try Scanline.parseAsRoot(example.split(separator: " ").dropFirst().map(String.init))
      return nil
    } catch {
      return Scanline.message(for: error)
    }
  }

  /// The lines of all commands' examples as they are printed.
  package static var printedLines: [String] { printedLines(of: Scanline.self) }

  private static func printedLines(of command: any ParsableCommand.Type) -> [String] {
    let lines = command.configuration.discussion.split(separator: "\n", omittingEmptySubsequences: false)
    var isExample = false
    let own = lines.filter { line in
      defer { isExample = isExample && line.hasSuffix("\\") }
      isExample = isExample || line.trimmed().hasPrefix("scanline ")
      return isExample
    }
    return own.map(String.init) + command.configuration.subcommands.flatMap(printedLines)
  }
}
