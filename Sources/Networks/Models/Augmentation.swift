// Transformations of training images that the network is told of.
import Core

/// Distribution augmentation (Jun et al., "Distribution Augmentation for Generative Modeling", ICML 2020): in training
/// each image is transformed, by a draw of its own, and the network is told which transformation t it was. So it learns
/// a density p(x | t) for each t, and that of the identity is a density of the images as they are: scores and samples
/// are its own.
///
/// A transformation moves pixels and changes none. An image is transposed first, then mirrored, then shifted; where a
/// shift leaves a gap, the edge is repeated. Each part is drawn apart from the others, all its ways with the same
/// probability.
///
/// Transformations have numbers: the ways of the parts in the order of the properties, rows last, the last one varying
/// fastest. 0 is the identity.
public struct Augmentation: Sendable, Equatable {
  /// Whether images are mirrored, left to right.
  public let flip: Bool
  /// Whether images are mirrored, top to bottom.
  public let verticalFlip: Bool
  /// Whether rows and columns are exchanged; of square images.
  public let transpose: Bool
  /// N, where images are shifted by −N to N columns and by −N to N rows; 0: not at all.
  public let shift: Int

  /// Shifts go no further: N = 32 alone would have more transformations than a model can.
  static let mostShift = 31
  /// The most combinations of transformations and classes: each has biases of its own in memory.
  static let mostCombinations = 4_096

  /// Of these parts.
  public init(flip: Bool = false, verticalFlip: Bool = false, transpose: Bool = false, shift: Int = 0) {
    (self.flip, self.verticalFlip, self.transpose, self.shift) = (flip, verticalFlip, transpose, shift)
  }

  /// The ways that each part has; way 0 leaves the image as it is.
  private var ways: [Int] {
    [flip ? 2 : 1, verticalFlip ? 2 : 1, transpose ? 2 : 1, 2 * shift + 1, 2 * shift + 1]
  }

  /// T: all combinations of all ways.
  public var count: Int { ways.reduce(1, *) }

  /// F: a feature for each way of each part but the first, which has none.
  var featureCount: Int { ways.reduce(0) { $0 + $1 - 1 } }

  /// The way of each part in transformation `number`.
  private func ways(of number: Int) -> [Int] {
    precondition((0..<count).contains(number), "transformation \(number) of \(count)")
    var (rest, result) = (number, [Int]())
    for count in ways.reversed() {
      result.append(rest % count)
      rest /= count
    }
    return result.reversed()
  }

  /// The features that are 1 for transformation `number`, in ascending order; all others are 0.
  func features(_ number: Int) -> [Int] {
    var (first, result) = (0, [Int]())
    for (way, count) in zip(ways(of: number), ways) {
      if way > 0 { result.append(first + way - 1) }
      first += count - 1
    }
    return result
  }

  /// Pixels that way `way` of a shift moves by: 0, then −N to −1, then 1 to N.
  private func distance(_ way: Int) -> Int { way == 0 ? 0 : way <= shift ? way - shift - 1 : way - shift }

  /// The transformations that lose no pixel of images of `shape`: those without a shift, of oblong images without a
  /// transposition too.
  func bijections(of shape: ImageShape) -> [Int] {
    (0..<count).filter { number in
      let ways = ways(of: number)
      return ways[3] == 0 && ways[4] == 0 && (ways[2] == 0 || shape.height == shape.width)
    }
  }
}

// MARK: - Images

extension Augmentation {
  /// `batch` with every image transformed by a draw of its own from `random`.
  package func draw(_ batch: ImageBatch, _ random: Philox) -> ImageBatch {
    let ways = ways
    return transform(
      batch,
      by: (0..<batch.count).map { image in
        ways.enumerated().reduce(0) { number, part in
          number * part.element
            + (part.element > 1 ? random.below(part.element, at: UInt64(image * ways.count + part.offset)) : 0)
        }
      })
  }

  /// `batch` with image n transformed by `numbers[n]`, and marked so.
  package func transform(_ batch: ImageBatch, by numbers: [Int]) -> ImageBatch {
    precondition(numbers.count == batch.count, "\(numbers.count) transformations of \(batch.count) images")
    var result = batch
    result.transformations = numbers
    let channels = batch.shape.channels
    for (image, number) in numbers.enumerated() where number != 0 {
      let first = image * batch.shape.dimensions
      for (position, pixel) in pixels(number, batch.shape).enumerated() {
        for c in 0..<channels {
          result.levels[first + position * channels + c] = batch.levels[first + pixel * channels + c]
        }
      }
    }
    return result
  }

  /// The images that `number`, which loses no pixel, made those of `batch` from.
  func transformBack(_ batch: ImageBatch, from number: Int) -> ImageBatch {
    var result = batch
    result.transformations = nil
    let (pixels, channels) = (pixels(number, batch.shape), batch.shape.channels)
    for first in stride(from: 0, to: batch.levels.count, by: batch.shape.dimensions) {
      for (position, pixel) in pixels.enumerated() {
        for c in 0..<channels {
          result.levels[first + pixel * channels + c] = batch.levels[first + position * channels + c]
        }
      }
    }
    return result
  }

