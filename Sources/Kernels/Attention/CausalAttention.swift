// Attention of every position to all before it, in raster order: forward for one query at a time, backward for an image.
import CScanline

/// The sizes of a layer of causal attention over N positions.
package struct AttentionSize: Sendable, Equatable {
  /// Heads.
  package let heads: Int
  /// Features of a head's keys and queries, and of its values.
  package let key: Int, value: Int
  /// N
  package let positions: Int

  /// `heads` heads over `positions` positions; `heads`·`key` and `value` are whole vectors.
  package init(heads: Int, key: Int, value: Int, positions: Int) {
    precondition(heads * key % Lanes.count == 0 && value % Lanes.count == 0, "keys and values come in whole vectors")
    (self.heads, self.key, self.value, self.positions) = (heads, key, value, positions)
  }

  /// Features of all heads' keys, and of their values.
  package var keys: Int { heads * key }
  package var values: Int { heads * value }
  /// Positions, rounded up to whole vectors: keys lie [16 positions][feature][position].
  package var rounded: Int { Lanes.roundUp(positions) }
  /// 1/√(features of a key)
  var scale: Float { 1 / Float(key).squareRoot() }
}

/// What the positions before a query hold, of one image.
package struct AttentionMemory {
  /// Keys, [16 positions][feature][position], and values, [position][feature].
  package let keys: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>
  private let size: AttentionSize

  /// Image `image` of those in two maps of one row: `rounded` positions an image, of all heads' keys and values.
  package init(_ keys: FeatureMap, _ values: FeatureMap, image: Int, _ size: AttentionSize) {
    self.keys = keys.pixel(0, image * size.rounded)
    self.values = values.pixel(0, image * size.rounded)
    self.size = size
  }

  /// Stores what position `position` holds: all heads' keys, then their values.
  package func store(_ source: UnsafePointer<Float>, at position: Int) {
    let block = keys + (position / Lanes.count * size.keys * Lanes.count + position % Lanes.count)
    for feature in 0..<size.keys { block[feature * Lanes.count] = source[feature] }
    (values + position * size.values).update(from: source + size.keys, count: size.values)
  }
}

