// The limit that the kernels are held against.
import CScanline

/// Runs `rounds` rounds of twelve independent fused multiply-adds on vectors in registers and returns a number
/// that depends on all of them. A round is 12 × 16 products and as many sums: 384 floating-point operations.
@inline(never)
public func multiplyAddChains(rounds: Int, seed: Float) -> Float {
  let s = Float16Lanes(repeating: seed)
  var (a, b, c, d, e, f) = (s, s + 1, s + 2, s + 3, s + 4, s + 5)
  var (g, h, i, j, k, l) = (s + 6, s + 7, s + 8, s + 9, s + 10, s + 11)
  for _ in 0..<rounds {
    a = scanline_fma(a, s, s)
    b = scanline_fma(b, s, s)
    c = scanline_fma(c, s, s)
    d = scanline_fma(d, s, s)
    e = scanline_fma(e, s, s)
    f = scanline_fma(f, s, s)
    g = scanline_fma(g, s, s)
    h = scanline_fma(h, s, s)
    i = scanline_fma(i, s, s)
    j = scanline_fma(j, s, s)
    k = scanline_fma(k, s, s)
    l = scanline_fma(l, s, s)
  }
  return (((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l)))[0]
}

/// Floating-point operations in one round of `multiplyAddChains`.
public let operationsPerMultiplyAddRound = 12 * 16 * 2
