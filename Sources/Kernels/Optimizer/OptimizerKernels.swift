// Loops over flat parameter buffers: norm, Adam, moving average.
import CScanline

/// The constants of one Adam step (Kingma and Ba, 2015), bias corrections included.
package struct AdamConstants: Sendable {
  /// Learning rate of this step, warm-up and decay applied.
  package var learningRate: Float
  /// Decay of the first moment.
  package var beta1: Float
  /// Decay of the second moment.
  package var beta2: Float
  /// Added to the root of the second moment.
  package var epsilon: Float
  /// 1 / (1 − β₁ᵗ)
  package var firstCorrection: Float
  /// 1 / √(1 − β₂ᵗ)
  package var secondCorrection: Float
  /// What each gradient is multiplied by first: the factor of clipping, 1 without.
  package var gradientScale: Float
  /// Weight of the old value in the moving average of the weights.
  package var averageDecay: Float

  /// All constants of a step.
  package init(
    learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, firstCorrection: Float,
    secondCorrection: Float, gradientScale: Float, averageDecay: Float
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.firstCorrection = firstCorrection
    self.secondCorrection = secondCorrection
    self.gradientScale = gradientScale
    self.averageDecay = averageDecay
  }
}

/// One Adam step on the parameters of `range`, which begins at a whole vector, and the step of their exponential moving
/// average, in one pass. A parameter whose gradient has always been zero (a masked tap) does not move.
package func adamStep(
  parameters: AlignedBuffer, gradient: AlignedBuffer, firstMoment: AlignedBuffer, secondMoment: AlignedBuffer,
  average: AlignedBuffer, constants k: AdamConstants, range: Range<Int>
) {
  let count = parameters.count
  precondition(
    gradient.count == count && firstMoment.count == count && secondMoment.count == count && average.count == count,
    "Adam's buffers differ in size")
  precondition(range.lowerBound % Lanes.count == 0 && range.upperBound <= count, "range \(range)")
  let (p, g, m, v, e) = (
    parameters.pointer, gradient.pointer, firstMoment.pointer, secondMoment.pointer, average.pointer
  )
  // Buffers are allocated in whole vectors, so the last one is whole too.
  var i = range.lowerBound
  while i < range.upperBound {
    let scaled = load(g, i) * k.gradientScale
    let first = scanline_fma_scalar(scaled, 1 - k.beta1, load(m, i) * k.beta1)
    let second = scanline_fma_scalar(scaled * scaled, 1 - k.beta2, load(v, i) * k.beta2)
    let denominator = second.squareRoot() * k.secondCorrection + k.epsilon
    let updated = load(p, i) - (first * (k.learningRate * k.firstCorrection)) / denominator
    let old = load(e, i)
    store(first, m, i)
    store(second, v, i)
    store(updated, p, i)
    store(scanline_fma_scalar(updated - old, 1 - k.averageDecay, old), e, i)
    i &+= Lanes.count
  }
}

/// Whether every element of `range`, which begins at a whole vector, is finite in all of an optimizer's buffers: the last
/// vector is looked at whole.
///
/// It is a pass of its own because nothing may be written where it fails: a flag from within `adamStep` would come when
/// other ranges are updated already. One core, `benchmark step --width 32 --blocks 15`: this takes 0.05 ms, the Adam step
/// 0.09 ms, and four `Magnitude`s, which tell the layer as well, 0.32 ms.
package func areFinite(
  parameters: AlignedBuffer, firstMoment: AlignedBuffer, secondMoment: AlignedBuffer, average: AlignedBuffer,
  range: Range<Int>
) -> Bool {
  let count = parameters.count
  precondition(
    firstMoment.count == count && secondMoment.count == count && average.count == count,
    "Adam's buffers differ in size")
  precondition(range.lowerBound % Lanes.count == 0 && range.upperBound <= count, "range \(range)")
  let (p, m, v, e) = (parameters.pointer, firstMoment.pointer, secondMoment.pointer, average.pointer)
  // x · 0 is 0 where x is finite, else NaN, which stays in the sum. Each buffer has its own, so none waits for another.
  var (sumP, sumM, sumV, sumE) = (FloatVector.zero, FloatVector.zero, FloatVector.zero, FloatVector.zero)
  var i = range.lowerBound
  while i < range.upperBound {
    sumP = scanline_fma_scalar(load(p, i), 0, sumP)
    sumM = scanline_fma_scalar(load(m, i), 0, sumM)
    sumV = scanline_fma_scalar(load(v, i), 0, sumV)
    sumE = scanline_fma_scalar(load(e, i), 0, sumE)
    i &+= Lanes.count
  }
  return (sumP + sumM + (sumV + sumE)) == .zero
}

/// target = factor · Σ sources over the elements of `range`, added in the order of `sources`.
package func sum(_ sources: [AlignedBuffer], scaledBy factor: Float, into target: AlignedBuffer, range: Range<Int>) {
  precondition(range.lowerBound % Lanes.count == 0 && range.upperBound <= target.count, "range \(range)")
  precondition(sources.allSatisfy { $0.count == target.count }, "buffers to be summed differ in size")
  let pointers = sources.map(\.pointer)
  var i = range.lowerBound
  while i < range.upperBound {
    var total = FloatVector.zero
    for pointer in pointers { total += load(pointer, i) }
    store(total * factor, target.pointer, i)
    i &+= Lanes.count
  }
}

/// What a stretch of numbers amounts to.
package struct Magnitude: Sendable, Equatable {
  /// Σ x², in double precision.
  package var sumOfSquares: Double
  /// Σ x, in double precision.
  package var sum: Double
  /// max |x|
  package var maximum: Float
  /// Whether every element is finite.
  package var isFinite: Bool { sumOfSquares.isFinite }

  /// The magnitude of `range` of `buffer`. Where an element is not finite, neither is the sum of squares.
  package init(_ buffer: AlignedBuffer, range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= buffer.count, "range \(range) of \(buffer.count)")
    var squares = 0.0
    var total = 0.0
    var largest: Float = 0
    for i in range {
      let x = buffer.pointer[i]
      squares += Double(x) * Double(x)
      total += Double(x)
      largest = max(largest, abs(x))
    }
    sumOfSquares = squares
    sum = total
    maximum = largest
  }
}
