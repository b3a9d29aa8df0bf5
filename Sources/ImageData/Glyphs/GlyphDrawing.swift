// Drawing glyphs: a random affine map, a pen of random width, and coverage by the distance to the stroke.
//
// Only + − × ÷ and square roots, which IEEE 754 rounds alike everywhere, and no fused operations: the same seed
// draws the same bytes on every machine. (Sines and cosines are the system library's and differ.)
import Core

/// The images that `scanline draw` writes: white strokes on black, one glyph each.
package struct GlyphDrawing: Sendable {
  /// The seed that every image depends on.
  package let seed: UInt64
  /// Pixels along each side.
  package let side: Int

  /// Drawings of `side` × `side` pixels; at least 8, or the strokes run into each other.
  package init(seed: UInt64, side: Int) {
    precondition(side >= 8, "a glyph needs 8×8 pixels")
    self.seed = seed
    self.side = side
  }

  /// The glyph of image `number`: they take turns.
  package func glyph(of number: Int) -> Glyph { Glyph.allCases[number % Glyph.allCases.count] }

  /// Image `number`: side × side × 1 values. It depends on the seed, the side and the number only.
  package func image(number: Int) -> PNGImage {
    let random = Philox(seed: seed, purpose: .drawing, stream: UInt64(number))
    var drawn: UInt64 = 0
    /// The next number in `low`..<`high`.
    func next(_ low: Double, _ high: Double) -> Double {
      defer { drawn += 1 }
      return low + (high - low) * Double(random.uniform(at: drawn))
    }
    // A turn by the angle 2·atan(t) needs no sine: cos = (1 − t²)/(1 + t²), sin = 2t/(1 + t²).
    let t = next(-0.15, 0.15)
    let cosine = (1 - t * t) / (1 + t * t)
    let sine = 2 * t / (1 + t * t)
    let scaleX = next(0.78, 1.02)
    let scaleY = next(0.78, 1.02)
    let shear = next(-0.2, 0.2)
    let shift = SIMD2(next(-0.1, 0.1), next(-0.1, 0.1))
    // In pixels: thin at 8×8, about 2 pixels across at 20×20.
    let half = Double(side) / 2
    let radius = half * next(0.085, 0.14)
    func position(_ point: SIMD2<Double>) -> SIMD2<Double> {
      let wobbled = point + SIMD2(next(-0.05, 0.05), next(-0.05, 0.05))
      let x = wobbled.x * scaleX + shear * wobbled.y
      let y = wobbled.y * scaleY
      let turned = SIMD2(cosine * x - sine * y, sine * x + cosine * y)
      return (turned + shift) * (0.92 * half) + SIMD2(half, half)
    }
    let lines = glyph(of: number).strokes.map { stroke in
      switch stroke {
      case .lines(let points): closed(points, points.map(position))
      case .curves(let points): flattened(closed(points, points.map(position)))
      }
    }
    return raster(lines, radius: radius)
  }

  /// A stroke that ended where it began still does after each of its points has been moved on its own.
  private func closed(_ before: [SIMD2<Double>], _ after: [SIMD2<Double>]) -> [SIMD2<Double>] {
    guard before.first == before.last, let start = after.first else { return after }
    return after.dropLast() + [start]
  }

  /// Cubic Bézier curves as 12 straight runs each.
  private func flattened(_ points: [SIMD2<Double>]) -> [SIMD2<Double>] {
    var line = [points[0]]
    for start in stride(from: 0, to: points.count - 1, by: 3) {
      for step in 1...12 {
        let u = Double(step) / 12
        let v = 1 - u
        let first = points[start] * (v * v * v) + points[start + 1] * (3 * v * v * u)
        let second = points[start + 2] * (3 * v * u * u) + points[start + 3] * (u * u * u)
        line.append(first + second)
      }
    }
    return line
  }

  /// A pixel is lit by how far its centre lies inside the pen's path, over an edge one pixel wide.
  private func raster(_ lines: [[SIMD2<Double>]], radius: Double) -> PNGImage {
    var values = [UInt8](repeating: 0, count: side * side)
    for y in 0..<side {
      for x in 0..<side {
        let centre = SIMD2(Double(x) + 0.5, Double(y) + 0.5)
        var nearest = Double.infinity
        for line in lines {
          for (start, end) in zip(line, line.dropFirst()) {
            nearest = min(nearest, squaredDistance(from: centre, to: start, end))
          }
        }
        let coverage = min(max(radius - nearest.squareRoot() + 0.5, 0), 1)
        values[y * side + x] = UInt8((coverage * 255).rounded())
      }
    }
    return PNGImage(shape: ImageShape(height: side, width: side, channels: 1), values: values)
  }

  private func squaredDistance(
    from point: SIMD2<Double>, to start: SIMD2<Double>, _ end: SIMD2<Double>
  ) -> Double {
    let run = end - start
    let way = point - start
    let length = run.x * run.x + run.y * run.y
    let along = length > 0 ? min(max((way.x * run.x + way.y * run.y) / length, 0), 1) : 0
    let off = way - run * along
    return off.x * off.x + off.y * off.y
  }

  /// Draws images 0..<`count` into `folder`/glyph/NNNN.png on `threads` threads, and tells `progress` of each.
  ///
  /// - Throws: `ScanlineError`: `cannotCreate` where `folder` exists and is not empty or cannot be made, `io`
  ///   where writing fails.
  package func write(
    count: Int, to folder: String, threads: Int = availableThreads(),
    progress: @Sendable (_ files: Int) -> Void = { _ in }
  ) throws {
    let target = try PNGFolder(folder)
    let glyphs = Glyph.allCases
    try target.make(subfolders: glyphs.prefix(count).map(\.rawValue))
    let files = (count + glyphs.count - 1) / glyphs.count
    try target.write(count, threads: threads, progress: progress) { number in
      let name = PNGFolder.numeral(number / glyphs.count, of: files, digits: 4)
      return (glyph(of: number).rawValue + "/\(name).png", try image(number: number).encoded(filter: .none))
    }
  }
}
