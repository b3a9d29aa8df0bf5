import Kernels
import TestSupport
import Testing

@Suite struct OptimizerKernelTests {
  /// Adam as its paper writes it, in double precision.
  @Test func adamFollowsThePaper() {
    let count = 37
    let buffers = (0..<5).map { _ in AlignedBuffer(count: count) }
    let start = randomValues(count, stream: 1)
    buffers[0].copy(start)
    buffers[4].copy(start)
    var (p, m, v) = (start.map(Double.init), [Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
    for t in 1...5 {
      let gradient = randomValues(count, stream: UInt64(t) + 10)
      buffers[1].copy(gradient)
      let (b1, b2) = (pow(0.9, t), pow(0.999, t))
      adamStep(
        parameters: buffers[0], gradient: buffers[1], firstMoment: buffers[2], secondMoment: buffers[3],
        average: buffers[4],
        constants: AdamConstants(
          learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, firstCorrection: Float(1 / (1 - b1)),
          secondCorrection: Float(1 / (1 - b2).squareRoot()), gradientScale: 0.5, averageDecay: 0),
        range: 0..<count)
      for i in 0..<count {
        let g = Double(gradient[i]) * 0.5
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        p[i] -= 0.01 * (m[i] / (1 - b1)) / ((v[i] / (1 - b2)).squareRoot() + 1e-8)
      }
    }
    // Five steps of 0.01, each with a relative rounding of a few 2⁻²⁴.
    for i in 0..<count { #expect(abs(Double(buffers[0][i]) - p[i]) < 1e-6) }
    #expect(buffers[4].elements == buffers[0].elements, "an average without memory is the value itself")
  }

  @Test func movingAverageMovesTowardsTheWeights() {
    let buffers = (0..<5).map { _ in AlignedBuffer(count: 16) }
    buffers[0].fill(1)
    let none = AdamConstants(
      learningRate: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, firstCorrection: 1, secondCorrection: 1,
      gradientScale: 1, averageDecay: 0.75)
    for _ in 0..<2 {
      adamStep(
        parameters: buffers[0], gradient: buffers[1], firstMoment: buffers[2], secondMoment: buffers[3],
        average: buffers[4], constants: none, range: 0..<16)
    }
    #expect(buffers[4].elements == [Float](repeating: 0.4375, count: 16))
  }

  /// At every position of every buffer, and at both ends of what is finite.
  @Test func everyElementThatIsNotFiniteIsFound() {
    let count = 37
    let buffers = (0..<4).map { _ in AlignedBuffer(count: count) }
    func isFinite(_ range: Range<Int>) -> Bool {
      areFinite(
        parameters: buffers[0], firstMoment: buffers[1], secondMoment: buffers[2], average: buffers[3], range: range)
    }
    for (buffer, value) in zip(
      buffers, [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0] as [Float])
    {
      buffer.fill(value)
    }
    #expect(isFinite(0..<count) && isFinite(0..<0))
    for buffer in buffers {
      for i in 0..<count {
        let old = buffer[i]
        for bad in [Float.nan, .infinity, -.infinity, .signalingNaN] {
          buffer[i] = bad
          #expect(!isFinite(0..<count) && isFinite(0..<16) == (i >= 16) && isFinite(16..<count) == (i < 16), "\(i)")
        }
        buffer[i] = old
      }
    }
  }

  @Test func sumsInOrder() {
    let sources = [Float(1e8), 1, -1e8].map { value in
      let buffer = AlignedBuffer(count: 20)
      buffer.fill(value)
      return buffer
    }
    let target = AlignedBuffer(count: 20)
    sum(sources, scaledBy: 1, into: target, range: 0..<20)
    // (10⁸ + 1) − 10⁸ is 0 in floats; any other order would give 1.
    #expect(target.elements == [Float](repeating: 0, count: 20))
  }

  @Test func magnitudeNoticesWhatIsNotFinite() {
    let buffer = AlignedBuffer(count: 10)
    for i in 0..<10 { buffer[i] = Float(i) - 5 }
    let magnitude = Magnitude(buffer, range: 0..<10)
    #expect(magnitude.sum == -5 && magnitude.sumOfSquares == 85 && magnitude.maximum == 5 && magnitude.isFinite)
    for bad in [Float.nan, .infinity] {
      buffer[3] = bad
      #expect(!Magnitude(buffer, range: 0..<10).isFinite)
    }
  }
}

private func pow(_ base: Double, _ n: Int) -> Double { (0..<n).reduce(1.0) { product, _ in product * base } }
