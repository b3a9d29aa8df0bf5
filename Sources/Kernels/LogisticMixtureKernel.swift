// Sixteen pixels at once under a mixture of logistics that is cut into levels: log-probabilities and their gradient.
//
// Each lane has outputs of its own, so any number of mixtures fills the vectors, nothing is summed across lanes, and a
// value has the same bits wherever it lies.

/// The discretized mixture of logistics of Salimans et al., "PixelCNN++" (2017), sections 2.1 and 2.2. Level q owns the
/// values from x − b to x + b of the scale from −1 to 1 (see `PixelScale`), the first and the last all beyond:
///
///     p(q) = Σ π_m [σ((x + b − μ_m) / s_m) − σ((x − b − μ_m) / s_m)]
///
/// Given its mixture, a channel's mean moves with the values of the channels before it: μ′_G = μ_G + α x_R,
/// μ′_B = μ_B + β x_R + γ x_G, where α, β, γ are tanh of outputs. log s is never below −7.
///
/// With u and v the arguments of the two σ, and w = u − v = 2b/s,
///
///     log [σ(u) − σ(v)] = log(1 − e⁻ʷ) − log(1 + e⁻ᵘ) − log(1 + eᵛ)
///
/// without cancellation however far in a tail, so no other formula is needed there, unlike in the paper's code, whose
/// switch to the density would leave a step and a sum that is not quite 1. Where w is small, log(1 − e⁻ʷ) = log w +
/// log((1 − e⁻ʷ) / w) is a short series, and log w known without taking the exponential back.
public final class LogisticMixtureKernel {
  /// Outputs of a pixel: M weights; for each channel M means, then M logarithms of scales; for each pair of a channel and
  /// an earlier one M coefficients: R→G, R→B, G→B.
  public static func outputs(mixtures: Int, channels: Int) -> Int {
    mixtures * (1 + 2 * channels + channels * (channels - 1) / 2)
  }

  /// The floor of the logarithm of a scale.
  public static let leastLogScale: Float = -7

  let mixtures: Int
  private let channels: Int
  private let outputs: Int
  let scale: PixelScale
  /// [output][lane]: outputs, the coefficients after their tanh; then gradients.
  private let values: AlignedBuffer
  /// [mixture][lane]: log π_m + Σ log p of the channels so far; and π_m.
  private let terms: AlignedBuffer
  private let shares: AlignedBuffer
  /// [channel][mixture][lane]: ∂ log p_m / ∂μ and / ∂ log s.
  private let slopes: AlignedBuffer
  /// [channel][lane]: x of the channels so far.
  private let places: AlignedBuffer
  /// [mixture][share, mean, 1 / scale, 1 − e⁻ʷ][lane] of the channel that is to be drawn.
  let drawn: AlignedBuffer
  /// log Σ exp of the terms.
  private(set) var logSum = FloatVector.zero

  /// A kernel for pixels of `channels` channels of `levels` levels.
  public init(levels: Int, mixtures: Int, channels: Int) {
    self.mixtures = mixtures
    self.channels = channels
    outputs = Self.outputs(mixtures: mixtures, channels: channels)
    scale = PixelScale(levels: levels)
    values = AlignedBuffer(count: outputs * Lanes.count)
    terms = AlignedBuffer(count: mixtures * Lanes.count)
    shares = AlignedBuffer(count: mixtures * Lanes.count)
    slopes = AlignedBuffer(count: 2 * channels * mixtures * Lanes.count)
    places = AlignedBuffer(count: channels * Lanes.count)
    drawn = AlignedBuffer(count: 4 * mixtures * Lanes.count)
  }

  // MARK: Outputs in, gradients out

  /// Takes the outputs of `columns` of row `y`, sixteen at most, one a lane.
  public func load(_ map: FeatureMap, y: Int, columns: Range<Int>) {
    precondition(map.channels == outputs && columns.count <= Lanes.count, "\(columns.count) pixels of \(map.channels)")
    for (lane, x) in columns.enumerated() {
      let pixel = map.pixel(y, x)
      for o in 0..<outputs { values.pointer[o &* Lanes.count &+ lane] = pixel[o] }
    }
    begin()
  }

  /// Takes the outputs of pixel (`y`, `x`) into every lane.
  public func load(_ map: FeatureMap, y: Int, x: Int) {
    precondition(map.channels == outputs, "a pixel of \(map.channels)")
    let pixel = map.pixel(y, x)
    for o in 0..<outputs { setValue(o, FloatVector(repeating: pixel[o])) }
    begin()
  }

  /// Leaves ∂ Σ cost / ∂ outputs, once every channel has been seen, in `columns` of row `y`.
  public func storeGradient(_ map: FeatureMap, y: Int, columns: Range<Int>) {
    precondition(map.channels == outputs && columns.count <= Lanes.count, "\(columns.count) pixels of \(map.channels)")
    computeGradient()
    for (lane, x) in columns.enumerated() {
      let pixel = map.pixel(y, x)
      for o in 0..<outputs { pixel[o] = values.pointer[o &* Lanes.count &+ lane] }
    }
  }

