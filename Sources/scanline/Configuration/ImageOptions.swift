// Options that decide which pixels a folder becomes, shared by train, evaluate and inspect.
import ArgumentParser
import Core
import ImageData

/// A size on the command line: 28x28, or as the program prints it, 28×28.
struct SizeArgument: ExpressibleByArgument, Equatable, CustomStringConvertible {
  let width: Int
  let height: Int
  var description: String { "\(width)x\(height)" }

  init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

  init?(argument: String) {
    let parts = argument.lowercased().replacing("×", with: "x").split(separator: "x", omittingEmptySubsequences: false)
      .map { Int($0.trimmed()) }
    guard parts.count == 2, let width = parts[0], let height = parts[1] else { return nil }
    guard (1...16_384).contains(width) && (1...16_384).contains(height) else { return nil }
    (self.width, self.height) = (width, height)
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
  @Option(help: ArgumentHelp("Resample every image to this size, sides of 1 to 16384.", valueName: "WxH"))
  var resize: SizeArgument?
  @Option(help: ArgumentHelp("Cut the middle of this size, sides of 1 to 16384, out of every image.", valueName: "WxH"))
  var crop: SizeArgument?
  @Option(help: "Read every image with this many channels: 1, grey, or 3, RGB; by default as stored.")
  var channels: Int?
  @Flag(inversion: .prefixedNo, help: "Pass over files and folders that cannot be read, and count them.")
  var skipBad: Bool?
  @Flag(
    inversion: .prefixedNo,
    help: "Take every subfolder for a class, also one that is called like a split (train, testing, val2017).")
  var classesAreFolders: Bool?
  @Option(
    help: "The share of images to hold out, from 0 to below 1, where the folder has no valid split (default: 0.1).")
  var validShare: Double?
  @Option(help: "The seed of which images are held out (default: 0).") var splitSeed: UInt64?

  func validate() throws {
    if resize != nil && crop != nil { throw ValidationError("--resize and --crop exclude each other.") }
    if let channels, channels != 1 && channels != 3 { throw ValidationError("--channels is 1 or 3.") }
    guard (0..<1).contains(heldOutShare) else { throw ValidationError("--valid-share lies in 0 to below 1.") }
  }

  /// The choices as the library takes them, over those of `base` (a checkpoint's) where nothing was said.
  func loading(over base: ImageLoadingOptions? = nil) -> ImageLoadingOptions {
    var options = base ?? ImageLoadingOptions()
    if let background { options.reading.background = background.values }
    if sixteenBit == .scale { options.reading.scalesSixteenBit = true }
    if let resize { options.resizing = .resize(width: resize.width, height: resize.height) }
    if let crop { options.resizing = .crop(width: crop.width, height: crop.height) }
    if let channels { options.channels = channels }
    if let skipBad { options.skipsBad = skipBad }
    return options
  }

  var given: String? {
    firstGiven([
      "--background": background, "--sixteen-bit": sixteenBit, "--resize": resize, "--crop": crop,
      "--channels": channels, "--skip-bad": skipBad, "--classes-are-folders": classesAreFolders,
      "--valid-share": validShare, "--split-seed": splitSeed,
    ])
  }

  var heldOutShare: Double { validShare ?? 0.1 }
  var heldOutSeed: UInt64 { splitSeed ?? 0 }

  /// Lists the folder at `path` with the choices made here, else those given (a checkpoint's).
  func scan(
    _ path: String, heldOutShare share: Double? = nil, seed: UInt64? = nil, classesAreFolders areClasses: Bool? = nil,
    skipsBad: Bool? = nil, scoresSamples: Bool = false, threads: Int = availableThreads()
  ) throws -> ImageFolder {
    try ImageFolder(
      scanning: path, heldOutShare: validShare ?? share ?? heldOutShare, seed: splitSeed ?? seed ?? heldOutSeed,
      classesAreFolders: classesAreFolders ?? areClasses ?? false, skipsUnreadable: skipBad ?? skipsBad ?? false,
      scoresSamples: scoresSamples, threads: threads)
  }
}

extension Binarization: ExpressibleByArgument {}

struct QuantizationOptions: ParsableArguments {
  @Option(help: "How many levels a value has, 2 to 256 (default: 256).") var levels: Int?
  @Option(help: "With --levels 2, how values become bits.") var binarize: Binarization?

  func validate() throws {
    guard (2...256).contains(count) else { throw ValidationError("--levels lies in 2 to 256.") }
    if binarize != nil && count != 2 { throw ValidationError("--binarize goes with --levels 2 only.") }
  }

  var count: Int { levels ?? 256 }
  /// The first option that was given.
  var given: String? { levels != nil ? "--levels" : binarize != nil ? "--binarize" : nil }

  func quantization(seed: UInt64) throws -> Quantization {
    try Quantization(levels: count, binarization: binarize, seed: seed)
  }
}

extension Quantization {
  /// "16 levels", "2 levels (fixed)"
  var inWords: String { "\(levels) levels" + (binarization.map { " (\($0.rawValue))" } ?? "") }
}

extension [String: Int] {
  /// The largest number first; of equal ones the earlier name.
  var byCount: [Element] { sorted { ($1.value, $0.key) < ($0.value, $1.key) } }
}

extension ImageSet {
  /// Throws `badData`, under `path`, where these held-out images have not the `shape` of those of training.
  func requireShape(_ shape: ImageShape, path: String) throws {
    guard self.shape != shape else { return }
    throw ScanlineError(
      .badData, path: path, expected: "held-out images of \(shape), as in training (--resize or --crop)",
      found: "\(self.shape)")
  }
}

extension ImageFolder {
  /// "2 .jpg, 1 without an extension": the files that are no PNGs by name; nil where there are none.
  var ignoredInWords: String? {
    guard !ignored.isEmpty else { return nil }
    return ignored.byCount.map { "\($0.value) \($0.key.isEmpty ? "without an extension" : $0.key)" }
      .joined(separator: ", ")
  }

  /// Reads the images of `split` (nil: of all) as commands do: showing how far it is, and telling what there is to know
  /// of the folder, once, and each file that is passed over. Throws `ScanlineError` as ``ImageSet`` does.
  func images(of split: Split?, _ options: ImageLoadingOptions, threads: Int, console: Console) throws -> ImageSet {
    console.warnOnce(notes.map(\.inFlags))
    let bar = ProgressBar(console, "reading", total: entries(in: split).count)
    defer { bar.finish() }
    let set = try ImageSet(loading: self, split: split, options: options, threads: threads, progress: bar.advance)
    bar.finish()
    for skipped in set.skipped { console.warning("skipped \(skipped.path): \(skipped.reason)") }
    return set
  }
}
