// Several images in one picture.
import ImageData
import Kernels

/// Images side by side, row after row, two black pixels around each: the geometry of torchvision's make_grid.
public struct ImageGrid {
  /// Pixels between images and around them.
  public static let padding = 2

  /// The picture of `images` in `columns` columns; fewer where there are fewer images. Level q of L is shown as
  /// the grey value that reads back as q.
  public static func picture(
    _ images: ImageBatch, columns: Int, quantization: Quantization
  ) -> PNGImage {
    precondition(images.count > 0 && columns > 0, "a grid needs images and columns")
    let shape = images.shape
    let columns = min(columns, images.count)
    let rows = (images.count + columns - 1) / columns
    let (cellHeight, cellWidth) = (shape.height + padding, shape.width + padding)
    let size = ImageShape(
      height: rows * cellHeight + padding, width: columns * cellWidth + padding, channels: shape.channels)
    var values = [UInt8](repeating: 0, count: size.dimensions)
    for image in 0..<images.count {
      let top = image / columns * cellHeight + padding
      let left = image % columns * cellWidth + padding
      for y in 0..<shape.height {
        for x in 0..<shape.width {
          for c in 0..<shape.channels {
            values[((top + y) * size.width + left + x) * shape.channels + c] =
              quantization.displayValue(images[image, y, x, c])
          }
        }
      }
    }
    return PNGImage(shape: size, values: values)
  }
}
