// Listing a folder: which files it has, and what each is used for.
import Core

extension ImageFolder {
  /// Lists the PNG files of the folder at `path`, which is laid out in one of these ways:
  ///
  /// - flat: images in the folder itself;
  /// - class subfolders: the first folder below the root names the class, and deeper folders belong to it;
  /// - splits: every subfolder with images has one of the usual names of a split (`train`, `training`, `train_images` …;
  ///   `valid`, `val`, `validation`, `dev` …; `test`, `testing` …, in any case), each flat or with class subfolders; a
  ///   class has one index over all splits;
  /// - `path` may also name one PNG file.
  ///
  /// A subfolder whose name only begins like a split's (`trainA`, `val2017`) is refused, unless `classesAreFolders`: then
  /// every subfolder is a class.
  ///
  /// Where no folder holds out images to validate by, `heldOutShare` of the training images is, each by a
  /// seeded hash of its path below the folder (below `train`, where that exists), so that files added later
  /// move no other. A `test` folder is never drawn on for that.
  ///
  /// Hidden files and folders and files not called .png are passed over, and a folder without images is no class. So are
  /// runs of Scanline and pictures that it wrote, the latter unless `takesOwnPictures`, or with `scoresSamples` where there is nothing else. Symbolic links are followed; a file
  /// or folder that several names lead to is taken once, of several splits for the one that is held out. Folders below
  /// `path` that cannot be read are an error unless `skipsUnreadable`. ``passedOver`` tells all this.
  ///
  /// - Throws: `ScanlineError`: `io` where `path` or a folder below it cannot be read, `badData` where it is missing, holds
  ///   no PNG, or mixes images with class folders, or split folders with others.
  public init(
    scanning path: String, heldOutShare: Double = 0.1, seed: UInt64 = 0, classesAreFolders: Bool = false,
    skipsUnreadable: Bool = false, takesOwnPictures: Bool = false, scoresSamples: Bool = false,
    threads: Int = availableThreads()
  ) throws {
    try self.init(
      scanning: path, source: .system, heldOutShare: heldOutShare, seed: seed, classesAreFolders: classesAreFolders,
      skipsUnreadable: skipsUnreadable, takesOwnPictures: takesOwnPictures, scoresSamples: scoresSamples,
      threads: threads)
  }

  /// The same with folders that come from `source`.
  package init(
    scanning path: String, source: FolderSource, heldOutShare: Double = 0, seed: UInt64 = 0,
    classesAreFolders: Bool = false, skipsUnreadable: Bool = false, takesOwnPictures: Bool = false,
    scoresSamples: Bool = false, threads: Int = 1
  ) throws {
    precondition(heldOutShare >= 0 && heldOutShare < 1, "a held-out share lies in 0..<1")
    let path = DurableFiles.withoutFinalSlashes(path)
    var status = stat()
    guard path.withFileSystemPath({ stat($0, &status) }) == 0 else {
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
    let reading = DirectoryTree.Reading(source: source, threads: threads, skipsUnreadable: skipsUnreadable)
    var tree = try DirectoryTree(reading: path, reading)
    guard !OwnOutput.isSurelyRun(tree, at: path) else {
      throw ScanlineError(.badData, path: path, expected: "a folder of PNG images", found: "a run of Scanline")
    }
    var takesOwnPictures = takesOwnPictures
    if !takesOwnPictures {
      let whole = tree
      tree.dropOwnPictures(path)
      // Who has a folder of samples alone scored means those samples.
      if scoresSamples, tree.imageCount == 0, whole.imageCount > 0 { (tree, takesOwnPictures) = (whole, true) }
    }
    var passedOver = tree.allPassedOver
    guard tree.imageCount > 0 else { throw Self.noImages(path, tree.allIgnored, passedOver) }
    var scan = try FolderScan(tree, path: path, classesAreFolders: classesAreFolders)
    if !scan.splitFolders.contains(.valid) { scan.holdOut(share: heldOutShare, seed: seed) }
    passedOver.repeatedFiles = scan.repeatedFiles
    self.init(
      path: path, layout: scan.layout, entries: scan.entries, classes: scan.classes, splitFolders: scan.splitFolders,
      ignored: tree.allIgnored, passedOver: passedOver, notes: scan.notes + passedOver.notes,
      takesOwnPictures: takesOwnPictures)
  }

  /// A single PNG file, in the training split. Who names a picture of Scanline means it.
  private init(file path: String) throws {
    let (folder, name) = DurableFiles.split(path)
    guard DirectoryTree.isPNG(name) else {
      throw ScanlineError(
        .badData, path: path, expected: "a folder of PNG images, or a .png file", found: "a file")
    }
    let entry = Entry(
      relativePath: name, classIndex: nil, split: .train, folder: folder == "/" ? "" : folder)
    self.init(
      path: path, layout: .file, entries: [entry], classes: [], splitFolders: [], ignored: [:],
      passedOver: PassedOver(), notes: [], takesOwnPictures: true)
  }

  private static func noImages(_ path: String, _ ignored: [String: Int], _ passedOver: PassedOver) -> ScanlineError {
    let counts = ignored.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4)
      .map { "\($0.value) \($0.key.isEmpty ? "" : $0.key + " ")file\($0.value == 1 ? "" : "s")" }
    let all = passedOver.inWords + counts
    let found = all.isEmpty ? "no file at all" : all.joined(separator: ", ")
    return ScanlineError(
      .badData, path: path, expected: "PNG images (.png), here or in subfolders", found: found)
  }
}
