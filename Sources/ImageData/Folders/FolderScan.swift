// Telling a folder's layout from the names in it, and which of its files are taken.
import Core

/// The listing as it is put together.
struct FolderScan {
  /// A file on its way to be an entry.
  private struct Listed {
    let relativePath: String
    var classIndex: Int?
    var split: Split
    let identity: FileIdentity
    let isLink: Bool
  }

  let path: String
  /// Whether every folder below the root is a class, whatever its name.
  let classesAreFolders: Bool
  private(set) var layout = ImageFolder.Layout.flat
  private var listed: [Listed] = []
  private(set) var classes: [String] = []
  private(set) var splitFolders: Set<Split> = []
  private(set) var notes: [String] = []
  private(set) var repeatedFiles: [String] = []

  /// Lays out the images of `tree`, the folder at `path`.
  ///
  /// - Throws: `ScanlineError` (`badData`) where they have no layout, or several.
  init(_ tree: DirectoryTree, path: String, classesAreFolders: Bool) throws {
    (self.path, self.classesAreFolders) = (path, classesAreFolders)
    try readRoot(tree)
    listed.sort { String.inByteOrder($0.relativePath, $1.relativePath) }
    dropRepeated()
    dropEmptyClasses()
    noteUnevenClasses()
    noteClassesThatLookAlike()
  }

  /// What is listed, in byte order of paths.
  var entries: [ImageFolder.Entry] {
    listed.map { .init(relativePath: $0.relativePath, classIndex: $0.classIndex, split: $0.split, folder: path) }
  }

  // MARK: Layout

  private mutating func readRoot(_ tree: DirectoryTree) throws {
    let folders = tree.imageFolders
    let meanings = folders.map { FolderMeaning(ofFolder: $0.name) }
    let splits = meanings.map(\.split)
    if classesAreFolders {
      let names = zip(folders, meanings).filter { $1 != .none }.map { $0.0.name + "/" }
      if !names.isEmpty {
        notes.append("Read as classes, as `classesAreFolders` says: \(names.joined(separator: ", ")).")
      }
      return try readClasses(tree, folders)
    }
    try refuseUnclear(zip(folders, meanings).map { ($0.name, $1) })
    let other = splits.firstIndex { $0 == nil }
    if Set(splits.compactMap { $0 }).isEmpty || (Set(splits.compactMap { $0 }).count == 1 && other != nil) {
      if let odd = splits.firstIndex(where: { $0 != nil }) {
        notes.append(
          "\(folders[odd].name)/ lies beside other folders of images, so it is read as a class, not a split.")
      }
      try refuseNestedSplits(folders)
      return try readClasses(tree, folders)
    }
    layout = .splits
    if let other { throw mixed("only train, valid and test folders", "\(folders[other].name)/ beside them") }
    if let stray = tree.images.first { throw mixed("images in the split folders", "\(stray.name) beside them") }
    nameClasses(folders.flatMap { $0.tree.imageFolders.map(\.name) })
    for ((name, part), split) in zip(folders, splits) {
      guard let split else { continue }
      splitFolders.insert(split)
      try readPart(part, prefix: name + "/", split: split)
    }
  }

  private mutating func readClasses(_ tree: DirectoryTree, _ folders: [(name: String, tree: DirectoryTree)]) throws {
    layout = folders.isEmpty ? .flat : .classes
    nameClasses(folders.map(\.name))
    for (name, part) in folders {
      for (inner, _) in part.imageFolders where FolderMeaning(ofFolder: inner) != .none {
        notes.append("\(name)/\(inner)/ is part of the class \(name): splits are looked for at the top only.")
      }
    }
    try readPart(tree, prefix: "", split: .train)
  }

  /// Numbers of classes by the bytes of their names: to a string, é in one scalar and in two are the same.
  private var classNumbers: [[UInt8]: Int] = [:]

