// Sums and copies of maps, where no convolution does them on the way. All maps of a call have one size.

/// target[y] = a[y] + b[y] in the rows `rows`.
public func add(_ a: FeatureMap, _ b: FeatureMap, to target: FeatureMap, rows: Range<Int>) {
  checkSizes(a, b, target)
  for y in rows { addRow(a.pixel(y, 0), b.pixel(y, 0), target.pixel(y, 0), target) }
}

/// target[y] = a[y] + b[y − 1] in the rows `rows`: two directions put together, the second moved down one row, a row of
/// zeros in front (b has a border above).
public func addShiftedDown(_ a: FeatureMap, _ b: FeatureMap, to target: FeatureMap, rows: Range<Int>) {
  checkSizes(a, b, target)
  precondition(b.border.top >= 1, "the second map needs a row of zeros above")
  for y in rows { addRow(a.pixel(y, 0), b.pixel(y - 1, 0), target.pixel(y, 0), target) }
}

/// target[y] = source[y] in the rows `rows`.
public func copyRows(_ source: FeatureMap, to target: FeatureMap, rows: Range<Int>) {
  checkSizes(source, source, target)
  for y in rows { target.pixel(y, 0).update(from: source.pixel(y, 0), count: target.width * target.pixelStride) }
}

/// target[y] = source[y + shift] for every row; rows past the source's last count as zeros.
public func copyRows(_ source: FeatureMap, shiftedBy shift: Int, to target: FeatureMap) {
  checkSizes(source, source, target)
  let count = target.width * target.pixelStride
  for y in 0..<target.height {
    if y + shift < target.height {
      target.pixel(y, 0).update(from: source.pixel(y + shift, 0), count: count)
    } else {
      target.pixel(y, 0).update(repeating: 0, count: count)
    }
  }
}

/// target[y] = max(source[y], 0) in the rows `rows`.
public func rectify(_ source: FeatureMap, to target: FeatureMap, rows: Range<Int>) {
  checkSizes(source, source, target)
  for y in rows {
    let (s, t) = (source.pixel(y, 0), target.pixel(y, 0))
    var i = 0
    while i < target.width &* target.pixelStride {
      store(OneVector(lanes: load(s, i)).rectified().lanes, t, i)
      i &+= Lanes.count
    }
  }
}

private func addRow(
  _ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, _ target: UnsafeMutablePointer<Float>,
  _ size: FeatureMap
) {
  var i = 0
  while i < size.width &* size.pixelStride {
    store(load(a, i) + load(b, i), target, i)
    i &+= Lanes.count
  }
}

private func checkSizes(_ a: FeatureMap, _ b: FeatureMap, _ c: FeatureMap) {
  precondition(
    a.height == b.height && a.height == c.height && a.width == b.width && a.width == c.width
      && a.pixelStride == b.pixelStride && a.pixelStride == c.pixelStride, "maps of different sizes")
}
