// The letters of pictures: strokes on a grid, since the package has no font library and a picture needs few letters.

/// A font of strokes, drawn by the same pen as lines: it has every size, turns, and needs no bitmap for each size.
///
/// A glyph is written down on a grid of 20 units to the line's height, baseline 0, capitals 14, small letters 10, tails
/// −4: first how far it advances (close to Helvetica's widths, so that the layout also fits the text of an SVG), then its
/// strokes: `l` straight runs; `c` a smooth curve from the first point to the last (a quadratic B-spline, to which the
/// others are control points); `o` a closed curve.
package enum PlotFont {
  /// A glyph's advance, strokes and pen, in units.
  struct Glyph {
    let advance: Double
    let strokes: [[PlotPoint]]
    var pen = 1.56
  }

  /// Units of the grid in the height of a line.
  static let units = 20.0

  /// How wide `text` is at `size`, in points.
  package static func width(_ text: String, size: Double) -> Double {
    text.reduce(0) { $0 + (glyph($1)?.advance ?? missing.advance) } * size / units
  }

  /// Whether every character of `text` has a glyph; others are drawn as a box.
  package static func covers(_ text: String) -> Bool { text.allSatisfy { glyph($0) != nil } }

  /// `text` in lines of at most `width` points, broken at spaces.
  package static func lines(_ text: String, size: Double, width: Double) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, self.width(last + " " + word, size: size) <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  /// `text` cut to at most `width` points, an ellipsis in its middle: layer names differ at both ends.
  package static func shortened(_ text: String, size: Double, width: Double) -> String {
    guard self.width(text, size: size) > width else { return text }
    for kept in (2..<max(text.count, 3)).reversed() {
      let cut = text.prefix((kept + 1) / 2) + "…" + text.suffix(kept / 2)
      if self.width(String(cut), size: size) <= width { return String(cut) }
    }
    return "…"
  }

  /// The strokes of `text` in points from its start on the baseline, y down, and the width of each one's pen.
  static func strokes(_ text: String, size: Double) -> [(points: [PlotPoint], pen: Double)] {
    let scale = size / units
    var x = 0.0
    var result: [(points: [PlotPoint], pen: Double)] = []
    for character in text {
      let glyph = glyph(character) ?? missing
      result += glyph.strokes.map { stroke in
        (stroke.map { PlotPoint(($0.x + x) * scale, -$0.y * scale) }, glyph.pen * scale)
      }
      x += glyph.advance
    }
    return result
  }

  private static let missing = parse("12 l 2,0 2,14 10,14 10,0 2,0")
  private static let glyphs: [Character: Glyph] = {
    var glyphs = plotGlyphs.mapValues(parse)
    // Small figures above and below the line: the same strokes, smaller.
    for (raised, positions) in [("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿˡᵏᵀ", 6.5), ("₀₁₂₃₄₅₆₇₈₉₋₊ₙₗₖ", -3)] {
      for (small, base) in zip(raised, "0123456789−+nlkT") {
        guard let glyph = glyphs[base] else { continue }
        glyphs[small] = Glyph(
          advance: glyph.advance * 0.64,
          strokes: glyph.strokes.map { $0.map { PlotPoint($0.x * 0.62, $0.y * 0.62 + positions) } }, pen: 1.2)
      }
    }
    return glyphs
  }()

  private static func glyph(_ character: Character) -> Glyph? { glyphs[character] }

  private static func parse(_ text: String) -> Glyph {
    let words = text.split(separator: " ")
    var strokes: [(kind: Substring, points: [PlotPoint])] = []
    for word in words.dropFirst() {
      let numbers = word.split(separator: ",").compactMap { Double($0) }
      if numbers.count == 2 {
        strokes[strokes.count - 1].points.append(PlotPoint(numbers[0], numbers[1]))
      } else {
        strokes.append((word, []))
      }
    }
    let advance = words.first.flatMap { Double($0) } ?? 0
    return Glyph(
      advance: advance,
      strokes: strokes.map { stroke in
        let points = stroke.kind == "l" ? stroke.points : curve(stroke.points, isClosed: stroke.kind == "o")
        // A little narrower than written down: the pen's width is then left free between letters.
        return points.map { PlotPoint(advance / 2 + 0.92 * ($0.x - advance / 2), $0.y) }
      })
  }

  /// A quadratic B-spline as straight runs: parabolas between the middles of the control polygon's edges.
  private static func curve(_ points: [PlotPoint], isClosed: Bool) -> [PlotPoint] {
    var result: [PlotPoint] = isClosed ? [] : [points[0]]
    let controls = isClosed ? Array(points.indices) : Array(1..<points.count - 1)
    for index in controls {
      let (before, after) = (
        points[(index + points.count - 1) % points.count], points[(index + 1) % points.count]
      )
      let start = !isClosed && index == 1 ? before : (before + points[index]) / 2
      let end = !isClosed && index == points.count - 2 ? after : (points[index] + after) / 2
      for step in (isClosed && result.isEmpty ? 0 : 1)...6 {
        let t = Double(step) / 6
        let (p, q) = (start + (points[index] - start) * t, points[index] + (end - points[index]) * t)
        result.append(p + (q - p) * t)
      }
    }
    return result
  }
}
