// The shape of one image, shared by data, networks and evaluation.

/// Height, width and channels of one image. A batch of N such images is laid out N×H×W×C.
public struct ImageShape: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Rows of pixels.
  public let height: Int
  /// Pixels in a row.
  public let width: Int
  /// Values in a pixel: 1 for grey, 3 for RGB.
  public let channels: Int

  /// A shape; all three are positive.
  public init(height: Int, width: Int, channels: Int) {
    precondition(height > 0 && width > 0 && channels > 0, "an image shape needs positive sides and channels")
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// H·W.
  public var pixels: Int { height * width }
  /// H·W·C: the dimensions that bits per dimension are counted in.
  public var dimensions: Int { pixels * channels }
  /// "28×28×1": width, height, channels, as people write image sizes.
  public var description: String { "\(width)×\(height)×\(channels)" }
}
