// A folder of PNG files as training sees it: which images there are, their classes and their splits. No pixels.

/// What images are used for.
public enum Split: String, Sendable, Codable, CaseIterable {
  /// Images to train on.
  case train
  /// Images held out, to watch training by.
  case valid
  /// Images that nothing is chosen by.
  case test
}

/// The PNG files of a folder, listed but not read. See `init(scanning:heldOutShare:seed:)` for the layouts.
public struct ImageFolder: Sendable {
  /// One PNG file.
  public struct Entry: Sendable, Hashable {
    /// The path as a program opens it.
    public var path: String { folder + "/" + relativePath }
    /// The path below the folder that was scanned.
    public let relativePath: String
    /// The position of the image's class in `classes`; nil where it has none.
    public let classIndex: Int?
    /// What the image is used for.
    public internal(set) var split: Split
    let folder: String
  }

  /// How the folder is laid out.
  public enum Layout: String, Sendable, Codable {
    /// One PNG file was named in place of a folder.
    case file
    /// Images lie in the folder itself.
    case flat
    /// Each subfolder is a class.
    case classes
    /// Subfolders of splits (`train`, `valid`, `test` and their synonyms), each flat or with a subfolder per class.
    case splits
  }

  /// The folder that was scanned, without a slash at the end.
  public let path: String
  /// How it is laid out.
  public let layout: Layout
  /// Every PNG file, in the byte order of relative paths.
  public let entries: [Entry]
  /// Names of classes in byte order; empty where there are none. The same over all splits.
  public let classes: [String]
  /// Splits that have folders of their own; empty except with layout `splits`.
  public let splitFolders: Set<Split>
  /// Files that were passed over because they are no PNG by name, by extension (".jpg"; "" for none).
  public let ignored: [String: Int]
  /// What was passed over for other reasons.
  package let passedOver: PassedOver
  /// What the user should know of how the folder was read, a sentence each.
  public let notes: [String]
  /// Whether pictures that Scanline wrote are images too, as samples are to whoever looks for their neighbours.
  let takesOwnPictures: Bool

  /// Entries of one split, or all where `split` is nil, in order.
  public func entries(in split: Split?) -> [Entry] {
    guard let split else { return entries }
    return entries.filter { $0.split == split }
  }

  /// The images that training holds out, by a folder of their own or by the seeded hash; nil where there are none. Those
  /// of `test` are not for training, nor for a report on it.
  public var heldOutSplit: Split? { entries(in: .valid).isEmpty ? nil : .valid }

  /// The images that training learns from; nil where there are none.
  public var trainSplit: Split? { entries(in: .train).isEmpty ? nil : .train }

  /// The folder with `count` images of `split` (nil: of all) alone, evenly spread over the listing and so over its
  /// classes; with all of them where there are no more.
  public func spread(_ count: Int, in split: Split? = nil) -> ImageFolder {
    let all = entries(in: split)
    return with(all.count <= count ? all : (0..<count).map { all[$0 * all.count / count] })
  }

  /// The folder with its first `count` images alone.
  public func first(_ count: Int) -> ImageFolder { with(Array(entries.prefix(count))) }

  private func with(_ chosen: [Entry]) -> ImageFolder {
    ImageFolder(
      path: path, layout: layout, entries: chosen, classes: classes, splitFolders: splitFolders, ignored: ignored,
      passedOver: passedOver, notes: notes, takesOwnPictures: takesOwnPictures)
  }

  /// The split that a finished model is scored on unless another is named: the held-out one where the folder has split
  /// folders (valid, else test, else the part of train that is held out), otherwise nil: every image. Who scores says
  /// which it was.
  public var evaluationSplit: Split? {
    guard layout == .splits else { return nil }
    return !splitFolders.contains(.valid) && splitFolders.contains(.test) ? .test : .valid
  }
}
