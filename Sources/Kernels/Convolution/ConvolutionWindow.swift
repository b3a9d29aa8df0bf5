// Which pixels a convolution reads: its live taps, drawn and put into runs.

/// The two masks of van den Oord et al., "Pixel Recurrent Neural Networks" (2016), section 3.4, for a 3×3 kernel:
///
///     A  1 1 1     B  1 1 1
///        1 · ·        1 1 ·
///        · · ·        · · ·
///
/// Mask A, for the first layer, does not see the pixel itself; mask B does.
package enum Mask: String, Sendable, Codable {
  /// Without the centre.
  case a
  /// With the centre.
  case b
}

/// The live taps of a convolution, as runs: taps next to one another in a row of the kernel read neighbouring
/// pixels, whose features lie side by side in memory, so one run is one dot product.
package struct ConvolutionWindow: Sendable, Equatable {
  /// Taps in one row: `count` pixels from (y + dy, x + dx) on.
  package struct Run: Sendable, Equatable {
    /// Rows down from the output pixel (up is negative).
    package let dy: Int
    /// Pixels right of the output pixel, of the first tap.
    package let dx: Int
    /// Taps in the run.
    package let count: Int

    /// `count` taps from (`dy`, `dx`) on.
    package init(dy: Int, dx: Int, count: Int) {
      self.dy = dy
      self.dx = dx
      self.count = count
    }
  }

  /// The runs, rows downward.
  package let runs: [Run]
  /// Live taps.
  package let taps: Int
  /// The border that a map must have to be read through this window.
  package let border: FeatureMap.Border

  /// A window of the given runs.
  package init(runs: [Run]) {
    let runs = runs.filter { $0.count > 0 }
    self.runs = runs
    taps = runs.reduce(0) { $0 + $1.count }
    border = FeatureMap.Border(
      top: runs.map { max(0, -$0.dy) }.max() ?? 0,
      bottom: runs.map { max(0, $0.dy) }.max() ?? 0,
      left: runs.map { max(0, -$0.dx) }.max() ?? 0,
      right: runs.map { max(0, $0.dx + $0.count - 1) }.max() ?? 0)
  }

  /// The live taps of a `size`×`size` kernel (odd) under `mask`.
  package init(size: Int, mask: Mask) {
    precondition(size > 0 && size % 2 == 1, "a masked kernel has an odd size, not \(size)")
    let reach = size / 2
    let above = (-reach..<0).map { Run(dy: $0, dx: -reach, count: size) }
    self.init(runs: above + [Run(dy: 0, dx: -reach, count: mask == .a ? reach : reach + 1)])
  }

  /// The window of a 1×1 convolution.
  package static let pointwise = ConvolutionWindow(runs: [Run(dy: 0, dx: 0, count: 1)])

  /// (dy, dx) of every tap, in the order of the sum.
  package var offsets: [(dy: Int, dx: Int)] {
    runs.flatMap { run in (0..<run.count).map { (run.dy, run.dx + $0) } }
  }

  /// The window turned about its centre: which output pixels an input pixel reaches.
  package var flipped: ConvolutionWindow {
    ConvolutionWindow(
      runs: runs.reversed().map { Run(dy: -$0.dy, dx: -($0.dx + $0.count - 1), count: $0.count) })
  }

  /// The same taps where `images` images lie interleaved, pixel by pixel: a step of one pixel is then `images` positions.
  /// Taps that were neighbours no longer are.
  package func dilated(by images: Int) -> ConvolutionWindow {
    images == 1
      ? self : ConvolutionWindow(runs: offsets.map { Run(dy: $0.dy, dx: $0.dx * images, count: 1) })
  }

  /// Floats of a pixel row that `run` covers in a map of this stride: the last tap ends with its last feature.
  static func length(of run: Run, channels: Int, pixelStride: Int) -> Int {
    (run.count - 1) * pixelStride + channels
  }

  /// Rows of a packed weight matrix for an input of `channels` features `pixelStride` floats apart: every run,
  /// its lanes of padding between taps included, holds [tap][input][output].
  package func depth(pixelStride: Int) -> Int { taps * pixelStride }
}
