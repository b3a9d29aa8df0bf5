// The words of a command line with those of its configuration before them, and errors told in its terms.
import Core

/// What is parsed in place of what the user typed: `train --config FILE` becomes `train`, FILE's options, and then the
/// user's own, which so go before them. Each option is then parsed and checked in one place, whoever gave it.
struct ConfiguredArguments {
  /// What to parse, without the program's name.
  let words: [String]
  private let file: ConfigurationFile?
  private let entries: [ConfigurationFile.Entry]

  /// Reads the configuration that `words` name, where they do. Throws as ``ConfigurationFile``'s `init` does.
  init(_ words: [String]) throws {
    let schema = ConfigurationSchema.train
    let words = joiningNegativeNumbers(words)
    let own = Array(words.dropFirst())
    let given = GivenOptions(words.first == "train" ? own : [], schema: schema)
    // With --resume the command says that there must be none; a call for help needs none.
    guard let path = given.values["config"], !path.isEmpty, given.values["resume"] == nil, given.values["help"] == nil
    else {
      (self.words, file, entries) = (words, nil, [])
      return
    }
    let file = try ConfigurationFile(path, schema: schema)
    let configured = file.arguments(besides: given)
    self.words = ["train"] + configured.words + own
    (self.file, entries) = (file, configured.entries)
  }

  /// The configuration's own place in what went wrong: "run.toml, line 3: [model] width"; nil where the words of the
  /// error name no option of it.
  func position(of message: String) -> String? {
    // The file's options are all known: one that is not, and the one that the parser proposes for it, are the user's.
    guard let file, !message.hasPrefix("Unknown option") else { return nil }
    let found = entries.compactMap { entry -> (at: String.Index, entry: ConfigurationFile.Entry)? in
      message.ranges(of: "--" + entry.option.name).first { range in
        !(message[range.upperBound...].first.map { $0.isLetter || $0.isNumber || $0 == "-" } ?? false)
      }.map { ($0.lowerBound, entry) }
    }
    guard let first = found.min(by: { $0.at < $1.at })?.entry else { return nil }
    return file.path + (first.line.map { ", line \($0)" } ?? "") + ": " + first.option.position
  }

  /// `error` with the place in the configuration before it, where it is about one.
  func retold(_ error: ScanlineError) -> ScanlineError {
    guard error.kind == .usage, let position = position(of: error.description) else { return error }
    // The option's name says nothing that the key's does not.
    let rest = position.hasSuffix(" " + error.path.dropFirst(2)) ? "" : ": " + error.path
    return ScanlineError(error.kind, path: position + rest, expected: error.expected, found: error.found)
  }
}

/// `words` with each number below zero joined to the option before it, "--clip -1" as "--clip=-1": the parser takes what
/// begins with "-" for an option, and would call the value missing. So each command checks them like other numbers.
private func joiningNegativeNumbers(_ words: [String]) -> [String] {
  var joined: [String] = []
  for (index, word) in words.enumerated() {
    if word == "--" { return joined + words[index...] }
    if let option = joined.last, option.hasPrefix("--"), !option.contains("=" as Character),
      word.lowercased().prefixMatch(of: #/-(\.?[0-9]|inf|nan)/#) != nil
    {
      joined[joined.count - 1] = option + "=" + word
    } else {
      joined.append(word)
    }
  }
  return joined
}