/// Attention of one query, in room of its own for the scores of a row.
///
///     a = softmax over q < p of (query(p) · key(q)) / √features          output(p) = Σ a(q) value(q), 0 where p = 0
///
/// Vaswani et al., "Attention Is All You Need" (2017), with the mask of Chen et al., "PixelSNAIL" (2018): a position never
/// sees itself. The sums are taken in one order whatever else is computed beside.
package final class AttentionQuery {
  private let size: AttentionSize
  private let scores: AlignedBuffer

  /// For layers of `size`.
  package init(_ size: AttentionSize) {
    self.size = size
    scores = AlignedBuffer(count: size.rounded)
  }

  /// The output at `position` given all heads' `query`. Leaves for each head in `statistics` the largest score and one over
  /// the sum of exponentials.
  package func run(
    _ query: UnsafePointer<Float>, at position: Int, _ memory: AttentionMemory, to output: UnsafeMutablePointer<Float>,
    statistics: UnsafeMutablePointer<Float>
  ) {
    for head in 0..<size.heads {
      let target = output + head * size.value
      guard position > 0 else {
        target.update(repeating: 0, count: size.value)
        (statistics[2 * head], statistics[2 * head + 1]) = (0, 0)
        continue
      }
      let largest = score(query, head, position, memory)
      let factor = 1 / exponentiate(largest, position)
      (statistics[2 * head], statistics[2 * head + 1]) = (largest, factor)
      for first in stride(from: 0, to: size.value, by: Lanes.count) {
        let mean = weightedSum(memory.values + (head * size.value + first), position) * factor
        store(mean, target, first)
      }
    }
  }

  /// The scores of all positions before `position`, −∞ in what is left of the last vector; the largest.
  private func score(
    _ query: UnsafePointer<Float>, _ head: Int, _ position: Int, _ memory: AttentionMemory
  ) -> Float {
    let (key, keys, scale) = (size.key, size.keys, size.scale)
    var largest = FloatVector(repeating: -.infinity)
    for block in 0..<(position + Lanes.count - 1) / Lanes.count {
      let column = memory.keys + (block &* keys &+ head &* key) &* Lanes.count
      var sum = FloatVector.zero
      for d in 0..<key { sum = scanline_fma_scalar(load(column, d &* Lanes.count), query[head &* key &+ d], sum) }
      sum *= scale
      let first = block &* Lanes.count
      if first &+ Lanes.count > position {
        sum.replace(with: -.infinity, where: laneNumbers .>= Int32(position &- first))
      }
      largest.replace(with: sum, where: sum .> largest)
      store(sum, scores.pointer, first)
    }
    return largest.max()
  }

  /// Replaces the scores by their exponentials over that of the largest; the sum.
  private func exponentiate(_ largest: Float, _ position: Int) -> Float {
    var sum = FloatVector.zero
    for first in stride(from: 0, to: position, by: Lanes.count) {
      let e = inlinedExponential(load(scores.pointer, first) - largest)
      sum += e
      store(e, scores.pointer, first)
    }
    return laneSum(sum)
  }

  /// Σ score · value over the positions before `position`, of sixteen features: four sums in turn, so that none waits for
  /// the one before.
  @inline(__always)
  private func weightedSum(_ values: UnsafeMutablePointer<Float>, _ position: Int) -> FloatVector {
    let (weights, step) = (scores.pointer, size.values)
    var (a, b, c, d) = (FloatVector.zero, FloatVector.zero, FloatVector.zero, FloatVector.zero)
    var q = 0
    while q &+ 4 <= position {
      a = scanline_fma_scalar(load(values, q &* step), weights[q], a)
      b = scanline_fma_scalar(load(values, (q &+ 1) &* step), weights[q &+ 1], b)
      c = scanline_fma_scalar(load(values, (q &+ 2) &* step), weights[q &+ 2], c)
      d = scanline_fma_scalar(load(values, (q &+ 3) &* step), weights[q &+ 3], d)
      q &+= 4
    }
    while q < position {
      a = scanline_fma_scalar(load(values, q &* step), weights[q], a)
      q &+= 1
    }
    return (a + b) + (c + d)
  }
}

/// 0 … 15
private let laneNumbers = SIMD16<Int32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

