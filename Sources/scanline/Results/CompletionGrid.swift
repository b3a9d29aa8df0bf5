// Completions as a picture.
import Core
import Evaluation
import ImageData

/// A grid with a row for each image: the image, what is given of it (missing pixels in mid grey), its completions.
enum CompletionGrid {
  /// The grid of `originals` and of `drawn`, which has the same number of completions of each, in turn; `mask` says
  /// which pixels (H·W, by rows) were given.
  static func picture(
    _ originals: ImageBatch, given mask: [Bool], drawn: ImageBatch, quantization: Quantization
  ) -> PNGImage {
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
