// What a configuration of `train` may say: the options of the command itself, as it describes them.
import Core

/// The keys that a TOML file may hold, and the tables they stand in. They are read off the command's own description of
/// its options, so that an option is declared once, where it is parsed.
struct ConfigurationSchema {
  struct Option {
    /// Its long name, which is the key.
    let name: String
    /// The table that it stands in, its group's title in lower case; nil: the top of the file.
    let table: String?
    let isFlag: Bool
    /// Whether `--no-NAME` takes it back.
    let isInvertible: Bool
    let values: Values
    /// Its short name, without the dash.
    let short: String?

    /// "[model] width", or "folder"
    var position: String { (table.map { "[\($0)] " } ?? "") + name }
  }

  /// What TOML's type of a value must be.
  enum Values { case truth, text, number, textOrNumber }

  /// In the order of the help.
  let options: [Option]
  let tables: [String]

  static let train = ConfigurationSchema(describing: TrainCommand._dumpHelp())

  /// What only a command line can mean.
  static let excluded: Set = ["config", "resume", "dry-run", "version", "help"]

  /// Options whose values are words, besides enumerations. All others are numbers: "32" in quotes is none.
  private static let words: Set = ["folder", "name", "output", "preset", "resize", "crop", "augment"]
  /// A colour may be one grey value; a seed may be larger than any whole number of TOML's.
  private static let either: Set = ["background", "seed", "split-seed"]

  func option(_ name: String, in table: String?) -> Option? { options.first { $0.name == name && $0.table == table } }

  /// The part of `--experimental-dump-help` that is used here.
  private struct Description: Decodable {
    struct Command: Decodable { let arguments: [Argument] }
    struct Argument: Decodable {
      struct Name: Decodable { let kind, name: String }
      let kind: String
      let names: [Name]?
      let sectionTitle, valueName: String?
      let allValues: [String]?
    }
    let command: Command
  }

  private init(describing json: String) {
    guard let description = try? JSONDecoder().decode(Description.self, from: Data(json.utf8)) else {
      preconditionFailure("swift-argument-parser describes a command otherwise than it did")
    }
    options = description.command.arguments.compactMap { argument in
      let names = argument.names ?? []
      guard let name = names.first(where: { $0.kind == "long" })?.name ?? argument.valueName else { return nil }
      let isFlag = argument.kind == "flag"
      let isWord = argument.allValues != nil || Self.words.contains(name)
      return Option(
        name: name, table: argument.sectionTitle?.lowercased(), isFlag: isFlag,
        isInvertible: names.contains { $0.name == "no-" + name },
        values: isFlag ? .truth : isWord ? .text : Self.either.contains(name) ? .textOrNumber : .number,
        short: names.first { $0.kind == "short" }?.name)
    }
    tables = options.compactMap(\.table).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}

/// The words of a command line of `train`, as far as its options are told apart from its folder.
struct GivenOptions {
  /// Values by long name; of a flag an empty text, and `--no-NAME` counts as NAME.
  private(set) var values: [String: String] = [:]
  private(set) var hasFolder = false

  /// Reads `words`, which follow "train". What makes no sense is passed over: the parser will say so.
  init(_ words: some Sequence<String>, schema: ConfigurationSchema) {
    var rest = Array(words)[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-"), word.count > 1 else {
        hasFolder = true
        continue
      }
      guard word != "--" else {
        hasFolder = hasFolder || !rest.isEmpty
        return
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let option = schema.options.first { option in
        parts[0] == "--" + option.name || (option.isInvertible && parts[0] == "--no-" + option.name)
          || option.short.map { parts[0] == "-" + $0 } ?? false
      }
      guard let option else { continue }
      values[option.name] = option.isFlag ? "" : parts.count > 1 ? parts[1] : rest.popFirst() ?? ""
    }
  }
}
