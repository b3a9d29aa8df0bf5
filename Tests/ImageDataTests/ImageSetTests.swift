// Loading folders into one array.
import Core
import ImageData
import Testing

@Suite struct ImageSetTests {
  private func load(
    _ folder: TemporaryFolder, _ options: ImageLoadingOptions = ImageLoadingOptions(), split: Split? = nil,
    threads: Int = 2
  ) throws -> ImageSet {
    try ImageSet(
      loading: ImageFolder(scanning: folder.path, heldOutShare: 0), split: split, options: options,
      threads: threads)
  }

  private func rgb(_ values: [UInt8]) throws -> [UInt8] {
    try PNGImage(shape: ImageShape(height: 1, width: values.count / 3, channels: 3), values: values).encoded()
  }

  @Test func imagesKeepTheirOrderClassesAndKeys() throws {
    let folder = try TemporaryFolder()
    for (index, name) in ["a/1.png", "a/2.png", "b/1.png"].enumerated() {
      try folder.writeGrey([name], width: 2, height: 2, value: UInt8(index + 1))
    }
    let set = try load(folder)
    #expect(set.shape == ImageShape(height: 2, width: 2, channels: 1))
    #expect(set.count == 3)
    #expect(set.pixels == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
    #expect(set.classes == [0, 0, 1])
    #expect(set.classNames == ["a", "b"])
    #expect(
      set.paths.map { String($0.dropFirst(folder.path.count + 1)) } == ["a/1.png", "a/2.png", "b/1.png"])
    // CRC-32 of 01 01 01 01, by Python's zlib.crc32.
    #expect(set.keys[0] == 0xF626_D399)
    let same = ImageSet(shape: set.shape, pixels: set.pixels)
    #expect(same.keys == set.keys)
    #expect(same.fingerprint == set.fingerprint)
    #expect(
      ImageSet(shape: ImageShape(height: 1, width: 4, channels: 1), pixels: set.pixels).fingerprint
        != set.fingerprint)
  }

  @Test func threadsDoNotMatter() throws {
    let folder = try TemporaryFolder()
    for index in 0..<50 { try folder.writeGrey(["\(index).png"], value: UInt8(index * 5)) }
    let one = try load(folder, threads: 1)
    let many = try load(folder, threads: 8)
    #expect(one.pixels == many.pixels)
    #expect(one.paths == many.paths)
  }

  @Test func mixedSizesNameTwoFiles() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["a.png", "b.png", "d.png"], width: 3, height: 2)
    try folder.writeGrey(["c.png"], width: 4, height: 5)
    let error = scanlineError { _ = try load(folder) }
    #expect(error?.kind == .badData)
    #expect(error?.path == folder.path + "/c.png")
    #expect(error?.expected.contains("3×2 pixels like \(folder.path)/a.png") == true)
    #expect(error?.expected.contains("`resizing`") == true)
    #expect(error?.found == "4×5")
    // Bad files may be skipped; files that want a choice may not.
    #expect(scanlineError { _ = try load(folder, ImageLoadingOptions(skipsBad: true)) }?.found == "4×5")
    let resized = try load(folder, ImageLoadingOptions(resizing: .resize(width: 2, height: 2)))
    #expect(resized.pixels == [UInt8](repeating: 7, count: 16))
    #expect(try load(folder, ImageLoadingOptions(resizing: .crop(width: 3, height: 1))).shape.width == 3)
    let tooLarge = scanlineError {
      _ = try load(folder, ImageLoadingOptions(resizing: .crop(width: 4, height: 2)))
    }
    #expect(tooLarge?.path == folder.path + "/a.png")
    #expect(tooLarge?.found == "3×2")
  }

  @Test func greyAndColourMustNotMixUnlessAsked() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["a.png"], width: 1, height: 1, value: 50)
    try folder.write(rgb([255, 0, 0]), to: "b.png")
    let error = scanlineError { _ = try load(folder) }
    #expect(error?.path == folder.path + "/b.png")
    #expect(error?.expected.contains("grey like \(folder.path)/a.png") == true)
    #expect(error?.expected.contains("`channels`") == true)
    #expect(try load(folder, ImageLoadingOptions(channels: 1)).pixels == [50, 76])
    #expect(try load(folder, ImageLoadingOptions(channels: 3)).pixels == [50, 50, 50, 255, 0, 0])
  }

  @Test func badFilesAreNamedOrCounted() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["b.png", "d.png", "f.png"], width: 1, height: 1)
    let whole = try grey(width: 1, height: 1, value: 3)
    try folder.write(Array(whole.dropLast(5)), to: "a.png")
    try folder.write(Array("nonsense".utf8), to: "c.png")
    try folder.write([], to: "e.png")
    for threads in [1, 2] {
      #expect(scanlineError { _ = try load(folder, threads: threads) }?.path == folder.path + "/a.png")
      let set = try load(folder, ImageLoadingOptions(skipsBad: true), threads: threads)
      #expect(set.count == 3)
      #expect(set.pixels == [7, 7, 7])
      #expect(set.paths.map { $0.suffix(5) } == ["b.png", "d.png", "f.png"])
      #expect(set.skipped.map { $0.path.suffix(5) } == ["a.png", "c.png", "e.png"])
      #expect(set.skipped[2].reason == "an empty file")
    }
  }

  @Test func theFirstBadFileIsTheErrorWhateverTheThreads() throws {
    let folder = try TemporaryFolder()
    for index in 100..<160 { try folder.writeGrey(["\(index).png"]) }
    for index in [122, 130, 159] { try folder.write([], to: "\(index).png") }
    // Both are found damaged only at their end, the second, begun meanwhile, well after the first.
    try folder.write(grey(width: 900, height: 900, value: 1).dropLast(), to: "120.png")
    try folder.write(grey(width: 2_400, height: 2_400, value: 1).dropLast(), to: "121.png")
    for _ in 0..<6 {
      let options = ImageLoadingOptions(resizing: .resize(width: 2, height: 2))
      #expect(scanlineError { _ = try load(folder, options, threads: 2) }?.path == folder.path + "/120.png")
    }
  }

  @Test func nothingButBadFilesIsAnError() throws {
    let folder = try TemporaryFolder()
    try folder.write([], to: "a.png")
    #expect(scanlineError { _ = try load(folder, ImageLoadingOptions(skipsBad: true)) }?.kind == .badData)
  }

  @Test func filesThatWantAChoiceAreNotSkipped() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["a.png"], width: 1, height: 1)
    let alpha = RawPNG(width: 1, height: 1, bitDepth: 8, colorType: 4, samples: [100, 0])
    try folder.write(alpha.bytes, to: "b.png")
    let error = scanlineError { _ = try load(folder, ImageLoadingOptions(skipsBad: true)) }
    #expect(error?.path == folder.path + "/b.png")
    #expect(error?.expected.contains("`background`") == true)
    let options = ImageLoadingOptions(reading: PNGReadOptions(background: [40]))
    #expect(try load(folder, options).pixels == [7, 40])
  }

  @Test func memoryIsCheckedBeforehand() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["a.png", "b.png"], width: 10, height: 10)
    #expect(try load(folder, ImageLoadingOptions(memoryLimit: 200)).count == 2)
    #expect(scanlineError { _ = try load(folder, ImageLoadingOptions(memoryLimit: 199)) }?.kind == .badData)
  }

  @Test func splitsLoadOneByOne() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["train/a/1.png", "train/b/1.png"], value: 1)
    try folder.writeGrey(["val/b/1.png"], value: 2)
    #expect(try load(folder, split: .train).count == 2)
    let valid = try load(folder, split: .valid)
    #expect(valid.classes == [1])
    #expect(valid.classNames == ["a", "b"])
    #expect(try load(folder).count == 3)
    #expect(scanlineError { _ = try load(folder, split: .test) }?.expected == "images in the split test")
  }
}

