// A drawing as pixels, with smooth edges.
import Core
import ImageData

extension PlotDrawing {
  /// The drawing as an RGB image, `scale` pixels to a point. It is drawn strip by strip, since pixels under construction
  /// take five times the memory of finished ones.
  package func image(scale: Double) -> PNGImage {
    let size = ImageShape(
      height: Int((height * scale).rounded(.up)), width: Int((width * scale).rounded(.up)), channels: 3)
    var values: [UInt8] = []
    values.reserveCapacity(size.dimensions)
    for top in stride(from: 0, to: size.height, by: 64) {
      var raster = PlotRaster(width: size.width, rows: top..<min(top + 64, size.height))
      for shape in shapes { raster.draw(shape, scale: scale) }
      values.append(contentsOf: raster.values)
    }
    return PNGImage(shape: size, values: values)
  }
}

/// Some rows of an image under construction. Each shape first marks how much of each pixel it covers, so that a line that
/// crosses itself is laid over what is below once, then is blended in.
private struct PlotRaster {
  private let width: Int
  private let rows: Range<Int>
  /// rows × width × 3, 0 to 255.
  private var pixels: [Float]
  /// rows × width, 0 to 1, zero between shapes.
  private var coverage: [Float]
  /// What the present shape has touched.
  private var touched: (left: Int, top: Int, right: Int, bottom: Int)

  init(width: Int, rows: Range<Int>) {
    (self.width, self.rows) = (width, rows)
    pixels = [Float](repeating: 255, count: width * rows.count * 3)
    coverage = [Float](repeating: 0, count: width * rows.count)
    touched = (width, rows.upperBound, 0, 0)
  }

  /// rows × width × 3
  var values: some Sequence<UInt8> { pixels.lazy.map { UInt8($0.rounded()) } }

  /// Where pixel (x, y) lies in the coverage.
  private func position(_ x: Int, _ y: Int) -> Int { (y - rows.lowerBound) * width + x }

  mutating func draw(_ shape: PlotShape, scale: Double) {
    switch shape {
    case .rectangle(let frame, let fill):
      // Edges at whole pixels: neighbours meet without a seam.
      let (left, right) = ((frame.x * scale).rounded(), (frame.right * scale).rounded())
      let (top, bottom) = ((frame.y * scale).rounded(), (frame.bottom * scale).rounded())
      cover([PlotPoint(left, top), PlotPoint(right, top), PlotPoint(right, bottom), PlotPoint(left, bottom)])
      blend(fill)
    case .polygon(let points, let fill):
      cover(points.map { $0 * scale })
      blend(fill)
    case .line(let points, let color, let width, let dash):
      for part in dashed(points, dash) { stroke(part.map { $0 * scale }, radius: width * scale / 2) }
      blend(color)
    case .text(let text, let position, let size, let anchor, let color, let isVertical):
      let back = PlotFont.width(text, size: size) * (anchor == .start ? 0 : anchor == .middle ? 0.5 : 1)
      for (points, pen) in PlotFont.strokes(text, size: size) {
        let placed = points.map { point in
          let moved = PlotPoint(point.x - back, point.y)
          return (position + (isVertical ? PlotPoint(moved.y, -moved.x) : moved)) * scale
        }
        stroke(placed, radius: pen * scale / 2)
      }
      blend(color)
    }
  }

  // MARK: Covering

  /// A pixel is covered by how far its centre lies inside the pen's path, over an edge one pixel wide.
  private mutating func stroke(_ points: [PlotPoint], radius: Double) {
    for (start, end) in zip(points, points.dropFirst()) {
      let reach = radius + 1
      let left = max(0, Int(min(start.x, end.x) - reach)), right = min(width, Int(max(start.x, end.x) + reach) + 1)
      let top = max(rows.lowerBound, Int(min(start.y, end.y) - reach))
      let bottom = min(rows.upperBound, Int(max(start.y, end.y) + reach) + 1)
      guard left < right, top < bottom else { continue }
      touch(left, top, right, bottom)
      let run = end - start
      let length = (run * run).sum()
      for y in top..<bottom {
        for x in left..<right {
          let way = PlotPoint(Double(x) + 0.5, Double(y) + 0.5) - start
          let along = length > 0 ? min(max((way * run).sum() / length, 0), 1) : 0
          let off = way - along * run
          let amount = Float(min(max(radius - (off * off).sum().squareRoot() + 0.5, 0), 1))
          if amount > coverage[position(x, y)] { coverage[position(x, y)] = amount }
        }
      }
    }
  }

