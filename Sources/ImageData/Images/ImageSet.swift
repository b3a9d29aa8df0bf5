// Images of one shape in memory, with what is known of each.
import Core

/// The images of one split, decoded: N images of one shape as 8-bit values. See `init(loading:…)`.
public struct ImageSet: Sendable {
  /// A file that was passed over.
  public struct Skipped: Sendable, Codable, Equatable {
    /// The file.
    public let path: String
    /// What was wrong with it.
    public let reason: String
  }

  /// Height, width and channels of every image.
  public let shape: ImageShape
  /// N: how many images there are.
  public let count: Int
  /// N×H×W×C values as stored.
  public let pixels: [UInt8]
  /// For each image the position of its class in `classNames`; nil where not every image has one.
  public let classes: [Int]?
  /// The names of classes, in the order of their indices, over all splits of the folder.
  public let classNames: [String]
  /// The file of each image.
  public let paths: [String]
  /// For each image the CRC-32 of its H×W×C values: it names the content, wherever the file lies.
  public let keys: [UInt32]
  /// For each image 64 bits that name its shape and values: enough to look for it among others.
  package let contentHashes: [UInt64]
  /// Files that were passed over as `skipsBad` allows, in order.
  public let skipped: [Skipped]

  /// The CRC-32 of the shape and of all keys in order. Two scores can be compared image by image only where
  /// their sets have one fingerprint.
  public var fingerprint: UInt32 {
    let words = [shape.height, shape.width, shape.channels].map { UInt32(truncatingIfNeeded: $0) } + keys
    return Checksum.crc32(words: words)
  }

  /// A set from pixels in memory, N×H×W×C; `classes` and `paths` have N elements where they are given.
  public init(
    shape: ImageShape, pixels: [UInt8], classes: [Int]? = nil, classNames: [String] = [],
    paths: [String]? = nil
  ) {
    precondition(pixels.count % shape.dimensions == 0, "pixels are whole images of the shape")
    let count = pixels.count / shape.dimensions
    precondition(classes.map { $0.count == count } ?? true, "one class per image")
    precondition(paths.map { $0.count == count } ?? true, "one path per image")
    let names = pixels.withUnsafeBytes { pixels in
      (0..<count).map {
        let image = UnsafeRawBufferPointer(rebasing: pixels[$0 * shape.dimensions..<($0 + 1) * shape.dimensions])
        return (key: Checksum.crc32(image), hash: ContentHash.of(image, shape: shape))
      }
    }
    self.init(
      shape: shape, pixels: pixels, classes: classes, classNames: classNames,
      paths: paths ?? (0..<count).map { "image \($0)" }, keys: names.map(\.key), contentHashes: names.map(\.hash),
      skipped: [])
  }

  init(
    shape: ImageShape, pixels: [UInt8], classes: [Int]?, classNames: [String], paths: [String],
    keys: [UInt32], contentHashes: [UInt64], skipped: [Skipped]
  ) {
    self.shape = shape
    self.count = keys.count
    self.pixels = pixels
    self.classes = classes
    self.classNames = classNames
    self.paths = paths
    self.keys = keys
    self.contentHashes = contentHashes
    self.skipped = skipped
  }

  /// The same images with classes numbered as in `names`: a model's, whatever other folders this one has. Where `names`
  /// is nil, the set itself.
  ///
  /// - Throws: `ScanlineError` (`badData`), under `path`, where an image has no class or one that is not in `names`.
  public func numbered(as names: [String]?, path: String) throws -> ImageSet {
    guard let names else { return self }
    let expected = "a folder for each class (\(names.joined(separator: ", ")))"
    guard let classes else {
      throw ScanlineError(.badData, path: path, expected: expected, found: "images without one")
    }
    let positions = classNames.map { Self.position(of: $0, in: names, among: classNames) }
    let numbers = try classes.enumerated().map { image, number in
      guard let position = positions[number] else {
        throw ScanlineError(.badData, path: paths[image], expected: expected, found: "the class \(classNames[number])")
      }
      return position
    }
    return ImageSet(
      shape: shape, pixels: pixels, classes: numbers, classNames: names, paths: paths, keys: keys,
      contentHashes: contentHashes, skipped: skipped)
  }

  /// The position of the class `name` in `names`: of the same bytes, else under the other Unicode normalization (macOS and
  /// Linux write é differently) where that leaves no doubt, `others` being the classes that `name` stands among.
  package static func position(of name: String, in names: [String], among others: [String] = []) -> Int? {
    if let exact = names.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) { return exact }
    // Strings are equal where their characters are, however they are encoded.
    let alike = names.indices.filter { names[$0] == name }
    return alike.count == 1 && others.count(where: { $0 == name }) < 2 ? alike[0] : nil
  }

  /// Image `index` on its own.
  public func image(at index: Int) -> PNGImage { PNGImage(shape: shape, values: Array(values(at: index))) }

  /// The H×W×C values of image `index`.
  func values(at index: Int) -> ArraySlice<UInt8> {
    pixels[index * shape.dimensions..<(index + 1) * shape.dimensions]
  }
}
