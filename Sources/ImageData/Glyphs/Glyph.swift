// The shapes of the data set that the package draws for itself: ten glyphs as lines and Bézier curves.

/// A class of drawn images. Its strokes lie in the square −1...1, x to the right, y down.
package enum Glyph: String, CaseIterable, Sendable {
  /// Half a circle, open below.
  case arc
  /// A shaft and two barbs.
  case arrow
  /// An upright plus.
  case cross
  /// A stem that bends back, like a fish-hook.
  case hook
  /// Two rails and three rungs.
  case ladder
  /// A circle.
  case ring
  /// A bar on a stem.
  case tee
  /// Three corners, closed.
  case triangle
  /// A crest and a trough.
  case wave
  /// Three straight runs to and fro.
  case zigzag

  /// One movement of the pen.
  enum Stroke {
    /// Straight from point to point.
    case lines([SIMD2<Double>])
    /// Cubic Bézier curves end to end: an end point, then two control points and an end point for each.
    case curves([SIMD2<Double>])
  }

  /// The glyph's strokes, undistorted.
  var strokes: [Stroke] {
    // The control points of a quarter circle lie this far along its tangents (error below 0.03%).
    let k = 0.5522847498
    func p(_ x: Double, _ y: Double) -> SIMD2<Double> { SIMD2(x, y) }
    switch self {
    case .arc:
      return [
        .curves([
          p(-0.8, 0.45), p(-0.8, -0.1), p(-0.8 * k, -0.55), p(0, -0.55), p(0.8 * k, -0.55), p(0.8, -0.1),
          p(0.8, 0.45),
        ])
      ]
    case .arrow:
      return [.lines([p(-0.7, 0.7), p(0.65, -0.65)]), .lines([p(-0.15, -0.7), p(0.7, -0.7), p(0.7, 0.15)])]
    case .cross: return [.lines([p(0, -0.75), p(0, 0.75)]), .lines([p(-0.75, 0), p(0.75, 0)])]
    case .hook:
      return [
        .curves([
          p(0.4, -0.8), p(0.4, -0.5), p(0.4, 0), p(0.4, 0.25), p(0.4, 0.95), p(-0.65, 0.95), p(-0.6, 0.15),
        ])
      ]
    case .ladder:
      return [
        .lines([p(-0.5, -0.85), p(-0.5, 0.85)]), .lines([p(0.5, -0.85), p(0.5, 0.85)]),
        .lines([p(-0.5, -0.55), p(0.5, -0.55)]), .lines([p(-0.5, 0), p(0.5, 0)]),
        .lines([p(-0.5, 0.55), p(0.5, 0.55)]),
      ]
    case .ring:
      let r = 0.68
      return [
        .curves([
          p(r, 0), p(r, r * k), p(r * k, r), p(0, r), p(-r * k, r), p(-r, r * k), p(-r, 0), p(-r, -r * k),
          p(-r * k, -r), p(0, -r), p(r * k, -r), p(r, -r * k), p(r, 0),
        ])
      ]
    case .tee: return [.lines([p(-0.7, -0.65), p(0.7, -0.65)]), .lines([p(0, -0.65), p(0, 0.75)])]
    case .triangle: return [.lines([p(0, -0.7), p(0.75, 0.6), p(-0.75, 0.6), p(0, -0.7)])]
    case .wave:
      return [
        .curves([
          p(-0.85, 0.2), p(-0.6, -0.75), p(-0.25, -0.75), p(0, 0), p(0.25, 0.75), p(0.6, 0.75), p(0.85, -0.2),
        ])
      ]
    case .zigzag: return [.lines([p(-0.6, -0.65), p(0.6, -0.65), p(-0.6, 0.65), p(0.6, 0.65)])]
    }
  }
}
