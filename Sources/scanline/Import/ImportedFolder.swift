// A folder of images that appears whole or not at all: what the importing commands write into.
import ArgumentParser
import Core
import ImageData
import Training

/// What the importing commands have in common.
struct ImportFolderOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The folder of PNGs to make.") var output: String
  @Option(help: "Put the images into this split of the folder: train, valid or test.") var split: Split?
  @Flag(help: "Take the place of a folder that holds images and nothing else.") var force = false
  @Option(help: "Threads, 1 to 1024; by default all that this process may use.") var threads: Int?
  @Flag(help: "One JSON object instead of a line.") var json = false

  func validate() throws { try requireThreads(threads) }

  var threadCount: Int { threads ?? availableThreads() }
  /// Throws, before any file is read, where the folder cannot be made or filled.
  func requireOutput() throws {
    var outputs = OutputFiles(force: force)
    try outputs.requireFolder(output, for: "--output")
    if split != nil { try outputs.requireFolder(target, for: "--split") }
    try ImportedFolder.requireFree(target, force: force)
  }

  /// The folder that is made: of a split, the one below the output.
  var target: String { split.map { output + "/" + $0.rawValue } ?? output }
}

/// Images on their way into a new folder. They are written into a hidden one beside it, `.importing-NAME`, which takes
/// the name when all are there. What a killed import left is removed by the next one of the same name.
struct ImportedFolder {
  /// What `--json` and the line say of it.
  struct Report: Encodable {
    var folder: String
    var images: Int
    var height: Int
    var width: Int
    var channels: Int
    var classes: [String]
    var splits: [String: Int]

    var inWords: String {
      let parts = splits.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
      return "\(folder.displayed): \(counted(images, "image")) of \(width)×\(height)×\(channels)"
        + (parts.isEmpty ? "" : " (\(parts))")
        + (classes.isEmpty ? "" : ", \(counted(classes.count, "class"))")
    }
  }

  private let target: String
  private let staging: String
  private let lock: RunLock
  private let threads: Int
  private let force: Bool
  /// By their bytes: names that differ in Unicode normalization alone are two folders, and equal strings.
  private var made: Set<[UInt8]> = []

  /// Begins to fill the folder that `options` name. Throws `cannotCreate` where it is there already and is not to be
  /// replaced, or cannot be made; `locked` where another import fills it.
  init(_ options: ImportFolderOptions) throws {
    (target, force, threads) = (DurableFiles.withoutFinalSlashes(options.target), options.force, options.threadCount)
    try Self.requireFree(target, force: force)
    let (parent, name) = DurableFiles.split(target)
    staging = (parent == "/" ? "" : parent) + "/.importing-" + name
    // Not created under a registration: another import may be at work in it, and it is that one's until the lock is ours.
    lock = try RunLock(run: staging)
    UnfinishedFiles.begin(staging) {}
    for name in try DurableFiles.names(in: staging) where name != ".lock" {
      try DurableFiles.removeAll(staging + "/" + name)
    }
  }

  /// Writes `count` images, image i as `name(i)`, a path below the folder, with `image(i)` in it. Throws `cannotCreate`
  /// or `io`.
  mutating func write(_ count: Int, name: (Int) -> String, image: (Int) -> PNGImage) throws {
    for folder in (0..<count).map({ DurableFiles.split(name($0)).parent })
    where folder != "." && made.insert(folder.fileNameBytes).inserted {
      try DurableFiles.createFolders(staging + "/" + folder)
    }
    try PNGFolder(staging, force: true).write(count, threads: threads) { number in
      let image = image(number)
      // Small drawings are smaller without filters, photographs with them.
      return (name(number), try image.encoded(filter: image.shape.channels == 1 ? .none : .adaptive))
    }
  }

  /// Gives the folder its name. Throws `cannotCreate` where something has come to be there meanwhile, `io`.
  func finish() throws {
    try Self.requireFree(target, force: force)
    try UnfinishedFiles.end(staging, finish: takeName)
  }

  private func takeName() throws {
    let old = staging + "-replaced"
    let isReplaced = DurableFiles.exists(target)
    if isReplaced {
      try DurableFiles.removeAll(old)
      try DurableFiles.renameFolder(target, toNew: old)
    }
    do {
      try DurableFiles.removeAll(staging + "/.lock")
      try DurableFiles.renameFolder(staging, toNew: target)
    } catch {
      if isReplaced { try? DurableFiles.renameFolder(old, toNew: target) }
      throw error
    }
    if isReplaced { try DurableFiles.removeAll(old) }
  }

  /// Removes what was written so far. What cannot be removed is hidden, and in the way of nothing.
  func abandon() { UnfinishedFiles.end(staging) { try? DurableFiles.removeAll(staging) } }

  /// Fills the folder with what `fill` does, whole or not at all.
  static func make(_ options: ImportFolderOptions, _ fill: (inout ImportedFolder) throws -> Report) throws {
    var folder = try ImportedFolder(options)
    let report: Report
    do {
      report = try fill(&folder)
      try folder.finish()
    } catch {
      folder.abandon()
      throw error
    }
    if options.json { try printJSON(report) } else { print(report.inWords) }
  }

  /// Only images are ever replaced: a slip of the hand must not cost a home folder.
  static func requireFree(_ path: String, force: Bool) throws {
    guard DurableFiles.exists(path) else { return }
    guard DurableFiles.isFolder(path) else {
      throw ScanlineError(.cannotCreate, path: path, expected: "a new folder", found: "a file")
    }
    let names = try DurableFiles.names(in: path)
    guard !names.isEmpty else { return }
    guard force else {
      throw ScanlineError(
        .cannotCreate, path: path, expected: "a new or empty folder (or --force)",
        found: "\(counted(names.count, "file")) in it")
    }
    if let other = try firstThatIsNoImage(path) {
      throw ScanlineError(
        .cannotCreate, path: path, expected: "with --force, a folder of PNGs and nothing else", found: "\(other) too")
    }
  }

  /// The first file at or below `path` that is not called .png.
  private static func firstThatIsNoImage(_ path: String) throws -> String? {
    for name in try DurableFiles.names(in: path) {
      if DurableFiles.isFolder(path + "/" + name), !DurableFiles.isLink(path + "/" + name) {
        if let found = try firstThatIsNoImage(path + "/" + name) { return name + "/" + found }
      } else if !name.lowercased().hasSuffix(".png") || name.hasPrefix(".") {
        return name
      }
    }
    return nil
  }
}