  private mutating func nameClasses(_ names: [String]) {
    let distinct = Dictionary(names.map { ($0.fileNameBytes, $0) }) { first, _ in first }
    classes = distinct.values.sorted(by: String.inByteOrder)
    classNumbers = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1.fileNameBytes, $0) })
  }

  /// Images of one split, or of the whole folder: flat, or a folder per class.
  private mutating func readPart(_ tree: DirectoryTree, prefix: String, split: Split) throws {
    let folders = tree.imageFolders
    if let image = tree.images.first, let folder = folders.first {
      throw mixed(
        "images, or a subfolder per class",
        "both: \(prefix + image.name) beside the folder \(prefix + folder.name)/")
    }
    func add(_ path: String, _ image: DirectoryTree.Image, _ index: Int?) {
      listed.append(
        Listed(
          relativePath: path, classIndex: index, split: split, identity: image.identity, isLink: image.isLink))
    }
    for image in tree.images { add(prefix + image.name, image, nil) }
    for (name, part) in folders {
      let index = classNumbers[name.fileNameBytes]
      part.forEachImage(prefix: prefix + name + "/") { add($0, $1, index) }
    }
  }

  // MARK: Refusals

  /// Throws where names of folders leave open which images are for training.
  private func refuseUnclear(_ folders: [(name: String, meaning: FolderMeaning)]) throws {
    let expected =
      "folders called train, valid and test, or folders of classes (`classesAreFolders`: all are classes)"
    let alike = folders.filter { $0.meaning == .likeSplit }.map { $0.name + "/" }
    if !alike.isEmpty {
      throw mixed(
        expected,
        "\(alike.joined(separator: ", ")), named like a split but not quite: rename to train, valid or test")
    }
    for split in Split.allCases {
      let same = folders.filter { $0.meaning == .split(split) }.map(\.name)
      guard same.count < 2 else {
        throw mixed("one folder for the split \(split.rawValue)", same.joined(separator: "/ and ") + "/")
      }
    }
    let hasSplit = folders.contains { $0.meaning.split != nil }
    if hasSplit, let (name, _) = folders.first(where: { $0.meaning == .heldOut }) {
      throw mixed(expected, "\(name)/ beside a split: rename it to valid or test")
    }
    let parts = folders.compactMap { folder in FolderMeaning.stem(ofFolder: folder.name).map { (folder.name, $0) } }
    for (index, (name, part)) in parts.enumerated() {
      guard let (other, _) = parts[..<index].first(where: { $1.stem == part.stem && $1.split != part.split }) else {
        continue
      }
      guard part.stem.count > 1, !hasSplit else { continue }
      throw mixed(expected, "\(other)/ and \(name)/: rename them to the splits that they are")
    }
  }

  /// `data` given where `data/mnist/train/…` was meant would quietly train on the test images.
  private func refuseNestedSplits(_ folders: [(name: String, tree: DirectoryTree)]) throws {
    for (name, tree) in folders {
      let inner = tree.imageFolders
      let meanings = inner.map { FolderMeaning(ofFolder: $0.name) }
      let isSplit = meanings.contains { $0.split != nil }
      guard !inner.isEmpty, !meanings.contains(.none), isSplit || inner.count > 1 else { continue }
      throw mixed(
        "folders of images",
        "splits one level down: \(name)/\(inner[0].name)/ (did you mean \(path)/\(name)?)")
    }
  }

  private func mixed(_ expected: String, _ found: String) -> ScanlineError {
    ScanlineError(.badData, path: path, expected: expected, found: found)
  }

  // MARK: Each file once

  /// Of several names of one file one is kept: held-out images are not trained on, so of several splits the test goes
  /// before valid and that before train; then a real name before a link, then the first in byte order.
  private mutating func dropRepeated() {
    // Nearly always all differ, and sorted numbers show that in a tenth of the time of a dictionary.
    let numbers = listed.map { $0.identity.inode &+ $0.identity.device &* 0x9E37_79B9_7F4A_7C15 }.sorted()
    guard zip(numbers, numbers.dropFirst()).contains(where: ==) else { return }
    var first: [FileIdentity: Int] = Dictionary(minimumCapacity: listed.count)
    var groups: [Int: [Int]] = [:]
    for (index, file) in listed.enumerated() {
      if let leader = first[file.identity] {
        groups[leader, default: [leader]].append(index)
      } else {
        first[file.identity] = index
      }
    }
    var dropped: Set<Int> = []
    for group in groups.values {
      // Some file systems give all files one number in readdir, or files of two layers the same: only stat tells for sure.
      let same = Dictionary(grouping: group) { FileIdentity(ofFileAt: path + "/" + listed[$0].relativePath) }
      for (identity, files) in same where identity != nil && files.count > 1 {
        func rank(_ index: Int) -> (Int, Int, Int) {
          let order: [Split: Int] = [.test: 0, .valid: 1, .train: 2]
          return (order[listed[index].split] ?? 3, listed[index].isLink ? 1 : 0, index)
        }
        let kept = files.min { rank($0) < rank($1) }
        dropped.formUnion(files.filter { $0 != kept })
      }
    }
    guard !dropped.isEmpty else { return }
    repeatedFiles = dropped.sorted().map { path + "/" + listed[$0].relativePath }
    listed = listed.indices.filter { !dropped.contains($0) }.map { listed[$0] }
  }

  /// A class all of whose files are other names of others' is none.
  private mutating func dropEmptyClasses() {
    guard !repeatedFiles.isEmpty else { return }
    let used = Set(listed.compactMap(\.classIndex)).sorted()
    guard used.count < classes.count else { return }
    let numbers = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    classes = used.map { classes[$0] }
    for index in listed.indices { listed[index].classIndex = listed[index].classIndex.flatMap { numbers[$0] } }
  }

  // MARK: Notes

  private mutating func noteUnevenClasses() {
    guard splitFolders.contains(.train), !classes.isEmpty else { return }
    let trained = Set(listed.lazy.filter { $0.split == .train }.compactMap(\.classIndex))
    for split in Split.allCases where split != .train && splitFolders.contains(split) {
      let part = listed.lazy.filter { $0.split == split }
      let untrained = trained.isEmpty ? [] : Set(part.compactMap(\.classIndex)).subtracting(trained)
      for index in untrained.sorted() {
        notes.append("The class \(classes[index]) has images in \(split.rawValue) but none to train on.")
      }
      if part.contains(where: { $0.classIndex == nil }) != trained.isEmpty {
        notes.append("Of train and \(split.rawValue) only one has class folders.")
      }
    }
  }

  private mutating func noteClassesThatLookAlike() {
    // Strings are equal where their characters are, however they are encoded.
    let groups = Dictionary(grouping: classes, by: \.self).values.filter { $0.count > 1 }
    for alike in groups.sorted(by: { $0[0] < $1[0] }) {
      func hexadecimal(_ name: String) -> String {
        name.fileNameBytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: " ")
      }
      notes.append(
        "\(alike.count) classes look alike, \(alike[0].displayed), but their names are of other bytes: "
          + alike.map(hexadecimal).joined(separator: " and ") + ".")
    }
  }

  // MARK: Held-out images

  /// Holds out a share of the training images.
  mutating func holdOut(share: Double, seed: UInt64) {
    let positions = listed.indices.filter { listed[$0].split == .train }
    let below = positions.map { position in
      // The path below `train`, so that scanning the parent or `train` itself holds out the same images.
      let bytes = listed[position].relativePath.fileNameBytes
      return layout == .splits ? Array(bytes.drop { $0 != UInt8(ascii: "/") }.dropFirst()) : bytes
    }
    for (position, isHeldOut) in zip(positions, heldOut(paths: below, share: share, seed: seed)) where isHeldOut {
      listed[position].split = .valid
    }
  }
}
