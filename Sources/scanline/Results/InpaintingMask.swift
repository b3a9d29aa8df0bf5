// Which pixels of an image stay when the rest is drawn, and what the drawn ones then depend on.
import Core
import Evaluation
import ImageData

struct InpaintingMask {
  /// For each pixel, by rows, whether it stays; some do and some do not.
  let mask: [Bool]
  /// "rows 0 to 13", "the white pixels of mask.png"
  let inWords: String

  /// The first `rows` rows of images of `shape`. Throws a usage error where that is nothing or everything.
  init(rows: Int, shape: ImageShape) throws {
    guard (1..<shape.height).contains(rows) else {
      throw ScanlineError(
        .usage, path: "--keep-rows", expected: "1 to \(shape.height - 1) of the \(shape.height) rows", found: "\(rows)")
    }
    mask = (0..<shape.pixels).map { $0 < rows * shape.width }
    inWords = rows == 1 ? "the first row" : "the first \(rows) rows"
  }

  /// The white pixels of the PNG at `path`, whose other pixels are black. Throws `badData` where it has another size or
  /// other values, or only one of the two.
  init(maskAt path: String, shape: ImageShape, reading: PNGReadOptions) throws {
    guard DurableFiles.exists(path) else {
      throw ScanlineError(.badData, path: path, expected: "a mask PNG", found: "nothing of that name")
    }
    let image = try PNGImage(contentsOf: path, options: reading, channels: 1)
    guard image.shape.width == shape.width && image.shape.height == shape.height else {
      throw ScanlineError(
        .badData, path: path, expected: "a mask of \(shape.width)×\(shape.height) pixels, as the images",
        found: "\(image.shape.width)×\(image.shape.height)")
    }
    if let position = image.values.firstIndex(where: { $0 != 0 && $0 != 255 }) {
      throw ScanlineError(
        .badData, path: path, expected: "only white (255: keep) and black (0: draw)",
        found: "\(image.values[position]) in row \(position / shape.width), column \(position % shape.width)")
    }
    guard image.values.contains(0) && image.values.contains(255) else {
      throw ScanlineError(
        .badData, path: path, expected: "both white pixels to keep and black ones to draw",
        found: "only \(image.values[0] == 0 ? "black" : "white") ones")
    }
    mask = image.values.map { $0 == 255 }
    inWords = "the white pixels of \(path)"
  }

  /// What the drawn pixels are conditioned on, and what not; `sharpening` says how they were drawn where that is not from the
  /// model's own probabilities.
  func conditioning(unseen: Int, sharpening: String? = nil) -> String {
    let given = mask.count { $0 }
    if unseen > 0 {
      return """
        Not exact: of the \(given) given pixels, \(unseen) come after a drawn one in raster order. A pixel is drawn \
        given all pixels before it, given and drawn; it does not see those after it. So the drawn pixels are not \
        draws from p(rest | given).
        """
    }
    let before = "All \(given) given pixels come before the drawn ones in raster order, so the drawn pixels are "
    return before
      + (sharpening.map { "drawn given all of them, each at \($0)." } ?? "exact draws from p(rest | given).")
  }
}

extension InpaintingMask {
  /// A grid with a row for each of `originals`: the image, what is given of it (missing pixels in mid grey), and its
  /// completions, of which `drawn` has the same number for each, in turn.
  func picture(_ originals: ImageBatch, drawn: ImageBatch, _ quantization: Quantization) -> PNGImage {
    let shape = originals.shape
    let completions = drawn.count / originals.count
    let (whole, completed) = (quantization.displayValues(originals), quantization.displayValues(drawn))
    var values: [UInt8] = []
    for image in 0..<originals.count {
      let original = whole[image * shape.dimensions..<(image + 1) * shape.dimensions]
      values += original
      values += original.enumerated().map { mask[$0.offset / shape.channels] ? $0.element : missingValue }
      values += completed[image * completions * shape.dimensions..<(image + 1) * completions * shape.dimensions]
    }
    return ImageGrid.picture(values: values, shape: shape, columns: completions + 2)
  }
}
