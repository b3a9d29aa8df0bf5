// Telling a folder's layout from the names in it.
import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension ImageFolder {
  /// Lists the PNG files of the folder at `path`, which is laid out in one of these ways:
  ///
  /// - flat: images in the folder itself;
  /// - class subfolders: the first folder below the root names the class, and deeper folders belong to it;
  /// - splits: every subfolder with images is called `train`, `valid` (or `val`, `validation`) or `test`, each
  ///   flat or with class subfolders; a class has one index over all splits;
  /// - `path` may also name one PNG file.
  ///
  /// Where no folder holds out images to validate by, `heldOutShare` of the training images is, each by a
  /// seeded hash of its path below the folder (below `train`, where that exists), so that files added later
  /// move no other. A `test` folder is never drawn on for that. Hidden files and folders and files not called
  /// .png are passed over, and a folder without images is no class. Symbolic links are followed.
  ///
  /// - Throws: `ScanlineError`: `io` where `path` cannot be read, `badData` where it is missing, holds no PNG, or mixes
  ///   images with class folders, or split folders with others.
  public init(
    scanning path: String, heldOutShare: Double = 0.1, seed: UInt64 = 0, threads: Int = availableThreads()
  ) throws {
    precondition(heldOutShare >= 0 && heldOutShare < 1, "a held-out share lies in 0..<1")
    let path = Self.withoutFinalSlash(path)
    var status = stat()
    guard stat(path, &status) == 0 else {
      // A name that leads nowhere is the user's mistake; anything else is the system's trouble.
      let isMissing = errno == ENOENT || errno == ENOTDIR
      let found = isMissing ? "nothing of that name" : String(cString: strerror(errno))
      throw ScanlineError(
        isMissing ? .badData : .io, path: path, expected: "a folder of PNG images", found: found)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      try self.init(file: path)
      return
    }
    let tree = try DirectoryTree(reading: path, threads: threads)
    guard tree.imageCount > 0 else { throw Self.noImages(path, tree.allIgnored) }
    var scan = Scan(path: path)
    try scan.readRoot(tree)
    scan.entries.sort { DirectoryTree.inByteOrder($0.relativePath, $1.relativePath) }
    if !scan.splitFolders.contains(.valid) { scan.holdOut(share: heldOutShare, seed: seed) }
    self.init(
      path: path, layout: scan.layout, entries: scan.entries, classes: scan.classes,
      splitFolders: scan.splitFolders, ignored: tree.allIgnored, notes: scan.notes)
  }

  /// A single PNG file, in the training split.
  private init(file path: String) throws {
    let (folder, name) = DurableFiles.split(path)
    guard DirectoryTree.isPNG(name) else {
      throw ScanlineError(
        .badData, path: path, expected: "a folder of PNG images, or a .png file", found: "a file")
    }
    let entry = Entry(
      relativePath: name, classIndex: nil, split: .train, folder: folder == "/" ? "" : folder)
    self.init(
      path: path, layout: .file, entries: [entry], classes: [], splitFolders: [], ignored: [:], notes: [])
  }

  private static func withoutFinalSlash(_ path: String) -> String {
    var path = path[...]
    while path.utf8.count > 1 && path.hasSuffix("/") { path.removeLast() }
    return String(path)
  }

  private static func noImages(_ path: String, _ ignored: [String: Int]) -> ScanlineError {
    let counts = ignored.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4)
      .map { "\($0.value) \($0.key.isEmpty ? "" : $0.key + " ")file\($0.value == 1 ? "" : "s")" }
    let found = counts.isEmpty ? "no file at all" : counts.joined(separator: ", ")
    return ScanlineError(
      .badData, path: path, expected: "PNG images (.png), here or in subfolders", found: found)
  }
}

/// The listing as it is put together.
private struct Scan {
  let path: String
  var layout = ImageFolder.Layout.flat
  var entries: [ImageFolder.Entry] = []
  var classes: [String] = []
  var splitFolders: Set<Split> = []
  var notes: [String] = []

  init(path: String) { self.path = path }

