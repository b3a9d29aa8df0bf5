// Images drawn before, read back: from a folder, a single PNG, or a grid that is cut apart.
import Core
import Evaluation
import ImageData

struct SampleFiles {
  /// What each is called: its path, or its position in a grid.
  let names: [String]
  /// N×H×W×C values as stored.
  let pixels: [UInt8]
  /// How their levels were made, as the files' texts say; nil where they do not.
  let quantization: Quantization?

  /// Reads up to `limit` images of `shape` from `path`. Throws `badData` where there are none, one has another size and
  /// is no grid of this one, or texts name different levels; `io` where a file cannot be read.
  init(_ path: String, shape: ImageShape, limit: Int, reading: PNGReadOptions, threads: Int) throws {
    let files = try ImageFolder(scanning: path, heldOutShare: 0, takesOwnPictures: true).first(limit)
    let set = try ImageSet(
      loading: files, options: ImageLoadingOptions(reading: reading, channels: shape.channels), threads: threads)
    let texts = set.paths.map { PNGText(parsing: (try? DurableFiles.contents(of: $0)) ?? []) }
    quantization = try Self.quantization(texts, path: path)
    if set.shape == shape {
      names = set.paths
      pixels = set.pixels
      return
    }
    guard files.layout == .file else {
      throw ScanlineError(
        .badData, path: set.paths[0], expected: "\(shape), as the training images", found: "\(set.shape)")
    }
    guard let cells = ImageGrid.cells(of: set.image(at: 0), shape: shape, count: texts[0]["Count"].flatMap { Int($0) })
    else {
      throw ScanlineError(
        .badData, path: path,
        expected: "an image of \(shape), as the training images, or a grid of such images", found: "\(set.shape)")
    }
    let count = min(limit, cells.count / shape.dimensions)
    pixels = Array(cells.prefix(count * shape.dimensions))
    names = (0..<count).map { "\(path)#\($0)" }
  }

  /// What the texts agree on.
  private static func quantization(_ texts: [PNGText], path: String) throws -> Quantization? {
    var found: Quantization?
    for text in texts {
      guard let levels = text["Levels"].flatMap({ Int($0) }), (2...256).contains(levels) else { continue }
      let quantization = try Quantization(
        levels: levels, binarization: levels == 2 ? text["Binarization"].flatMap(Binarization.init) : nil,
        seed: text["Binarization seed"].flatMap { UInt64($0) } ?? 0)
      guard found == nil || found == quantization else {
        throw ScanlineError(
          .badData, path: path, expected: "samples of one model (or --levels)",
          found: "\(found?.levels ?? 0) and \(levels) levels, or two binarizations")
      }
      found = quantization
    }
    return found
  }
}
