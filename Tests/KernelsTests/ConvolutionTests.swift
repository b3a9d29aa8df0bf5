import Kernels
import TestSupport
import Testing

/// A convolution to test: sizes that meet full tiles, uneven ones, single pixels, padded features.
struct ConvolutionCase: CustomTestStringConvertible, Sendable {
  var height: Int, width: Int, inputs: Int, outputs: Int, size: Int
  var mask: Mask?
  var readsImage = false

  var window: ConvolutionWindow { mask.map { ConvolutionWindow(size: size, mask: $0) } ?? .pointwise }
  var testDescription: String {
    "\(height)×\(width) \(inputs)→\(outputs) \(size)×\(size) \(mask.map(\.rawValue) ?? "")"
  }

  static let all: [ConvolutionCase] = [
    .init(height: 5, width: 7, inputs: 1, outputs: 32, size: 7, mask: .a, readsImage: true),
    .init(height: 4, width: 9, inputs: 3, outputs: 16, size: 7, mask: .a, readsImage: true),
    .init(height: 3, width: 28, inputs: 16, outputs: 16, size: 3, mask: .b),
    .init(height: 2, width: 29, inputs: 32, outputs: 48, size: 3, mask: .b),
    .init(height: 6, width: 5, inputs: 4, outputs: 20, size: 3, mask: .b),
    .init(height: 6, width: 5, inputs: 20, outputs: 4, size: 5, mask: .a),
    .init(height: 1, width: 1, inputs: 8, outputs: 8, size: 3, mask: .b),
    .init(height: 3, width: 13, inputs: 17, outputs: 33, size: 1),
    .init(height: 2, width: 64, inputs: 64, outputs: 64, size: 1),
    .init(height: 1, width: 17, inputs: 1, outputs: 1, size: 1),
  ]
}

/// A packed matrix in a buffer of its own.
private struct Packed {
  let matrix: PackedMatrix
  let buffer: AlignedBuffer
}

/// A convolution's maps and matrices, filled, and the weights in the order of the reference.
private struct Fixture {
  let input: FeatureMap
  let outputGradient: FeatureMap
  let forward: Packed
  let transposed: Packed
  let gradient: Packed
  let weights: [Float]  // [tap][input][output]
  let bias: [Float]
  let transposedWeights: [Float]  // [flipped tap][output][input]

  init(_ c: ConvolutionCase, fill: (Int, UInt64) -> [Float]) {
    let window = c.window
    input = FeatureMap(
      height: c.height, width: c.width, channels: c.inputs, border: window.border, padded: !c.readsImage)
    input.fill(fill(c.height * c.width * c.inputs, 1))
    outputGradient = FeatureMap(
      height: c.height, width: c.width, channels: c.outputs, border: window.flipped.border)
    outputGradient.fill(fill(c.height * c.width * c.outputs, 2))
    weights = fill(window.taps * c.inputs * c.outputs, 3)
    bias = fill(c.outputs, 4)
    var turned = [Float](repeating: 0, count: weights.count)
    for t in 0..<window.taps {
      for i in 0..<c.inputs {
        for o in 0..<c.outputs {
          turned[((window.taps - 1 - t) * c.outputs + o) * c.inputs + i] = weights[(t * c.inputs + i) * c.outputs + o]
        }
      }
    }
    transposedWeights = turned
    forward = Self.packed(window, input.pixelStride, c.inputs, c.outputs, weights, bias)
    transposed = Self.packed(window, outputGradient.pixelStride, c.outputs, c.inputs, turned, nil)
    gradient = Self.packed(window, input.pixelStride, c.inputs, c.outputs, nil, nil)
  }

  private static func packed(
    _ window: ConvolutionWindow, _ stride: Int, _ inputs: Int, _ outputs: Int, _ weights: [Float]?,
    _ bias: [Float]?
  ) -> Packed {
    let matrix = PackedMatrix(
      offset: 0, depth: window.depth(pixelStride: stride), columns: Lanes.roundUp(outputs))
    let buffer = AlignedBuffer(count: matrix.count)
    for t in 0..<window.taps {
      for i in 0..<inputs {
        for o in 0..<outputs {
          buffer[(t * stride + i) * matrix.columns + o] = weights?[(t * inputs + i) * outputs + o] ?? 0
        }
      }
    }
    for o in 0..<outputs { buffer[matrix.biasOffset + o] = bias?[o] ?? 0 }
    return Packed(matrix: matrix, buffer: buffer)
  }

  /// Runs the convolution itself over `rows`.
  func forward(_ c: ConvolutionCase, rows: Range<Int>? = nil, to output: ConvolutionOutput) {
    ConvolutionPass(input, window: c.window, matrix: forward.matrix, to: output)
      .run(rows ?? 0..<c.height, weights: forward.buffer)
  }
}

@Suite struct ConvolutionTests {
  @Test(arguments: ConvolutionCase.all) func forwardEqualsReferenceBitForBit(c: ConvolutionCase) {
    let f = Fixture(c) { randomValues($0, stream: $1) }
    let output = FeatureMap(height: c.height, width: c.width, channels: c.outputs)
    f.forward(c, to: .store(output))
    let expected = convolveReference(f.input, window: c.window, weights: f.weights, bias: f.bias)
    #expect(output.values == expected)
  }

