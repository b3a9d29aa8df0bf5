// What number stands for a level: decided here alone.

/// Levels 0..<L are put on two scales. Networks read q/(L−1), from 0 to 1. A mixture of logistics is spread over
/// x = 2q/(L−1) − 1, from −1 to 1: levels there are 2/(L−1) apart, so each owns 1/(L−1) to either side of it, and the first
/// and the last all that lies beyond. Both change together, since each is made of the other.
package struct PixelScale: Sendable {
  /// L
  package let levels: Int
  /// ln 2b, where b is ``halfBin``, in two parts: of an image of thousands of values the first alone is ten-thousandths of a
  /// nat off.
  let logarithmOfBin: (high: Float, low: Float)

  /// The scales of `levels` levels, 2 or more.
  package init(levels: Int) {
    precondition(levels > 1, "\(levels) levels")
    self.levels = levels
    let logarithm = naturalLogarithm(2 / Double(levels - 1))
    logarithmOfBin = (Float(logarithm), Float(logarithm - Double(Float(logarithm))))
  }

  /// What a network reads for `level`.
  @inlinable
  package func input(_ level: UInt8) -> Float { Float(level) / Float(levels - 1) }

  /// Where `level`, a whole number, lies on the scale from −1 to 1, times L − 1: a whole number too, so nothing is rounded
  /// until a mean is taken from it. What a level owns begins 1 before it and ends 1 behind it, were it not the first or the
  /// last: neighbours meet in the same number.
  @inline(__always)
  func numerator(_ level: FloatVector) -> FloatVector { level + level - Float(levels - 1) }

  /// Half of the distance from a level to the next on this scale.
  var halfBin: Float { 1 / Float(levels - 1) }
}
