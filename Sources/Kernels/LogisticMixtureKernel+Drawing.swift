// Levels drawn from a mixture: what is the same for all levels of a pixel is computed once.

extension LogisticMixtureKernel {
  /// To be called before levels of `channel` are drawn, the channels before it having been seen.
  public func prepareToDraw(channel: Int) {
    for m in 0..<mixtures {
      let raw = value(meanPlace(channel, m) &+ mixtures)
      let logScale = raw.replacing(
        with: LogisticMixtureKernel.leastLogScale, where: raw .< LogisticMixtureKernel.leastLogScale)
      let inverse = inlinedExponential(-logScale)
      let w = 2 * scale.halfBin * inverse
      let narrow = 1 - inlinedExponential(-w)
      let wide = inlinedExponential(
        scale.logarithmOfBin.high - logScale + (logarithmOfShare(w) + scale.logarithmOfBin.low))
      let place = 4 &* m &* Lanes.count
      store(inlinedExponential(term(m) - logSum), drawn.pointer, place)
      store(mean(channel, m), drawn.pointer, place &+ Lanes.count)
      store(inverse, drawn.pointer, place &+ 2 &* Lanes.count)
      store(narrow.replacing(with: wide, where: w .< 0.5), drawn.pointer, place &+ 3 &* Lanes.count)
    }
  }

  /// The first level of that channel whose cumulative probability exceeds `uniform`, in lane 0's pixel. The cumulative
  /// probability is known without a sum over levels, so two looks at sixteen of them are enough.
  public func level(_ uniform: Float) -> Int {
    var total = FloatVector.zero
    for m in 0..<mixtures { total += Kernels.load(drawn.pointer, 4 &* m &* Lanes.count) }
    // Of the total as it is rounded, so that the end is reached where the last level begins.
    let limit = uniform * total
    let counting = FloatVector(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    var first: Float = 0
    for step in [Float(16), 1] {
      let passed = cumulative(levels: first + counting * step + (step - 1)) .<= limit
      var count: Float = 0
      for lane in 0..<Lanes.count where passed[lane] { count += 1 }
      first = min(first + count * step, Float(scale.levels - 1))
    }
    return Int(first)
  }

  /// Σ w_m σ(u_m), u where a level ends: the probability of `levels` and all below; that of all from the last on.
  @inline(__always)
  private func cumulative(levels: FloatVector) -> FloatVector {
    let end = scale.bin(levels).end
    let isLast = levels .>= Float(scale.levels - 1)
    var sum = FloatVector.zero
    for m in 0..<mixtures {
      let place = 4 &* m &* Lanes.count
      let mean = Kernels.load(drawn.pointer, place &+ Lanes.count)
      let inverse = Kernels.load(drawn.pointer, place &+ 2 &* Lanes.count)
      let share = logistic(inverse * (end - mean)).replacing(with: 1, where: isLast)
      sum += Kernels.load(drawn.pointer, place) * share
    }
    return sum
  }

  /// p of `levels` of that channel: the exponential of what `logProbabilities` gives, for a quarter of the work. Far in a
  /// tail it is 0.
  public func probabilities(levels: FloatVector) -> FloatVector {
    let (begin, end) = scale.bin(levels)
    let isFirst = levels .== 0
    let isLast = levels .== Float(scale.levels - 1)
    let isEdge = isFirst .| isLast
    var sum = FloatVector.zero
    for m in 0..<mixtures {
      let place = 4 &* m &* Lanes.count
      let mean = Kernels.load(drawn.pointer, place &+ Lanes.count)
      let inverse = Kernels.load(drawn.pointer, place &+ 2 &* Lanes.count)
      let (u, v) = (inverse * (end - mean), inverse * (begin - mean))
      // (1 − e⁻ʷ) σ(u) σ(−v), one division for both.
      let (eu, ev) = (inlinedExponential(-magnitude(u)), inlinedExponential(-magnitude(v)))
      let one = FloatVector(repeating: 1)
      let numerator =
        one.replacing(with: eu, where: (u .< 0) .& .!isLast) * one.replacing(with: ev, where: (v .> 0) .& .!isFirst)
      let denominator = (1 + eu).replacing(with: 1, where: isLast) * (1 + ev).replacing(with: 1, where: isFirst)
      let width = Kernels.load(drawn.pointer, place &+ 3 &* Lanes.count).replacing(with: 1, where: isEdge)
      sum += Kernels.load(drawn.pointer, place) * width * (numerator / denominator)
    }
    return sum
  }
}
