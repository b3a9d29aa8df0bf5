// Figures of held-out images: by hand, and the same however they are cut up.
import Core
import Evaluation
import Foundation
import ImageData
import Networks
import Testing
import TestSupport

@Suite struct ScoringTests {
  @Test func summaryByHand() throws {
    let shape = ImageShape(height: 2, width: 4, channels: 3)
    let summary = LikelihoodSummary([1, 2, 6], shape: shape)
    #expect(summary.images == 3 && summary.natsPerImage == 3)
    // 3 / (ln 2 · 24) = 0.180336880111…; the tolerance is a few roundings of a Double.
    #expect(abs(summary.bitsPerDimension - 0.180_336_880_111_120_43) < 1e-16)
    // The variance is (4 + 1 + 9) / 2 = 7, so the mean's error is √(7/3) = 1.527525231652…
    #expect(try abs(#require(summary.standardError) - 1.527_525_231_651_946_7) < 1e-15)
    #expect(LikelihoodSummary([5, 5], shape: shape).standardError == 0)
  }

  /// One image says nothing of how images differ: null in JSON, whatever earlier versions wrote.
  @Test func oneImageHasNoStandardError() throws {
    let shape = ImageShape(height: 2, width: 4, channels: 3)
    let one = LikelihoodSummary([5], shape: shape)
    #expect(one.standardError == nil && one.bitsStandardError == nil && one.studentInterval == nil)
    let written = String(decoding: try JSONEncoder().encode(one), as: UTF8.self)
    #expect(written.contains("\"standardError\":null") && written.contains("\"bitsStandardError\":null"))
    func read(_ text: String) throws -> LikelihoodSummary {
      try JSONDecoder().decode(LikelihoodSummary.self, from: Data(text.utf8))
    }
    #expect(try read(written) == one && read(written.replacingOccurrences(of: "null", with: "0")) == one)
    for summary in [LikelihoodSummary([1, 2, 6], shape: shape), LikelihoodSummary([5, 5], shape: shape)] {
      #expect(try read(String(decoding: JSONEncoder().encode(summary), as: UTF8.self)) == summary)
    }
  }

  /// One bit a pixel: where every pixel is a fair coin, bits per dimension are 1 whatever the size.
  @Test func aFairCoinCostsOneBit() {
    for side in [1, 7, 28] {
      let shape = ImageShape(height: side, width: side + 1, channels: 1)
      let nats = Double(shape.dimensions) * naturalLog(2)
      #expect(abs(LikelihoodSummary([nats, nats], shape: shape).bitsPerDimension - 1) < 1e-15)
    }
  }

  /// 2,300 images in an order of their own: three stretches of a thousand at most.
  @Test func stretchesChangeNothing() throws {
    let shape = ImageShape(height: 2, width: 3, channels: 1)
    let random = Philox(seed: 1, purpose: .test)
    let set = ImageSet(
      shape: shape, pixels: (0..<2_300 * shape.dimensions).map { UInt8(random.below(256, at: UInt64($0))) })
    let quantization = try Quantization(levels: 2, binarization: .fixed, seed: 9)
    let model = ImageModel(ModelConfiguration(width: 4, blocks: 1, shape: shape, levels: 2))
    let scorer = Scorer(model: model, parameters: randomParameters(model, scale: 0.5), threads: 2)
    let indices = Philox(seed: 2, purpose: .test).permutation(count: set.count)
    var progress: [Int] = []
    let nats = scorer.nats(set, indices: indices, quantization) { progress.append($0) }
    #expect(progress == [1_000, 2_000, 2_300])
    #expect(Set(nats).count > 50, "the images were to have scores of their own")
    let single = Scorer(model: model, parameters: randomParameters(model, scale: 0.5), threads: 1)
    #expect(nats == indices.flatMap { single.nats(quantization.batch(from: set, indices: [$0])) })
    #expect(scorer.nats(set, indices: [], quantization).isEmpty)
  }
}
