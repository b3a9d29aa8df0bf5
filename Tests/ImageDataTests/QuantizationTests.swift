// Levels, and the draws of binary pixels.
import Core
import Foundation
import ImageData
import Testing

@Suite struct QuantizationTests {
  private let shape = ImageShape(height: 16, width: 16, channels: 1)
  private var ramp: [UInt8] { (0...255).map { UInt8($0) } }

  @Test func whatIsShownReadsBackForEveryNumberOfLevels() throws {
    for levels in 2...256 {
      let quantization = try Quantization(levels: levels)
      for level in 0..<levels {
        let value = quantization.displayValue(UInt8(level))
        #expect(Int(value) == Int((255 * Double(level) / Double(levels - 1)).rounded()))
        #expect(quantization.level(of: value) == UInt8(level), "\(levels) levels")
      }
      for value in 0...255 {
        let exact = (Double(value) * Double(levels - 1) / 255).rounded()
        #expect(quantization.level(of: UInt8(value)) == UInt8(exact), "\(levels) levels")
      }
    }
  }

  @Test func otherLevelsAndCombinationsAreRefused() throws {
    for levels in [-1, 0, 1, 257] {
      #expect(scanlineError { _ = try Quantization(levels: levels) }?.kind == .usage)
    }
    #expect(scanlineError { _ = try Quantization(levels: 3, binarization: .fixed) }?.kind == .usage)
    #expect(try Quantization(levels: 2).binarization == .threshold)
    #expect(try Quantization(levels: 4).binarization == nil)
  }

  @Test func itSurvivesJSONAndRefusesWhatInitRefuses() throws {
    let dynamic = try Quantization(levels: 2, binarization: .dynamic, seed: .max)
    let data = try JSONEncoder().encode(dynamic)
    #expect(try JSONDecoder().decode(Quantization.self, from: data) == dynamic)
    let wrong = Data(#"{"levels": 300, "seed": 1}"#.utf8)
    #expect(throws: ScanlineError.self) { try JSONDecoder().decode(Quantization.self, from: wrong) }
  }

  @Test func batchesFollowTheIndices() throws {
    let small = ImageShape(height: 1, width: 2, channels: 1)
    let set = ImageSet(shape: small, pixels: [0, 255, 100, 156, 127, 128])
    let threshold = try Quantization(levels: 2).batch(from: set, indices: [2, 0, 2])
    #expect(threshold == ImageBatch(shape: small, count: 3, levels: [0, 1, 0, 1, 0, 1]))
    #expect(try Quantization(levels: 4).batch(from: set, indices: 1..<2).levels == [1, 2])
    #expect(try Quantization(levels: 256).batch(from: set, indices: 0..<3).levels == set.pixels)
    #expect(try Quantization(levels: 256).batch(from: set, indices: [][...]).count == 0)
  }

  @Test func fixedDrawsDependOnTheImageAlone() throws {
    let fixed = try Quantization(levels: 2, binarization: .fixed, seed: 5)
    let other = ramp.reversed() as [UInt8]
    let alone = fixed.batch(from: ImageSet(shape: shape, pixels: ramp), indices: [0])
    let among = ImageSet(shape: shape, pixels: other + other + ramp)
    #expect(fixed.batch(from: among, indices: [2]) == alone)
    #expect(fixed.batch(from: among, indices: [0, 2, 1], epoch: 3).levels[256..<512] == alone.levels[...])
    let reseeded = try Quantization(levels: 2, binarization: .fixed, seed: 6)
    #expect(reseeded.batch(from: among, indices: [2]) != alone)
    // Pinned, and computed by a separate program: scores are comparable only while the draws stay the same.
    #expect(Checksum.crc32(alone.levels) == 1_134_542_398)
  }

  @Test func dynamicDrawsChangeWithTheEpoch() throws {
    let dynamic = try Quantization(levels: 2, binarization: .dynamic, seed: 5)
    let set = ImageSet(shape: shape, pixels: ramp)
    let first = dynamic.batch(from: set, indices: [0], epoch: 0)
    #expect(dynamic.batch(from: set, indices: [0], epoch: 0) == first)
    #expect(dynamic.batch(from: set, indices: [0], epoch: 1) != first)
    #expect(
      try Quantization(levels: 2, binarization: .fixed, seed: 5).batch(from: set, indices: [0]) != first)
  }

  @Test func drawsHaveTheRightFrequencies() throws {
    let dynamic = try Quantization(levels: 2, binarization: .dynamic)
    let set = ImageSet(shape: shape, pixels: ramp)
    var ones = [Int](repeating: 0, count: 256)
    let epochs = 2_000
    for epoch in 0..<epochs {
      for (value, bit) in dynamic.batch(from: set, indices: [0], epoch: epoch).levels.enumerated() {
        ones[value] += Int(bit)
      }
    }
    #expect(ones[0] == 0)
    #expect(ones[255] == epochs)
    for value in 1..<255 {
      let p = Double(value) / 255
      // Five standard deviations: about one in 7,000 runs of 254 values would exceed them, but the seed is fixed.
      let tolerance = 5 * (p * (1 - p) * Double(epochs)).squareRoot() + 1
      #expect(abs(Double(ones[value]) - p * Double(epochs)) < tolerance, "value \(value)")
    }
  }
}
