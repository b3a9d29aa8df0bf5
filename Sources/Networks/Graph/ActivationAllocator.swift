// Where the activations of a network live: whole images, or the few rows that drawing pixel by pixel needs.
import Core
import Kernels

/// Makes the maps of a network that runs on `images` images interleaved pixel by pixel, and counts their bytes.
final class ActivationAllocator {
  private let shape: ImageShape
  private let images: Int
  private let height: Int
  private let slides: Bool
  private let arena: MemoryArena
  private var bordered: [FeatureMap] = []
  private(set) var byteCount = 0

  /// Maps of whole images, `expectedBytes` of them.
  init(_ shape: ImageShape, images: Int, expectedBytes: Int = 0) {
    arena = MemoryArena(expectedBytes: expectedBytes)
    self.shape = shape
    self.images = images
    height = shape.height
    slides = false
  }

  /// Maps of the last rows alone, for a pass that goes through the pixels in raster order: image row y lies in row
  /// `row(y)`. When the rows are used up, the last of them become the border above the first.
  init(lastRowsOf shape: ImageShape, images: Int, expectedBytes: Int = 0) {
    arena = MemoryArena(expectedBytes: expectedBytes)
    self.shape = shape
    self.images = images
    height = Self.slidingRows(shape)
    slides = true
  }

  /// Rows that are kept of images of `shape`.
  static func slidingRows(_ shape: ImageShape) -> Int { min(shape.height, 8) }

  /// A map whose rows are kept: for a layer's neighbours, or for the backward pass.
  func map(_ channels: Int, border: FeatureMap.Border = .init(), padded: Bool = true) -> FeatureMap {
    let map = FeatureMap(
      height: height, width: shape.width * images, channels: channels, border: border, padded: padded, in: arena)
    if slides && border.top > 0 { bordered.append(map) }
    byteCount += map.byteCount
    return map
  }

  /// A map that is read only while its own row is computed: of the last rows, one is kept.
  func rowScratch(_ channels: Int, border: FeatureMap.Border = .init()) -> FeatureMap {
    let map = FeatureMap(
      height: height, width: shape.width * images, channels: channels, border: border, sharesRows: slides,
      in: arena)
    byteCount += map.byteCount
    return map
  }

  /// A map of one row of `positions`.
  func line(_ channels: Int, positions: Int) -> FeatureMap {
    let map = FeatureMap(height: 1, width: positions, channels: channels, in: arena)
    byteCount += map.byteCount
    return map
  }

  /// Counts bytes held besides maps.
  func count(bytes: Int) { byteCount += bytes }

  // MARK: Sliding

  /// The row of the maps in which image row `y` lies.
  func row(_ y: Int) -> Int { y % height }

  /// To be called before the first pixel of each image row.
  func enter(row y: Int) {
    if y == 0 {
      for map in bordered { map.clearAbove() }
    } else if row(y) == 0 {
      for map in bordered { map.carryOver() }
    }
  }
}
