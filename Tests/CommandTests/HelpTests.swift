// What people read and copy: the examples in every help, completion in shells, and how much is said meanwhile.
import Foundation
import Kernels
import scanline
import Testing

/// Every line of a command's help that begins with "scanline ", with those that a backslash adds to it: what people copy
/// must be understood, and be no wider than a terminal, which would break it.
private struct HelpExamples {
  /// The lines of all commands' examples as they are printed.
  let printedLines: [String]

  /// The examples of all commands, each on one line.
  var all: [String] {
    printedLines.joined(separator: "\n").replacing(#/ *\\\n */#, with: " ").split(separator: "\n")
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// The part of `--experimental-dump-help` that is used here.
  private struct Description: Decodable {
    struct Command: Decodable {
      let discussion: String?
      let subcommands: [Command]?

      var examples: [String] {
        var isExample = false
        let own = (discussion ?? "").split(separator: "\n").filter { line in
          defer { isExample = isExample && line.hasSuffix("\\") }
          isExample = isExample || line.trimmingCharacters(in: .whitespaces).hasPrefix("scanline ")
          return isExample
        }
        return own.map(String.init) + (subcommands ?? []).flatMap(\.examples)
      }
    }
    let command: Command
  }

  init(_ place: Workplace) throws {
    let help = try place.succeed("--experimental-dump-help").output
    printedLines = try JSONDecoder().decode(Description.self, from: Data(help.utf8)).command.examples
  }
}

@Suite struct HelpTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  @Test func everyExampleInTheHelpIsUnderstood() throws {
    let examples = try HelpExamples(place).all
    #expect(examples.count > 25, "\(examples)")
    for example in examples { #expect(parserComplaint(about: example) == nil, "\(example)") }
    // Of each command that has options there is one.
    for command in ["train", "sample", "complete", "evaluate", "compare", "neighbours", "gradients", "inspect"] {
      #expect(examples.contains { $0.hasPrefix("scanline \(command) ") }, "\(command)")
    }
    #expect(parserComplaint(about: "scanline train mnist --widht 3") != nil)
  }

  /// A wider line is broken where it is printed, and what is copied is then two commands.
  @Test func examplesFitATerminal() throws {
    let examples = try HelpExamples(place)
    let lines = examples.printedLines
    #expect(lines.count > examples.all.count)
    for line in lines { #expect(line.count <= 80, "\(line)") }
    // What the parser prints is what was written.
    let help = try place.succeed("import-idx --help").output
    for line in lines where line.contains("import-idx") { #expect(help.contains(line), "\(line)") }
  }

  /// The examples are those that a user sees.
  @Test func theExamplesAreInTheHelp() throws {
    let help = try place.succeed("train --help").output
    let train = try HelpExamples(place).all.filter { $0.hasPrefix("scanline train ") }
    #expect(train.contains { help.contains($0) })
  }

  /// The generator of manual pages leaves out every other character.
  @Test func theHelpIsASCII() throws {
    let help = try place.succeed("--experimental-dump-help").output
    #expect(help.utf8.count > 10_000)
    for line in help.split(whereSeparator: { "\n\"".contains($0) }) {
      #expect(line.unicodeScalars.allSatisfy { $0.isASCII }, "\(line)")
    }
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func completionKnowsOptionsAndValues(shell: String) throws {
    let script = try place.succeed("--generate-completion-script \(shell)").output
    for word in ["diagonal-lstm", "logistic-mixture", "pixelcnn-mnist", "dynamic", "config", "quiet", "neighbours"] {
      #expect(script.contains(word), "\(word)")
    }
  }

  private static func path(of shell: String) -> String? {
    ["/bin", "/usr/bin"].map { "\($0)/\(shell)" }.first(where: FileManager.default.isExecutableFile)
  }

  /// By bash always, which other tests need too; by the others where they are installed: elsewhere this test does not
  /// count them.
  @Test(arguments: ["bash"] + ["zsh", "fish"].filter { path(of: $0) != nil })
  func shellsTakeTheCompletionScript(shell: String) throws {
    let path = try #require(Self.path(of: shell), "\(shell) is not installed")
    func status(of script: String) throws -> Int32 {
      try place.write(Array(script.utf8), to: "script")
      let check = Process()
      check.executableURL = URL(fileURLWithPath: path)
      check.arguments = ["-n", place.path + "/script"]
      check.standardError = FileHandle.nullDevice
      try check.run()
      check.waitUntilExit()
      return check.terminationStatus
    }
    let script = try place.succeed("--generate-completion-script \(shell)").output
    #expect(try status(of: script) == 0)
    #expect(try status(of: script + "\nif (\n") != 0, "the check can fail")
  }

  @Test func theVersionIsOne() throws {
    let version = try place.succeed("--version").output
    #expect(version.split(separator: ".").count == 3 && version.hasSuffix("\n"))
    #expect(try place.succeed("sample --version").output == version)
  }

  // MARK: - How much is said

  @Test func quietCommandsSayNothingButWarnings() throws {
    _ = try place.succeed("draw images --count 40 --side 8")
    let train = "train images --width 4 --blocks 1 --levels 2 --batch 9 --steps 30 --evaluate-every 5 --output run"
    let told = try place.succeed(train + " --quiet")
    #expect(told.messages == "" && told.output.contains("bits per dimension"))
    for command in [
      "evaluate run images", "sample run --output a.png", "complete run images --keep-rows 4 --output b.png",
      "neighbours a.png images --output c.png", "gradients run", "inspect images", "describe run",
      "compare run images --no-baselines --split train", "theory --depth 2 --statement sigmoid-chain",
    ] {
      let result = try place.succeed("\(command) -q")
      // The images that it was trained on are scored too: that is a warning.
      #expect(
        command.hasPrefix("evaluate") ? result.messages.contains("warning: ") : result.messages == "", "\(command)")
      #expect(result.output != "", "\(command)")
    }
    #expect(try place.fail("train --resume --output nowhere -q", 65).contains("nowhere"))
  }

  /// Where there is no terminal: a line at once, then one in ten seconds, and the last evaluation.
  @Test func aPipeGetsFewLines() throws {
    _ = try place.succeed("draw images --count 40 --side 8")
    let told = try place.succeed(
      "train images --width 4 --blocks 1 --levels 2 --batch 9 --steps 100 --evaluate-every 1 --output run")
    let lines = told.messages.split(separator: "\n").filter { $0.hasPrefix("step ") }
    #expect(lines.count == 2 && lines.first?.hasPrefix("step 1/100 ") == true, "\(lines)")
    #expect(lines.last?.hasPrefix("step 100 ") == true)
  }
}
