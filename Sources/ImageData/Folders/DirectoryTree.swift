// What lies below a folder: names only, read with opendir and readdir, which tell files from folders without a
// look at each (60,000 files list in a few hundredths of a second).
//
// Real folders are read first, all of them, and links to folders after that, level by level: so each folder is read once,
// under its own name where that lies below the root. Following links as they come would list N! paths where N folders
// link to each other.
import Core

/// A folder's PNG files and folders, hidden ones (a leading dot) left out, and runs of Scanline too. Symbolic links are
/// followed.
struct DirectoryTree: Sendable {
  /// A PNG file.
  struct Image: Sendable {
    let name: String
    let identity: FileIdentity
    let isLink: Bool
  }

  /// Names of PNG files (.png in any case), in byte order.
  var images: [Image] = []
  /// Folders, in byte order of their names.
  var folders: [(name: String, tree: DirectoryTree)] = []
  /// Files that are no PNG by name, counted by lower-case extension (".jpg"; "" where there is none).
  var ignored: [String: Int] = [:]
  /// What was left out here, not below.
  var passedOver = PassedOver()
  /// Files by which a run is known.
  private(set) var marks: OwnOutput.Marks = []
  private let identity: FileIdentity
  /// Links to folders that are not yet followed.
  private var links: [String] = []

  /// PNG files here and below.
  var imageCount: Int { folders.reduce(images.count) { $0 + $1.tree.imageCount } }

  /// Folders that hold PNG files, at any depth.
  var imageFolders: [(name: String, tree: DirectoryTree)] { folders.filter { $0.tree.imageCount > 0 } }

  /// Ignored files here and below, by extension.
  var allIgnored: [String: Int] {
    folders.reduce(into: ignored) { $0.merge($1.tree.allIgnored, uniquingKeysWith: +) }
  }

  /// What was left out here and below.
  var allPassedOver: PassedOver { folders.reduce(into: passedOver) { $0.add($1.tree.allPassedOver) } }

  /// Calls `body` with every PNG file here and below, and its path relative to this folder.
  func forEachImage(prefix: String = "", _ body: (_ path: String, Image) -> Void) {
    for image in images { body(prefix + image.name, image) }
    for (name, tree) in folders { tree.forEachImage(prefix: prefix + name + "/", body) }
  }

  /// How folders are read.
  struct Reading: Sendable {
    var source = FolderSource.system
    var threads: Int
    /// Folders below the root that cannot be read are left out and counted; else they are errors.
    var skipsUnreadable = false
  }

  /// Reads the folder at `path` and all below, the subfolders of the first folder that has several on several threads.
  ///
  /// - Throws: `ScanlineError` (`io`) naming a folder that cannot be read.
  init(reading path: String, _ reading: Reading) throws {
    let root: DirectoryTree?
    do throws(FolderFailure) {
      root = try DirectoryTree(path, reading, threads: reading.threads, known: [])
    } catch { throw Self.unreadable(error.path, error.failure, isRoot: error.path == path) }
    guard var tree = root else { preconditionFailure("no folder is known before the first") }
    var seen: Set<FileIdentity> = [tree.identity]
    tree.claim(&seen, path)
    while try tree.followLinks(&seen, path, reading) {}
    self = tree
  }

