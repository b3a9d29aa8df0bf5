// The examples in the commands' help, as words to parse.
import ArgumentParser
import Foundation

/// Every line of a command's help that begins with "scanline ": what people copy must be understood.
package enum HelpExamples {
  /// The examples of all commands, as they stand.
  package static var all: [String] { examples(of: Scanline.self) }

  /// What the parser has against `example`; nil where it takes it. Nothing is run and no file is read.
  package static func complaint(about example: String) -> String? {
    do {
      _ = try Scanline.parseAsRoot(example.split(separator: " ").dropFirst().map(String.init))
      return nil
    } catch {
      return Scanline.message(for: error)
    }
  }

  private static func examples(of command: any ParsableCommand.Type) -> [String] {
    let lines = command.configuration.discussion.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    return lines.filter { $0.hasPrefix("scanline ") } + command.configuration.subcommands.flatMap(examples)
  }
}
