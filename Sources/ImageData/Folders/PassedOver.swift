// What a listing left out besides files that are no PNG by name, and how that is said.

/// Files and folders that are no data, by the reason. Paths are as a program opens them.
package struct PassedOver: Sendable, Equatable, Encodable {
  /// Folders that are runs of Scanline.
  package internal(set) var runs: [String] = []
  /// Pictures that Scanline wrote, as their PNG text says.
  package internal(set) var pictures: [String] = []
  /// Other names of files that are listed already: links, symbolic or hard.
  package internal(set) var repeatedFiles: [String] = []
  /// Other names of folders that are listed already.
  package internal(set) var repeatedFolders: [String] = []
  /// Folders that cannot be read.
  package internal(set) var unreadable: [ImageSet.Skipped] = []

  mutating func add(_ other: PassedOver) {
    runs += other.runs
    pictures += other.pictures
    repeatedFiles += other.repeatedFiles
    repeatedFolders += other.repeatedFolders
    unreadable += other.unreadable
  }

  /// A sentence about each reason that there is.
  var notes: [String] {
    func note(_ paths: [String], _ one: String, _ many: String) -> String? {
      guard let first = paths.first else { return nil }
      return paths.count == 1 ? "1 \(one): \(first.displayed)" : "\(paths.count) \(many), the first: \(first.displayed)"
    }
    return [
      note(
        runs, "folder is passed over as a run of Scanline, which is no data",
        "folders are passed over as runs of Scanline, which are no data"),
      note(
        pictures, "picture that Scanline wrote is passed over, as it is no data",
        "pictures that Scanline wrote are passed over, as they are no data"),
      note(
        repeatedFiles, "file is passed over as another name of one that is taken already",
        "files are passed over as other names of those that are taken already"),
      note(
        repeatedFolders, "link to a folder is passed over, as the folder is read under another name",
        "links to folders are passed over, as the folders are read under other names"),
      note(
        unreadable.map { "\($0.path): \($0.reason)" }, "folder that cannot be read is passed over",
        "folders that cannot be read are passed over"),
    ].compactMap { $0 }
  }

  /// What of it explains that no image is left: "2 runs of Scanline, 3 pictures that Scanline wrote".
  var inWords: [String] {
    func words(_ count: Int, _ one: String, _ many: String) -> String? {
      count == 0 ? nil : "\(count) \(count == 1 ? one : many)"
    }
    return [
      words(runs.count, "run of Scanline", "runs of Scanline"),
      words(pictures.count, "picture that Scanline wrote", "pictures that Scanline wrote"),
      words(unreadable.count, "folder that cannot be read", "folders that cannot be read"),
    ].compactMap { $0 }
  }
}
