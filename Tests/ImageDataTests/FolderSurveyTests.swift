// What inspect says of a folder.
import Core
import ImageData
import Testing

@Suite struct FolderSurveyTests {
  @Test func everythingIsCounted() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["train/a/1.png", "train/a/2.png", "train/b/1.png"], width: 3, height: 2)
    try folder.writeGrey(["test/a/1.png"], width: 5, height: 5)
    let alpha = RawPNG(
      width: 3, height: 2, bitDepth: 16, colorType: 6, samples: [Int](repeating: 9, count: 24))
    try folder.write(alpha.bytes, to: "test/b/1.png")
    try folder.write(Array(alpha.bytes.dropLast()), to: "test/b/2.png")
    try folder.write([], to: "test/b/notes.txt")
    let listing = try ImageFolder(scanning: folder.path, heldOutShare: 0)
    let survey = FolderSurvey(of: listing, threads: 2)
    #expect(survey.images == 6)
    #expect(survey.sizes.map { [$0.width, $0.height, $0.images] } == [[3, 2, 4], [5, 5, 1]])
    #expect(survey.modes == ["8-bit grey": 4, "16-bit RGB with alpha": 1])
    #expect(survey.classes.map(\.name) == ["a", "b"])
    #expect(survey.classes.map { [$0.train, $0.valid, $0.test] } == [[2, 0, 1], [1, 0, 1]])
    #expect(survey.ignored == [".txt": 1])
    #expect(survey.bad.map(\.path) == [folder.path + "/test/b/2.png"])
    #expect(survey.shape == nil)
    let flags = ["`background`", "`scalesSixteenBit`", "`channels`", "`resize`", "`skipsBad`"]
    #expect(zip(survey.needs, flags).allSatisfy { $0.hasPrefix($1) } && survey.needs.count == flags.count)

    let options = ImageLoadingOptions(
      reading: PNGReadOptions(background: [0], scalesSixteenBit: true),
      resizing: .resize(width: 4, height: 6),
      channels: 3, skipsBad: true)
    let chosen = FolderSurvey(of: listing, options: options, threads: 2)
    #expect(chosen.needs == [])
    #expect(chosen.shape == ImageShape(height: 6, width: 4, channels: 3))
    #expect(try ImageSet(loading: listing, options: options).shape == chosen.shape)
  }

  @Test func levelsAreThoseThatShowEveryValue() throws {
    for (values, levels) in [([0, 255], 2), ([0, 85, 170], 4), ([17, 34], 16), ([0, 1], 256)]
      as [([UInt8], Int)]
    {
      let folder = try TemporaryFolder()
      for value in values { try folder.writeGrey(["\(value).png"], value: value) }
      #expect(FolderSurvey(of: try ImageFolder(scanning: folder.path), threads: 1).levels == levels)
    }
  }
}
