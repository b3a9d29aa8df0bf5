// Several images in one picture, and back.
import Core
import ImageData

/// Images side by side, row after row, two black pixels around each: the geometry of torchvision's make_grid.
public struct ImageGrid {
  /// Pixels between images and around them.
  public static let padding = 2

  /// The picture of `images` in `columns` columns; fewer where there are fewer images. Level q of L is shown as
  /// the grey value that reads back as q.
  public static func picture(
    _ images: ImageBatch, columns: Int, quantization: Quantization
  ) -> PNGImage {
    picture(values: quantization.displayValues(images), shape: images.shape, columns: columns)
  }

  /// The same of 8-bit values, N×H×W×C of images of `shape`; N is 1 or more.
  public static func picture(values: [UInt8], shape: ImageShape, columns: Int) -> PNGImage {
    let count = values.count / shape.dimensions
    precondition(count > 0 && columns > 0, "a grid needs images and columns")
    let columns = min(columns, count)
    let size = ImageShape(
      height: (count + columns - 1) / columns * (shape.height + padding) + padding,
      width: columns * (shape.width + padding) + padding, channels: shape.channels)
    var picture = PNGImage(shape: size, values: [UInt8](repeating: 0, count: size.dimensions))
    let run = shape.width * shape.channels
    for image in 0..<count {
      for y in 0..<shape.height {
        let source = (image * shape.height + y) * run
        let position = position(of: image, row: y, columns: columns, shape, in: size)
        picture.values.replaceSubrange(position..<position + run, with: values[source..<source + run])
      }
    }
    return picture
  }

  /// The images of `shape` that `picture` shows side by side, N×H×W×C values; nil where its size or padding is not that
  /// of a grid of at least `count` images. Where `count` is nil, black cells at the end of the last row are none.
  public static func cells(of picture: PNGImage, shape: ImageShape, count: Int? = nil) -> [UInt8]? {
    let size = picture.shape
    let (rows, restOfRows) = (size.height - padding).quotientAndRemainder(dividingBy: shape.height + padding)
    let (columns, restOfColumns) = (size.width - padding).quotientAndRemainder(dividingBy: shape.width + padding)
    guard rows > 0, columns > 0, restOfRows == 0, restOfColumns == 0, size.channels == shape.channels else {
      return nil
    }
    let shown = count ?? rows * columns
    guard shown > 0 && shown <= rows * columns else { return nil }
    let run = shape.width * shape.channels
    var values: [UInt8] = []
    values.reserveCapacity(shown * shape.dimensions)
    for image in 0..<shown {
      for y in 0..<shape.height {
        let position = position(of: image, row: y, columns: columns, shape, in: size)
        values += picture.values[position..<position + run]
      }
    }
    // A picture that happens to have the size of a grid has something between the cells.
    guard Self.picture(values: values, shape: shape, columns: columns).values == picture.values else { return nil }
    guard count == nil else { return values }
    var last = shown
    while last > (rows - 1) * columns + 1, values[((last - 1) * shape.dimensions)...].allSatisfy({ $0 == 0 }) {
      last -= 1
      values.removeLast(shape.dimensions)
    }
    return values
  }

  /// Where row `row` of cell `image` begins among the values of a grid of `size`.
  private static func position(
    of image: Int, row: Int, columns: Int, _ shape: ImageShape, in size: ImageShape
  ) -> Int {
    let y = image / columns * (shape.height + padding) + padding + row
    let x = image % columns * (shape.width + padding) + padding
    return (y * size.width + x) * size.channels
  }
}
