// The manifest of a checkpoint: which files, how long, with which checksums. Bytes in, bytes out.
import Core
import ImageData
import Networks
import Safetensors

/// What `manifest.json` says. Its last member is the CRC-32 of all that stands before it, and what stands after
/// that is fixed, so no byte of the file can change unnoticed.
struct CheckpointManifest: Equatable {
  /// One file of the checkpoint.
  struct File: Equatable {
    let name: String
    /// Length in bytes.
    let bytes: Int
    let crc32: UInt32
  }

  /// The files in the order in which they were written.
  let files: [File]

  /// The manifest's own name.
  static let name = "manifest.json"
  /// The first member says what this is; a later layout gets another number.
  static let format = "scanline-checkpoint-1"

  /// The manifest as text that people can read too: a line for each file.
  func serialized() -> [UInt8] {
    let lines = files.map {
      "    {\"name\": \(StrictJSON.escaped($0.name)), \"bytes\": \($0.bytes), "
        + "\"crc32\": \"\(Checksum.hexadecimal($0.crc32))\"}"
    }
    let body = Array(
      ("{\n  \"format\": \"\(Self.format)\",\n  \"files\": [\n" + lines.joined(separator: ",\n") + "\n  ],\n")
        .utf8)
    return body + Self.ending(of: body)
  }

  /// The last lines, which hold the checksum of the lines before them.
  private static func ending(of body: [UInt8]) -> [UInt8] {
    Array("  \"manifest_crc32\": \"\(Checksum.hexadecimal(Checksum.crc32(body)))\"\n}\n".utf8)
  }

  /// Reads a manifest. Throws `badData` when a byte of it is not as it was written, and for anything that
  /// `serialized` would not have written.
  init(parsing bytes: [UInt8], path: String) throws {
    let body = Array(bytes.dropLast(Self.ending(of: []).count))
    // The checksum first: a damaged manifest is called damaged, whatever its damage makes of the text.
    guard !body.isEmpty, body + Self.ending(of: body) == bytes else {
      throw ScanlineError(
        .badData, path: path, expected: "a manifest whose checksum is that of its text",
        found: "\(counted(bytes.count, "byte")), damaged or cut short")
    }
    var files: [File] = []
    var format: String?
    var reader = StrictJSON(bytes[...], path: path)
    try reader.object("the manifest") { reader, key in
      switch key {
      case "format":
        let text = try reader.string("the format")
        guard text == Self.format else {
          throw reader.error(expected: "the format \(Self.format)", found: StrictJSON.quoted(text))
        }
        format = text
      case "files": try reader.array("the files") { reader, _ in files.append(try File(&reader)) }
      case "manifest_crc32": _ = try reader.string("the checksum")
      default: throw reader.error(expected: "a member that this version knows", found: StrictJSON.quoted(key))
      }
    }
    try reader.finish("the manifest")
    guard format != nil else { throw reader.error(expected: "the member format", found: "none") }
    guard Set(files.map(\.name)).count == files.count, files.allSatisfy({ Self.isUsable($0.name) }) else {
      throw reader.error(expected: "plain file names, each once", found: "others")
    }
    self.files = files
  }

  /// A manifest of `files`; the names are those that `isUsable` allows, each once.
  init(files: [(name: String, bytes: [UInt8])]) {
    precondition(Set(files.map(\.name)).count == files.count, "two files of a checkpoint have one name")
    for file in files {
      precondition(Self.isUsable(file.name), "a checkpoint cannot hold a file \(file.name)")
    }
    self.files = files.map { File(name: $0.name, bytes: $0.bytes.count, crc32: Checksum.crc32($0.bytes)) }
  }

  /// Whether a file of a checkpoint may have this name: no path, not hidden, not the manifest's.
  private static func isUsable(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".") && name != Self.name
      && !name.utf8.contains { $0 == 0x2F || $0 < 0x20 }
  }
}

extension CheckpointManifest.File {
  fileprivate init(_ reader: inout StrictJSON) throws {
    var name: String?
    var bytes: Int?
    var crc32: UInt32?
    try reader.object("a file's entry") { reader, key in
      switch key {
      case "name": name = try reader.string("a file's name")
      case "bytes": bytes = try reader.wholeNumber("a file's length")
      case "crc32":
        let text = try reader.string("a file's checksum")
        crc32 = UInt32(text, radix: 16)
        guard let crc32, Checksum.hexadecimal(crc32) == text else {
          throw reader.error(
            expected: "a checksum of eight hexadecimal digits", found: StrictJSON.quoted(text))
        }
      default: throw reader.error(expected: "only name, bytes and crc32", found: StrictJSON.quoted(key))
      }
    }
    guard let name, let bytes, let crc32 else {
      throw reader.error(expected: "name, bytes and crc32 of every file", found: "an entry without one")
    }
    self.init(name: name, bytes: bytes, crc32: crc32)
  }
}
