// A network that goes through its images pixel by pixel, each activation computed once.
import Core
import Kernels

/// Runs a model on N images together, in raster order: at each pixel a layer is one matrix product over the images, of
/// which nothing is computed twice. What later pixels read stays in memory: the last rows of the maps under masked
/// convolutions, the state of the last row and pixel of recurrences. Every sum has the order of the parallel forward
/// pass, so the logits equal its logits bit for bit.
package final class IncrementalForward {
  /// N
  package let images: Int
  /// The logits of the pixel last run, image n in place `positions(x)[n]` of any row: one map of a single row.
  package let logits: FeatureMap
  /// Bytes of all maps.
  package var byteCount: Int { maker.byteCount }

  private let network: IncrementalGraph
  private let maker: ActivationAllocator
  private let input: FeatureMap
  private let conditioning: Conditioning?
  private let shape: ImageShape
  private let scale: PixelScale
  /// The image row that the maps stand at; −1 before the first.
  private var entered = -1

  init(
    _ network: IncrementalGraph, configuration: ModelConfiguration, maker: ActivationAllocator, images: Int,
    input: FeatureMap, logits: FeatureMap, conditioning: Conditioning?
  ) {
    self.network = network
    self.images = images
    self.logits = logits
    self.maker = maker
    self.input = input
    self.conditioning = conditioning
    shape = configuration.shape
    scale = PixelScale(levels: configuration.levels)
  }

  /// To be called before the first pixel of new images: the class of each and the transformation that it is to be drawn
  /// under, where the model depends on them; nil: the identity.
  package func begin(classes: [Int]?, transformations: [Int]? = nil) {
    entered = -1
    conditioning?.choose(classes: classes, transformations: transformations)
  }

  /// The positions of column `x`, one an image.
  package func positions(_ x: Int) -> Range<Int> { x * images..<(x + 1) * images }

  /// Computes `logits` of pixel (`y`, `x`). Pixels are run in raster order, from (0, 0) on for new images; the levels
  /// of each have been set before the next one is run. Where channels are drawn one after the other, a pixel is run
  /// again when one more of its channels is set.
  package func run(y: Int, x: Int, packed: PackedParameters) {
    precondition(y >= 0 && y < shape.height && x >= 0 && x < shape.width, "pixel (\(y), \(x)) of \(shape)")
    if y != entered {
      precondition(x == 0 && y == entered + 1, "pixels are run in raster order")
      entered = y
      // The row above has become whole with its last pixel.
      if y > 0 {
        let above = maker.row(y - 1)
        network.finish(row: above, firstRow: above - (y - 1), packed: packed)
      }
      maker.enter(row: y)
      network.begin(row: maker.row(y), firstRow: maker.row(y) - y, packed: packed)
    }
    network.run(row: maker.row(y), firstRow: maker.row(y) - y, positions: positions(x), packed: packed)
  }

  /// Sets pixel (`y`, `x`) of every image: `levels` holds N×C.
  package func set(y: Int, x: Int, levels: [UInt8]) {
    precondition(levels.count == images * shape.channels, "\(levels.count) levels for \(images) images")
    let row = maker.row(y)
    for (image, position) in positions(x).enumerated() {
      for c in 0..<shape.channels {
        input[row, position, c] = scale.input(levels[image * shape.channels + c])
      }
    }
  }
}