  mutating func readRoot(_ tree: DirectoryTree) throws {
    let folders = tree.imageFolders
    let splits = Set(folders.compactMap { Split(folderName: $0.name) })
    let others = folders.filter { Split(folderName: $0.name) == nil }
    if folders.isEmpty || splits.isEmpty || (splits.count == 1 && others.count > 0) {
      layout = folders.isEmpty ? .flat : .classes
      if let odd = folders.first(where: { Split(folderName: $0.name) != nil }), layout == .classes {
        notes.append(
          "\(odd.name)/ lies beside other folders of images, so it is read as a class, not a split.")
      }
      try refuseNestedSplits(folders)
      classes = folders.map(\.name)
      try readPart(tree, prefix: "", split: .train)
      return
    }
    layout = .splits
    if let stray = others.first {
      throw mixed("only train, valid and test folders", "\(stray.name)/ beside them")
    }
    if let stray = tree.images.first { throw mixed("images in the split folders", "\(stray) beside them") }
    classes = Set(folders.flatMap { $0.tree.imageFolders.map(\.name) }).sorted(by: DirectoryTree.inByteOrder)
    for (name, part) in folders {
      guard let split = Split(folderName: name) else { continue }
      guard splitFolders.insert(split).inserted else {
        let names = folders.map(\.name).filter { Split(folderName: $0) == split }
        throw mixed("one folder for the split \(split.rawValue)", names.joined(separator: "/ and ") + "/")
      }
      try readPart(part, prefix: name + "/", split: split)
    }
    noteUnevenClasses()
  }

  /// Images of one split, or of the whole folder: flat, or a folder per class.
  private mutating func readPart(_ tree: DirectoryTree, prefix: String, split: Split) throws {
    let folders = tree.imageFolders
    if let image = tree.images.first, let folder = folders.first {
      throw mixed(
        "images, or a subfolder per class",
        "both: \(prefix + image) beside the folder \(prefix + folder.name)/")
    }
    for name in tree.images {
      entries.append(.init(relativePath: prefix + name, classIndex: nil, split: split, folder: path))
    }
    for (name, part) in folders {
      let index = classes.firstIndex(of: name)
      part.forEachImage(prefix: prefix + name + "/") {
        entries.append(.init(relativePath: $0, classIndex: index, split: split, folder: path))
      }
    }
  }

  /// `data` given where `data/mnist/train/…` was meant would quietly train on the test images.
  private func refuseNestedSplits(_ folders: [(name: String, tree: DirectoryTree)]) throws {
    for (name, tree) in folders {
      let inner = tree.imageFolders
      guard !inner.isEmpty, inner.allSatisfy({ Split(folderName: $0.name) != nil }) else { continue }
      throw mixed(
        "folders of images",
        "splits one level down: \(name)/\(inner[0].name)/ (did you mean \(path)/\(name)?)")
    }
  }

  private mutating func noteUnevenClasses() {
    guard splitFolders.contains(.train), !classes.isEmpty else { return }
    let trained = Set(entries.lazy.filter { $0.split == .train }.compactMap(\.classIndex))
    for split in Split.allCases where split != .train && splitFolders.contains(split) {
      let part = entries.lazy.filter { $0.split == split }
      let untrained = trained.isEmpty ? [] : Set(part.compactMap(\.classIndex)).subtracting(trained)
      for index in untrained.sorted() {
        notes.append("The class \(classes[index]) has images in \(split.rawValue) but none to train on.")
      }
      if part.contains(where: { $0.classIndex == nil }) != trained.isEmpty {
        notes.append("Of train and \(split.rawValue) only one has class folders.")
      }
    }
  }

  mutating func holdOut(share: Double, seed: UInt64) {
    let places = entries.indices.filter { entries[$0].split == .train }
    let below = places.map { place in
      // The path below `train`, so that scanning the parent or `train` itself holds out the same images.
      let path = entries[place].relativePath
      return layout == .splits ? String(path.drop { $0 != "/" }.dropFirst()) : path
    }
    for (place, isHeldOut) in zip(places, heldOut(paths: below, share: share, seed: seed)) where isHeldOut {
      entries[place].split = .valid
    }
  }

  private func mixed(_ expected: String, _ found: String) -> ScanlineError {
    ScanlineError(.badData, path: path, expected: expected, found: found)
  }
}
