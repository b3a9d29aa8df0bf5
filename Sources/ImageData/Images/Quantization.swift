// From 8-bit values to the L levels that a model sees, and back.
import Core

/// How an 8-bit value v becomes 0 or 1 where there are two levels.
public enum Binarization: String, Sendable, Codable, CaseIterable {
  /// 1 where v is 128 or more: the formula of every other number of levels.
  case threshold
  /// 1 with probability v/255, drawn once by the seed and the image's content (Salakhutdinov and Murray, "On the
  /// quantitative analysis of deep belief networks", ICML 2008, on MNIST).
  case fixed
  /// 1 with probability v/255, drawn anew each epoch.
  case dynamic
}

/// What a model's levels are. Part of a model and of every comparison: likelihoods under different
/// quantizations are about different data.
///
/// Level q = round(v·(L−1)/255), to the nearest (there are no ties, 255 being odd). A model's input is q/(L−1).
/// Level q is shown as round(255·q/(L−1)), which reads back as q for every L.
public struct Quantization: Sendable, Codable, Equatable {
  /// L, 2 to 256.
  public let levels: Int
  /// Where L is 2, and only there: how values become bits.
  public let binarization: Binarization?
  /// The seed of the draws of `fixed` and `dynamic`.
  public let seed: UInt64

  /// `levels` from 2 to 256; with 2, `binarization` is `threshold` unless given, otherwise it is nil.
  ///
  /// - Throws: `ScanlineError` (`usage`) for other levels, or a binarization of more than 2.
  public init(levels: Int, binarization: Binarization? = nil, seed: UInt64 = 0) throws {
    guard (2...256).contains(levels) else {
      throw ScanlineError(.usage, path: "`levels`", expected: "2 to 256", found: "\(levels)")
    }
    guard binarization == nil || levels == 2 else {
      throw ScanlineError(
        .usage, path: "`binarization`", expected: "`levels` 2 with it", found: "`levels` \(levels)")
    }
    self.levels = levels
    self.binarization = levels == 2 ? binarization ?? .threshold : nil
    self.seed = seed
  }

  private enum CodingKeys: String, CodingKey { case levels, binarization, seed }

  /// Decodes what `init(levels:binarization:seed:)` accepts, and throws its errors.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      levels: container.decode(Int.self, forKey: .levels),
      binarization: container.decodeIfPresent(Binarization.self, forKey: .binarization),
      seed: container.decode(UInt64.self, forKey: .seed))
  }

  /// The level of an 8-bit value, without chance.
  public func level(of value: UInt8) -> UInt8 { UInt8((2 * Int(value) * (levels - 1) + 255) / 510) }

  /// The 8-bit value that shows `level`, which is below `levels`.
  public func displayValue(_ level: UInt8) -> UInt8 {
    precondition(Int(level) < levels, "a level lies below the number of levels")
    return UInt8((510 * Int(level) + levels - 1) / (2 * (levels - 1)))
  }

  /// The 8-bit values that show the levels of `batch`, N×H×W×C.
  public func displayValues(_ batch: ImageBatch) -> [UInt8] {
    let table = (0..<levels).map { displayValue(UInt8($0)) }
    return batch.levels.map { table[Int($0)] }
  }
}

extension Quantization {
  /// The images of `set` at `indices`, in that order, as levels.
  ///
  /// A drawn pixel is 1 where a number in [0, 1) is below v/255. The number depends on the seed, the image's
  /// key (its content), the pixel's position and, if dynamic, the `epoch`: not on the image's position in the set, on
  /// other files, or on how images are batched. So two equal images are drawn alike, within an epoch.
  public func batch(from set: ImageSet, indices: some Sequence<Int>, epoch: Int = 0) -> ImageBatch {
    let dimensions = set.shape.dimensions
    let table = (0...255).map { level(of: UInt8($0)) }
    var levels: [UInt8] = []
    levels.reserveCapacity(indices.underestimatedCount * dimensions)
    for index in indices {
      let values = set.values(at: index)
      switch binarization {
      case .threshold?, nil: levels.append(contentsOf: values.lazy.map { table[Int($0)] })
      case .fixed?:
        let stream = Philox(seed: seed, purpose: .fixedBinarization, stream: UInt64(set.keys[index]))
        Self.draw(values, stream, into: &levels)
      case .dynamic?:
        let both = UInt64(truncatingIfNeeded: epoch) << 32 | UInt64(set.keys[index])
        let stream = Philox(seed: seed, purpose: .dynamicBinarization, stream: both)
        Self.draw(values, stream, into: &levels)
      }
    }
    return ImageBatch(
      shape: set.shape, count: levels.count / dimensions, levels: levels,
      classes: set.classes.map { classes in indices.map { classes[$0] } })
  }

  /// Appends one drawn bit per value. Numbers come four to a block; black and white need none.
  private static func draw(_ values: ArraySlice<UInt8>, _ stream: Philox, into bits: inout [UInt8]) {
    var block = SIMD4<UInt32>()
    var blockIndex = -1
    for (position, value) in values.enumerated() {
      guard value > 0 && value < 255 else {
        bits.append(value & 1)
        continue
      }
      if position >> 2 != blockIndex {
        blockIndex = position >> 2
        block = stream.four(at: UInt64(blockIndex))
      }
      // r/2³² < v/255, in whole numbers.
      bits.append(UInt64(block[position & 3]) * 255 < UInt64(value) << 32 ? 1 : 0)
    }
  }
}
