// exp, log, log(1 + x), tanh and the logistic function of sixteen floats, our own: the C library's differ between
// machines, and a likelihood must not. Only +, −, ×, ÷, fused multiply-add and bit operations are used, which
// IEEE 754 fixes to the last bit.
//
// Each reduces its argument so that a polynomial of low degree does; the coefficients are those of the Cephes
// library (S. L. Moshier, single precision). The stated errors are the largest that ElementaryFunctionTests
// finds against the C library's double precision; it fails when one is exceeded.
import CScanline

/// Sixteen floats that are computed together.
@usableFromInline package typealias FloatVector = SIMD16<Float>

private typealias IntegerVector = SIMD16<Int32>

@_transparent
private func bits(_ x: FloatVector) -> IntegerVector { unsafeBitCast(x, to: IntegerVector.self) }

@_transparent
private func float(_ bits: IntegerVector) -> FloatVector { unsafeBitCast(bits, to: FloatVector.self) }

@_transparent
private func fma(_ a: FloatVector, _ b: FloatVector, _ c: FloatVector) -> FloatVector { scanline_fma(a, b, c) }

@_transparent
private func fma(_ a: FloatVector, _ b: FloatVector, _ c: Float) -> FloatVector {
  scanline_fma(a, b, FloatVector(repeating: c))
}

@_transparent
private func fma(_ a: FloatVector, _ b: Float, _ c: FloatVector) -> FloatVector { scanline_fma_scalar(a, b, c) }

/// eˣ, within 2 ULP; 0 below −103.98, infinite above 88.73.
package func exponential(_ x: FloatVector) -> FloatVector { inlinedExponential(x) }

/// The same as part of its caller, whatever the optimizer thinks of its size: a call hands sixteen floats back in four
/// registers and loses all others.
@_transparent
func inlinedExponential(_ x: FloatVector) -> FloatVector {
  // Beyond these the result is 0 or infinite anyway, and the exponent below stays in range. NaN passes.
  var x = x
  x.replace(with: -105, where: x .< -105)
  x.replace(with: 90, where: x .> 90)
  // x = n·ln 2 + r, |r| ≤ ln 2 / 2. Adding 1.5·2²³ rounds to the nearest whole number and leaves it in the low bits.
  let shifted = fma(x, 1.442_695_04, FloatVector(repeating: 12_582_912))
  let n = shifted - 12_582_912
  let exponent = bits(shifted) &- 0x4B40_0000
  var r = fma(n, -0.693_359_375, x)
  r = fma(n, 2.121_944_4e-4, r)
  var p = fma(r, 1.987_569_15e-4, FloatVector(repeating: 1.398_199_950_7e-3))
  p = fma(p, r, 8.333_451_907_3e-3)
  p = fma(p, r, 4.166_579_589_4e-2)
  p = fma(p, r, 1.666_666_545_9e-1)
  p = fma(p, r, 5.000_000_120_1e-1)
  p = fma(p, r * r, r) + 1
  // 2ⁿ in two factors, since n reaches past the exponents that a float has.
  let half = exponent &>> 1
  let rest = exponent &- half
  return p * float((half &+ 127) &<< 23) * float((rest &+ 127) &<< 23)
}

/// The natural logarithm, within 1 ULP; −∞ at 0, NaN below.
package func logarithm(_ x: FloatVector) -> FloatVector { inlinedLogarithm(x) }

/// The same as part of its caller.
@_transparent
func inlinedLogarithm(_ x: FloatVector) -> FloatVector {
  // Subnormals are scaled up first.
  let small = x .< Float.leastNormalMagnitude
  let scaled = x.replacing(with: x * 0x1p23, where: small)
  // x = m·2ᵉ with √½ ≤ m < √2.
  let e = (bits(scaled) &- 0x3F35_04F3) &>> 23
  let m = float(bits(scaled) &- (e &<< 23))
  let exponent = FloatVector(e) - FloatVector.zero.replacing(with: 23, where: small)
  let f = m - 1
  let z = f * f
  var p = fma(f, 7.037_683_629_2e-2, FloatVector(repeating: -1.151_461_031e-1))
  p = fma(p, f, 1.167_699_874e-1)
  p = fma(p, f, -1.242_014_084_6e-1)
  p = fma(p, f, 1.424_932_278_7e-1)
  p = fma(p, f, -1.666_805_766_5e-1)
  p = fma(p, f, 2.000_071_476_5e-1)
  p = fma(p, f, -2.499_999_399_3e-1)
  p = fma(p, f, 3.333_333_117_4e-1)
  var y = fma(p, f * z, exponent * -2.121_944_4e-4)
  y = fma(z, -0.5, y)
  y = fma(exponent, 0.693_359_375, f + y)
  y.replace(with: x, where: x .>= .infinity)
  y.replace(with: -.infinity, where: x .== 0)
  y.replace(with: .nan, where: x .< 0)
  y.replace(with: .nan, where: x .!= x)
  return y
}

/// log(1 + u) for u ≥ 0, within 2 ULP: the rounding of 1 + u is put right to first order.
package func logarithmOfOnePlus(_ u: FloatVector) -> FloatVector {
  let w = u + 1
  return inlinedLogarithm(w) - ((w - 1) - u) / w
}

/// tanh, within 2 ULP.
@inline(__always)
package func hyperbolicTangent(_ x: FloatVector) -> FloatVector {
  let magnitude = float(bits(x) & 0x7FFF_FFFF)
  let z = x * x
  var p = fma(z, -5.704_988_727_45e-3, FloatVector(repeating: 2.063_908_879_54e-2))
  p = fma(p, z, -5.373_971_555_31e-2)
  p = fma(p, z, 1.333_144_220_36e-1)
  p = fma(p, z, -3.333_328_194_22e-1)
  let near = fma(p * z, x, x)
  let far = 1 - 2 / (inlinedExponential(magnitude + magnitude) + 1)
  let signed = float(bits(far) | (bits(x) & Int32.min))
  return signed.replacing(with: near, where: magnitude .< 0.625)
}

/// The logistic function 1 / (1 + e⁻ˣ), within 3 ULP.
@inline(__always)
package func logistic(_ x: FloatVector) -> FloatVector {
  let e = inlinedExponential(float(bits(x) | Int32.min))
  let numerator = FloatVector(repeating: 1).replacing(with: e, where: x .< 0)
  return numerator / (e + 1)
}

/// log(1 + eˣ), within 3 ULP where x ≥ −80: what a Bernoulli pays in nats.
package func softplus(_ x: FloatVector) -> FloatVector {
  let tail = logarithmOfOnePlus(inlinedExponential(float(bits(x) | Int32.min)))
  return x.replacing(with: 0, where: x .< 0) + tail
}

/// The sum of the lanes, in the order of a balanced tree: fixed, unlike the standard library's.
@inlinable
package func laneSum(_ x: FloatVector) -> Float {
  let a = x.lowHalf + x.highHalf
  let b = a.lowHalf + a.highHalf
  let c = b.lowHalf + b.highHalf
  return c.x + c.y
}
