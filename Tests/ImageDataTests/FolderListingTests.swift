// What a listing takes of a folder: each file and folder once, every name that exists, and nothing less without a word.
import Core
import Foundation
import ImageData
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct FolderListingTests {
  private func link(_ folder: TemporaryFolder, _ target: String, _ name: String) throws {
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/" + name, withDestinationPath: target)
  }

  private func hardLink(_ folder: TemporaryFolder, _ old: String, _ new: String) throws {
    let parent = URL(fileURLWithPath: folder.path + "/" + new).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    try FileManager.default.linkItem(atPath: folder.path + "/" + old, toPath: folder.path + "/" + new)
  }

  private func names(_ listing: ImageFolder, _ split: Split? = nil) -> [String] {
    listing.entries(in: split).map(\.relativePath)
  }

  @Test(.timeLimit(.minutes(1))) func foldersThatLinkToEachOtherAreReadOnce() throws {
    let folder = try TemporaryFolder()
    for number in 0..<7 { try folder.write([], to: "\(number)/\(number).png") }
    for from in 0..<7 {
      for to in 0..<7 where from != to { try link(folder, "../\(to)", "\(from)/to-\(to)") }
    }
    let listing = try ImageFolder(scanning: folder.path, heldOutShare: 0)
    #expect(names(listing) == (0..<7).map { "\($0)/\($0).png" })
    #expect(listing.classes == (0..<7).map(String.init))
    #expect(listing.notes.contains { $0.contains("42 links") })
  }

  @Test func aFolderIsReadUnderItsOwnNameBeforeALinkToIt() throws {
    let folder = try TemporaryFolder()
    try folder.write([], to: "data/zebra/1.png")
    try folder.write([], to: "pool/2.png")
    try link(folder, "zebra", "data/ant")
    try link(folder, "../pool", "data/bee")
    try link(folder, "../pool", "data/cat")
    let listing = try ImageFolder(scanning: folder.path + "/data", heldOutShare: 0)
    #expect(names(listing) == ["bee/2.png", "zebra/1.png"] && listing.classes == ["bee", "zebra"])
  }

  @Test func aFileIsTakenOnceWhateverItsNames() throws {
    let folder = try TemporaryFolder()
    for name in ["ant/1.png", "ant/2.png", "cat/3.png"] { try folder.write([], to: name) }
    try hardLink(folder, "ant/1.png", "cat/1.png")
    try link(folder, "2.png", "ant/0.png")
    try hardLink(folder, "ant/1.png", "dog/1.png")
    try link(folder, "../cat/3.png", "ant/9.png")
    let listing = try ImageFolder(scanning: folder.path, heldOutShare: 0)
    // A real name goes before a link to it; a class that has nothing of its own is none.
    #expect(names(listing) == ["ant/1.png", "ant/2.png", "cat/3.png"])
    #expect(listing.classes == ["ant", "cat"] && listing.entries.map(\.classIndex) == [0, 0, 1])
    #expect(listing.notes.contains { $0.hasPrefix("4 files") })
  }

  @Test func aFileOfTwoSplitsIsHeldOutAndNotTrainedOn() throws {
    let folder = try TemporaryFolder()
    for name in ["train/1.png", "train/2.png", "test/3.png", "valid/4.png"] { try folder.write([], to: name) }
    try hardLink(folder, "train/1.png", "valid/copy.png")
    try hardLink(folder, "test/3.png", "valid/again.png")
    try link(folder, "../train/2.png", "test/link.png")
    try link(folder, "../test/3.png", "train/link.png")
    try folder.write([], to: "train/5.png")
    let listing = try ImageFolder(scanning: folder.path)
    #expect(names(listing, .train) == ["train/5.png"])
    #expect(names(listing, .valid) == ["valid/4.png", "valid/copy.png"])
    #expect(names(listing, .test) == ["test/3.png", "test/link.png"])
  }

  // MARK: Names

  /// Makes a file, and the folder above it, whose names are any bytes.
  private func write(_ contents: [UInt8], _ folder: TemporaryFolder, _ parent: [UInt8], _ name: [UInt8]) throws {
    func c(_ bytes: [UInt8]) -> [CChar] { (bytes + [0]).map { CChar(bitPattern: $0) } }
    let directory = Array(folder.path.utf8) + [0x2F] + parent
    mkdir(c(directory), 0o777)
    let file = open(c(directory + [0x2F] + name), O_WRONLY | O_CREAT, 0o666)
    try #require(file >= 0)
    defer { close(file) }
    #expect(Glibc.write(file, contents, contents.count) == contents.count)
  }

  @Test func namesThatAreNoUTF8AreListedAndRead() throws {
    let folder = try TemporaryFolder()
    let word = Array("caf".utf8) + [0xE9]
    try write(grey(width: 3, height: 2, value: 5), folder, word, word + Array(".png".utf8))
    try write(grey(width: 3, height: 2, value: 6), folder, Array("plain".utf8), Array("1.png".utf8))
    let listing = try ImageFolder(scanning: folder.path, heldOutShare: 0)
    #expect(listing.classes.map(\.displayed) == ["caf\\xE9", "plain"])
    #expect(listing.classes.map(\.fileNameBytes) == [word, Array("plain".utf8)])
    #expect(try ImageSet(loading: listing).pixels == [5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6])
    #expect(FolderSurvey(of: listing, threads: 1).bad == [])
    // The folder and the file named themselves.
    let inner = try ImageFolder(scanning: folder.path + "/" + String(fileName: word), heldOutShare: 0)
    #expect(try ImageSet(loading: inner).pixels == [5, 5, 5, 5, 5, 5])
    let file = try ImageFolder(scanning: try #require(inner.entries.first?.path))
    #expect(try ImageSet(loading: file).pixels == [5, 5, 5, 5, 5, 5])
  }

  @Test func classesThatDifferInNormalizationAreTwo() throws {
    let folder = try TemporaryFolder()
    let (one, two) = (Array("é".precomposedStringWithCanonicalMapping.utf8), Array("e\u{301}".utf8))
    let png = Array("1.png".utf8)
    try write(grey(width: 3, height: 2, value: 1), folder, one, png)
    try write(grey(width: 3, height: 2, value: 2), folder, two, png)
    let listing = try ImageFolder(scanning: folder.path, heldOutShare: 0)
    #expect(listing.classes.map { Array($0.utf8) } == [two, one])
    #expect(listing.entries.map(\.classIndex) == [0, 1])
    let set = try ImageSet(loading: listing)
    #expect(set.pixels == [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1])
    #expect(try set.numbered(as: set.classNames.reversed(), path: folder.path).classes == [1, 0])
    #expect(FolderSurvey(of: listing, threads: 1).classes.map(\.train) == [1, 1])
    // Alike to the eye, so said.
    #expect(listing.notes.contains { $0.contains("C3 A9") && $0.contains("65 CC 81") })
    // A model that knows one of them knows no other: neither class is counted as the other.
    #expect(scanlineError { _ = try set.numbered(as: [listing.classes[1]], path: "data") }?.kind == .badData)
    for split in ["train", "valid"] {
      try FileManager.default.createDirectory(atPath: folder.path + "/s/" + split, withIntermediateDirectories: true)
      for name in [one, two] {
        try write(grey(width: 3, height: 2, value: 1), folder, Array("s/\(split)/".utf8) + name, png)
      }
    }
    let splits = try ImageFolder(scanning: folder.path + "/s")
    #expect(splits.classes.count == 2 && splits.entries.map(\.classIndex) == [0, 1, 0, 1])
  }

  @Test func aModelsClassIsFoundUnderTheOtherNormalizationWhereThereIsOne() throws {
    let set = ImageSet(
      shape: ImageShape(height: 1, width: 1, channels: 1), pixels: [1], classes: [1], classNames: ["a", "e\u{301}"])
    #expect(try set.numbered(as: ["\u{E9}", "b"], path: "data").classes == [0])
  }

  @Test func namesThatBeginWithACombiningMarkAreNames() throws {
    #expect(DurableFiles.split("a/\u{301}b").name.unicodeScalars.elementsEqual("\u{301}b".unicodeScalars))
    #expect(DurableFiles.split("a/\u{301}b").parent == "a")
    let folder = try TemporaryFolder()
    for split in ["train", "test"] {
      try FileManager.default.createDirectory(atPath: folder.path + "/" + split, withIntermediateDirectories: true)
      for number in 0..<20 {
        try write([], folder, Array(split.utf8), Array("\u{301}\(number).png".utf8))
      }
    }
    // Each is held out, or not, as if `train` itself had been named.
    let (whole, part) = (
      try ImageFolder(scanning: folder.path, heldOutShare: 0.4),
      try ImageFolder(scanning: folder.path + "/train", heldOutShare: 0.4)
    )
    #expect(whole.entries(in: .valid).map(\.path) == part.entries(in: .valid).map(\.path))
  }

  // MARK: Folders that cannot be read

  @Test(.enabled(if: geteuid() != 0, "root may read everything")) func aFolderThatCannotBeReadIsNamed() throws {
    let folder = try TemporaryFolder()
    for name in ["ant/1.png", "cat/1.png"] { try folder.write([], to: name) }
    chmod(folder.path + "/cat", 0)
    defer { chmod(folder.path + "/cat", 0o700) }
    let error = scanlineError { _ = try ImageFolder(scanning: folder.path) }
    #expect(error?.kind == .io && error?.path == folder.path + "/cat")
    #expect(error?.expected.contains("`skipsBad`") == true)
  }

  /// A system that fails with `code` at entry `number` of the folder called `folder`; at -1 when it is opened.
  private func failing(_ code: Int32, at number: Int, in folder: String) -> FolderSource {
    let streams = Locked<[FolderSource.Stream: Int]>([:])
    return FolderSource(
      open: { path in
        let isChosen = path.hasSuffix("/" + folder)
        if isChosen && number < 0 {
          errno = code
          return nil
        }
        let stream = path.withFileSystemPath { opendir($0) }
        if let stream { streams.withLock { $0[stream] = isChosen ? number : .max } }
        return stream
      },
      next: { stream in
        let isOver = streams.withLock { streams -> Bool in
          streams[stream]! -= 1
          return streams[stream]! < 0
        }
        if isOver { errno = code }
        return isOver ? nil : readdir(stream)
      })
  }

  @Test(arguments: [-1, 0, 3, 6], [1, 2]) func aFolderThatFailsHalfWayIsAnError(at number: Int, threads: Int) throws {
    let folder = try TemporaryFolder()
    for name in ["ant", "bee", "cat"] { for file in 0..<10 { try folder.write([], to: "\(name)/\(file).png") } }
    for code in [EIO, EACCES] {
      let source = failing(code, at: number, in: "bee")
      let error = scanlineError { _ = try ImageFolder(scanning: folder.path, source: source, threads: threads) }
      #expect(
        error?.kind == .io && error?.path == folder.path + "/bee" && error?.expected.contains("`skipsBad`") == true)
      #expect(error?.found == String(cString: strerror(code)))
      // `skipsBad` passes over all of the folder, not a part of it.
      let rest = try ImageFolder(
        scanning: folder.path, source: failing(code, at: number, in: "bee"), skipsUnreadable: true, threads: threads)
      #expect(rest.classes == ["ant", "cat"] && rest.entries.count == 20)
      #expect(rest.passedOver.unreadable.map(\.path) == [folder.path + "/bee"])
      #expect(rest.notes.contains { $0.hasPrefix("1 folder that cannot be read is passed over") })
      #expect(
        scanlineError {
          _ = try DurableFiles.names(in: folder.path + "/bee", source: failing(code, at: number, in: "bee"))
        }?
        .kind == .io)
    }
    // The folder that was named is needed, and want of memory is no fault of a folder.
    let name = folder.path.split(separator: "/").last.map(String.init) ?? ""
    for source in [failing(EIO, at: 1, in: name), failing(EMFILE, at: -1, in: "bee")] {
      let error = scanlineError { _ = try ImageFolder(scanning: folder.path, source: source, skipsUnreadable: true) }
      #expect(error?.kind == .io)
    }
  }
}