/// Where the attention of one image is sent back from and to. Maps interleave images; `image` is the one that is meant.
package struct AttentionBackward {
  private let size: AttentionSize
  /// [16 positions][feature][position]: values, the gradients of keys and of values, and two rows: weights, and the gradient
  /// of the scores.
  private let values: AlignedBuffer, keyGradient: AlignedBuffer, valueGradient: AlignedBuffer
  private let weights: AlignedBuffer, scoreGradient: AlignedBuffer

  /// For layers of `size`.
  package init(_ size: AttentionSize) {
    self.size = size
    values = AlignedBuffer(count: size.rounded * size.values)
    keyGradient = AlignedBuffer(count: size.rounded * size.keys)
    valueGradient = AlignedBuffer(count: size.rounded * size.values)
    weights = AlignedBuffer(count: size.rounded)
    scoreGradient = AlignedBuffer(count: size.rounded)
  }

  /// From the gradient `given` of the output to those of the queries, `query`, and of keys and values, `memory`, which has
  /// both side by side.
  package func run(
    queries: FeatureMap, _ held: AttentionMemory, statistics: FeatureMap, given: FeatureMap, image: Int, of images: Int,
    toQueries query: FeatureMap, toMemory memory: FeatureMap
  ) {
    transposeValues(held)
    keyGradient.fill()
    valueGradient.fill()
    let width = given.width / images
    func pixel(_ map: FeatureMap, _ position: Int) -> UnsafeMutablePointer<Float> {
      map.pixel(position / width, position % width * images + image)
    }
    for position in 0..<size.positions {
      for head in 0..<size.heads {
        send(
          pixel(queries, position), held, pixel(statistics, position), pixel(given, position), position, head,
          to: pixel(query, position))
      }
    }
    for position in 0..<size.positions {
      let target = pixel(memory, position)
      let (block, lane) = (position / Lanes.count, position % Lanes.count)
      for f in 0..<size.keys {
        target[f] = keyGradient.pointer[(block &* size.keys &+ f) &* Lanes.count &+ lane]
      }
      for f in 0..<size.values {
        target[size.keys + f] = valueGradient.pointer[(block &* size.values &+ f) &* Lanes.count &+ lane]
      }
    }
  }

  private func transposeValues(_ held: AttentionMemory) {
    for position in 0..<size.positions {
      let (block, lane) = (position / Lanes.count, position % Lanes.count)
      for f in 0..<size.values {
        values.pointer[(block &* size.values &+ f) &* Lanes.count &+ lane] = held.values[position &* size.values &+ f]
      }
    }
  }

  /// One head of one query: δ(q) = a(q) · (given · value(q) − Σ a (given · value)), then query += δ · key, key += δ · query and
  /// value += a · given.
  private func send(
    _ query: UnsafeMutablePointer<Float>, _ held: AttentionMemory, _ statistics: UnsafeMutablePointer<Float>,
    _ given: UnsafeMutablePointer<Float>, _ position: Int, _ head: Int, to target: UnsafeMutablePointer<Float>
  ) {
    let (key, value, scale) = (size.key, size.value, size.scale)
    let (own, slope) = (query + head &* key, given + head &* value)
    guard position > 0 else { return (target + head * key).update(repeating: 0, count: key) }
    let (largest, factor) = (statistics[2 * head], statistics[2 * head + 1])
    let blocks = (position + Lanes.count - 1) / Lanes.count
    var mean = FloatVector.zero
    for block in 0..<blocks {
      let first = block &* Lanes.count
      let column = held.keys + (block &* size.keys &+ head &* key) &* Lanes.count
      var score = FloatVector.zero
      for d in 0..<key { score = scanline_fma_scalar(load(column, d &* Lanes.count), own[d], score) }
      var weight = inlinedExponential(score * scale - largest) * factor
      if first &+ Lanes.count > position {
        weight.replace(with: 0, where: laneNumbers .>= Int32(position &- first))
      }
      let row = values.pointer + (block &* size.values &+ head &* value) &* Lanes.count
      let rowGradient = valueGradient.pointer + (block &* size.values &+ head &* value) &* Lanes.count
      var product = FloatVector.zero
      for e in 0..<value {
        product = scanline_fma_scalar(load(row, e &* Lanes.count), slope[e], product)
        store(
          scanline_fma_scalar(weight, slope[e], load(rowGradient, e &* Lanes.count)), rowGradient, e &* Lanes.count)
      }
      mean = scanline_fma(weight, product, mean)
      store(weight, weights.pointer, first)
      store(product, scoreGradient.pointer, first)
    }
    let total = laneSum(mean)
    for block in 0..<blocks {
      let first = block &* Lanes.count
      store(
        load(weights.pointer, first) * (load(scoreGradient.pointer, first) - total) * scale,
        scoreGradient.pointer, first)
    }
    for d in 0..<key {
      var sum = FloatVector.zero
      for block in 0..<blocks {
        let delta = load(scoreGradient.pointer, block &* Lanes.count)
        let offset = (block &* size.keys &+ head &* key &+ d) &* Lanes.count
        sum = scanline_fma(delta, load(held.keys, offset), sum)
        store(scanline_fma_scalar(delta, own[d], load(keyGradient.pointer, offset)), keyGradient.pointer, offset)
      }
      target[head &* key &+ d] = laneSum(sum)
    }
  }
}
