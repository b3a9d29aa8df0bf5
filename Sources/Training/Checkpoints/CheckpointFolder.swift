// One checkpoint: a folder of files that is there whole or not at all, and is known to be undamaged when read.
import Core
import ImageData

/// Checkpoints as folders. What is inside the files is the trainer's concern; here they are names and bytes,
/// guarded by `manifest.json`, which lists every file's length and CRC-32 and carries a checksum of itself.
///
/// A save writes a hidden folder beside the target, forces it to the disk, and renames it: a kill or power cut
/// at any moment leaves either no folder of the final name or a complete one.
package enum CheckpointFolder {
  /// Hidden folders of saves and removals under way begin so; without a live run they are left-overs.
  static let savingPrefix = ".saving-"
  static let removingPrefix = ".removing-"

  /// Writes `files` durably as the folder `folder`, whose parent exists and which itself must not.
  ///
  /// Throws `cannotCreate` where the name is taken or the folder cannot be made, `io` where writing fails (disk
  /// full); nothing is left behind then. Names are plain file names, not hidden, each once.
  package static func write(_ files: [(name: String, bytes: [UInt8])], to folder: String) throws {
    let manifest = CheckpointManifest(files: files)
    let (parent, name) = DurableFiles.split(folder)
    guard !DurableFiles.exists(folder) else { throw DurableFiles.nameTaken(folder) }
    let temporary = temporaryName(in: parent, prefix: savingPrefix, for: name)
    try UnfinishedFiles.begin(temporary) { try DurableFiles.createFolder(temporary) }
    do {
      for file in files { try DurableFiles.write(file.bytes, toNew: temporary + "/" + file.name) }
      try DurableFiles.write(manifest.serialized(), toNew: temporary + "/" + CheckpointManifest.name)
      try DurableFiles.synchronizeFolder(temporary)
      try UnfinishedFiles.end(temporary) { try DurableFiles.renameFolder(temporary, toNew: folder) }
    } catch {
      // The reason of the failure matters, not whether tidying worked.
      UnfinishedFiles.end(temporary) { try? DurableFiles.removeAll(temporary) }
      throw error
    }
    try DurableFiles.synchronizeFolder(parent)
  }

  /// The files of a checkpoint by name, after checking the manifest, the presence and length of every file, and
  /// the checksums of those that are read: all, or the ones `names` asks for (a sampler needs no optimizer).
  ///
  /// Throws `badData` with what is damaged, missing or too many, `io` where the system cannot read.
  package static func read(_ folder: String, names: [String]? = nil) throws -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    let manifest = try checkedManifest(of: folder)
    for name in names ?? [] where !manifest.files.contains(where: { $0.name == name }) {
      throw ScanlineError(
        .badData, path: folder, expected: "the file \(name) in the checkpoint", found: "none in its manifest")
    }
    for file in manifest.files where names?.contains(file.name) ?? true {
      result[file.name] = try check(file, in: folder, keep: true)
    }
    return result
  }

  /// The names and lengths of a checkpoint's files, as its manifest lists them. Throws as ``read(_:names:)`` does.
  package static func files(of folder: String) throws -> [(name: String, bytes: Int)] {
    try checkedManifest(of: folder).files.map { ($0.name, $0.bytes) }
  }

  /// Checks every file of a checkpoint without keeping any in memory. Throws as ``read(_:names:)`` does.
  package static func verify(_ folder: String) throws {
    for file in try checkedManifest(of: folder).files { _ = try check(file, in: folder, keep: false) }
  }

  // MARK: - Parts

  /// The manifest, once it agrees with the names in the folder. Hidden files are the system's own business.
  private static func checkedManifest(of folder: String) throws -> CheckpointManifest {
    let present = Set(try DurableFiles.names(in: folder).filter { !$0.hasPrefix(".") })
    let path = folder + "/" + CheckpointManifest.name
    guard present.contains(CheckpointManifest.name) else {
      throw ScanlineError(
        .badData, path: folder, expected: "a checkpoint with its \(CheckpointManifest.name)",
        found: "a folder without one")
    }
    let bytes = try DurableFiles.read(path) { size, next in
      // A manifest of a hundred files is some 10 kB.
      guard size <= 1 << 20 else {
        throw ScanlineError(
          .badData, path: path, expected: "a manifest of at most 1 MiB", found: "\(size) bytes")
      }
      return try next()
    }
    let manifest = try CheckpointManifest(parsing: bytes, path: path)
    let listed = Set(manifest.files.map(\.name))
    if let missing = manifest.files.first(where: { !present.contains($0.name) }) {
      throw ScanlineError(
        .badData, path: folder, expected: "the file \(missing.name) that the manifest lists", found: "none")
    }
    if let extra = present.subtracting(listed).subtracting([CheckpointManifest.name]).min() {
      throw ScanlineError(
        .badData, path: folder, expected: "only the files that the manifest lists", found: "\(extra) too")
    }
    return manifest
  }

  /// Checks the length and checksum of one file; its bytes if they are to be kept, else nothing.
  private static func check(
    _ file: CheckpointManifest.File, in folder: String, keep: Bool
  ) throws -> [UInt8] {
    let path = folder + "/" + file.name
    // A file that is to be kept is read in one piece, and one byte more would show that it grew meanwhile. (No file has
    // Int.max bytes, but a manifest may say so.)
    return try DurableFiles.read(path, pieceSize: keep ? min(file.bytes, .max - 1) + 1 : 1 << 20) { size, next in
      // The size comes first, so that a wrong one never decides how much memory is taken.
      guard size == file.bytes else {
        // A repository that was cloned without Git LFS has small files that only name the large ones.
        let kind = (1..<1_024).contains(size) ? FileSignature.name(try next()) : nil
        throw ScanlineError(
          .badData, path: path, expected: "\(file.bytes) bytes, as the manifest says",
          found: "\(size)" + (kind.map { ": " + $0 } ?? ""))
      }
      var piece = try next()
      let kept = keep ? piece : []
      var length = 0
      var crc: UInt32 = 0
      while !piece.isEmpty {
        crc = Checksum.crc32(piece, continuing: crc)
        length += piece.count
        piece = try next()
      }
      guard length == file.bytes, crc == file.crc32 else {
        throw ScanlineError(
          .badData, path: path,
          expected: "checksum \(Checksum.hexadecimal(file.crc32)), as the manifest says",
          found: "\(Checksum.hexadecimal(crc)): the file is damaged")
      }
      return kept
    }
  }

  /// A free hidden name in `parent` that says what it is for and by which process.
  static func temporaryName(in parent: String, prefix: String, for name: String) -> String {
    let first = "\(parent)/\(prefix)\(name)-\(getpid())"
    var path = first
    var attempt = 1
    // A killed process may have left one, and its number may come again.
    while DurableFiles.exists(path) {
      attempt += 1
      path = "\(first)-\(attempt)"
    }
    return path
  }
}
