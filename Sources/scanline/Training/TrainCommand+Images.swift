// The images that `scanline train` reads.
import Core
import ImageData
import Training

extension TrainCommand {
  /// The images of `folder` that the run learns from, and those it is evaluated on. From here on signals save first.
  func load(
    _ folder: ImageFolder, _ loading: ImageLoadingOptions, _ threads: Int, _ console: Console, _ signals: StopSignals?
  ) throws -> (train: ImageSet, valid: ImageSet?) {
    let began = monotonicSeconds()
    let path = folder.path
    func images(_ split: Split) throws -> ImageSet {
      try folder.images(of: split, loading, threads: threads, console: console)
    }
    let train = try images(.train)
    // Nothing held out: nothing to evaluate. The split test is not for training to look at.
    let valid = folder.entries(in: .valid).isEmpty ? nil : try images(.valid)
    try valid?.requireShape(train.shape, path: path)
    if let note = valid.flatMap({ Self.duplicates(train: train, valid: $0) }) { console.warning(note) }
    if let passedOver = folder.ignoredInWords { console.line("Passed over in \(path): \(passedOver)") }
    // The trainer is next: it answers signals before its first step.
    signals?.savesFirst(console)
    console.line(
      "Read \(counted(train.count + (valid?.count ?? 0), "image")) from \(path) in \((monotonicSeconds() - began).text(2)) s"
    )
    return (train, valid)
  }

  /// What to know where held-out images are training images; nil where none is.
  private static func duplicates(train: ImageSet, valid: ImageSet) -> String? {
    let copies = valid.copies(of: train)
    guard let first = copies.first else { return nil }
    let (verb, noun) = copies.count == 1 ? ("is", "a training image") : ("are", "training images")
    return "\(copies.count) of the \(counted(valid.count, "held-out image")) \(verb) \(noun) too, pixel by pixel "
      + "(\(valid.paths[first.image]) is \(train.paths[first.original])): their score says nothing of new images"
  }
}

extension RunState.Data {
  /// Lists the folder at `path` as that of the run was listed. Runs of earlier versions took any subfolder for a class,
  /// training/ and testing/ too: where that, and only that, gives the classes of this run, it is done again.
  func scan(_ path: String, threads: Int) throws -> ImageFolder {
    func listing(_ areClasses: Bool) throws -> ImageFolder {
      try ImageFolder(
        scanning: path, heldOutShare: heldOutShare, seed: splitSeed, classesAreFolders: areClasses,
        skipsUnreadable: loading.skipsBad, threads: threads)
    }
    func isSame(_ folder: ImageFolder) -> Bool {
      folder.classes.count == classNames.count
        && zip(folder.classes, classNames).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    }
    if let classesAreFolders { return try listing(classesAreFolders) }
    let listed = Result { try listing(false) }
    if case .success(let folder) = listed, isSame(folder) { return folder }
    if let former = try? listing(true), !former.classes.isEmpty, isSame(former) { return former }
    return try listed.get()
  }
}