  /// The inside of a polygon (even-odd): eight lines through each row of pixels, exact along each.
  private mutating func cover(_ points: [PlotPoint]) {
    guard let first = points.first else { return }
    let top = max(rows.lowerBound, Int(points.reduce(first.y) { min($0, $1.y) }))
    let bottom = min(rows.upperBound, Int(points.reduce(first.y) { max($0, $1.y) }.rounded(.up)))
    guard top < bottom else { return }
    let edges = zip(points, points.dropFirst() + [first])
    for y in top..<bottom {
      for line in 0..<8 {
        let level = Double(y) + (Double(line) + 0.5) / 8
        let crossings = edges.compactMap { start, end -> Double? in
          guard (start.y <= level) != (end.y <= level) else { return nil }
          return start.x + (end.x - start.x) * (level - start.y) / (end.y - start.y)
        }.sorted()
        for pair in stride(from: 0, to: crossings.count - 1, by: 2) {
          span(row: y, from: crossings[pair], to: crossings[pair + 1], weight: 0.125)
        }
      }
    }
  }

  private mutating func span(row: Int, from start: Double, to end: Double, weight: Float) {
    let start = max(start, 0), end = min(end, Double(width))
    guard start < end else { return }
    let (left, right) = (Int(start), min(width, Int(end.rounded(.up))))
    touch(left, row, right, row + 1)
    for x in left..<right {
      let part = min(end, Double(x + 1)) - max(start, Double(x))
      coverage[position(x, row)] += weight * Float(part)
    }
  }

  private mutating func touch(_ left: Int, _ top: Int, _ right: Int, _ bottom: Int) {
    touched = (
      min(touched.left, left), min(touched.top, top), max(touched.right, right), max(touched.bottom, bottom)
    )
  }

  /// Lays `color` over what is covered, and clears the coverage.
  private mutating func blend(_ color: PlotColor) {
    let parts = [Float(color.red), Float(color.green), Float(color.blue)]
    for y in touched.top..<max(touched.top, touched.bottom) {
      for x in touched.left..<max(touched.left, touched.right) where coverage[position(x, y)] > 0 {
        let amount = min(coverage[position(x, y)], 1) * Float(color.opacity)
        coverage[position(x, y)] = 0
        for c in 0..<3 {
          let value = position(x, y) * 3 + c
          pixels[value] += (parts[c] - pixels[value]) * amount
        }
      }
    }
    touched = (width, rows.upperBound, 0, 0)
  }

  /// The marks of a dashed line; all of it where there are no dashes.
  private func dashed(_ points: [PlotPoint], _ dash: [Double]) -> [[PlotPoint]] {
    guard !dash.isEmpty, let first = points.first else { return [points] }
    var parts: [[PlotPoint]] = [[first]]
    var (index, left) = (0, dash[0])
    for (start, end) in zip(points, points.dropFirst()) {
      let way = end - start
      let length = (way * way).sum().squareRoot()
      var done = 0.0
      while length - done > left {
        done += left
        let turn = start + way * (done / length)
        if index.isMultiple(of: 2) { parts[parts.count - 1].append(turn) } else { parts.append([turn]) }
        index += 1
        left = dash[index % dash.count]
      }
      left -= length - done
      if index.isMultiple(of: 2) { parts[parts.count - 1].append(end) }
    }
    return parts.filter { $0.count > 1 }
  }
}
