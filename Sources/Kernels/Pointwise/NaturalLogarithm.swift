// ln x and eˣ in double precision, the same on every machine.

/// ln x of a positive, normal number, within a few units in the last place: the C library's differs between machines.
/// With x = m·2ᵉ, m in [√½, √2), it is e·ln 2 + 2·artanh((m−1)/(m+1)), whose series has odd powers of at most 0.172.
package func naturalLogarithm(_ x: Double) -> Double {
  precondition(x.isNormal && x > 0, "the logarithm of \(x)")
  var (mantissa, exponent) = (x.significand, Double(x.exponent))
  if mantissa > 1.414_213_562_373_095_1 { (mantissa, exponent) = (mantissa / 2, exponent + 1) }
  let s = (mantissa - 1) / (mantissa + 1)
  let square = s * s
  // 1 + s²/3 + s⁴/5 + …; the first term left out is below 10⁻¹⁷ of the sum.
  var sum = 1.0 / 23
  for n in stride(from: 21.0, through: 1, by: -2) { sum = sum * square + 1 / n }
  return exponent * 0.693_147_180_559_945_3 + 2 * s * sum
}

/// eˣ of x ≤ 0, within a few units in the last place; 0 below −708, where it would be subnormal. With n the nearest whole
/// number to x / ln 2, it is 2ⁿ times the series of the rest, of at most 0.347.
package func exponentialOfNegative(_ x: Double) -> Double {
  precondition(x <= 0, "e to the power of \(x)")
  guard x > -708 else { return 0 }
  let n = (x * 1.442_695_040_888_963_4).rounded()
  // ln 2 in two parts, of which the first has so few digits that n times it is exact.
  let r = (x - n * 0.693_147_180_369_123_8) - n * 1.908_214_929_270_588e-10
  var sum = 1.0
  for k in stride(from: 14.0, through: 1, by: -1) { sum = sum * r / k + 1 }
  return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
}
