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
///
/// A channel costs −log of Σ a_m p_m / Σ a_m, where a_m is mixture m's weight given the channels before. Two logarithms of
/// sums, taken from each other, would leave the rounding of both: a model that is certain would pay 10⁻⁷ nats a pixel more
/// or less than nothing. So where the channel's 1 − p = Σ a_m (1 − p_m) / Σ a_m is below ½, the cost is −log(1 − that): a
/// sum of terms that are not negative, over the same weights, with an error relative to the cost. Elsewhere, however far
/// in a tail, the sums are taken in logarithms.
package final class LogisticMixtureKernel {
  /// Outputs of a pixel: M weights; for each channel M means, then M logarithms of scales; for each pair of a channel and
  /// an earlier one M coefficients: R→G, R→B, G→B.
  package static func outputs(mixtures: Int, channels: Int) -> Int {
    mixtures * (1 + 2 * channels + channels * (channels - 1) / 2)
  }

  /// The floor of the logarithm of a scale.
  package static let leastLogScale: Float = -7

  let mixtures: Int
  private let channels: Int
  private let outputs: Int
  let scale: PixelScale
  /// [output][lane]: outputs, the coefficients after their tanh; then gradients.
  private let values: AlignedBuffer
  /// [mixture][lane]: log π_m + Σ log p of the channels so far, less the largest of them; the exponentials of that; and π_m.
  private let terms: AlignedBuffer
  private let weights: AlignedBuffer
  private let shares: AlignedBuffer
  /// [mixture][lane]: terms of a level that is not seen.
  private let candidates: AlignedBuffer
  /// [channel][mixture][lane]: ∂ log p_m / ∂μ and / ∂ log s.
  private let slopes: AlignedBuffer
  /// [channel][lane]: (L − 1) x of the channels so far, whole numbers.
  private let positions: AlignedBuffer
  /// [mixture][share, mean, shift, 1 / (scale (L − 1)), 1 − e⁻ʷ][lane] of the channel that is to be drawn.
  let drawn: AlignedBuffer
  /// Σ of the weights, 1 or more.
  private(set) var sum = FloatVector.zero

  /// A kernel for pixels of `channels` channels of `levels` levels.
  package init(levels: Int, mixtures: Int, channels: Int) {
    self.mixtures = mixtures
    self.channels = channels
    outputs = Self.outputs(mixtures: mixtures, channels: channels)
    scale = PixelScale(levels: levels)
    values = AlignedBuffer(count: outputs * Lanes.count)
    terms = AlignedBuffer(count: mixtures * Lanes.count)
    weights = AlignedBuffer(count: mixtures * Lanes.count)
    shares = AlignedBuffer(count: mixtures * Lanes.count)
    candidates = AlignedBuffer(count: mixtures * Lanes.count)
    slopes = AlignedBuffer(count: 2 * channels * mixtures * Lanes.count)
    positions = AlignedBuffer(count: channels * Lanes.count)
    drawn = AlignedBuffer(count: Self.drawnVectors * mixtures * Lanes.count)
  }

  // MARK: Outputs in, gradients out

  /// Takes the outputs of `columns` of row `y`, sixteen at most, one a lane.
  package func load(_ map: FeatureMap, y: Int, columns: Range<Int>) {
    precondition(map.channels == outputs && columns.count <= Lanes.count, "\(columns.count) pixels of \(map.channels)")
    for (lane, x) in columns.enumerated() {
      let pixel = map.pixel(y, x)
      for o in 0..<outputs { values.pointer[o &* Lanes.count &+ lane] = pixel[o] }
    }
    begin()
  }

  /// Takes the outputs of pixel (`y`, `x`) into every lane.
  package func load(_ map: FeatureMap, y: Int, x: Int) {
    precondition(map.channels == outputs, "a pixel of \(map.channels)")
    let pixel = map.pixel(y, x)
    for o in 0..<outputs { setValue(o, FloatVector(repeating: pixel[o])) }
    begin()
  }

  /// Leaves ∂ Σ cost / ∂ outputs, once every channel has been seen, in `columns` of row `y`.
  package func storeGradient(_ map: FeatureMap, y: Int, columns: Range<Int>) {
    precondition(map.channels == outputs && columns.count <= Lanes.count, "\(columns.count) pixels of \(map.channels)")
    computeGradient()
    for (lane, x) in columns.enumerated() {
      let pixel = map.pixel(y, x)
      for o in 0..<outputs { pixel[o] = values.pointer[o &* Lanes.count &+ lane] }
    }
  }

  // MARK: Channel by channel

  /// −log p of `levels` (whole numbers) of `channel` in nats, given those of the channels before it, which were seen in
  /// order. Never negative.
  package func see(channel: Int, levels: FloatVector) -> FloatVector {
    var missed = FloatVector.zero
    for m in 0..<mixtures {
      let part = discretizedLogistic(levels, component(channel, m), scale: scale)
      missed += weight(m) * part.complement
      store(term(m) + part.log, terms.pointer, m &* Lanes.count)
      let position = 2 &* (channel &* mixtures &+ m) &* Lanes.count
      store(part.meanSlope, slopes.pointer, position)
      store(part.scaleSlope, slopes.pointer, position &+ Lanes.count)
    }
    store(scale.numerator(levels), positions.pointer, channel &* Lanes.count)
    let (before, most) = (sum, largest(of: terms))
    takeWeights(less: most)
    return cost(missed: missed, most: most, before: before, after: sum)
  }

  /// log p of `levels` of `channel`, given those of the channels seen so far, without seeing it. Never positive.
  package func logProbabilities(channel: Int, levels: FloatVector) -> FloatVector {
    var missed = FloatVector.zero
    for m in 0..<mixtures {
      let part = discretizedLogistic(levels, component(channel, m), scale: scale)
      missed += weight(m) * part.complement
      store(term(m) + part.log, candidates.pointer, m &* Lanes.count)
    }
    let most = largest(of: candidates)
    var after = FloatVector.zero
    for m in 0..<mixtures {
      after += inlinedExponential(Kernels.load(candidates.pointer, m &* Lanes.count) - most)
    }
    return -cost(missed: missed, most: most, before: sum, after: after)
  }

  /// What a channel costs whose terms have become `most` at most, and their exponentials, from `before` in all, `after`;
  /// `missed` is Σ a_m (1 − p_m), of weights of `before` in all.
  @inline(__always)
  private func cost(
    missed: FloatVector, most: FloatVector, before: FloatVector, after: FloatVector
  ) -> FloatVector {
    let complement = missed / before
    let isLikely = complement .< 0.5
    let rest = 1 - complement
    let logarithm = inlinedLogarithm((after / before).replacing(with: rest, where: isLikely))
    // The rounding of 1 − complement is put right to first order, as in `logarithmOfOnePlus`.
    let likely = ((rest - 1) + complement) / rest - logarithm
    return (-most - logarithm).replacing(with: likely, where: isLikely)
  }

  /// log π and π from the outputs, tanh of the coefficients.
  private func begin() {
    for m in 0..<mixtures { store(value(m), terms.pointer, m &* Lanes.count) }
    takeWeights(less: largest(of: terms))
    let scale = 1 / sum
    for m in 0..<mixtures { store(weight(m) * scale, shares.pointer, m &* Lanes.count) }
    for o in mixtures &* (1 &+ 2 &* channels)..<outputs { setValue(o, hyperbolicTangent(value(o))) }
  }

  /// The largest over the mixtures.
  @inline(__always)
  private func largest(of terms: AlignedBuffer) -> FloatVector {
    var most = Kernels.load(terms.pointer, 0)
    for m in 1..<max(1, mixtures) {
      let next = Kernels.load(terms.pointer, m &* Lanes.count)
      most = most.replacing(with: next, where: .!(next .<= most))
    }
    return most
  }

  /// Takes `most`, the largest, from the terms; the weights are their exponentials.
  @inline(__always)
  private func takeWeights(less most: FloatVector) {
    var total = FloatVector.zero
    for m in 0..<mixtures {
      let term = term(m) - most
      let weight = inlinedExponential(term)
      store(term, terms.pointer, m &* Lanes.count)
      store(weight, weights.pointer, m &* Lanes.count)
      total += weight
    }
    sum = total
  }

  @inline(__always)
  func value(_ output: Int) -> FloatVector { Kernels.load(values.pointer, output &* Lanes.count) }
  @inline(__always)
  private func setValue(_ output: Int, _ x: FloatVector) { store(x, values.pointer, output &* Lanes.count) }
  @inline(__always)
  private func term(_ m: Int) -> FloatVector { Kernels.load(terms.pointer, m &* Lanes.count) }
  @inline(__always)
  func weight(_ m: Int) -> FloatVector { Kernels.load(weights.pointer, m &* Lanes.count) }

  /// The output that is the mean of mixture `m` of `channel`; the logarithm of the scale lies M further on.
  @inline(__always)
  func meanPosition(_ channel: Int, _ m: Int) -> Int { mixtures &* (1 &+ 2 &* channel) &+ m }
  /// The output that is the coefficient from channel `earlier`.
  @inline(__always)
  private func coefficientPosition(_ channel: Int, _ earlier: Int, _ m: Int) -> Int {
    mixtures &* (1 &+ 2 &* channels &+ channel &* (channel &- 1) / 2 &+ earlier) &+ m
  }

  /// Mixture `m`, its mean moved by the channels seen: Σ of coefficients times their values.
  @inline(__always)
  func component(_ channel: Int, _ m: Int) -> LogisticComponent {
    var shift = FloatVector.zero
    for earlier in 0..<channel {
      shift += value(coefficientPosition(channel, earlier, m)) * Kernels.load(positions.pointer, earlier &* Lanes.count)
    }
    let position = meanPosition(channel, m)
    return LogisticComponent(mean: value(position), shift: shift, logScale: value(position &+ mixtures))
  }

  /// Overwrites the outputs with the gradient: each mixture's slopes, weighed by its share given the levels seen.
  private func computeGradient() {
    let scale = 1 / sum
    for m in 0..<mixtures {
      let given = weight(m) * scale
      setValue(m, Kernels.load(shares.pointer, m &* Lanes.count) - given)
      for channel in 0..<channels {
        let position = 2 &* (channel &* mixtures &+ m) &* Lanes.count
        let slope = -given * Kernels.load(slopes.pointer, position)
        setValue(meanPosition(channel, m), slope)
        setValue(meanPosition(channel, m) &+ mixtures, -given * Kernels.load(slopes.pointer, position &+ Lanes.count))
        for earlier in 0..<channel {
          let o = coefficientPosition(channel, earlier, m)
          let t = value(o)
          let x = Kernels.load(positions.pointer, earlier &* Lanes.count) * self.scale.halfBin
          setValue(o, slope * x * (1 - t * t))
        }
      }
    }
  }
}
