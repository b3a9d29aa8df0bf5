// Folders of each kind, listed without reading a pixel.
import Core
import Foundation
import ImageData
import Testing

@Suite struct ImageFolderTests {
  private func scan(_ names: [String], share: Double = 0) throws -> ImageFolder {
    let folder = try TemporaryFolder()
    for name in names { try folder.write([], to: name) }
    return try ImageFolder(scanning: folder.path, heldOutShare: share)
  }

  private func refusal(_ names: [String]) -> ScanlineError? { scanlineError { _ = try scan(names) } }

  @Test func flatFoldersAreListedInByteOrder() throws {
    let folder = try scan(["b.png", "a.PNG", "é.png", "Z.png", "10.png", "9.png"])
    #expect(folder.layout == .flat)
    #expect(folder.entries.map(\.relativePath) == ["10.png", "9.png", "Z.png", "a.PNG", "b.png", "é.png"])
    #expect(folder.entries.allSatisfy { $0.classIndex == nil && $0.split == .train })
    #expect(folder.classes == [])
    #expect(folder.evaluationSplit == nil)
  }

  @Test func aFewImagesAreSpreadOverAll() throws {
    let folder = try scan((0..<10).map { "\($0 / 5)/\($0).png" })
    #expect(folder.spread(4).entries.map(\.relativePath) == ["0/0.png", "0/2.png", "1/5.png", "1/7.png"])
    #expect(folder.spread(10).entries == folder.entries && folder.spread(99, in: .train).entries == folder.entries)
    #expect(folder.spread(3, in: .valid).entries.isEmpty && folder.spread(3).classes == ["0", "1"])
    #expect(folder.first(3).entries == Array(folder.entries.prefix(3)) && folder.first(11).entries == folder.entries)
  }

  @Test func subfoldersAreClassesAndDeeperFoldersBelongToThem() throws {
    let folder = try scan(["cat/2.png", "ant/x/y/1.png", "cat/1.png", "ant.d/1.png"])
    #expect(folder.layout == .classes)
    #expect(folder.classes == ["ant", "ant.d", "cat"])
    #expect(folder.entries.map(\.relativePath) == ["ant.d/1.png", "ant/x/y/1.png", "cat/1.png", "cat/2.png"])
    #expect(folder.entries.map(\.classIndex) == [1, 0, 2, 2])
  }

  @Test func hiddenAndForeignFilesAreNoImagesAndEmptyFoldersNoClasses() throws {
    let folder = try scan([
      "cat/1.png", "cat/.2.png", "cat/._1.png", ".git/1.png", ".DS_Store", "cat/Thumbs.db",
      "notes/readme.txt",
      "dog/.hidden/1.png", "cat/a.jpg", "cat/b.JPG", "cat/LICENSE",
    ])
    #expect(folder.classes == ["cat"])
    #expect(folder.entries.map(\.relativePath) == ["cat/1.png"])
    #expect(folder.ignored == [".db": 1, ".txt": 1, ".jpg": 2, "": 1])
  }

  @Test(arguments: ["valid", "val", "validation", "Val"]) func splitFolders(valid: String) throws {
    let folder = try scan(["train/b/1.png", "train/a/1.png", "\(valid)/b/1.png", "test/a/2.png"], share: 0.5)
    #expect(folder.layout == .splits)
    #expect(folder.classes == ["a", "b"])
    #expect(folder.entries(in: .train).map(\.relativePath) == ["train/a/1.png", "train/b/1.png"])
    #expect(folder.entries(in: .valid).map(\.classIndex) == [1])
    #expect(folder.entries(in: .test).map(\.relativePath) == ["test/a/2.png"])
    #expect(folder.evaluationSplit == .valid)
    #expect(folder.notes == [])
  }

  @Test func flatSplitsHaveNoClasses() throws {
    let folder = try scan(["train/1.png", "test/1.png"])
    #expect(folder.layout == .splits)
    #expect(folder.classes == [])
    #expect(folder.evaluationSplit == .test)
  }

  @Test func withoutAValidFolderTrainIsHeldOutAndTestIsNot() throws {
    let names = (0..<40).map { "\($0).png" }
    let parent = try scan(names.map { "train/" + $0 } + ["test/1.png"], share: 0.4)
    let flat = try scan(names, share: 0.4)
    let held = parent.entries(in: .valid).map(\.relativePath)
    #expect((6..<28).contains(held.count))
    #expect(held.allSatisfy { $0.hasPrefix("train/") })
    // Scanning `train` itself holds out the same files as scanning its parent.
    #expect(held == flat.entries(in: .valid).map { "train/" + $0.relativePath })
  }

