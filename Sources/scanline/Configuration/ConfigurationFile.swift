// `scanline train --config`: a TOML file, read and checked, as options of the command.
import Core
import TOMLKit

/// A configuration: long names of options of `train` as keys, their groups as tables, `folder` for the folder of PNGs.
struct ConfigurationFile {
  struct Entry {
    let option: ConfigurationSchema.Option
    /// As the command line would say it; of a flag "true" or "false".
    let value: String
    /// Where it stands, from 1; nil where that could not be found.
    let line: Int?
  }

  /// As the user named it.
  let path: String
  /// In no order that means anything.
  let entries: [Entry]

  /// Bytes of a file at most: one that is longer is no configuration.
  private static let mostBytes = 1 << 20

  /// Reads the file at `path`. Throws `ScanlineError` naming the file, and the line and key where there is one: `usage`
  /// where it is no TOML, has a key or table that means nothing here, or a value of the wrong type; `badData` where
  /// there is no such file; `io` where it cannot be read.
  init(_ path: String, schema: ConfigurationSchema) throws {
    self.path = path
    let text = try Self.text(of: path)
    let table: TOMLTable
    do {
      table = try TOMLTable(string: text)
    } catch let error as TOMLParseError {
      // The library's words begin with what it was doing, and say enough.
      throw ScanlineError(
        .usage, path: "\(path), line \(error.source.begin.line)", expected: "TOML",
        found: error.description.replacing("Error while ", with: "something else while "))
    }
    let lines = KeyLines(text)
    entries = try table.keys.flatMap { key -> [Entry] in
      guard let value = table[key] else { return [] }
      let line = lines.line(of: key, in: nil)
      let position = Self.position(path, line)
      if schema.tables.contains(key) {
        guard let part = value.table else {
          throw ScanlineError(
            .usage, path: position, expected: "a table [\(key)]",
            found: "\(Self.words(value)): a key called \(key) stands inside that table")
        }
        return try part.keys.map { name in
          try Self.entry(name, part[name], in: key, path, lines.line(of: name, in: key), schema)
        }
      }
      guard value.table == nil else {
        throw ScanlineError(
          .usage, path: position,
          expected: "one of the tables \(schema.tables.map { "[\($0)]" }.joined(separator: ", "))",
          found: "[\(key)]\(suggestion(for: key, among: schema.tables))")
      }
      return [try Self.entry(key, value, in: nil, path, line, schema)]
    }
  }

  /// The words that say the same on the command line; keys that `given` displaces are left out.
  func arguments(besides given: GivenOptions) -> (words: [String], entries: [Entry]) {
    let displaced = Self.displaced(by: given, entries)
    let used = entries.filter { !displaced.contains($0.option.name) }
    let words = used.flatMap { entry -> [String] in
      let name = entry.option.name
      // With an equals sign, a value may begin with a dash.
      if !entry.option.isFlag { return name == "folder" ? [Self.path(entry.value)] : ["--\(name)=\(entry.value)"] }
      if entry.value == "true" { return ["--" + name] }
      return entry.option.isInvertible ? ["--no-" + name] : []
    }
    return (words, used)
  }

  /// A folder's path, which must not look like an option.
  private static func path(_ value: String) -> String { value.hasPrefix("-") ? "./" + value : value }

  /// Options that cannot stand beside one another.
  private static let exclusive: [[String]] = [
    ["steps", "epochs", "minutes"], ["resize", "crop"], ["name", "output"],
  ]
  /// What an option's value decides the sense of: where a flag changes the first, the configuration's others go.
  private static let dependent: [String: [String]] = [
    "model": ["blocks", "activation", "residual", "directions", "cell", "attention", "whole-rows"],
    "likelihood": ["mixtures"],
    "levels": ["binarize"], "schedule": ["decay"],
  ]

  private static func displaced(by given: GivenOptions, _ entries: [Entry]) -> Set<String> {
    var displaced = Set(given.values.keys)
    if given.hasFolder { displaced.insert("folder") }
    for group in exclusive where group.contains(where: { given.values[$0] != nil }) { displaced.formUnion(group) }
    for (name, others) in dependent {
      guard let value = given.values[name], let entry = entries.first(where: { $0.option.name == name }) else {
        continue
      }
      if value != entry.value { displaced.formUnion(others) }
    }
    // Of all likelihoods this one alone wants a number of levels.
    if let levels = given.values["levels"], levels != "2",
      entries.contains(where: { $0.option.name == "likelihood" && $0.value == "bernoulli" })
    {
      displaced.insert("likelihood")
    }
    return displaced
  }