  @Test(arguments: ConvolutionCase.all) func rowsAloneEqualTheWhole(c: ConvolutionCase) {
    let f = Fixture(c) { randomValues($0, stream: $1) }
    let whole = FeatureMap(height: c.height, width: c.width, channels: c.outputs)
    let parts = FeatureMap(height: c.height, width: c.width, channels: c.outputs)
    f.forward(c, to: .store(whole))
    for y in 0..<c.height { f.forward(c, rows: y..<y + 1, to: .store(parts)) }
    #expect(whole.values == parts.values)
  }

  @Test(arguments: ConvolutionCase.all) func everyEndingDoesWhatItSays(c: ConvolutionCase) {
    let f = Fixture(c) { randomValues($0, stream: $1) }
    let sums = convolveReference(f.input, window: c.window, weights: f.weights, bias: f.bias)
    let before = randomValues(sums.count, stream: 5)
    func map(_ values: [Float]) -> FeatureMap {
      let map = FeatureMap(height: c.height, width: c.width, channels: c.outputs)
      map.fill(values)
      return map
    }
    func run(_ output: ConvolutionOutput) { f.forward(c, to: output) }
    let zeros = [Float](repeating: 0, count: sums.count)
    let (a, b) = (map(zeros), map(before))
    run(.relu(a))
    #expect(a.values == sums.map { max($0, 0) })
    run(.storeAndRelu(stream: a, relu: b))
    #expect(a.values == sums && b.values == sums.map { max($0, 0) })
    let stream = map(before)
    run(.residual(stream: stream, relu: a))
    let total = zip(before, sums).map { $0 + $1 }
    #expect(stream.values == total && a.values == total.map { max($0, 0) })
    run(.plus(map(before), to: b))
    #expect(b.values == total)
    run(.plusRelu(map(before), to: b))
    #expect(b.values == total.map { max($0, 0) })
    let saved = map(before)
    run(.reluGradient(a, saved: saved))
    let masked = zip(before, sums).map { $0 > 0 ? $1 : 0 }
    #expect(a.values == masked)
    let gradient = map(sums)
    run(.addReluGradient(stream: gradient, saved: saved))
    #expect(gradient.values == zip(sums, masked).map { $0 + $1 })
  }

  /// Small integers make every sum exact, so any order of summation must give the same number.
  @Test(arguments: ConvolutionCase.all) func weightGradientIsExactOnIntegers(c: ConvolutionCase) {
    let f = Fixture(c) { randomIntegers($0, stream: $1, bound: 4) }
    let pass = WeightGradientPass(
      f.input, window: c.window, outputGradient: f.outputGradient, matrix: f.gradient.matrix)
    for y in 0..<c.height { pass.run(y..<y + 1, into: f.gradient.buffer) }
    let expected = weightGradientReference(f.input, window: c.window, outputGradient: f.outputGradient)
    let columns = f.gradient.matrix.columns
    for t in 0..<c.window.taps {
      for i in 0..<c.inputs {
        for o in 0..<c.outputs {
          let found = f.gradient.buffer[(t * f.input.pixelStride + i) * columns + o]
          #expect(Double(found) == expected.weights[(t * c.inputs + i) * c.outputs + o])
        }
      }
    }
    for o in 0..<c.outputs { #expect(Double(f.gradient.buffer[f.gradient.matrix.biasOffset + o]) == expected.bias[o]) }
  }

  /// ⟨g, conv(x)⟩ = ⟨convᵀ(g), x⟩, exactly on integers: the input gradient is the transpose.
  @Test(arguments: ConvolutionCase.all.filter { !$0.readsImage })
  func inputGradientIsTheTranspose(c: ConvolutionCase) {
    let f = Fixture(c) { randomIntegers($0, stream: $1, bound: 3) }
    let gradient = FeatureMap(height: c.height, width: c.width, channels: c.inputs)
    ConvolutionPass(f.outputGradient, window: c.window.flipped, matrix: f.transposed.matrix, to: .store(gradient))
      .run(0..<c.height, weights: f.transposed.buffer)
    // The reference spreads each output gradient over the inputs that made it.
    var expected = [Double](repeating: 0, count: c.height * c.width * c.inputs)
    for y in 0..<c.height {
      for x in 0..<c.width {
        for (t, offset) in c.window.offsets.enumerated() {
          let (sy, sx) = (y + offset.dy, x + offset.dx)
          guard sy >= 0, sy < c.height, sx >= 0, sx < c.width else { continue }
          for i in 0..<c.inputs {
            for o in 0..<c.outputs {
              expected[(sy * c.width + sx) * c.inputs + i] +=
                Double(f.outputGradient[y, x, o]) * Double(f.weights[(t * c.inputs + i) * c.outputs + o])
            }
          }
        }
      }
    }
    #expect(gradient.values.map(Double.init) == expected)
  }

  @Test func masksAreDrawnAsThePaperSays() {
    #expect(ConvolutionWindow(size: 3, mask: .a).taps == 4)
    #expect(ConvolutionWindow(size: 3, mask: .b).taps == 5)
    #expect(ConvolutionWindow(size: 7, mask: .a).taps == 24)
    #expect(ConvolutionWindow(size: 7, mask: .b).taps == 25)
    let seen = ConvolutionWindow(size: 3, mask: .b).offsets.map { [$0.dy, $0.dx] }
    #expect(seen == [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 0]])
    let turned = ConvolutionWindow(size: 3, mask: .b).flipped.offsets.map { [$0.dy, $0.dx] }
    #expect(turned == [[0, 0], [0, 1], [1, -1], [1, 0], [1, 1]])
  }
}
