// The binary batches of CIFAR-10 and CIFAR-100: what there is, before any image is read.
//
// A record is a label (CIFAR-10), or a coarse and a fine one (CIFAR-100), and 3072 bytes: 32×32 of red, then of green,
// then of blue, rows from the top. (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.)
import Core

/// Which of the two.
package enum CIFARKind: String, Sendable, CaseIterable {
  case cifar10
  case cifar100

  /// Bytes of a record's labels.
  package var labelBytes: Int { self == .cifar10 ? 1 : 2 }
  /// Bytes of a record.
  package var recordBytes: Int { labelBytes + CIFARFiles.pixelBytes }
  /// How many classes there are; of CIFAR-100 also how many coarse ones.
  package func classCount(isCoarse: Bool) -> Int { self == .cifar10 ? 10 : isCoarse ? 20 : 100 }
  /// The file that lists the names of the classes.
  package func nameFile(isCoarse: Bool) -> String {
    self == .cifar10 ? "batches.meta.txt" : isCoarse ? "coarse_label_names.txt" : "fine_label_names.txt"
  }
}

/// The batches of a data set, and where they are.
package struct CIFARFiles {
  /// A batch: a file of its own, or one in an archive.
  package struct Batch: Equatable {
    /// The file, or the archive.
    package let path: String
    /// The path of the member that holds it in the archive; nil of a file.
    package let member: String?
    /// Bytes, inflated.
    package let bytes: Int
    /// The name without folders and endings: "data_batch_1".
    package let name: String

    /// The split that the name speaks of: "test_batch" and "test" are test, "data_batch_1" and "train" are train.
    package var split: Split? {
      name.hasPrefix("test") ? .test : name.hasPrefix("data_batch") || name.hasPrefix("train") ? .train : nil
    }
    /// What a file of its own is, where it is of a kind that is known: no batch.
    var signature: String? {
      member == nil ? (try? GzipFile(path).read(upTo: FileSignature.length)).flatMap(FileSignature.name) : nil
    }
    /// What errors call it.
    package var position: String { member.map { "\(path): \($0)" } ?? path }
  }

  /// Bytes of an image's pixels.
  package static let pixelBytes = 3072
  /// Height, width and channels of every image.
  package static let shape = ImageShape(height: 32, width: 32, channels: 3)
  /// The batches, those of a folder or an archive by name.
  package private(set) var batches: [Batch] = []
  /// Lists of names by the name of their file, as found in archives and beside batches.
  package private(set) var nameFiles: [String: [UInt8]] = [:]

  /// Finds the batches in `paths`: files, folders (their .bin and .bin.gz files) and archives (.tar, .tar.gz; by content).
  /// Each file is read through once, so that damage shows before anything is written.
  ///
  /// - Throws: `ScanlineError`: `badData` where there is nothing of the kind or something is damaged, `io`.
  package init(_ paths: [String]) throws {
    for path in paths {
      if DurableFiles.isFolder(path) {
        let names = try DirectoryTree.names(in: path)
        let chosen = names.filter { $0.hasSuffix(".bin") || $0.hasSuffix(".bin.gz") }
        guard !chosen.isEmpty else {
          throw ScanlineError(
            .badData, path: path, expected: "batches of CIFAR (files called .bin or .bin.gz)",
            found: "\(counted(names.count, "file")), none called so")
        }
        for name in chosen { batches.append(try Self.batch(path + "/" + name)) }
        try readNames(beside: path)
      } else if try TarReader.isArchive(path) {
        try readArchive(path)
      } else {
        batches.append(try Self.batch(path))
        try readNames(beside: DurableFiles.split(path).parent)
      }
    }
  }

  /// The kind that all batches' lengths fit.
  ///
  /// - Throws: `ScanlineError` (`badData`) where one is not whole records, or they are not of one kind, or could be both.
  package func kind(_ asked: CIFARKind?) throws -> CIFARKind {
    var found: (kind: CIFARKind, position: String)?
    for batch in batches {
      let fitting = CIFARKind.allCases.filter {
        batch.bytes > 0 && batch.bytes % $0.recordBytes == 0 && (asked == nil || $0 == asked)
      }
      guard let kind = fitting.first else {
        let sizes = (asked.map { [$0] } ?? CIFARKind.allCases).map { "\($0.recordBytes) bytes (\($0.rawValue))" }
        throw ScanlineError(
          .badData, path: batch.position, expected: "whole records of " + sizes.joined(separator: " or "),
          found: counted(batch.bytes, "byte") + (batch.signature.map { ": " + $0 } ?? ""))
      }
      guard fitting.count == 1 else {
        throw ScanlineError(
          .badData, path: batch.position, expected: "a length that only one kind of records fits (or `kind`)",
          found: "\(batch.bytes) bytes, which fit both")
      }
      if let found, found.kind != kind {
        throw ScanlineError(
          .badData, path: batch.position, expected: "batches of \(found.kind.rawValue), as \(found.position)",
          found: kind.rawValue)
      }
      found = (kind, batch.position)
    }
    guard let found else { preconditionFailure("no batch") }
    return found.kind
  }

  /// The names of the classes, one a line, from the list that belongs to `kind`; nil where none was found. A name is the
  /// line's bytes, spaces and all.
  ///
  /// - Throws: `ScanlineError` (`badData`) where the list is not of that many names, or one cannot name a folder.
  package func classNames(_ kind: CIFARKind, isCoarse: Bool) throws -> [String]? {
    let file = kind.nameFile(isCoarse: isCoarse)
    guard let bytes = nameFiles[file] else { return nil }
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    let lines = text.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
    let names = lines.filter { !$0.allSatisfy { $0 == 32 || $0 == 9 } }.map { String(fileName: $0) }
    let count = kind.classCount(isCoarse: isCoarse)
    guard names.count == count else {
      let different = Set(names.map(\.fileNameBytes)).count
      throw ScanlineError(
        .badData, path: file, expected: "\(count) names of classes, all different",
        found: "\(different) different ones in \(names.count) lines")
    }
    try ClassNames.validate(names, .badData, path: file)
    return names
  }

  // MARK: - Parts

  private static func batch(_ path: String) throws -> Batch {
    Batch(path: path, member: nil, bytes: try GzipFile(path).length(), name: stem(path))
  }

  /// "data_batch_1" of "a/data_batch_1.bin.gz".
  private static func stem(_ path: String) -> String { String(DurableFiles.split(path).name.prefix { $0 != "." }) }

  private mutating func readArchive(_ path: String) throws {
    var archive = TarReader(try GzipFile(path))
    var contents = TarContents()
    var links: [TarReader.Member] = []
    var found: [Batch] = []
    var isForPython = false
    while let member = try archive.next() {
      try contents.add(member, archive: path)
      let name = member.name
      let isBatch = name.hasSuffix(".bin")
      if name == "batches.meta" || name == "meta" { isForPython = true }
      guard isBatch || Self.namesOfLists.contains(name) else { continue }
      switch member.content {
      case .hardLink, .symbolicLink: links.append(member)
      case .file where isBatch:
        found.append(Batch(path: path, member: member.path, bytes: member.size, name: Self.stem(name)))
      case .file: nameFiles[name] = try Self.list({ try archive.read(upTo: $0) }, path: "\(path): \(name)")
      case .other(let what):
        throw ScanlineError(.badData, path: "\(path): \(member.path)", expected: "a plain file", found: what)
      }
    }
    for link in links {
      let file = try Self.file(behind: link, in: contents, path)
      if link.name.hasSuffix(".bin") {
        found.append(Batch(path: path, member: file.path, bytes: file.size, name: Self.stem(link.name)))
      } else {
        nameFiles[link.name] = try Self.list(member: file, in: path)
      }
    }
    guard !found.isEmpty, Set(found.map(\.name)).count == found.count else {
      throw ScanlineError(
        .badData, path: path, expected: "an archive of batches (.bin), each name once",
        found: "\(found.count) of them" + (found.isEmpty && isForPython ? ", but pickles: the version for Python" : ""))
    }
    batches += found.sorted { String.inByteOrder($0.name, $1.name) }
  }

  private static let namesOfLists = CIFARKind.allCases.flatMap { kind in
    [false, true].map { kind.nameFile(isCoarse: $0) }
  }
  private static let mostListBytes = 1 << 16

  /// The file that `link`, a member of the archive at `path`, leads to.
  private static func file(
    behind link: TarReader.Member, in contents: TarContents, _ path: String
  ) throws -> TarReader.Member {
    if let file = contents.file(at: link.path) { return file }
    throw ScanlineError(
      .badData, path: "\(path): \(link.path)", expected: "a link to a file in the archive",
      found: "one to \(link.target ?? "nothing")")
  }

  /// The list of names that `file` is, in the archive at `path`.
  private static func list(member file: TarReader.Member, in path: String) throws -> [UInt8] {
    var archive = TarReader(try GzipFile(path))
    while let member = try archive.next() {
      if member == file { return try list({ try archive.read(upTo: $0) }, path: "\(path): \(file.path)") }
    }
    throw ScanlineError(.badData, path: path, expected: "the member \(file.path)", found: "none")
  }

  /// A list of names as `read` gives it.
  private static func list(_ read: (Int) throws -> [UInt8], path: String) throws -> [UInt8] {
    let bytes = try read(mostListBytes + 1)
    guard bytes.count <= mostListBytes else {
      throw ScanlineError(.badData, path: path, expected: "a list of at most \(mostListBytes) bytes", found: "more")
    }
    return bytes
  }

  private mutating func readNames(beside folder: String) throws {
    let present = try DirectoryTree.names(in: folder)
    for name in Self.namesOfLists where present.contains(name) {
      let path = folder + "/" + name
      let file = try GzipFile(path)
      nameFiles[name] = try Self.list({ try file.read(upTo: $0) }, path: path)
    }
  }
}
