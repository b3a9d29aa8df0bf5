// Files of other people's formats become folders that train reads, whole or not at all.
import Foundation
import ImageData
import Testing

@Suite struct ImportImagesTests {
  private let place: Workplace
  private let pixels = (0..<12 * 3 * 5).map { UInt8(truncatingIfNeeded: $0 * 29 + $0 / 11) }
  private let labels = (0..<12).map { UInt8($0 % 3 * 5) }

  init() throws {
    place = try Workplace()
    try place.write([0, 0, 8, 3, 0, 0, 0, 12, 0, 0, 0, 3, 0, 0, 0, 5] + pixels, to: "images")
    try place.write([0, 0, 8, 1, 0, 0, 0, 12] + labels, to: "labels")
  }

  private func hidden() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: place.path).filter { $0.hasPrefix(".importing") }
  }

  @Test func anIDXPairBecomesASplitWithClasses() throws {
    let report = try place.succeed("import-idx images --labels labels --output set --split train --json").json()
    #expect(report["images"] as? Int == 12 && report["classes"] as? [String] == ["00", "05", "10"])
    for image in 0..<12 {
      let name = ["00", "05", "10"][image % 3] + "/000" + (image < 10 ? "0" : "") + "\(image).png"
      let read = try PNGImage(decoding: place.read("set/train/" + name))
      #expect(read.values == Array(pixels[image * 15..<(image + 1) * 15]), "\(name)")
      #expect(read.shape.height == 3 && read.shape.width == 5)
    }
    // Another split joins it, and training reads both.
    _ = try place.succeed("import-idx images --labels labels --output set --split valid")
    _ = try place.succeed("train set --levels 2 --width 4 --blocks 1 --steps 1 --output run")
    #expect(try hidden() == [])
  }

  @Test func withoutLabelsAFolderIsFlat() throws {
    #expect(try place.succeed("import-idx images --output flat").output == "flat: 12 images of 5×3×1\n")
    #expect(place.names("flat").count == 12 && place.names("flat")[0] == "00000.png")
  }

  @Test func whatIsThereIsLeftUnlessForced() throws {
    try place.write([1], to: "set/keep.txt")
    #expect(try place.fail("import-idx images --output set", 73).contains("(or --force)"))
    #expect(try place.fail("import-idx images --output set --force", 73).contains("keep.txt"))
    #expect(try place.read("set/keep.txt") == [1])
    _ = try place.succeed("import-idx images --output flat")
    _ = try place.succeed("import-idx images --labels labels --output flat --force")
    #expect(place.names("flat") == ["00", "05", "10"], "the folder is replaced, not mixed")
    #expect(try hidden() == [])
  }

  @Test func badFilesLeaveNothing() throws {
    try place.write([0, 0, 8, 1, 0, 0, 0, 11] + labels.dropLast(), to: "fewer")
    #expect(try place.fail("import-idx images --labels fewer --output set", 65).contains("expected 12 labels"))
    #expect(try place.fail("import-idx labels --output set", 65).contains("an IDX file of 3 dimensions"))
    #expect(try place.fail("import-idx none --output set", 65).contains("nothing of that name"))
    // What is wrong only at the end is found after images were written: they go again.
    try place.write(try place.read("images") + [0], to: "longer")
    #expect(try place.fail("import-idx longer --output set", 65).contains("longer"))
    #expect(!place.names(".").contains("set"))
    #expect(try hidden() == [])
  }

  private func batch(_ labels: [UInt8], coarse: Bool = false) -> [UInt8] {
    labels.flatMap { label in
      (coarse ? [label / 5, label] : [label]) + (0..<3072).map { UInt8(truncatingIfNeeded: $0 / 3 + Int(label)) }
    }
  }

  @Test func batchesBecomeSplitsAndClasses() throws {
    try place.write(batch([3, 0, 3]), to: "bin/data_batch_1.bin")
    try place.write(batch([1]), to: "bin/data_batch_2.bin")
    try place.write(batch([9]), to: "bin/test_batch.bin")
    let names = (0..<10).map { "c\($0)" }
    try place.write(Array((names.joined(separator: "\n") + "\n\n").utf8), to: "bin/batches.meta.txt")
    let done = try place.succeed("import-cifar bin --output cifar")
    #expect(done.output == "cifar: 5 images of 32×32×3 (1 test, 4 train), 4 classes\n")
    #expect(
      place.names("cifar/train") == ["c0", "c1", "c3"] && place.names("cifar/train/c3") == ["00000.png", "00002.png"])
    #expect(place.names("cifar/test/c9") == ["00000.png"])
    let source = batch([1]).dropFirst()
    let read = try PNGImage(decoding: place.read("cifar/train/c1/00003.png"))
    let pixels: [UInt8] = (0..<1024).flatMap { (pixel: Int) -> [UInt8] in
      (0..<3).map { source[source.startIndex + 1024 * $0 + pixel] }
    }
    #expect(read.values == pixels)
    #expect(try place.fail("import-cifar bin --coarse --output other", 64).contains("--coarse"))
  }

  @Test func coarseClassesAndDamage() throws {
    try place.write(batch([99, 4], coarse: true), to: "train.bin")
    _ = try place.succeed("import-cifar train.bin --coarse --output coarse")
    #expect(place.names("coarse/train") == ["00", "19"])
    _ = try place.succeed("import-cifar train.bin --split test --output fine")
    #expect(place.names("fine/test") == ["04", "99"])
    try place.write(batch([99, 100], coarse: true), to: "train.bin")
    #expect(try place.fail("import-cifar train.bin --output set", 65).contains("100 in record 2"))
    try place.write(Array(batch([1]).dropLast()), to: "cut.bin")
    #expect(try place.fail("import-cifar cut.bin --output set", 65).contains("whole records of 3073"))
    #expect(!place.names(".").contains("set"))
    #expect(try hidden() == [])
  }
}
