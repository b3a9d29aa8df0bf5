// Which images are which: 64 bits that name an image's content wherever its file lies, and sets of them.
import Core

/// The name of an image's content.
///
/// The 32 bits of ``ImageSet/keys`` are too few for the question whether an image is one of many: of 10,000 images held
/// against 60,000 others one in seven comparisons of sets would find a match by chance. With 64 bits it is one in 3·10¹⁰.
/// It is no defence against an adversary.
enum ContentHash {
  /// The hash of `values`, H×W×C bytes of an image of `shape`: as in FNV-1a a value is joined by exclusive or and the
  /// whole multiplied, here eight bytes at a time with the upper bits folded down, and finished as MurmurHash3 does.
  static func of(_ values: UnsafeRawBufferPointer, shape: ImageShape) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func join(_ word: UInt64) {
      hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 32
    }
    for side in [shape.height, shape.width, shape.channels] { join(UInt64(side)) }
    let whole = values.count & ~7
    for offset in stride(from: 0, to: whole, by: 8) {
      join(UInt64(littleEndian: values.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    if whole < values.count {
      join(values[whole...].enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) })
    }
    hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
    hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
    return hash ^ hash >> 33
  }

  /// The hash of an image on its own.
  static func of(_ image: PNGImage) -> UInt64 {
    image.values.withUnsafeBytes { of($0, shape: image.shape) }
  }
}

/// The contents of a set of images, without the images: eight bytes for each that differs from the others. In JSON it is
/// one text, the hashes in ascending order, lowest byte first, in base 64.
package struct ContentHashSet: Sendable, Codable, Equatable {
  /// In ascending order, each once.
  private let hashes: [UInt64]

  /// The contents of `set`.
  package init(of set: ImageSet) {
    var hashes: [UInt64] = []
    for hash in set.contentHashes.sorted() where hash != hashes.last { hashes.append(hash) }
    self.hashes = hashes
  }

  /// How many different images there are.
  package var count: Int { hashes.count }

  /// The positions of the images of `set` that are among these.
  package func positions(in set: ImageSet) -> [Int] {
    set.contentHashes.indices.filter { contains(set.contentHashes[$0]) }
  }

  private func contains(_ hash: UInt64) -> Bool {
    var (low, high) = (0, hashes.count)
    while low < high {
      let middle = (low + high) / 2
      if hashes[middle] < hash { low = middle + 1 } else { high = middle }
    }
    return low < hashes.count && hashes[low] == hash
  }

  /// Bytes of the JSON text of `count` images at most.
  package static func byteCount(_ count: Int) -> Int { (8 * count + 2) / 3 * 4 }

  /// Reads the text. Throws `DecodingError` where it is no such text.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let bytes = Data(base64Encoded: try container.decode(String.self)), bytes.count % 8 == 0 else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no whole hashes in base 64")
    }
    let hashes = bytes.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: 8).map {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
      }
    }
    guard zip(hashes, hashes.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "hashes that are not in order")
    }
    self.hashes = hashes
  }

  /// Writes the text.
  package func encode(to encoder: any Encoder) throws {
    let bytes = hashes.map(\.littleEndian).withUnsafeBytes { Data($0) }
    var container = encoder.singleValueContainer()
    try container.encode(bytes.base64EncodedString())
  }
}

extension ImageSet {
  /// Pairs of an image of this set and the first of `other` with the same pixels, by their positions, in order. Hashes find
  /// them, and the pixels are compared.
  package func copies(of other: ImageSet) -> [(image: Int, original: Int)] {
    guard shape == other.shape else { return [] }
    let wanted = Set(contentHashes)
    var positions: [UInt64: [Int]] = [:]
    for (position, hash) in other.contentHashes.enumerated() where wanted.contains(hash) {
      positions[hash, default: []].append(position)
    }
    return contentHashes.indices.compactMap { image in
      positions[contentHashes[image]]?.first { values(at: image) == other.values(at: $0) }.map { (image, $0) }
    }
  }

  /// The images at `positions` alone, in that order.
  package func selecting(_ positions: [Int]) -> ImageSet {
    guard positions.count < count || positions != Array(0..<count) else { return self }
    return ImageSet(
      shape: shape, pixels: Array(positions.map(values).joined()),
      classes: classes.map { classes in positions.map { classes[$0] } }, classNames: classNames,
      paths: positions.map { paths[$0] }, keys: positions.map { keys[$0] },
      contentHashes: positions.map { contentHashes[$0] }, skipped: skipped)
  }
}

extension ImageLoadingOptions {
  /// Whether every file gives the same pixels with `other` as with these, or none.
  package func givesSamePixels(as other: ImageLoadingOptions) -> Bool {
    reading.background == other.reading.background && reading.scalesSixteenBit == other.reading.scalesSixteenBit
      && resizing == other.resizing && channels == other.channels
  }
}