  /// For each pixel of the transformed image (row · width + column), the pixel of the image that it shows.
  private func pixels(_ number: Int, _ shape: ImageShape) -> [Int] {
    let (ways, height, width) = (ways(of: number), shape.height, shape.width)
    let (dx, dy) = (distance(ways[3]), distance(ways[4]))
    return (0..<shape.pixels).map { position in
      var (y, x) = position.quotientAndRemainder(dividingBy: width)
      (y, x) = (min(max(y - dy, 0), height - 1), min(max(x - dx, 0), width - 1))
      if ways[1] == 1 { y = height - 1 - y }
      if ways[0] == 1 { x = width - 1 - x }
      if ways[2] == 1 { (y, x) = (x, y) }
      return y * width + x
    }
  }
}

extension ModelConfiguration {
  /// `batch`, the images of step number `step` of a run of `seed`, as the network is trained on them.
  package func augmented(_ batch: ImageBatch, seed: UInt64, step: Int) -> ImageBatch {
    augmentation?.draw(batch, Philox(seed: seed, purpose: .augmentation, stream: UInt64(step))) ?? batch
  }

  /// The transformations t for which p(t(x) | t) is one more density of an image x: those that only exchange pixels.
  /// With each the network goes through the image in another order. The first is the identity.
  package var orders: [Int] { augmentation?.bijections(of: shape) ?? [0] }
}

// MARK: - As text

extension Augmentation: CustomStringConvertible, Codable {
  /// "flip,vertical-flip,transpose,shift:2": the parts that there are.
  public var description: String {
    [
      flip ? "flip" : nil, verticalFlip ? "vertical-flip" : nil, transpose ? "transpose" : nil,
      shift > 0 ? "shift:\(shift)" : nil,
    ].compactMap { $0 }.joined(separator: ",")
  }

  /// Reads parts with commas between them, in any order. Throws a usage error that says why a part cannot be.
  public init(parsing text: String) throws {
    func refuse(_ expected: String, _ found: String) -> ScanlineError {
      ScanlineError(.usage, path: "`augmentation`", expected: expected, found: found)
    }
    let all = "flip, vertical-flip, transpose and shift:N with commas between them"
    var found: [String: Int] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let words = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let name = words[0]
      switch (name, words.dropFirst().first) {
      case ("flip", nil), ("vertical-flip", nil), ("transpose", nil): break
      case ("shift", let distance):
        guard let pixels = distance.flatMap({ Int($0) }), (1...Self.mostShift).contains(pixels) else {
          throw refuse("shift:N, N from 1 to \(Self.mostShift) pixels", "\(part)")
        }
      default:
        let reason = Self.reasonAgainst(name).map { ": \($0), and the network would not be told" } ?? ""
        throw refuse("parts of \(all)", "\"\(part)\"" + reason)
      }
      guard found.updateValue(words.dropFirst().first.flatMap { Int($0) } ?? 0, forKey: name) == nil else {
        throw refuse("each part once", "\(name) twice")
      }
    }
    self.init(
      flip: found["flip"] != nil, verticalFlip: found["vertical-flip"] != nil, transpose: found["transpose"] != nil,
      shift: found["shift"] ?? 0)
  }

  /// Why a usual augmentation of classifiers is none of a density; nil of other words.
  private static func reasonAgainst(_ name: String) -> String? {
    switch name {
    case "noise", "brightness", "contrast", "gamma", "hue", "saturation", "jitter", "color-jitter", "invert", "blur",
      "sharpen", "posterize", "solarize", "equalize":
      "it changes values, which makes other images"
    case "crop", "cutout", "erase", "erasing", "pad": "it loses or adds pixels"
    case "scale", "zoom", "resize", "shear", "perspective", "affine", "elastic":
      "it makes new values between pixels"
    case "rotate", "rotation":
      "it makes new values between pixels (quarter turns are transpose with flip and vertical-flip)"
    case "mixup", "cutmix": "it mixes images"
    default: nil
    }
  }

  /// Reads the text.
  public init(from decoder: any Decoder) throws {
    try self.init(parsing: decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// Calls `require` with what must hold for images of `shape` and `classes` classes, what is expected and what was
  /// found.
  func validate(
    _ shape: ImageShape, classes: Int, _ require: (Bool, String, String) throws -> Void
  ) throws {
    let size = "\(shape.width)×\(shape.height)"
    try require(
      (0...Self.mostShift).contains(shift), "a shift of at most \(Self.mostShift) pixels in `augmentation`", "\(shift)")
    try require(!transpose || shape.height == shape.width, "square images for `augmentation` transpose", size)
    try require(
      2 * shift < min(shape.height, shape.width) || shift == 0,
      "a shift in `augmentation` smaller than half of either side, so that most of the image stays",
      "shift:\(shift) of images of \(size)")
    try require(
      count * max(1, classes) <= Self.mostCombinations,
      "at most \(Self.mostCombinations) combinations of transformations (`augmentation`) and classes",
      "\(count) of \(description)" + (classes > 0 ? ", times \(counted(classes, "class"))" : ""))
  }
}