@Suite struct ResizingTests {
  private func image(_ width: Int, _ height: Int, _ values: [UInt8]) -> PNGImage {
    PNGImage(shape: ImageShape(height: height, width: width, channels: 1), values: values)
  }

  @Test func shrinkingIsTheMeanOverTheArea() throws {
    let square = image(4, 2, [0, 10, 20, 40, 2, 8, 60, 80])
    #expect(try square.resized(.resize(width: 2, height: 1)).values == [5, 50])
    // One rounding, to the nearest: 2/3 is 1, 4/3 is 1, and 1/2 is 1.
    #expect(try image(3, 1, [0, 0, 2]).resized(.resize(width: 1, height: 1)).values == [1])
    #expect(try image(3, 1, [0, 2, 2]).resized(.resize(width: 1, height: 1)).values == [1])
    #expect(try image(2, 1, [0, 1]).resized(.resize(width: 1, height: 1)).values == [1])
    // 3 to 2: (a + b/2)/1.5 = (0 + 15)/1.5 and (b/2 + c)/1.5 = (15 + 90)/1.5.
    #expect(try image(3, 1, [0, 30, 90]).resized(.resize(width: 2, height: 1)).values == [10, 70])
  }

  @Test func growingIsLinearBetweenCentres() throws {
    // Centres at −0.25, 0.25, 0.75, 1.25 source pixels.
    #expect(try image(2, 1, [0, 100]).resized(.resize(width: 4, height: 1)).values == [0, 25, 75, 100])
    #expect(try image(1, 1, [9]).resized(.resize(width: 3, height: 2)).values == [9, 9, 9, 9, 9, 9])
  }

  @Test func aConstantStaysConstant() throws {
    for (width, height) in [(1, 1), (3, 7), (28, 28), (5, 64)] {
      let flat = image(13, 9, [UInt8](repeating: 201, count: 117))
      let result = try flat.resized(.resize(width: width, height: height))
      #expect(result.values == [UInt8](repeating: 201, count: width * height))
    }
  }

  @Test func theCropIsTheMiddle() throws {
    let values = (0..<20).map { UInt8($0) }
    #expect(try image(5, 4, values).resized(.crop(width: 3, height: 2)).values == [6, 7, 8, 11, 12, 13])
    #expect(try image(5, 4, values).resized(.crop(width: 2, height: 1)).values == [6, 7])
  }
}