  @Test func aClassWithoutTrainingImagesIsNoted() throws {
    let folder = try scan(["train/a/1.png", "valid/a/1.png", "valid/b/1.png"])
    #expect(folder.classes == ["a", "b"])
    #expect(folder.notes == ["The class b has images in valid but none to train on."])
    #expect(
      try scan(["train/a/1.png", "valid/1.png"]).notes == ["Of train and valid only one has class folders."])
  }

  @Test func mixturesAreRefused() throws {
    #expect(refusal(["a.png", "cat/1.png"])?.found.contains("a.png beside the folder cat/") == true)
    #expect(refusal(["train/a.png", "train/cat/1.png"])?.found.contains("train/a.png") == true)
    #expect(refusal(["train/1.png", "valid/1.png", "extra/1.png"])?.found == "extra/ beside them")
    #expect(refusal(["train/1.png", "valid/1.png", "a.png"])?.found == "a.png beside them")
    #expect(refusal(["train/1.png", "val/1.png", "valid/1.png"])?.found == "val/ and valid/")
    #expect(refusal(["mnist/train/1/1.png", "mnist/test/1/1.png"])?.found.contains("did you mean") == true)
  }

  @Test func aLoneSplitNameAmongClassesIsAClass() throws {
    let folder = try scan(["train/1.png", "car/1.png", "plane/1.png"])
    #expect(folder.classes == ["car", "plane", "train"])
    #expect(folder.notes.count == 1)
  }

  @Test func nothingToReadIsExplained() throws {
    let error = refusal((0..<12).map { "\($0).jpg" } + ["a.txt"])
    #expect(error?.kind == .badData)
    #expect(error?.found == "12 .jpg files, 1 .txt file")
    let folder = try TemporaryFolder()
    #expect(scanlineError { _ = try ImageFolder(scanning: folder.path) }?.found == "no file at all")
    let missing = scanlineError { _ = try ImageFolder(scanning: folder.path + "/none") }
    #expect(missing?.kind == .badData)
    #expect(missing?.found == "nothing of that name")
    try folder.write([1], to: "a.txt")
    #expect(scanlineError { _ = try ImageFolder(scanning: folder.path + "/a.txt") }?.kind == .badData)
  }

  @Test func oneFileIsAFolderOfOne() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["one.png"], value: 9)
    let listing = try ImageFolder(scanning: folder.path + "/one.png")
    #expect(listing.layout == .file)
    #expect(listing.entries.map(\.path) == [folder.path + "/one.png"])
    #expect(try ImageSet(loading: listing).pixels == [9, 9, 9, 9, 9, 9])
  }

  @Test(.timeLimit(.minutes(1))) func linksAreFollowedButNotRoundInCircles() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["real/cat/1.png"])
    try folder.writeGrey(["data/dog/1.png"])
    let files = FileManager.default
    try files.createSymbolicLink(atPath: folder.path + "/data/cat", withDestinationPath: "../real/cat")
    try files.createSymbolicLink(atPath: folder.path + "/data/dog/up", withDestinationPath: "../../data")
    try files.createSymbolicLink(atPath: folder.path + "/data/dog/2.png", withDestinationPath: "1.png")
    try files.createSymbolicLink(atPath: folder.path + "/data/dog/3.png", withDestinationPath: "none.png")
    let listing = try ImageFolder(scanning: folder.path + "/data/")
    // 2.png is 1.png under another name.
    #expect(listing.entries.map(\.relativePath) == ["cat/1.png", "dog/1.png", "dog/3.png"])
    #expect(scanlineError { _ = try ImageSet(loading: listing) }?.path == folder.path + "/data/dog/3.png")
  }
}

@Suite struct HeldOutTests {
  private func heldOut(_ names: [String], share: Double, seed: UInt64 = 0) throws -> Set<String> {
    let folder = try TemporaryFolder()
    for name in names { try folder.write([], to: name) }
    let listing = try ImageFolder(scanning: folder.path, heldOutShare: share, seed: seed)
    return Set(listing.entries(in: .valid).map(\.relativePath))
  }

  @Test func newFilesMoveNoOldOnes() throws {
    let old = (0..<200).map { "c/\($0).png" }
    let new = (0..<150).map { "b/\($0).png" } + (0..<50).map { "c/new\($0).png" }
    let before = try heldOut(old, share: 0.2)
    let after = try heldOut(old + new, share: 0.2)
    #expect((20...60).contains(before.count))
    #expect(after.intersection(old) == before)
    #expect(after.count > before.count)
  }

  @Test func theSeedDecidesAndNothingElse() throws {
    let names = (0..<100).map { "\($0).png" }
    let first = try heldOut(names, share: 0.3, seed: 1)
    #expect(try heldOut(names, share: 0.3, seed: 1) == first)
    #expect(try heldOut(names, share: 0.3, seed: 2) != first)
    // A larger share holds out more, never others.
    #expect(try heldOut(names, share: 0.5, seed: 1).isSuperset(of: first))
    // Pinned, and computed by a separate program: a folder must split alike for ever.
    #expect(
      try heldOut((0..<30).map { "\($0).png" }, share: 0.1).sorted() == [
        "13.png", "16.png", "18.png", "19.png",
      ])
  }

  @Test func tinyFoldersHaveBothSides() throws {
    for count in 2...6 {
      for seed in 0..<20 as Range<UInt64> {
        let names = (0..<count).map { "\($0).png" }
        #expect((1..<count).contains(try heldOut(names, share: 0.1, seed: seed).count))
        #expect((1..<count).contains(try heldOut(names, share: 0.95, seed: seed).count))
      }
    }
    #expect(try heldOut(["a.png"], share: 0.1).isEmpty)
    #expect(try heldOut(["a.png", "b.png"], share: 0).isEmpty)
  }
}
