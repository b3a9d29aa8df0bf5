// One logistic distribution that is cut into levels: what one of them costs, and how the cost moves.
import CScanline

/// One of the logistics of a mixture in every lane, where it was moved by the channels before it.
struct LogisticComponent {
  /// μ, before it was moved.
  let mean: FloatVector
  /// How far the earlier channels move the mean, times L − 1.
  let shift: FloatVector
  /// The logarithm of the scale, before its floor.
  let logScale: FloatVector

  /// 1 / s.
  @inline(__always)
  static func inverse(_ logScale: FloatVector) -> FloatVector { inlinedExponential(-floored(logScale)) }

  /// The logarithm of the scale, not below its floor.
  @inline(__always)
  static func floored(_ logScale: FloatVector) -> FloatVector {
    let least = LogisticMixtureKernel.leastLogScale
    return logScale.replacing(with: least, where: logScale .< least)
  }

  /// (border − μ′) / s of a border between levels, a whole number over L − 1. The difference is rounded once, so that its
  /// error is relative however near the mean lies: taken between rounded numbers, at the floor of the scale it would be
  /// 10⁻⁴, and show in an image's nats. `inverse` is 1 / (s (L − 1)).
  @inline(__always)
  static func argument(
    border: FloatVector, mean: FloatVector, shift: FloatVector, inverse: FloatVector, scale: PixelScale
  ) -> FloatVector {
    inverse * scanline_fma_scalar(-mean, Float(scale.levels - 1), border - shift)
  }
}

/// log p = log [σ(u) − σ(v)] of one logistic in every lane, 1 − p = σ(−u) + σ(v), and the derivatives of log p by the mean
/// and by the logarithm of the scale; see `LogisticMixtureKernel`. Where p is nearly 1, its logarithm has lost what 1 − p
/// still tells to a few units in the last place.
@inline(__always)
func discretizedLogistic(
  _ levels: FloatVector, _ logistic: LogisticComponent, scale: PixelScale
) -> (log: FloatVector, complement: FloatVector, meanSlope: FloatVector, scaleSlope: FloatVector) {
  let one = FloatVector(repeating: 1)
  let isFloored = logistic.logScale .< LogisticMixtureKernel.leastLogScale
  let logScale = LogisticComponent.floored(logistic.logScale)
  let isFirst = levels .== 0
  let isLast = levels .== Float(scale.levels - 1)
  let isEdge = isFirst .| isLast
  let inverse = inlinedExponential(-logScale)
  let perLevel = inverse * scale.halfBin
  let middle = scale.numerator(levels)
  func argument(_ border: FloatVector) -> FloatVector {
    LogisticComponent.argument(
      border: border, mean: logistic.mean, shift: logistic.shift, inverse: perLevel, scale: scale)
  }
  let (u, v) = (argument(middle + 1), argument(middle - 1))
  // e^−|u|, e^−|v|: σ and its logarithm are made of them; what an edge does not have is 1.
  let (eu, ev) = (inlinedExponential(-magnitude(u)), inlinedExponential(-magnitude(v)))
  let onePlusU = (1 + eu).replacing(with: 1, where: isLast)
  let onePlusV = (1 + ev).replacing(with: 1, where: isFirst)
  let w = 2 * perLevel
  let decay = inlinedExponential(-w)
  let isWide = w .< 0.5
  let share = (1 - decay).replacing(with: 1, where: isWide .| isEdge)
  let reciprocal = 1 / (onePlusU * onePlusV)
  var log = inlinedLogarithm(share * reciprocal)
  log -= (-u).replacing(with: 0, where: (u .>= 0) .| isLast)
  log -= v.replacing(with: 0, where: (v .<= 0) .| isFirst)
  let square = w * w
  let logWidth = scale.logarithmOfBin.high - logScale
  log += (logWidth + (logarithmOfShare(w) + scale.logarithmOfBin.low)).replacing(with: 0, where: .!isWide .| isEdge)
  // w / (eʷ − 1), up to where single precision ends below w = ½.
  let wide = polynomial(square, 1.0 / 12, -1.0 / 720, 1.0 / 30_240) - w * 0.5 + 1
  let widthSlope = (w * decay / share).replacing(with: wide, where: isWide).replacing(with: 0, where: isEdge)
  // σ(−u) and σ(v).
  let below = (one.replacing(with: eu, where: u .> 0) * onePlusV * reciprocal).replacing(with: 0, where: isLast)
  let above = (one.replacing(with: ev, where: v .< 0) * onePlusU * reciprocal).replacing(with: 0, where: isFirst)
  return (
    log, below + above, inverse * (above - below),
    (v * above - u * below - widthSlope).replacing(with: 0, where: isFloored)
  )
}

/// log((1 − e⁻ʷ) / w), up to where single precision ends below w = ½.
@inline(__always)
func logarithmOfShare(_ w: FloatVector) -> FloatVector {
  polynomial(w * w, 1.0 / 24, -1.0 / 2880, 1.0 / 181_440) - w * 0.5
}

/// a z + b z² + c z³
@inline(__always)
private func polynomial(_ z: FloatVector, _ a: Float, _ b: Float, _ c: Float) -> FloatVector {
  ((z * c + b) * z + a) * z
}

/// |x|
@inline(__always)
func magnitude(_ x: FloatVector) -> FloatVector { x.replacing(with: -x, where: x .< 0) }
