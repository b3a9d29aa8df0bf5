// What a command is asked to write, tested before the work whose result it is to hold.
import Core

/// The files and folders that one command writes. Each is demanded before anything is read or computed: its name must
/// say what is written, nothing may be lost by it, and the file system must take it now.
///
/// Names that make no sense are usage errors, and name the option; what is there already and places that take no file
/// are `cannotCreate`, and name the path.
struct OutputFiles {
  enum Format: String {
    case png = "a PNG"
    case svg = "an SVG"
    case csv = "a CSV"
    case html = "an HTML page"

    /// The endings that a name may have, the usual one first.
    var endings: [String] { [".\(self)"] + (self == .html ? [".htm"] : []) }
  }

  private let force: Bool
  private let inputs: [String]
  private var taken: [(file: [UInt8], option: String)] = []

  /// The outputs of a command that reads images from `inputs`, files or folders, and writes over existing files with
  /// `force`.
  init(force: Bool = false, inputs: [String?] = []) {
    (self.force, self.inputs) = (force, inputs.compactMap { $0 })
  }

  /// Throws unless `option` may write a file of `format` to `path`.
  mutating func demand(_ path: String, as format: Format, for option: String) throws {
    try requireName(path, option, "the name of a file")
    try requireFree(path)
    guard format.endings.contains(Self.ending(path)) else {
      throw ScanlineError(
        .usage, path: option, expected: "a name that ends in \(format.endings[0]), as \(format.rawValue) is written",
        found: path)
    }
    try requireNoOther(path, option)
    try requireNoInput(path, option)
    try DurableFiles.tryReplacing(path)
  }

  /// Throws unless `option` may write files called `stem` and the usual endings of `formats`.
  mutating func demand(stem: String, _ formats: [Format], for option: String) throws {
    try requireName(stem, option, "the name of files")
    let endings = formats.map { $0.endings[0] }
    if Self.fileEndings.contains(Self.ending(stem)) || stem.utf8.last == UInt8(ascii: "/") {
      throw ScanlineError(
        .usage, path: option, expected: "a name without an ending: \(endings.joined(separator: ", ")) are added",
        found: stem)
    }
    for (format, ending) in zip(formats, endings) { try demand(stem + ending, as: format, for: option) }
  }

  /// Throws unless `option` may write into the folder `path`, or make it. `isNew` demands that nothing has the name.
  mutating func requireFolder(_ path: String, for option: String, isNew: Bool = false) throws {
    try requireName(path, option, "the name of a folder")
    if isNew, DurableFiles.exists(DurableFiles.withoutFinalSlashes(path)) { throw DurableFiles.nameTaken(path) }
    if DurableFiles.exists(path), !DurableFiles.isFolder(path) {
      throw ScanlineError(.cannotCreate, path: path, expected: "a folder, new or not", found: "a file")
    }
    try requireNoOther(DurableFiles.withoutFinalSlashes(path), option)
    // "/step-00001234/.optimizer.safetensors.12345.tmp" and the like come behind it.
    try DurableFiles.tryMakingFolder(path, room: 96)
  }

  // MARK: - Names

  private func requireName(_ path: String, _ option: String, _ expected: String) throws {
    func refuse(_ found: String) -> ScanlineError {
      ScanlineError(.usage, path: option, expected: expected, found: found)
    }
    if path.isEmpty { throw refuse("an empty one") }
    if path.unicodeScalars.allSatisfy(\.properties.isWhitespace) { throw refuse("only spaces") }
    if path.utf8.contains(0) { throw refuse("one with a zero byte") }
    let name = DurableFiles.split(path).name
    if name == "-" {
      throw refuse("- (standard output carries the words and tables of the command)")
    }
  }

  /// ".png" of "a/B.PNG"; "" of a name without an ending.
  private static func ending(_ path: String) -> String {
    let name = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last ?? path.utf8[...]
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot != name.startIndex else { return "" }
    return String(Substring(name[dot...])).lowercased()
  }

  /// Endings by which a name says what is in the file: a stem that has one would get a second.
  private static let fileEndings: Set = [
    ".png", ".svg", ".csv", ".html", ".htm", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".pdf",
    ".eps", ".ps", ".txt", ".tsv", ".json", ".jsonl", ".md", ".zip",
  ]

  // MARK: - What is there

  /// Throws where something is there that would be lost, or that no file can replace.
  private func requireFree(_ path: String) throws {
    var status = stat()
    let found = path.withFileSystemPath { lstat($0, &status) }
    let parent = DurableFiles.split(path).parent
    let isCheckpoint = ["manifest.json", "state.json"].allSatisfy { DurableFiles.exists(parent + "/" + $0) }
    if isCheckpoint, !DurableFiles.isFolder(path) {
      throw ScanlineError(
        .cannotCreate, path: path, expected: "a place outside a checkpoint's folder, whose files are listed",
        found: "a checkpoint in \(parent)")
    }
    guard found == 0 else { return }
    let kind = status.st_mode & S_IFMT
    let isFolder = DurableFiles.isFolder(path)
    guard kind == S_IFREG || kind == S_IFLNK, !isFolder else {
      throw ScanlineError(
        .cannotCreate, path: path, expected: "a new file", found: isFolder ? "a folder" : "a device or pipe")
    }
    guard force else {
      throw ScanlineError(.cannotCreate, path: path, expected: "a new file (or --force)", found: "an existing one")
    }
  }

  /// Throws where another option of the command has the same file.
  private mutating func requireNoOther(_ path: String, _ option: String) throws {
    let (parent, name) = DurableFiles.split(path)
    let file = Self.resolved(parent) + [UInt8(ascii: "/")] + name.fileNameBytes
    if let other = taken.first(where: { $0.file == file }) {
      throw ScanlineError(.usage, path: option, expected: "another file than \(other.option)", found: path)
    }
    taken.append((file, option))
  }

  /// Throws where the file is an image that the command reads.
  private func requireNoInput(_ path: String, _ option: String) throws {
    guard DurableFiles.exists(path), Self.ending(path) == ".png" else { return }
    let file = Self.resolved(path)
    for input in inputs where DurableFiles.exists(input) {
      let read = Self.resolved(input)
      guard file == read || file.starts(with: read + [UInt8(ascii: "/")]) else { continue }
      throw ScanlineError(
        .usage, path: option, expected: "another file than the input",
        found: file == read ? path : "\(path), an image of the input \(input)")
    }
  }

  /// The bytes of the path without links; those of `path` itself where it leads nowhere.
  private static func resolved(_ path: String) -> [UInt8] {
    path.withFileSystemPath { path in
      guard let real = realpath(path, nil) else { return String(fileName: path).fileNameBytes }
      defer { free(real) }
      return String(fileName: real).fileNameBytes
    }
  }
}