  /// nil where the folder is one of those `known`.
  private init?(_ path: String, _ reading: Reading, threads: Int, known: Set<FileIdentity>) throws(FolderFailure) {
    var (folderNames, images, links): ([String], [Image], [String]) = ([], [], [])
    var (ignored, marks): ([String: Int], OwnOutput.Marks) = ([:], [])
    var identity = FileIdentity(device: 0, inode: 0)
    var isKnown = false
    do {
      func begin(_ own: FileIdentity) -> Bool {
        identity = own
        isKnown = known.contains(own)
        return !isKnown
      }
      try reading.source.read(path, begin: begin) { entry in
        let name = entry.name
        if name.utf8.first == UInt8(ascii: ".") { return true }
        switch Self.kind(entry, in: path, FileIdentity(device: identity.device, inode: entry.inode)) {
        case .folder: folderNames.append(name)
        case .linkedFolder: links.append(name)
        case .file(let identity, let isLink) where Self.isPNG(name):
          images.append(Image(name: name, identity: identity, isLink: isLink))
        case .file:
          ignored[Self.pathExtension(name), default: 0] += 1
          marks.insert(OwnOutput.Marks(fileName: name))
        }
        return true
      }
    } catch { throw FolderFailure(path: path, failure: error) }
    if isKnown { return nil }
    images.sort { String.inByteOrder($0.name, $1.name) }
    folderNames.sort(by: String.inByteOrder)
    (self.images, self.links, self.ignored, self.marks, self.identity) = (images, links, ignored, marks, identity)
    let results = Locked([Result<DirectoryTree?, FolderFailure>](repeating: .success(nil), count: folderNames.count))
    let names = folderNames
    parallelFor(names.count, threads: threads) { number, _ in
      let result: Result<DirectoryTree?, FolderFailure>
      do throws(FolderFailure) {
        let threads = names.count == 1 ? threads : 1
        result = .success(try DirectoryTree(path + "/" + names[number], reading, threads: threads, known: known))
      } catch { result = .failure(error) }
      results.withLock { $0[number] = result }
    }
    for (name, result) in zip(names, results.withLock { $0 }) {
      try add(name, path + "/" + name, reading) { () throws(FolderFailure) in try result.get() }
    }
  }

  /// Adds what `read` reads of the folder `name`, unless it is a run, cannot be read, or is known.
  private mutating func add(
    _ name: String, _ path: String, _ reading: Reading, _ read: () throws(FolderFailure) -> DirectoryTree?
  ) throws(FolderFailure) {
    do throws(FolderFailure) {
      guard let tree = try read() else { return passedOver.repeatedFolders.append(path) }
      if OwnOutput.isRun(tree, at: path) { return passedOver.runs.append(path) }
      folders.append((name, tree))
    } catch {
      // A failure further down was dealt with there.
      guard reading.skipsUnreadable, error.path == path, error.isFolderAtFault else { throw error }
      passedOver.unreadable.append(ImageSet.Skipped(path: path, reason: error.failure.words))
    }
  }

  /// Enters all folders into `seen`, and leaves out those that are there (one mounted at two places).
  private mutating func claim(_ seen: inout Set<FileIdentity>, _ path: String) {
    let all = folders
    folders = []
    for (name, var tree) in all {
      guard seen.insert(tree.identity).inserted else {
        passedOver.repeatedFolders.append(path + "/" + name)
        continue
      }
      tree.claim(&seen, path + "/" + name)
      folders.append((name, tree))
    }
  }

  /// Reads what the links found so far lead to, in byte order of paths. Gives false where there were none.
  private mutating func followLinks(_ seen: inout Set<FileIdentity>, _ path: String, _ reading: Reading) throws -> Bool
  {
    let (old, new) = (folders, links.sorted(by: String.inByteOrder))
    (folders, links) = ([], [])
    var wereAny = !new.isEmpty
    let order = (old.indices.map { (old[$0].name, $0) } + new.map { ($0, -1) }).sorted {
      String.inByteOrder($0.0, $1.0)
    }
    for (name, index) in order {
      let below = path + "/" + name
      if index >= 0 {
        var tree = old[index].tree
        if try tree.followLinks(&seen, below, reading) { wereAny = true }
        folders.append((name, tree))
        continue
      }
      let known = seen
      let count = folders.count
      do throws(FolderFailure) {
        try add(name, below, reading) { () throws(FolderFailure) in
          // The look at the link alone spares opening what is known.
          if let identity = FileIdentity(ofFileAt: below), known.contains(identity) { return nil }
          return try DirectoryTree(below, reading, threads: reading.threads, known: known)
        }
      } catch { throw Self.unreadable(error.path, error.failure, isRoot: false) }
      guard folders.count > count else { continue }
      seen.insert(folders[count].tree.identity)
      folders[count].tree.claim(&seen, below)
    }
    return wereAny
  }
}

/// A folder that could not be read.
struct FolderFailure: Error {
  let path: String
  let failure: SystemFailure

  /// Whether passing over the folder helps: want of memory or of descriptors is no fault of its own.
  var isFolderAtFault: Bool { ![ENOMEM, EMFILE, ENFILE].contains(failure.code) }
}
