import Core
import Networks
import TestSupport
import Testing

@Suite struct RasterOrderTests {
  private let shape = ImageShape(height: 4, width: 4, channels: 3)

  private func model(_ order: RasterOrder) -> ImageModel {
    ModelConfiguration(model: .gatedPixelCNN, width: 6, blocks: 1, shape: shape, levels: 3, order: order).makeModel()
  }

  /// The images as a network of `order` reads them, written by hand.
  private func turned(_ batch: ImageBatch, _ order: RasterOrder) -> ImageBatch {
    var result = batch
    let (h, w) = (shape.height, shape.width)
    for n in 0..<batch.count {
      for y in 0..<h {
        for x in 0..<w {
          let (sy, sx) =
            switch order {
            case .rows: (y, x)
            case .flipped: (y, w - 1 - x)
            case .upward: (h - 1 - y, x)
            case .reversed: (h - 1 - y, w - 1 - x)
            case .columns: (x, y)
            }
          for c in 0..<3 {
            result.levels[((n * h + y) * w + x) * 3 + c] = batch[n, sy, sx, c]
          }
        }
      }
    }
    return result
  }

  /// A model of another order says of an image what the usual one says of the turned image, to the last bit: nats, those of
  /// each value at its own pixel, and gradients.
  @Test(arguments: RasterOrder.allCases) func turningTheImageIsTurningTheModel(order: RasterOrder) {
    let (usual, other) = (model(.rows), model(order))
    let parameters = randomParameters(usual, scale: 0.5)
    let batch = randomBatch(shape, count: 5, levels: 3)
    let expected = Scorer(model: usual, parameters: parameters, threads: 1)
    let found = Scorer(model: other, parameters: parameters, threads: 2)
    #expect(found.nats(batch) == expected.nats(turned(batch, order)))
    let values = expected.valueNats(turned(batch, order))
    let back = found.valueNats(batch)
    for n in 0..<5 {
      for pixel in 0..<16 {
        let own = ImageBatch(shape: shape, count: 1, levels: (0..<48).map { UInt8($0 / 3) })
        let source = Int(turned(own, order).levels[pixel * 3])
        for c in 0..<3 { #expect(values[(n * 16 + pixel) * 3 + c] == back[(n * 16 + source) * 3 + c]) }
      }
    }
    func gradient(_ model: ImageModel, _ batch: ImageBatch) -> [Float] {
      let gradient = ParameterVector(layout: model.layout)
      _ = BatchGradient(model: model, batchSize: 5, threads: 1)
        .compute(batch, parameters: parameters, into: gradient)
      return gradient.layout.slices.flatMap { gradient[$0] }
    }
    #expect(gradient(other, batch) == gradient(usual, turned(batch, order)))
    if order != .rows { #expect(found.nats(batch) != expected.nats(batch)) }
  }

  /// What is drawn costs what the scorer says, given pixels stay where they are, and frames fill up in the model's order.
  @Test(arguments: RasterOrder.allCases) func drawsInItsOrder(order: RasterOrder) {
    let model = model(order)
    let parameters = randomParameters(model, scale: 0.5)
    let originals = randomBatch(shape, count: 3, levels: 3)
    // Two rows from the side where the order begins: all that is drawn sees them.
    let mask = turned(
      ImageBatch(shape: shape, count: 1, levels: (0..<48).map { $0 < 24 ? 1 : 0 }), order)
    let given = GivenPixels(originals, mask: (0..<16).map { mask.levels[$0 * 3] == 1 })
    #expect(given.unseenCount(in: order) == 0)
    let drawn = Sampler(model: model, parameters: parameters, threads: 2)
      .sample(SamplingRequest(count: 3, seed: 5, given: given))
    #expect(drawn.nats == Scorer(model: model, parameters: parameters, threads: 1).nats(drawn.images))
    for n in 0..<3 {
      for pixel in 0..<16 where given.mask[pixel] {
        for c in 0..<3 { #expect(drawn.images[n, pixel / 4, pixel % 4, c] == originals[n, pixel / 4, pixel % 4, c]) }
      }
    }
    #expect(drawn.images != originals)
  }

  /// Over all images of 2×2 black and white pixels, the probabilities of each order sum to one.
  @Test(arguments: RasterOrder.allCases) func sumsToOne(order: RasterOrder) {
    let small = ImageShape(height: 2, width: 2, channels: 1)
    let model = ModelConfiguration(width: 4, blocks: 1, shape: small, levels: 2, order: order).makeModel()
    let all = ImageBatch(
      shape: small, count: 16, levels: (0..<16).flatMap { n in (0..<4).map { UInt8(n >> $0 & 1) } })
    let nats = Scorer(model: model, parameters: randomParameters(model, scale: 0.7), threads: 1).nats(all)
    #expect(abs(nats.reduce(0) { $0 + exponentialOf(-$1) } - 1) < 1e-5)
  }

  @Test func columnsTakeSquareImages() throws {
    let oblong = ModelConfiguration(
      width: 4, blocks: 1, shape: ImageShape(height: 4, width: 5, channels: 1), levels: 2, order: .columns)
    #expect(throws: ScanlineError.self) { try oblong.validate(path: "test") }
  }
}
