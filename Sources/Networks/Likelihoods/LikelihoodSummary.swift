// The scores of several images as a mean and its standard error.
import Core

/// Nats of several images, and what they mean.
public struct LikelihoodSummary: Sendable, Codable, Equatable {
  /// Images scored.
  public let images: Int
  /// Mean −log p of an image, in nats.
  public let natsPerImage: Double
  /// nats / (ln 2 · C·H·W)
  public let bitsPerDimension: Double
  /// Standard error of the mean nats; nil for a single image, which says nothing of how images differ.
  public let standardError: Double?
  /// Standard error of the bits per dimension; nil for a single image.
  public let bitsStandardError: Double?

  /// The summary of `nats` over images of `shape`; there is at least one.
  public init(_ nats: [Double], shape: ImageShape) {
    precondition(!nats.isEmpty, "a mean of no images")
    images = nats.count
    let mean = nats.reduce(0, +) / Double(nats.count)
    natsPerImage = mean
    bitsPerDimension = Self.bitsPerDimension(mean, shape: shape)
    let variance = nats.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let error = nats.count > 1 ? (variance / Double(nats.count - 1) / Double(nats.count)).squareRoot() : nil
    standardError = error
    bitsStandardError = error.map { Self.bitsPerDimension($0, shape: shape) }
  }

  /// nats / (ln 2 · C·H·W), of an image of `shape`
  public static func bitsPerDimension(_ nats: Double, shape: ImageShape) -> Double {
    nats / (0.693_147_180_559_945_3 * Double(shape.dimensions))
  }

  /// Reads a summary. Earlier versions wrote the standard error of a single image as 0; it is unknown.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    images = try container.decode(Int.self, forKey: .images)
    natsPerImage = try container.decode(Double.self, forKey: .natsPerImage)
    bitsPerDimension = try container.decode(Double.self, forKey: .bitsPerDimension)
    let error = try container.decodeIfPresent(Double.self, forKey: .standardError)
    let bitsError = try container.decodeIfPresent(Double.self, forKey: .bitsStandardError)
    (standardError, bitsStandardError) = images > 1 ? (error, bitsError) : (nil, nil)
  }

  /// Writes every key: null, not a missing one, where a standard error is not known.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(images, forKey: .images)
    try container.encode(natsPerImage, forKey: .natsPerImage)
    try container.encode(bitsPerDimension, forKey: .bitsPerDimension)
    try container.encode(standardError, forKey: .standardError)
    try container.encode(bitsStandardError, forKey: .bitsStandardError)
  }

  private enum CodingKeys: String, CodingKey {
    case images, natsPerImage, bitsPerDimension, standardError, bitsStandardError
  }
}
