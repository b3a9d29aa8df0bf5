// The paths of an archive, and where its links lead.
import Core

/// Paths in an archive, by their bytes: file systems tell names apart that Swift's strings do not.
enum TarPath {
  /// The parts between slashes, "." left out.
  static func parts(_ path: String) -> [String] {
    path.fileNameBytes.split(separator: UInt8(ascii: "/")).map { String(fileName: $0) }.filter { $0 != "." }
  }

  /// What a table of paths is keyed by.
  static func key(_ parts: [String]) -> [UInt8] { Array(parts.joined(separator: "/").utf8) }
}

/// The files and links of an archive that was read through.
struct TarContents {
  /// As many as no data set of a few batches has: each takes memory.
  private static let mostMembers = 100_000
  /// Links on the way to a file, before they are taken for a ring.
  private static let mostLinks = 40

  private var files: [[UInt8]: TarReader.Member] = [:]
  private var links: [[UInt8]: TarReader.Member.Content] = [:]

  /// Notes a member.
  ///
  /// - Throws: `ScanlineError` (`badData`), under `archive`, where there are too many.
  mutating func add(_ member: TarReader.Member, archive: String) throws {
    guard files.count + links.count < Self.mostMembers else {
      throw ScanlineError(
        .badData, path: archive, expected: "an archive of at most \(Self.mostMembers) files", found: "more")
    }
    let key = TarPath.key(TarPath.parts(member.path))
    switch member.content {
    case .file: files[key] = member
    case .hardLink, .symbolicLink: links[key] = member.content
    case .other: break
    }
  }

  /// The file that the path leads to, over links to files and to folders; nil where it leads out of the archive, to
  /// nothing, or round in a ring.
  func file(at path: String) -> TarReader.Member? {
    var reached: [String] = []
    // The parts still to go, the next one last.
    var ahead = Array(TarPath.parts(path).reversed())
    var followed = 0
    while let part = ahead.popLast() {
      if part == ".." {
        guard reached.popLast() != nil else { return nil }
        continue
      }
      reached.append(part)
      guard let link = links[TarPath.key(reached)] else { continue }
      followed += 1
      guard followed <= Self.mostLinks else { return nil }
      switch link {
      case .hardLink(let target):
        reached = []
        ahead += TarPath.parts(target).reversed()
      case .symbolicLink(let target):
        guard target.utf8.first != UInt8(ascii: "/") else { return nil }
        reached.removeLast()
        ahead += TarPath.parts(target).reversed()
      case .file, .other: break
      }
    }
    return files[TarPath.key(reached)]
  }
}
