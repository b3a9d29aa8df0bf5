// The activations of one image at one layer.
import Core

/// A view of H×W pixels with `channels` features each, the features of a pixel side by side, inside a border
/// of zeros, so that a convolution reads past the edge without a test. Layout: rows of
/// (left + W + right) pixels, each `pixelStride` floats.
///
/// Hidden layers round a pixel up to whole vectors; those lanes hold zeros. The borders are written once,
/// when the map is made, and never again.
package struct FeatureMap: Sendable {
  /// Rows.
  package let height: Int
  /// Pixels in a row.
  package let width: Int
  /// Features of a pixel.
  package let channels: Int
  /// Floats from a pixel to the next.
  package let pixelStride: Int
  /// Floats from a row to the next.
  package let rowStride: Int
  /// The border of zeros.
  package let border: Border
  let storage: AlignedBuffer
  /// Pixel (0, 0). Valid while `storage` lives, which this value sees to.
  @usableFromInline nonisolated(unsafe) let origin: UnsafeMutablePointer<Float>

  /// Pixels of zeros around a map.
  package struct Border: Sendable, Hashable {
    /// Rows above and below, pixels left and right.
    package let top: Int, bottom: Int, left: Int, right: Int

    /// A border of the given widths.
    package init(top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0) {
      self.top = top
      self.bottom = bottom
      self.left = left
      self.right = right
    }

    /// Whether this border is nowhere thinner than `other`.
    package func contains(_ other: Border) -> Bool {
      top >= other.top && bottom >= other.bottom && left >= other.left && right >= other.right
    }
  }

  /// A map of zeros. `padded` rounds a pixel up to whole vectors; only a network's input goes without. Where
  /// `sharesRows`, all rows are the same memory: for what is read only while its own row is computed.
  package init(
    height: Int, width: Int, channels: Int, border: Border = Border(), padded: Bool = true, sharesRows: Bool = false,
    in arena: MemoryArena? = nil
  ) {
    precondition(!sharesRows || (border.top == 0 && border.bottom == 0), "a shared row has no row above or below")
    self.height = height
    self.width = width
    self.channels = channels
    self.border = border
    pixelStride = padded ? Lanes.roundUp(channels) : channels
    let rowCount = (border.left + width + border.right) * pixelStride
    rowStride = sharesRows ? 0 : rowCount
    storage = AlignedBuffer(count: (sharesRows ? 1 : border.top + height + border.bottom) * rowCount, in: arena)
    origin = storage.pointer + border.top * rowStride + border.left * pixelStride
  }

  /// Tells two maps that share memory from two that do not.
  package var identity: ObjectIdentifier { ObjectIdentifier(storage) }

  /// A map of `images` images interleaved pixel by pixel: position x·images + n of a row is pixel x of image n. This is
  /// image `image` of it, without border.
  package func image(_ image: Int, of images: Int) -> FeatureMap {
    precondition(image >= 0 && image < images && width % images == 0, "image \(image) of \(images)")
    return FeatureMap(viewing: self, image, of: images)
  }

  private init(viewing map: FeatureMap, _ image: Int, of images: Int) {
    height = map.height
    width = map.width / images
    channels = map.channels
    pixelStride = map.pixelStride * images
    rowStride = map.rowStride
    border = Border()
    storage = map.storage
    origin = map.origin + image * map.pixelStride
  }

  /// Bytes that the map takes.
  package var byteCount: Int { storage.count * MemoryLayout<Float>.stride }

  /// Feature `channel` of pixel (`y`, `x`).
  package subscript(y: Int, x: Int, channel: Int) -> Float {
    get {
      checkBounds(y, x, channel)
      return pixel(y, x)[channel]
    }
    nonmutating set {
      checkBounds(y, x, channel)
      pixel(y, x)[channel] = newValue
    }
  }

  /// The features of pixel (`y`, `x`), copied.
  package func features(_ y: Int, _ x: Int) -> [Float] { (0..<channels).map { self[y, x, $0] } }

  /// Every feature in the order H×W×C, copied.
  package var values: [Float] {
    (0..<height).flatMap { y in (0..<width).flatMap { x in features(y, x) } }
  }

  /// Fills the map from values in the order H×W×C.
  package func fill(_ values: [Float]) {
    precondition(values.count == height * width * channels, "\(values.count) values for \(height)×\(width)×\(channels)")
    var next = 0
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<channels {
          self[y, x, channel] = values[next]
          next += 1
        }
      }
    }
  }

  /// Fills the map with an image of `levels` levels, as networks read them: see `PixelScale`.
  package func fill(_ batch: ImageBatch, image: Int, levels: Int) {
    precondition(
      batch.shape == ImageShape(height: height, width: width, channels: channels),
      "a map for \(height)×\(width)×\(channels), an image of \(batch.shape)")
    precondition(image >= 0 && image < batch.count && levels > 1, "image \(image) of \(batch.count)")
    let scale = PixelScale(levels: levels)
    let start = image * batch.shape.dimensions
    batch.levels.withUnsafeBufferPointer { source in
      for y in 0..<height {
        for x in 0..<width {
          let target = pixel(y, x)
          for c in 0..<channels { target[c] = scale.input(source[start + (y * width + x) * channels + c]) }
        }
      }
    }
  }

  /// Feature `channel` of pixel (`y`, `x`), checked in debug builds only: for inner loops.
  @inlinable
  package subscript(unchecked y: Int, x: Int, channel: Int) -> Float {
    get {
      assert(y >= 0 && y < height && x >= 0 && x < width && channel >= 0 && channel < channels)
      return origin[y &* rowStride &+ x &* pixelStride &+ channel]
    }
    nonmutating set {
      assert(y >= 0 && y < height && x >= 0 && x < width && channel >= 0 && channel < channels)
      origin[y &* rowStride &+ x &* pixelStride &+ channel] = newValue
    }
  }

  /// Sixteen features of pixel (`y`, `x`) from `offset` on, lanes of padding included.
  @inlinable
  package subscript(vector y: Int, x: Int, offset: Int) -> FloatVector {
    get {
      assert(y >= 0 && y < height && x >= 0 && x < width && offset >= 0 && offset + 16 <= pixelStride)
      return UnsafeRawPointer(origin + (y &* rowStride &+ x &* pixelStride &+ offset))
        .loadUnaligned(as: FloatVector.self)
    }
    nonmutating set {
      assert(y >= 0 && y < height && x >= 0 && x < width && offset >= 0 && offset + 16 <= pixelStride)
      UnsafeMutableRawPointer(origin + (y &* rowStride &+ x &* pixelStride &+ offset))
        .storeBytes(of: newValue, as: FloatVector.self)
    }
  }

  /// Sets the features of every pixel to zero; borders and lanes of padding are zero already.
  package func clear() {
    for y in 0..<height {
      for x in 0..<width { pixel(y, x).update(repeating: 0, count: channels) }
    }
  }

  /// Copies the last rows into the border above the first: the map then goes on below what it held. As many rows as
  /// the border has; no more than there are.
  package func carryOver() {
    precondition(border.top <= height && rowStride > 0, "a map of \(height) rows, \(border.top) of them carried over")
    let above = storage.pointer
    above.update(from: above + height * rowStride, count: border.top * rowStride)
  }

  /// Sets the border above the first row to zero again.
  package func clearAbove() { storage.pointer.update(repeating: 0, count: border.top * rowStride) }

  @inline(__always)
  package func pixel(_ y: Int, _ x: Int) -> UnsafeMutablePointer<Float> {
    origin + (y &* rowStride &+ x &* pixelStride)
  }

  private func checkBounds(_ y: Int, _ x: Int, _ channel: Int) {
    precondition(
      y >= 0 && y < height && x >= 0 && x < width && channel >= 0 && channel < channels,
      "(\(y), \(x), \(channel)) of a \(height)×\(width)×\(channels) map")
  }
}
