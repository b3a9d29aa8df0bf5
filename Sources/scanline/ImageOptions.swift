// Options that decide which pixels a folder becomes, shared by train, evaluate and inspect.
import ArgumentParser
import ImageData

/// A size on the command line: 28x28.
struct SizeArgument: ExpressibleByArgument, Equatable {
  let width: Int
  let height: Int

  init?(argument: String) {
    let parts = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let width = parts[0], let height = parts[1] else { return nil }
    guard (1...16_384).contains(width) && (1...16_384).contains(height) else { return nil }
    self.width = width
    self.height = height
  }
}

/// A colour on the command line: 255, or 255,255,255.
struct ColorArgument: ExpressibleByArgument, Equatable {
  let values: [UInt8]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { UInt8($0) }
    guard parts.count == 1 || parts.count == 3, !parts.contains(nil) else { return nil }
    values = parts.compactMap { $0 }
  }
}

/// The one thing that can be done with 16-bit samples.
enum SixteenBit: String, ExpressibleByArgument, CaseIterable {
  case scale
}

struct ImageOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Lay images with transparency over this grey value, or R,G,B.", valueName: "0-255 or R,G,B"))
  var background: ColorArgument?

  @Option(help: "What to do with 16-bit samples: scale them to the nearest 8-bit value.")
  var sixteenBit: SixteenBit?

  @Option(help: ArgumentHelp("Resample every image to this size.", valueName: "WxH"))
  var resize: SizeArgument?

  @Option(help: ArgumentHelp("Cut the middle of this size out of every image.", valueName: "WxH"))
  var crop: SizeArgument?

  @Option(help: "Read every image as grey (1) or RGB (3); by default as stored.")
  var channels: Int?

  @Flag(help: "Pass over files that cannot be read, and count them.")
  var skipBad = false

  @Option(help: "The share of images to hold out where the folder has no valid split.")
  var validShare = 0.1

  @Option(help: "The seed of which images are held out.")
  var splitSeed: UInt64 = 0

  func validate() throws {
    if resize != nil && crop != nil { throw ValidationError("--resize and --crop exclude each other.") }
    if let channels, channels != 1 && channels != 3 { throw ValidationError("--channels is 1 or 3.") }
    guard validShare >= 0 && validShare < 1 else { throw ValidationError("--valid-share lies in 0..<1.") }
  }

  /// The choices as the library takes them.
  var loading: ImageLoadingOptions {
    var resizing = Resizing.none
    if let resize { resizing = .resize(width: resize.width, height: resize.height) }
    if let crop { resizing = .crop(width: crop.width, height: crop.height) }
    return ImageLoadingOptions(
      reading: PNGReadOptions(background: background?.values, scalesSixteenBit: sixteenBit == .scale),
      resizing: resizing, channels: channels, skipsBad: skipBad)
  }

  /// Lists the folder at `path` with the held-out share and seed asked for.
  func scan(_ path: String) throws -> ImageFolder {
    try ImageFolder(scanning: path, heldOutShare: validShare, seed: splitSeed)
  }
}

extension Binarization: ExpressibleByArgument {}

struct QuantizationOptions: ParsableArguments {
  @Option(help: "How many levels a value has, 2 to 256.")
  var levels = 256

  @Option(help: "With --levels 2, how values become bits.")
  var binarize: Binarization?

  func validate() throws {
    guard (2...256).contains(levels) else { throw ValidationError("--levels lies in 2 to 256.") }
    if binarize != nil && levels != 2 { throw ValidationError("--binarize goes with --levels 2 only.") }
  }

  /// The quantization, its draws keyed by `seed`.
  func quantization(seed: UInt64) throws -> Quantization {
    try Quantization(levels: levels, binarization: binarize, seed: seed)
  }
}
