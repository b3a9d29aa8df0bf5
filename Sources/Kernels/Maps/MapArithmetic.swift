// Sums and copies of maps, where no convolution does them on the way. All maps of a call have one size.

/// Some positions of some rows of a map.
package struct MapRegion: Sendable {
  /// Rows.
  package let rows: Range<Int>
  /// Positions in each row.
  package let columns: Range<Int>

  /// `columns` of `rows`.
  package init(rows: Range<Int>, columns: Range<Int>) {
    self.rows = rows
    self.columns = columns
  }

  /// `columns` of one row.
  package init(row: Int, columns: Range<Int>) { self.init(rows: row..<row + 1, columns: columns) }

  /// All of `map`.
  package init(allOf map: FeatureMap) { self.init(rows: 0..<map.height, columns: 0..<map.width) }
}

/// target[y] = a[y] + b[y] in `region`.
package func add(_ a: FeatureMap, _ b: FeatureMap, to target: FeatureMap, in region: MapRegion) {
  checkSizes(a, b, target, region)
  for y in region.rows { addRow(a, b, y, target, y, region.columns) }
}

/// target[y] = a[y] + b[y − 1] in `region`: two directions put together, the second moved down one row, a row of zeros
/// in front (b has a border above).
package func addShiftedDown(_ a: FeatureMap, _ b: FeatureMap, to target: FeatureMap, in region: MapRegion) {
  checkSizes(a, b, target, region)
  precondition(b.border.top >= 1, "the second map needs a row of zeros above")
  for y in region.rows { addRow(a, b, y - 1, target, y, region.columns) }
}

/// target[y] = source[y] in `region`.
package func copy(_ source: FeatureMap, to target: FeatureMap, in region: MapRegion) {
  checkSizes(source, source, target, region)
  let (first, count) = (region.columns.lowerBound, region.columns.count * target.pixelStride)
  for y in region.rows { target.pixel(y, first).update(from: source.pixel(y, first), count: count) }
}

/// target[y] = 0 in `region`.
package func clear(_ target: FeatureMap, in region: MapRegion) {
  checkSizes(target, target, target, region)
  let (first, count) = (region.columns.lowerBound, region.columns.count * target.pixelStride)
  for y in region.rows { target.pixel(y, first).update(repeating: 0, count: count) }
}

/// target[y] = source[y + shift] for every row; rows past the source's last count as zeros.
package func copyRows(_ source: FeatureMap, shiftedBy shift: Int, to target: FeatureMap) {
  checkSizes(source, source, target, MapRegion(allOf: target))
  let count = target.width * target.pixelStride
  for y in 0..<target.height {
    if y + shift < target.height {
      target.pixel(y, 0).update(from: source.pixel(y + shift, 0), count: count)
    } else {
      target.pixel(y, 0).update(repeating: 0, count: count)
    }
  }
}

/// Row `row` of `target` = row `row` of `a` + row `rowOfB` of `b`.
private func addRow(
  _ a: FeatureMap, _ b: FeatureMap, _ rowOfB: Int, _ target: FeatureMap, _ row: Int, _ columns: Range<Int>
) {
  let first = columns.lowerBound
  let (p, q, t) = (a.pixel(row, first), b.pixel(rowOfB, first), target.pixel(row, first))
  let count = columns.count &* target.pixelStride
  var i = 0
  while i < count {
    store(load(p, i) + load(q, i), t, i)
    i &+= Lanes.count
  }
}

func checkSizes(_ a: FeatureMap, _ b: FeatureMap, _ c: FeatureMap, _ region: MapRegion) {
  precondition(
    a.height == b.height && a.height == c.height && a.width == b.width && a.width == c.width
      && a.pixelStride == b.pixelStride && a.pixelStride == c.pixelStride, "maps of different sizes")
  precondition(
    region.rows.lowerBound >= 0 && region.rows.upperBound <= c.height && region.columns.lowerBound >= 0
      && region.columns.upperBound <= c.width, "a region outside of the map")
}

/// target += source, `count` floats of whole vectors.
package func addVector(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int) {
  for i in stride(from: 0, to: count, by: Lanes.count) {
    store(load(target, i) + load(UnsafeMutablePointer(mutating: source), i), target, i)
  }
}

/// target = source + a + b, `count` floats of whole vectors.
package func addVectors(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, to source: UnsafePointer<Float>,
  into target: UnsafeMutablePointer<Float>, count: Int
) {
  for i in stride(from: 0, to: count, by: Lanes.count) {
    let vectors = load(UnsafeMutablePointer(mutating: a), i) + load(UnsafeMutablePointer(mutating: b), i)
    store(load(UnsafeMutablePointer(mutating: source), i) + vectors, target, i)
  }
}