  // MARK: Reading

  private static func text(of path: String) throws -> String {
    let isFolder = DurableFiles.isFolder(path)
    guard DurableFiles.exists(path), !isFolder else {
      throw ScanlineError(
        .badData, path: path, expected: "a configuration in TOML", found: isFolder ? "a folder" : "no such file")
    }
    let file = DurableFiles.open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw ScanlineError(.io, path: path, expected: "a file that can be read", found: String(cString: strerror(errno)))
    }
    defer { _ = close(file) }
    // What a shell substitutes for a file is a pipe: it has no length to look at beforehand.
    let bytes = try DurableFiles.nextPiece(of: file, atMost: mostBytes + 1, path: path)
    guard bytes.count <= mostBytes else {
      throw ScanlineError(.usage, path: path, expected: "a configuration of at most 1 MiB", found: "more")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ScanlineError(.usage, path: path, expected: "TOML, which is UTF-8", found: "other bytes")
    }
    return text
  }

  private static func entry(
    _ name: String, _ value: (any TOMLValueConvertible)?, in table: String?, _ path: String, _ line: Int?,
    _ schema: ConfigurationSchema
  ) throws -> Entry {
    let position = position(path, line)
    guard let option = schema.option(name, in: table), !ConfigurationSchema.excluded.contains(name), let value else {
      throw ScanlineError(
        .usage, path: position, expected: "a key of \(table.map { "[\($0)]" } ?? "the top of the file")",
        found: "“\(name)”\(hint(name, in: table, schema))")
    }
    func entry(_ given: String?, _ expected: String) throws -> Entry {
      if let given, !given.isEmpty { return Entry(option: option, value: given, line: line) }
      throw ScanlineError(
        .usage, path: "\(position): \(option.position)", expected: expected, found: words(value))
    }
    let number =
      switch value.type {
      case .int: value.int.map { "\($0)" }
      case .double: value.double.map { "\($0)" }
      default: String?.none
      }
    switch option.values {
    case .truth: return try entry(value.bool.map { "\($0)" }, "true or false")
    case .text: return try entry(value.string, "text in quotes")
    case .number: return try entry(number, "a number")
    case .textOrNumber: return try entry(number ?? value.string, "a number, or text in quotes")
    }
  }

  /// Why `name` is no key of `table`, or which was probably meant.
  private static func hint(_ name: String, in table: String?, _ schema: ConfigurationSchema) -> String {
    if ConfigurationSchema.excluded.contains(name), table == nil { return ", which only a command line can say" }
    if let elsewhere = schema.options.first(where: { $0.name == name }) {
      return ", which stands \(elsewhere.table.map { "in [\($0)]" } ?? "at the top, before the tables")"
    }
    let known = schema.options.filter { !ConfigurationSchema.excluded.contains($0.name) }
    // A name of the same table first: the nearest of all may be of another one.
    let near = suggestion(for: name, among: known.filter { $0.table == table }.map(\.name))
    return near.isEmpty ? suggestion(for: name, among: known.map(\.name)) : near
  }

  private static func words(_ value: any TOMLValueConvertible) -> String {
    switch value.type {
    case .string: value.string.map { "the text “\($0)”" } ?? "text"
    case .int: value.int.map { "\($0)" } ?? "a number"
    case .double: value.double.map { "\($0)" } ?? "a number"
    case .bool: value.bool.map { "\($0)" } ?? "true or false"
    case .array: "an array"
    case .table: "a table"
    default: "a date or time"
    }
  }

  private static func position(_ path: String, _ line: Int?) -> String { path + (line.map { ", line \($0)" } ?? "") }
}

/// Where the keys of a TOML text stand: the library tells of no line but a syntax error's. Keys in quotes or with dots
/// are not found, which costs a message its line.
private struct KeyLines {
  private var lines: [String: Int] = [:]

  init(_ text: String) {
    var table = ""
    for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = line.trimmed()
      if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
        table = line[line.index(after: line.startIndex)..<end].trimmed()
        lines["[\(table)]"] = number + 1
      } else if !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") {
        let key = line[..<equals].trimmed()
        lines["\(table) \(key)"] = lines["\(table) \(key)"] ?? number + 1
      }
    }
  }

  func line(of key: String, in table: String?) -> Int? {
    if let table { return lines["\(table) \(key)"] ?? lines[" \(table).\(key)"] }
    return lines[" \(key)"] ?? lines["[\(key)]"]
  }
}
