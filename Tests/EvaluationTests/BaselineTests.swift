// Baselines: proper models, figures by hand, and PNG's own bytes.
import Core
import Evaluation
import ImageData
import Kernels
import Testing
import TestSupport

@Suite struct BaselineTests {
  /// All images of `levels` levels.
  private func everyImage(_ shape: ImageShape, levels: Int) -> ImageBatch {
    let count = (0..<shape.dimensions).reduce(1) { total, _ in total * levels }
    var values: [UInt8] = []
    for number in 0..<count {
      var rest = number
      for _ in 0..<shape.dimensions {
        values.append(UInt8(rest % levels))
        rest /= levels
      }
    }
    return ImageBatch(shape: shape, count: count, levels: values)
  }

  private func totalProbability(_ baseline: any Baseline, _ images: ImageBatch) -> Double {
    (0..<images.count).reduce(0) { $0 + exponentialOf(-baseline.nats(images, image: $1)) }
  }

  @Test(arguments: [(1, 2, 2, 2), (1, 2, 2, 3), (1, 1, 3, 5), (1, 3, 2, 2), (3, 1, 2, 2), (3, 1, 2, 3), (3, 2, 1, 2)])
  func probabilitiesOfAllImagesSumToOne(_ channels: Int, _ height: Int, _ width: Int, _ levels: Int) {
    let shape = ImageShape(height: height, width: width, channels: channels)
    let images = everyImage(shape, levels: levels)
    // Few training images, so that most contexts are new, and many.
    for count in [1, 4, 37] {
      let training = randomBatch(shape, count: count, levels: levels, stream: UInt64(count))
      var baselines: [any Baseline] = [
        UniformBaseline(levels: levels), MarginalBaseline(fitting: training, levels: levels),
        ContextBaseline(fitting: training, levels: levels),
      ]
      for kind in ContextView.Kind.allCases {
        for depths in [1, 2, 9] {
          baselines.append(
            ContextBaseline(kind, training, images: Array(0..<count), levels: levels, depths: depths))
        }
      }
      for baseline in baselines {
        // A few thousand terms, each exact to about 10⁻¹⁵.
        #expect(abs(totalProbability(baseline, images) - 1) < 1e-11, "\(baseline.inWords), \(count) images")
      }
    }
  }

  @Test func marginalByHand() {
    let shape = ImageShape(height: 1, width: 2, channels: 1)
    let training = ImageBatch(shape: shape, count: 3, levels: [0, 2, 0, 1, 1, 2])
    let marginal = MarginalBaseline(fitting: training, levels: 3)
    let image = ImageBatch(shape: shape, count: 1, levels: [0, 0])
    // (2 + 1)/(3 + 3) at the left, (0 + 1)/(3 + 3) at the right.
    #expect(abs(marginal.nats(image, image: 0) + naturalLog(3.0 / 6) + naturalLog(1.0 / 6)) < 1e-14)
    #expect(abs(UniformBaseline(levels: 3).nats(image, image: 0) - 2 * naturalLog(3)) < 1e-14)
  }

  /// Depth 0 alone: Witten and Bell's formula, over all pixels of the channel.
  @Test func contextByHand() {
    let shape = ImageShape(height: 1, width: 2, channels: 1)
    let training = ImageBatch(shape: shape, count: 2, levels: [0, 1, 0, 0])
    let plain = ContextBaseline(.levels, training, images: [0, 1], levels: 4, depths: 1)
    let image = ImageBatch(shape: shape, count: 1, levels: [0, 3])
    // N = 4, T = 2 of them: (3 + 2/4)/6 and (0 + 2/4)/6.
    #expect(abs(plain.nats(image, image: 0) + naturalLog(3.5 / 6) + naturalLog(0.5 / 6)) < 1e-14)
  }

  /// Stripes: what is above says everything, so contexts must beat the marginal by far.
  @Test(arguments: [(2, 1), (256, 1), (16, 3)]) func contextsSeeWhatIsAbove(levels: Int, channels: Int) {
    let shape = ImageShape(height: 6, width: 5, channels: channels)
    func stripes(_ count: Int, _ stream: UInt64) -> ImageBatch {
      let rows = randomBatch(
        ImageShape(height: 1, width: 5, channels: channels), count: count, levels: levels, stream: stream)
      let size = 5 * channels
      return ImageBatch(
        shape: shape, count: count,
        levels: (0..<count).flatMap { image in
          (0..<6).flatMap { _ in rows.levels[image * size..<(image + 1) * size] }
        })
    }
    let training = stripes(300, 1), test = stripes(20, 2)
    let context = ContextBaseline(fitting: training, levels: levels)
    let marginal = MarginalBaseline(fitting: training, levels: levels)
    func mean(_ baseline: any Baseline) -> Double { (0..<20).reduce(0) { $0 + baseline.nats(test, image: $1) } / 20 }
    #expect(mean(context) < 0.6 * mean(marginal), "\(mean(context)) of \(mean(marginal))")
    let threaded = ContextBaseline(fitting: training, levels: levels, threads: 3)
    #expect((0..<20).allSatisfy { threaded.nats(test, image: $0) == context.nats(test, image: $0) })
  }

  @Test func binsAreEven() {
    #expect(ContextTable.evenBins([5, 5, 5, 5], count: 2) == [0, 0, 1, 1])
    #expect(ContextTable.evenBins([80, 1, 1, 1, 1, 0, 8], count: 3) == [0, 1, 1, 1, 1, 1, 2])
    #expect(ContextTable.evenBins([1, 2, 3], count: 8) == [0, 1, 2])
    #expect(ContextTable.evenBins([0, 0, 0], count: 1) == [0, 0, 0])
  }

  @Test(arguments: [(2, 1, 1), (3, 1, 2), (4, 1, 2), (5, 1, 4), (16, 1, 4), (17, 1, 8), (256, 1, 8), (2, 3, 8)])
  func pngPacksToTheSmallestDepth(_ levels: Int, _ channels: Int, _ depth: Int) throws {
    let shape = ImageShape(height: 9, width: 13, channels: channels)
    let png = PNGBaseline(levels: levels, shape: shape)
    #expect(png.bitDepth == depth)
    let images = randomBatch(shape, count: 2, levels: levels)
    let values = Array(images.levels.prefix(shape.dimensions))
    let sizes = try [PNGImage.Filter.none, .adaptive].map { filter in
      let bytes = try PNGImage(shape: shape, values: values).encoded(filter: filter, bitDepth: depth)
      // What is written reads back: sample v of b bits is v·255/(2ᵇ − 1).
      let read = try PNGImage(decoding: bytes)
      #expect(read.shape == shape && read.values == values.map { UInt8(Int($0) * 255 / ((1 << depth) - 1)) })
      // Nothing is in the file but 8 bytes of signature, 25 of header, 12 a chunk and the data: one IDAT, one IEND.
      #expect(PNGBaseline.compressedBytes(bytes) == bytes.count - 8 - 25 - 12 - 12)
      return PNGBaseline.compressedBytes(bytes)
    }
    #expect(abs(png.nats(images, image: 0) - Double(8 * min(sizes[0], sizes[1])) * naturalLog(2)) < 1e-9)
  }

  @Test func logarithmAgreesWithTheLibrarys() {
    for x in [1e-300, 1e-9, 0.3, 0.5, 0.7, 0.999_999, 1, 1.000_001, 1.41, 1.42, 2, 3, 10, 1e9, 1e300] {
      #expect(abs(naturalLogarithm(x) - naturalLog(x)) <= 4e-16 * max(abs(naturalLog(x)), 1e-6), "\(x)")
    }
  }
}
