// The endings of a convolution that are gated, against the sums themselves.
import Kernels
import TestSupport
import Testing

@Suite struct GatedUnitTests {
  /// A 1×1 convolution of `outputs` columns over sizes that meet full tiles and single pixels.
  private struct Fixture {
    let input: FeatureMap
    let matrix: PackedMatrix
    let weights: AlignedBuffer
    let sums: [Float]

    init(height: Int, width: Int, outputs: Int) {
      input = FeatureMap(height: height, width: width, channels: 5)
      input.fill(randomValues(height * width * 5, stream: 1, scale: 2))
      matrix = PackedMatrix(offset: 0, depth: input.pixelStride, columns: outputs)
      weights = AlignedBuffer(count: matrix.count)
      for i in 0..<5 { weights.copy(randomValues(outputs, stream: UInt64(i) + 2, scale: 2), at: i * outputs) }
      weights.copy(randomValues(outputs, stream: 9), at: matrix.biasOffset)
      let map = FeatureMap(height: height, width: width, channels: outputs)
      ConvolutionPass(input, window: .pointwise, matrix: matrix, to: .store(map)).run(0..<height, weights: weights)
      sums = map.values
    }

    func map(_ channels: Int, _ values: [Float]? = nil) -> FeatureMap {
      let map = FeatureMap(height: input.height, width: input.width, channels: channels)
      if let values { map.fill(values) }
      return map
    }

    func run(_ output: ConvolutionOutput) {
      ConvolutionPass(input, window: .pointwise, matrix: matrix, to: output).run(0..<input.height, weights: weights)
    }
  }

  /// tanh and σ of pre-activations that lie vector by vector: sixteen a, then their sixteen b.
  private func gates(_ sums: [Float]) -> [Float] {
    stride(from: 0, to: sums.count, by: 32).flatMap { first -> [Float] in
      let (a, b) = (FloatVector(sums[first..<first + 16]), FloatVector(sums[first + 16..<first + 32]))
      let (t, s) = (hyperbolicTangent(a), logistic(b))
      return t.indices.map { t[$0] } + s.indices.map { s[$0] }
    }
  }

  private func products(_ gates: [Float]) -> [Float] {
    stride(from: 0, to: gates.count, by: 32).flatMap { first in (first..<first + 16).map { gates[$0] * gates[$0 + 16] }
    }
  }

  @Test(arguments: [(2, 28, 64), (3, 5, 32), (1, 1, 96)]) func forward(height: Int, width: Int, outputs: Int) {
    let f = Fixture(height: height, width: width, outputs: outputs)
    let (wide, narrow) = (f.map(outputs), f.map(outputs / 2))
    f.run(.gated(sums: wide, output: narrow))
    #expect(wide.values == f.sums && narrow.values == products(gates(f.sums)))
    let before = randomValues(f.sums.count, stream: 20)
    let added = f.map(outputs, before)
    f.run(.addGated(gates: added, output: narrow))
    let expected = gates(zip(before, f.sums).map { $0 + $1 })
    #expect(added.values == expected && narrow.values == products(expected))
  }

  @Test(arguments: [(2, 28, 32), (3, 5, 16), (1, 1, 48)]) func backward(height: Int, width: Int, outputs: Int) {
    let f = Fixture(height: height, width: width, outputs: outputs)
    let before = randomValues(2 * f.sums.count, stream: 21, scale: 3)
    let squashed = gates(before)
    let gradient = f.map(2 * outputs)
    f.run(.gateGradient(gates: f.map(2 * outputs, squashed), gradient: gradient))
    let found = gradient.values
    f.run(.sumGateGradient(sums: f.map(2 * outputs, before), gradient: gradient))
    #expect(gradient.values == found)
    for i in f.sums.indices {
      let position = i / 16 * 32 + i % 16
      let (t, s, y) = (Double(squashed[position]), Double(squashed[position + 16]), Double(f.sums[i]))
      // Three roundings, and those of 1 − t² and 1 − σ, which are of 1.
      #expect(abs(Double(found[position]) - y * s * (1 - t * t)) < 5e-7 * abs(y))
      #expect(abs(Double(found[position + 16]) - y * t * s * (1 - s)) < 5e-7 * abs(y))
    }
  }
}
