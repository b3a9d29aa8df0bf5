// What a reader of PNG files needs to be told, and what a PNG's header says.
import CScanline

/// The largest image that is decoded. A header over these is refused before anything is allocated for it.
public struct PNGLimits: Sendable, Codable, Equatable {
  /// Pixels in a row.
  public var width: Int
  /// Rows.
  public var height: Int
  /// Bytes of width × height × 4, the pixels at their widest, and of the file itself.
  public var bytes: Int

  /// Limits; each is positive. The default lets pass whatever a photograph may be.
  public init(width: Int = 16_384, height: Int = 16_384, bytes: Int = 512 << 20) {
    precondition(width > 0 && height > 0 && bytes > 0, "limits are positive")
    self.width = width
    self.height = height
    self.bytes = bytes
  }

  var c: scanline_png_limits {
    scanline_png_limits(
      max_width: UInt32(clamping: width), max_height: UInt32(clamping: height), max_bytes: UInt64(bytes))
  }
}

/// The choices that turn stored samples into 8-bit grey or RGB where there is more than one way to do it. What
/// has no default is an error until it is chosen: a silent choice would change every likelihood.
public struct PNGReadOptions: Sendable, Codable, Equatable {
  /// The colour that images with transparency are laid over: one grey value or R, G, B. Nil: such images are
  /// an error, also when every pixel happens to be opaque, because otherwise the same command would pass or
  /// fail, and grey would become RGB or not, by the content of one file in thousands.
  public var background: [UInt8]?
  /// Brings 16-bit samples to the nearest 8-bit value (v·255/65535). False: they are an error.
  public var scalesSixteenBit: Bool
  /// The largest image that is decoded.
  public var limits: PNGLimits

  /// Options; `background` has 1 or 3 values.
  public init(background: [UInt8]? = nil, scalesSixteenBit: Bool = false, limits: PNGLimits = PNGLimits()) {
    precondition(background.map { $0.count == 1 || $0.count == 3 } ?? true, "a background has 1 or 3 values")
    self.background = background
    self.scalesSixteenBit = scalesSixteenBit
    self.limits = limits
  }
}

/// What the header of a PNG file says of its pixels.
public struct PNGHeader: Sendable, Hashable {
  /// How pixels are stored, by PNG's own numbers.
  public enum ColorType: UInt8, Sendable, CaseIterable {
    /// One grey sample.
    case grey = 0
    /// Red, green and blue.
    case rgb = 2
    /// An index into a table of 8-bit RGB colours.
    case palette = 3
    /// Grey and alpha.
    case greyAlpha = 4
    /// Red, green, blue and alpha.
    case rgbAlpha = 6
  }

  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Bits of a sample, or of a palette index: 1, 2, 4, 8 or 16.
  public let bitDepth: Int
  /// How pixels are stored.
  public let colorType: ColorType
  /// Whether the rows come in the seven passes of Adam7.
  public let isInterlaced: Bool
  /// Whether there is an alpha channel or a transparent colour (tRNS).
  public let hasAlpha: Bool
  /// Whether the colours are grey: a grey colour type, or a palette of greys only, used or not.
  public let isGrey: Bool
  /// Whether the file's text says that Scanline wrote it.
  package let isOwn: Bool

  init(_ c: scanline_png_header) {
    width = Int(c.width)
    height = Int(c.height)
    bitDepth = Int(c.bit_depth)
    guard let type = ColorType(rawValue: c.color_type) else {
      preconditionFailure("libpng let pass a colour type")
    }
    colorType = type
    isInterlaced = c.interlaced != 0
    hasAlpha = c.has_alpha != 0
    isGrey = c.is_grey != 0
    isOwn = c.is_own != 0
  }

  /// The mode in words: "8-bit grey", "4-bit palette with transparency, interlaced".
  public var mode: String {
    let color =
      switch colorType {
      case .grey, .greyAlpha: "grey"
      case .rgb, .rgbAlpha: "RGB"
      case .palette: isGrey ? "palette of greys" : "palette"
      }
    let alpha = hasAlpha ? (colorType.rawValue >= 4 ? " with alpha" : " with transparency") : ""
    return "\(bitDepth)-bit \(color)\(alpha)\(isInterlaced ? ", interlaced" : "")"
  }

  /// The channels of the image as stored: 1 for a grey one (laid over a grey background, where it has alpha),
  /// otherwise 3.
  func channels(over background: [UInt8]?) -> Int {
    guard isGrey else { return 3 }
    guard hasAlpha, let background else { return 1 }
    return background.allSatisfy { $0 == background[0] } ? 1 : 3
  }
}
