// One logistic distribution that is cut into levels: what one of them costs, and how the cost moves.

/// log [σ(u) − σ(v)] of one logistic in every lane, and its derivatives by the mean and by the logarithm of the scale;
/// see `LogisticMixtureKernel`.
@inline(__always)
func discretizedLogistic(
  _ levels: FloatVector, mean: FloatVector, logScale raw: FloatVector, scale: PixelScale
) -> (log: FloatVector, meanSlope: FloatVector, scaleSlope: FloatVector) {
  let one = FloatVector(repeating: 1)
  let isFloored = raw .< LogisticMixtureKernel.leastLogScale
  let logScale = raw.replacing(with: LogisticMixtureKernel.leastLogScale, where: isFloored)
  let isFirst = levels .== 0
  let isLast = levels .== Float(scale.levels - 1)
  let isEdge = isFirst .| isLast
  let inverse = inlinedExponential(-logScale)
  let (begin, end) = scale.bin(levels)
  let (u, v) = (inverse * (end - mean), inverse * (begin - mean))
  // e^−|u|, e^−|v|: σ and its logarithm are made of them; what an edge does not have is 1.
  let (eu, ev) = (inlinedExponential(-magnitude(u)), inlinedExponential(-magnitude(v)))
  let onePlusU = (1 + eu).replacing(with: 1, where: isLast)
  let onePlusV = (1 + ev).replacing(with: 1, where: isFirst)
  let w = 2 * scale.halfBin * inverse
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
    log, inverse * (above - below),
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
