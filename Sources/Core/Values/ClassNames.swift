// Names of classes: each is the name of a folder of images, and stands in the names of files that samples are written to.

/// What all names of classes must be, wherever they come from: folders, lists, options, checkpoints.
package enum ClassNames {
  /// The most bytes that a file system takes as a name.
  private static let mostBytes = 255

  /// What `name` would have to be to be the name of a folder, in words; nil where it is one.
  package static func problem(_ name: String) -> String? {
    let bytes = name.fileNameBytes
    if bytes.isEmpty { return "not empty" }
    if bytes.contains(0) { return "without a zero byte" }
    if bytes.contains(UInt8(ascii: "/")) { return "without a slash" }
    if bytes[0] == UInt8(ascii: ".") { return "without a dot in front, which hides a folder" }
    if bytes.count > mostBytes { return "of at most \(mostBytes) bytes" }
    return nil
  }

  /// Throws an error of this kind about `path` where one of `names` cannot be a folder's, or two are the same. Names are
  /// compared by their bytes, as file systems do: two that differ only in Unicode normalization are two.
  package static func validate(_ names: [String], _ kind: ScanlineError.Kind, path: String) throws {
    for name in names {
      guard let problem = problem(name) else { continue }
      let isLong = name.utf8.count > mostBytes
      throw ScanlineError(
        kind, path: path, expected: "names of classes that folders can have: \(problem)",
        found: isLong ? "\(name.prefix(40))… (\(name.utf8.count) bytes)" : name.isEmpty ? "an empty name" : name)
    }
    guard Set(names.map(\.fileNameBytes)).count == names.count else {
      throw ScanlineError(
        kind, path: path, expected: "one class or more, each name once", found: names.joined(separator: ", "))
    }
  }

  /// `name` as part of the name of a file, which has to have room for what stands before and behind it: its first 200
  /// bytes at most.
  package static func shortened(_ name: String) -> String {
    var scalars = String.UnicodeScalarView()
    var count = 0
    for scalar in name.unicodeScalars {
      count += UTF8.width(scalar)
      if count > 200 { break }
      scalars.append(scalar)
    }
    return String(scalars)
  }
}
