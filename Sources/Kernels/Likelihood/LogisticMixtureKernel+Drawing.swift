// Levels drawn from a mixture: what is the same for all levels of a pixel is computed once.

extension LogisticMixtureKernel {
  /// Vectors that are kept of a mixture for drawing.
  static let drawnVectors = 5

  /// To be called before levels of `channel` are drawn, the channels before it having been seen.
  package func prepareToDraw(channel: Int) {
    let total = 1 / sum
    for m in 0..<mixtures {
      let logistic = component(channel, m)
      let inverse = LogisticComponent.inverse(logistic.logScale) * scale.halfBin
      let w = 2 * inverse
      let narrow = 1 - inlinedExponential(-w)
      let wide = inlinedExponential(
        scale.logarithmOfBin.high - LogisticComponent.floored(logistic.logScale)
          + (logarithmOfShare(w) + scale.logarithmOfBin.low))
      let position = Self.drawnVectors &* m &* Lanes.count
      store(weight(m) * total, drawn.pointer, position)
      store(logistic.mean, drawn.pointer, position &+ Lanes.count)
      store(logistic.shift, drawn.pointer, position &+ 2 &* Lanes.count)
      store(inverse, drawn.pointer, position &+ 3 &* Lanes.count)
      store(narrow.replacing(with: wide, where: w .< 0.5), drawn.pointer, position &+ 4 &* Lanes.count)
    }
  }

  /// (border − μ′) / s of mixture `m`, as what is scored has it.
  @inline(__always)
  private func argument(_ m: Int, border: FloatVector) -> FloatVector {
    let position = Self.drawnVectors &* m &* Lanes.count
    return LogisticComponent.argument(
      border: border, mean: Kernels.load(drawn.pointer, position &+ Lanes.count),
      shift: Kernels.load(drawn.pointer, position &+ 2 &* Lanes.count),
      inverse: Kernels.load(drawn.pointer, position &+ 3 &* Lanes.count), scale: scale)
  }

  /// The first level of that channel whose cumulative probability exceeds `uniform`, in lane 0's pixel. The cumulative
  /// probability is known without a sum over levels, so two looks at sixteen of them are enough.
  package func level(_ uniform: Float) -> Int {
    var total = FloatVector.zero
    for m in 0..<mixtures { total += Kernels.load(drawn.pointer, Self.drawnVectors &* m &* Lanes.count) }
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
    let end = scale.numerator(levels) + 1
    let isLast = levels .>= Float(scale.levels - 1)
    var sum = FloatVector.zero
    for m in 0..<mixtures {
      let share = logistic(argument(m, border: end)).replacing(with: 1, where: isLast)
      sum += Kernels.load(drawn.pointer, Self.drawnVectors &* m &* Lanes.count) * share
    }
    return sum
  }

  /// p of `levels` of that channel: the exponential of what `logProbabilities` gives, for a quarter of the work. Far in a
  /// tail it is 0.
  package func probabilities(levels: FloatVector) -> FloatVector {
    let middle = scale.numerator(levels)
    let isFirst = levels .== 0
    let isLast = levels .== Float(scale.levels - 1)
    let isEdge = isFirst .| isLast
    var sum = FloatVector.zero
    for m in 0..<mixtures {
      let position = Self.drawnVectors &* m &* Lanes.count
      let (u, v) = (argument(m, border: middle + 1), argument(m, border: middle - 1))
      // (1 − e⁻ʷ) σ(u) σ(−v), one division for both.
      let (eu, ev) = (inlinedExponential(-magnitude(u)), inlinedExponential(-magnitude(v)))
      let one = FloatVector(repeating: 1)
      let numerator =
        one.replacing(with: eu, where: (u .< 0) .& .!isLast) * one.replacing(with: ev, where: (v .> 0) .& .!isFirst)
      let denominator = (1 + eu).replacing(with: 1, where: isLast) * (1 + ev).replacing(with: 1, where: isFirst)
      let width = Kernels.load(drawn.pointer, position &+ 4 &* Lanes.count).replacing(with: 1, where: isEdge)
      sum += Kernels.load(drawn.pointer, position) * width * (numerator / denominator)
    }
    return sum
  }
}
