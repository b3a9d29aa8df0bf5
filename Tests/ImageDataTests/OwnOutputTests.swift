// Runs and pictures of Scanline's own inside a data folder are no data.
import Core
import ImageData
import Testing

@Suite struct OwnOutputTests {
  private static let text: PNGText = ["Software": "scanline 0.1.0", "Model": "pixelcnn"]

  /// A picture as Scanline writes them.
  private func picture(_ value: UInt8 = 200, width: Int = 30, height: Int = 20, text: PNGText = text) throws -> [UInt8]
  {
    let shape = ImageShape(height: height, width: width, channels: 1)
    return try PNGImage(shape: shape, values: [UInt8](repeating: value, count: shape.dimensions)).encoded(text: text)
  }

  /// What a run leaves in its folder.
  private func writeRun(_ folder: TemporaryFolder, _ name: String) throws {
    for file in ["manifest.json", "state.json", "model.safetensors"] {
      try folder.write([1], to: "\(name)/step-00000100/\(file)")
    }
    try folder.write(
      Array("# What this run of scanline train was asked for, defaults included.\n".utf8), to: "\(name)/config.toml")
    try folder.write(Array(#"{"epoch":1,"seconds":1,"step":100}"#.utf8), to: "\(name)/metrics.jsonl")
    try folder.write([], to: "\(name)/environment.json")
    // Older versions wrote plots without a text: it is the folder that tells.
    try folder.write(picture(text: [:]), to: "\(name)/plots/losses.png")
    try folder.write(picture(), to: "\(name)/samples/step-00000100.png")
  }

  @Test(arguments: ["Checkpoints/photos-pixelcnn", "run", "a/b/c/run"]) func aRunIsNoClass(run: String) throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey((0..<30).map { "\($0).png" })
    let before = try ImageFolder(scanning: folder.path, heldOutShare: 0.2)
    try writeRun(folder, run)
    let after = try ImageFolder(scanning: folder.path, heldOutShare: 0.2)
    #expect(after.layout == .flat && after.entries == before.entries && after.ignored == [:])
    #expect(after.notes.contains { $0.contains(run) })
  }

  @Test func oneRecordOfARunIsEnough() throws {
    for only in ["step-00000100/manifest.json", "config.toml", "metrics.jsonl"] {
      let folder = try TemporaryFolder()
      try folder.writeGrey(["cat/1.png", "dog/1.png"])
      try writeRun(folder, "other")
      try folder.writeGrey(["run/samples/1.png"])
      try folder.write(try readBytes(folder.path + "/other/" + only), to: "run/" + only)
      #expect(try ImageFolder(scanning: folder.path).classes == ["cat", "dog"], "\(only)")
    }
    // Files of those names that are others' make no run.
    let folder = try TemporaryFolder()
    try folder.writeGrey(["cat/1.png", "dog/1.png", "dog/step-00000001/2.png"])
    try folder.write(Array("title = 1\n".utf8), to: "cat/config.toml")
    try folder.write(Array("{\"loss\": 1}\n".utf8), to: "dog/metrics.jsonl")
    #expect(try ImageFolder(scanning: folder.path, heldOutShare: 0).entries.count == 3)
  }

  private func readBytes(_ path: String) throws -> [UInt8] { try DurableFiles.contents(of: path) }

  @Test func aRunItselfIsRefused() throws {
    let folder = try TemporaryFolder()
    try writeRun(folder, "runs/one")
    try writeRun(folder, "runs/two")
    for path in ["runs/one", "runs"] {
      let error = scanlineError { _ = try ImageFolder(scanning: folder.path + "/" + path) }
      #expect(error?.kind == .badData && error?.found.contains("run") == true, "\(error?.description ?? "read")")
    }
    // A configuration that was put beside the images makes no run of them.
    try folder.writeGrey(["photos/1.png"])
    try folder.write(readBytes(folder.path + "/runs/one/config.toml"), to: "photos/config.toml")
    #expect(try ImageFolder(scanning: folder.path + "/photos").entries.count == 1)
  }

  /// Of a large folder, pictures that are found late do not move what is said of other files: the one image in both splits
  /// comes behind such a picture.
  @Test func aLatePictureMovesNoDuplicate() throws {
    let folder = try TemporaryFolder()
    let shape = ImageShape(height: 1, width: 2, channels: 1)
    for i in 0..<4_100 {
      let values = [UInt8(i % 256), UInt8(i / 256)]
      try folder.write(try PNGImage(shape: shape, values: values).encoded(), to: "train/\(10_000 + i).png")
    }
    try folder.write(picture(), to: "train/10000a.png")
    let last = try PNGImage(shape: shape, values: [UInt8(4_099 % 256), UInt8(4_099 / 256)]).encoded()
    try folder.write(last, to: "valid/1.png")
    let survey = FolderSurvey(of: try ImageFolder(scanning: folder.path))
    #expect(survey.passedOver.pictures.map { $0.hasSuffix("10000a.png") } == [true])
    #expect(survey.duplicates.trainValid == 1)
    #expect(survey.duplicates.examples.map { $0.sameAs.hasSuffix("train/14099.png") } == [true])
  }

  @Test func picturesOfOursAreNoImages() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey((0..<6).map { "\($0).png" })
    let before = try ImageFolder(scanning: folder.path, heldOutShare: 0.1)
    for name in ["samples.png", "0a.png", "worst.png"] { try folder.write(picture(), to: name) }
    try folder.write(picture(text: ["Software": "scanline"]), to: "plot.png")
    try folder.write(picture(text: ["Model": "é", "Software": "scanline 2.0"]), to: "late.png")
    let after = try ImageFolder(scanning: folder.path, heldOutShare: 0.1)
    #expect(after.entries == before.entries)
    #expect(
      try ImageSet(loading: after, split: .train).fingerprint == ImageSet(loading: before, split: .train).fingerprint)
    #expect(after.notes.contains { $0.hasPrefix("5 pictures") })
    // Others' pictures carry texts too.
    for (name, software) in [("a.png", "scanlines 1"), ("b.png", "GIMP"), ("c.png", "Scanline")] {
      try folder.write(picture(7, width: 3, height: 2, text: ["Software": software]), to: name)
    }
    #expect(try ImageFolder(scanning: folder.path, heldOutShare: 0.1).entries.count == 9)
  }

  @Test func aFolderOfOurPicturesIsNoClass() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["cat/1.png", "dog/1.png"])
    for name in ["drawn/0.png", "drawn/1.png", "top.png", "cat/x.png"] { try folder.write(picture(), to: name) }
    let listing = try ImageFolder(scanning: folder.path, heldOutShare: 0)
    #expect(listing.classes == ["cat", "dog"] && listing.entries.map(\.relativePath) == ["cat/1.png", "dog/1.png"])
    let drawn = scanlineError { _ = try ImageFolder(scanning: folder.path + "/drawn") }
    #expect(drawn?.found.contains("2 pictures that Scanline wrote") == true)
    // One that is named itself is meant.
    #expect(try ImageSet(loading: ImageFolder(scanning: folder.path + "/top.png")).count == 1)
  }

  @Test func ofManyFilesThoseOfOursAreFoundWhenTheyAreDecoded() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey((0..<4_100).map { "a/\($0).png" })
    try folder.write(picture(), to: "a/z.png")
    for name in ["drawn/0.png", "drawn/1.png", "top.png"] { try folder.write(picture(), to: name) }
    let listing = try ImageFolder(scanning: folder.path, heldOutShare: 0)
    #expect(listing.classes == ["a"] && listing.entries.count == 4_101)
    let set = try ImageSet(loading: listing)
    #expect(set.count == 4_100 && set.skipped.map(\.path) == [folder.path + "/a/z.png"])
    let survey = FolderSurvey(of: listing, threads: 2)
    #expect(survey.images == 4_100 && survey.passedOver.pictures.count == 4 && survey.bad == [])
    #expect(survey.notes.count == 1 && survey.notes[0].hasPrefix("4 pictures"))
  }
}
