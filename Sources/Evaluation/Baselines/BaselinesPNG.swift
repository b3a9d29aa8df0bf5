// What PNG itself spends on the same pixels.
import Core
import ImageData

/// The bytes of compressed pixels in a PNG of the image, as nats (a bit is ln 2 nats): no probabilities, but a code that
/// anybody can undo, so it compares with those of models.
///
/// The levels are written as they are, at the smallest depth that a PNG may have for them: 1, 2, 4 or 8 bits of grey,
/// always 8 of colour. zlib works at its best level (9), once with all rows unfiltered and once with libpng's choice of
/// filter for each row; the smaller counts. What counts is the content of the IDAT chunks: the compressed rows with their
/// filter bytes and zlib's own 6 bytes, but not the signature, the header, nor the chunks' lengths, names and checksums.
package struct PNGBaseline: Baseline {
  /// See `Baseline`.
  package let name = "PNG"
  /// See `Baseline`.
  package let inWords: String
  /// Bits that each value is written with.
  package let bitDepth: Int

  /// The code for images of `shape` and `levels` levels.
  package init(levels: Int, shape: ImageShape) {
    bitDepth = shape.channels > 1 ? 8 : [1, 2, 4].first { levels <= 1 << $0 } ?? 8
    inWords =
      "bits in the IDAT chunks of each image as a PNG of \(bitDepth) bits a value, zlib level 9, the better of adaptive "
      + "and no filters"
  }

  /// See `Baseline`.
  package func nats(_ batch: ImageBatch, image: Int) -> Double {
    let dimensions = batch.shape.dimensions
    let values = Array(batch.levels[image * dimensions..<(image + 1) * dimensions])
    let picture = PNGImage(shape: batch.shape, values: values)
    let sizes = [PNGImage.Filter.none, .adaptive].map { filter in
      guard let png = try? picture.encoded(filter: filter, bitDepth: bitDepth) else {
        preconditionFailure("libpng refuses plain pixels")
      }
      return Self.compressedBytes(png)
    }
    return Double(8 * min(sizes[0], sizes[1])) * 0.693_147_180_559_945_3
  }

  /// Bytes in the IDAT chunks of a PNG.
  package static func compressedBytes(_ png: [UInt8]) -> Int {
    var (position, total) = (8, 0)
    while position + 12 <= png.count {
      let length = png[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      if png[position + 4..<position + 8].elementsEqual("IDAT".utf8) { total += length }
      position += length + 12
    }
    return total
  }
}
