// Bringing images to one size, in whole numbers, so that every machine gets the same pixels.
import Core

/// How images of other sizes are brought to one size.
public enum Resizing: Sendable, Codable, Equatable {
  /// Not at all: a mixture of sizes is an error.
  case none
  /// Resampled to the size, without regard to the aspect: along each axis the mean over the area that a pixel
  /// covers where the image shrinks, linear interpolation between pixel centres where it grows. Values are
  /// taken as stored and each result is rounded once, to the nearest.
  case resize(width: Int, height: Int)
  /// The middle of the image, unscaled; where the margin is odd, the extra row or column is cut at the bottom
  /// or right. An image smaller than this is an error.
  case crop(width: Int, height: Int)

  /// Width and height of every image afterwards; nil for `none`.
  public var size: (width: Int, height: Int)? {
    switch self {
    case .none: nil
    case .resize(let width, let height), .crop(let width, let height): (width, height)
    }
  }
}

extension Resizing {
  private enum CodingKeys: String, CodingKey {
    case mode, width, height
  }

  /// Reads {"mode": "none"}, or "resize" or "crop" with width and height.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let mode = try container.decode(String.self, forKey: .mode)
    if mode == "none" {
      self = .none
      return
    }
    let width = try container.decode(Int.self, forKey: .width)
    let height = try container.decode(Int.self, forKey: .height)
    guard ["resize", "crop"].contains(mode), width > 0, height > 0 else {
      throw DecodingError.dataCorruptedError(
        forKey: .mode, in: container, debugDescription: "\(mode) to \(width)×\(height) is no resizing")
    }
    self = mode == "crop" ? .crop(width: width, height: height) : .resize(width: width, height: height)
  }

  /// Writes {"mode": "none"}, or "resize" or "crop" with width and height.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    let mode =
      switch self {
      case .none: "none"
      case .resize: "resize"
      case .crop: "crop"
      }
    try container.encode(mode, forKey: .mode)
    guard let size else { return }
    try container.encode(size.width, forKey: .width)
    try container.encode(size.height, forKey: .height)
  }
}

extension PNGImage {
  /// The image brought to `resizing`'s size.
  ///
  /// - Throws: `ScanlineError` (`badData`) naming `name` where it is smaller than the crop.
  public func resized(_ resizing: Resizing, name: String = "image") throws -> PNGImage {
    switch resizing {
    case .none: return self
    case .resize(let width, let height):
      if width == shape.width && height == shape.height { return self }
      return resampled(width: width, height: height)
    case .crop(let width, let height):
      guard width <= shape.width && height <= shape.height else {
        throw ScanlineError(
          .badData, path: name, expected: "at least the \(width)×\(height) pixels of the crop",
          found: "\(shape.width)×\(shape.height)")
      }
      return cropped(width: width, height: height)
    }
  }

  private func cropped(width: Int, height: Int) -> PNGImage {
    let channels = shape.channels
    let left = (shape.width - width) / 2
    let top = (shape.height - height) / 2
    var result: [UInt8] = []
    result.reserveCapacity(width * height * channels)
    for y in top..<top + height {
      let start = (y * shape.width + left) * channels
      result += values[start..<start + width * channels]
    }
    return PNGImage(shape: ImageShape(height: height, width: width, channels: channels), values: result)
  }

  private func resampled(width: Int, height: Int) -> PNGImage {
    let channels = shape.channels
    let across = ResamplingAxis(from: shape.width, to: width)
    let down = ResamplingAxis(from: shape.height, to: height)
    // Rows first: shape.height × width × C sums, each up to 255 · across.total.
    var rows = [Int](repeating: 0, count: shape.height * width * channels)
    for y in 0..<shape.height {
      for x in 0..<width {
        for (source, weight) in across.taps[x] {
          for c in 0..<channels {
            rows[(y * width + x) * channels + c] +=
              weight * Int(values[(y * shape.width + source) * channels + c])
          }
        }
      }
    }
    let total = across.total * down.total
    let stride = width * channels
    var result = [UInt8](repeating: 0, count: height * stride)
    for y in 0..<height {
      for i in 0..<stride {
        let sum = down.taps[y].reduce(0) { $0 + $1.weight * rows[$1.source * stride + i] }
        result[y * stride + i] = UInt8((2 * sum + total) / (2 * total))
      }
    }
    return PNGImage(shape: ImageShape(height: height, width: width, channels: channels), values: result)
  }
}

/// The weights of one axis: for each new pixel its source pixels, with whole weights that add up to `total`.
struct ResamplingAxis {
  let taps: [[(source: Int, weight: Int)]]
  let total: Int

  init(from old: Int, to new: Int) {
    if new <= old {
      // Measured in parts of 1/new of a source pixel, new pixel i covers i·old ..< (i+1)·old, and source pixel
      // s covers s·new ..< (s+1)·new: the weight is their overlap.
      total = old
      taps = (0..<new).map { i in
        let range = i * old..<(i + 1) * old
        return (range.lowerBound / new...(range.upperBound - 1) / new).map { s in
          (source: s, weight: min(range.upperBound, (s + 1) * new) - max(range.lowerBound, s * new))
        }
      }
    } else {
      // The centre of new pixel i lies at (2i+1)·old/(2·new) − 1/2 source pixels; beyond the outermost centres
      // the edge pixel is repeated.
      total = 2 * new
      taps = (0..<new).map { i in
        let position = min(max((2 * i + 1) * old - new, 0), 2 * new * (old - 1))
        let (low, part) = position.quotientAndRemainder(dividingBy: 2 * new)
        return part == 0 ? [(low, 2 * new)] : [(low, 2 * new - part), (low + 1, part)]
      }
    }
  }
}