  // MARK: Channel by channel

  /// −log p of `levels` (whole numbers) of `channel` in nats, given those of the channels before it, which were seen in
  /// order.
  public func see(channel: Int, levels: FloatVector) -> FloatVector {
    for m in 0..<mixtures {
      let part = logProbability(channel, m, levels)
      store(term(m) + part.log, terms.pointer, m &* Lanes.count)
      let place = 2 &* (channel &* mixtures &+ m) &* Lanes.count
      store(part.meanSlope, slopes.pointer, place)
      store(part.scaleSlope, slopes.pointer, place &+ Lanes.count)
    }
    store(scale.symmetric(levels), places.pointer, channel &* Lanes.count)
    let before = logSum
    logSum = sumOfTerms { term($0) }
    return before - logSum
  }

  /// log p of `levels` of `channel`, given those of the channels seen so far, without seeing it.
  public func logProbabilities(channel: Int, levels: FloatVector) -> FloatVector {
    // The shares are no longer needed where nothing is seen after: they lend their memory.
    for m in 0..<mixtures {
      store(term(m) + logProbability(channel, m, levels).log, shares.pointer, m &* Lanes.count)
    }
    return sumOfTerms { Kernels.load(shares.pointer, $0 &* Lanes.count) } - logSum
  }

  /// log π and π from the outputs, tanh of the coefficients.
  private func begin() {
    let sum = sumOfTerms { value($0) }
    for m in 0..<mixtures {
      let log = value(m) - sum
      store(log, terms.pointer, m &* Lanes.count)
      store(inlinedExponential(log), shares.pointer, m &* Lanes.count)
    }
    logSum = .zero
    for o in mixtures &* (1 &+ 2 &* channels)..<outputs { setValue(o, hyperbolicTangent(value(o))) }
  }

  @inline(__always)
  func value(_ output: Int) -> FloatVector { Kernels.load(values.pointer, output &* Lanes.count) }
  @inline(__always)
  private func setValue(_ output: Int, _ x: FloatVector) { store(x, values.pointer, output &* Lanes.count) }
  @inline(__always)
  func term(_ m: Int) -> FloatVector { Kernels.load(terms.pointer, m &* Lanes.count) }

  /// The output that is the mean of mixture `m` of `channel`; the logarithm of the scale lies M further on.
  @inline(__always)
  func meanPlace(_ channel: Int, _ m: Int) -> Int { mixtures &* (1 &+ 2 &* channel) &+ m }
  /// The output that is the coefficient from channel `earlier`.
  @inline(__always)
  private func coefficientPlace(_ channel: Int, _ earlier: Int, _ m: Int) -> Int {
    mixtures &* (1 &+ 2 &* channels &+ channel &* (channel &- 1) / 2 &+ earlier) &+ m
  }

  /// log Σ exp over the mixtures.
  @inline(__always)
  private func sumOfTerms(_ term: (Int) -> FloatVector) -> FloatVector {
    var most = term(0)
    for m in 1..<max(1, mixtures) {
      let next = term(m)
      most = most.replacing(with: next, where: .!(next .<= most))
    }
    var sum = FloatVector.zero
    for m in 0..<mixtures { sum += inlinedExponential(term(m) - most) }
    return most + inlinedLogarithm(sum)
  }

  /// log p of mixture `m`, and its slopes.
  @inline(__always)
  private func logProbability(
    _ channel: Int, _ m: Int, _ levels: FloatVector
  ) -> (log: FloatVector, meanSlope: FloatVector, scaleSlope: FloatVector) {
    discretizedLogistic(
      levels, mean: mean(channel, m), logScale: value(meanPlace(channel, m) &+ mixtures), scale: scale)
  }

  /// μ of mixture `m`, moved by the channels seen.
  @inline(__always)
  func mean(_ channel: Int, _ m: Int) -> FloatVector {
    var mean = value(meanPlace(channel, m))
    for earlier in 0..<channel {
      mean += value(coefficientPlace(channel, earlier, m)) * Kernels.load(places.pointer, earlier &* Lanes.count)
    }
    return mean
  }

  /// Overwrites the outputs with the gradient: each mixture's slopes, weighed by its share given the levels seen.
  private func computeGradient() {
    for m in 0..<mixtures {
      let given = inlinedExponential(term(m) - logSum)
      setValue(m, Kernels.load(shares.pointer, m &* Lanes.count) - given)
      for channel in 0..<channels {
        let place = 2 &* (channel &* mixtures &+ m) &* Lanes.count
        let slope = -given * Kernels.load(slopes.pointer, place)
        setValue(meanPlace(channel, m), slope)
        setValue(meanPlace(channel, m) &+ mixtures, -given * Kernels.load(slopes.pointer, place &+ Lanes.count))
        for earlier in 0..<channel {
          let o = coefficientPlace(channel, earlier, m)
          let t = value(o)
          setValue(o, slope * Kernels.load(places.pointer, earlier &* Lanes.count) * (1 - t * t))
        }
      }
    }
  }
}
