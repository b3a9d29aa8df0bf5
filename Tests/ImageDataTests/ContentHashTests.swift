// What names an image's content, and sets of such names.
import Core
import Foundation
import ImageData
import Testing
import TestSupport

@Suite struct ContentHashTests {
  private let shape = ImageShape(height: 3, width: 5, channels: 1)

  private func set(_ images: [[UInt8]], _ shape: ImageShape) -> ImageSet {
    ImageSet(shape: shape, pixels: Array(images.joined()))
  }

  /// Every bit of the values counts, and the shape does.
  @Test func everyBitCounts() {
    let image = (0..<15).map { UInt8($0 * 17) }
    var images = [image]
    for bit in 0..<15 * 8 {
      var other = image
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      images.append(other)
    }
    let hashes = set(images, shape).contentHashes
    #expect(Set(hashes).count == 121)
    // Half of the 64 bits change with each bit; ten standard deviations, 40 bits, would be no chance.
    for hash in hashes.dropFirst() { #expect((12...52).contains((hash ^ hashes[0]).nonzeroBitCount)) }
    let turned = set([image], ImageShape(height: 5, width: 3, channels: 1))
    #expect(turned.contentHashes[0] != hashes[0])
    #expect(set([image], ImageShape(height: 1, width: 5, channels: 3)).contentHashes[0] != hashes[0])
    // A tail of zeros is no padding: the shape says how many values there are.
    let zeros = [1, 7, 8, 9, 16].map {
      set([[UInt8](repeating: 0, count: $0)], ImageShape(height: 1, width: $0, channels: 1)).contentHashes[0]
    }
    #expect(Set(zeros).count == 5)
    // The same on every machine and in every version: checkpoints hold it.
    #expect(hashes[0] == 4_314_021_918_303_005_418)
  }

  @Test func filesHaveTheHashesOfTheirPixels() throws {
    let folder = try TemporaryFolder()
    let random = Philox(seed: 2, purpose: .test)
    var images: [[UInt8]] = []
    for number in 0..<40 {
      let values = (0..<15).map { UInt8(random.below(256, at: UInt64(15 * number + $0))) }
      images.append(values)
      try folder.write(PNGImage(shape: shape, values: values).encoded(), to: "\(10 + number).png")
    }
    let loaded = try ImageSet(loading: ImageFolder(scanning: folder.path, heldOutShare: 0), threads: 2)
    #expect(loaded.contentHashes == set(images, shape).contentHashes)
    #expect(loaded.selecting([3, 1]).contentHashes == [loaded.contentHashes[3], loaded.contentHashes[1]])
    #expect(loaded.selecting([3, 1]).keys == [loaded.keys[3], loaded.keys[1]])
    #expect(loaded.selecting([3, 1]).image(at: 0).values == images[3])
    #expect(ContentHashSet(of: loaded).positions(in: set([images[7], [UInt8](repeating: 1, count: 15)], shape)) == [0])
  }

  @Test func copiesAreFoundByTheirPixels() {
    func image(_ value: Int) -> [UInt8] { (0..<15).map { UInt8((value * 31 + $0) % 256) } }
    let train = set([0, 1, 2, 1].map(image), shape)
    let valid = set([5, 1, 2, 6, 1].map(image), shape)
    let copies = valid.copies(of: train)
    #expect(copies.map(\.image) == [1, 2, 4] && copies.map(\.original) == [1, 2, 1])
    let turned = ImageSet(shape: ImageShape(height: 5, width: 3, channels: 1), pixels: train.pixels)
    #expect(turned.copies(of: train).isEmpty)
  }

  @Test func setsAreReadAsTheyWereWritten() throws {
    let images: [[UInt8]] = (0..<200).map { (number: Int) in
      (0..<15).map { (position: Int) in UInt8((number * 7 + position * position) % 256) }
    }
    let contents = ContentHashSet(of: set(images + images, shape))
    #expect(contents.count == Set(images).count)
    let written = try JSONEncoder().encode(contents)
    #expect(try JSONDecoder().decode(ContentHashSet.self, from: written) == contents)
    #expect(written.count - 2 <= ContentHashSet.byteCount(contents.count) + written.count { $0 == 0x5C })
    let none = ContentHashSet(of: set([], shape))
    #expect(try none.count == 0 && JSONDecoder().decode(ContentHashSet.self, from: JSONEncoder().encode(none)) == none)
    // No text, no base 64, no whole hash, twice the same, a descending pair.
    func base64(_ hashes: [UInt64]) -> String { "\"\(hashes.withUnsafeBytes { Data($0) }.base64EncodedString())\"" }
    for text in ["1", "\"%\"", "\"AAAA\"", base64([4, 4]), base64([5, 4])] {
      #expect(throws: DecodingError.self, "\(text)") {
        try JSONDecoder().decode(ContentHashSet.self, from: Data(text.utf8))
      }
    }
    #expect(try JSONDecoder().decode(ContentHashSet.self, from: Data(base64([4, 5]).utf8)).count == 2)
  }
}
