// Frequencies given the pixels to the left and above.
import Core
import ImageData
import Kernels

/// Counts of levels in contexts of earlier pixels, from coarse contexts to fine ones.
///
/// At depth d every context value is one of at most 2ᵈ bins that training fills evenly; depth 0 has no context. A depth
/// backs off to the one before (Witten and Bell, "The zero-frequency problem", 1991): with n(q) of the N values counted in
/// a context, of T different levels,
///
///     p(q) = (n(q) + T·p′(q)) / (N + T)
///
/// where p′ is the coarser depth's; below depth 0 every level is equally likely. So p sums to 1 whatever was counted. How
/// deep to go, and which `ContextView` to take, is decided on every fifth training image after counting the others; then
/// these are counted too.
package struct ContextBaseline: Baseline {
  /// See `Baseline`.
  package let name = "left/upper contexts"
  /// See `Baseline`.
  package let inWords: String
  /// Values that are counted at most: beyond, images are left out evenly.
  private static let mostValues = 20_000_000

  private let view: ContextView
  /// [channel][depth]
  private var tables: [[ContextTable]]

  /// Counts the levels of `training`, of which there are `levels`. The result does not depend on `threads`.
  package init(fitting training: ImageBatch, levels: Int, threads: Int = 1) {
    let dimensions = training.shape.dimensions
    let used = min(training.count, max(1, Self.mostValues / dimensions))
    let images = (0..<used).map { $0 * training.count / used }
    let chosen = images.indices.filter { $0 % 5 == 4 }.map { images[$0] }
    let counted = chosen.isEmpty ? images : images.indices.filter { $0 % 5 != 4 }.map { images[$0] }
    var best: (cost: Double, baseline: ContextBaseline)?
    for kind in ContextView.Kind.allCases where kind == .levels || levels > 2 {
      var baseline = ContextBaseline(kind, training, images: counted, levels: levels, depths: .max, threads: threads)
      let costs = baseline.costsByDepth(training, images: chosen.isEmpty ? images : chosen, threads: threads)
      let depth = costs.indices.min { costs[$0] < costs[$1] } ?? 0
      guard best.map({ costs[depth] < $0.cost }) ?? true else { continue }
      baseline.tables = baseline.tables.map { Array($0.prefix(depth + 1)) }
      best = (costs[depth], baseline)
    }
    guard var result = best?.baseline else { preconditionFailure("one kind at least") }
    result.count(training, images: chosen, threads: threads)
    self.init(view: result.view, tables: result.tables)
  }

  /// Counts `images` in contexts of one kind, to at most `depths` depths.
  package init(
    _ kind: ContextView.Kind, _ training: ImageBatch, images: [Int], levels: Int, depths: Int, threads: Int = 1
  ) {
    let view = ContextView(kind, shape: training.shape, levels: levels)
    let tables = (0..<training.shape.channels).map { channel in
      ContextTable.empty(view, channel: channel, training, images: images, depths: depths)
    }
    self.init(view: view, tables: tables)
    count(training, images: images, threads: threads)
  }

  private init(view: ContextView, tables: [[ContextTable]]) {
    (self.view, self.tables) = (view, tables)
    inWords =
      "counts of the \(view.inWords), in up to \(tables.map { $0.last?.contexts ?? 1 }.max() ?? 1) contexts of pixels to "
      + "the left and above\(view.shape.channels > 1 ? " and of the pixel's earlier channels" : "")"
  }

  /// See `Baseline`. The images must have the shape of those counted.
  package func nats(_ batch: ImageBatch, image: Int) -> Double {
    var total = 0.0
    forEachValue(batch, image: image) { channel, probabilities in
      total -= naturalLogarithm(probabilities(tables[channel].count - 1))
    }
    return total
  }

  /// Every table is a task: which of them a thread counts changes no count.
  private mutating func count(_ batch: ImageBatch, images: [Int], threads: Int) {
    let positions = tables.indices.flatMap { channel in tables[channel].indices.map { (channel, $0) } }
    var flat = positions.map { tables[$0.0][$0.1] }
    let view = view
    flat.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let flat = buffer
      parallelFor(positions.count, threads: threads) { task, _ in
        flat[task].count(view, channel: positions[task].0, batch, images: images)
      }
    }
    for (task, position) in positions.enumerated() { tables[position.0][position.1] = flat[task] }
  }

  /// Nats of `images` if the deepest table were that of each depth.
  private func costsByDepth(_ batch: ImageBatch, images: [Int], threads: Int) -> [Double] {
    let depths = tables.map(\.count).max() ?? 0
    var costs = [Double](repeating: 0, count: images.count * depths)
    costs.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let costs = buffer
      parallelFor(images.count, threads: threads) { position, _ in
        forEachValue(batch, image: images[position]) { channel, probability in
          for depth in 0..<depths {
            costs[position * depths + depth] -= naturalLogarithm(probability(min(depth, tables[channel].count - 1)))
          }
        }
      }
    }
    return (0..<depths).map { depth in images.indices.reduce(0) { $0 + costs[$1 * depths + depth] } }
  }

  /// Calls `body` for every value of an image in raster order with its channel and its probability by depth.
  private func forEachValue(_ batch: ImageBatch, image: Int, _ body: (Int, (Int) -> Double) -> Void) {
    let shape = batch.shape
    precondition(shape == view.shape, "images of \(view.shape), not \(shape)")
    let deepest = tables.map(\.count).max() ?? 0
    var probabilities = [Double](repeating: 0, count: deepest)
    for y in 0..<shape.height {
      for x in 0..<shape.width {
        for c in 0..<shape.channels {
          let seen = view.read(batch.levels, image: image, y: y, x: x, c: c)
          var p = 1 / Double(view.levels)
          for depth in tables[c].indices {
            p = tables[c][depth].probability(of: seen.symbol, seen.context, coarser: p)
            probabilities[depth] = p
          }
          body(c) { probabilities[$0] }
        }
      }
    }
  }
}

/// The counts of one channel at one depth.
package struct ContextTable: Sendable {
  /// How many contexts there are.
  let contexts: Int
  private let levels: Int
  /// For each of four context values the bin that it falls in, times the bins of those before it.
  private let bins: [[Int]]
  /// contexts × L
  private var counts: [UInt32]
  /// Of each context.
  private var totals: [UInt32], kinds: [UInt32]
  /// Counts that a table may have.
  private static let mostCounts = 1 << 24

  /// Tables of ever finer contexts, until they tell all values apart or grow too large, `depths` at most.
  static func empty(
    _ view: ContextView, channel: Int, _ training: ImageBatch, images: [Int], depths: Int
  ) -> [ContextTable] {
    let slots = view.slots(channel)
    var histograms = [[Int]](repeating: [Int](repeating: 0, count: view.range), count: slots)
    view.forEach(training, images: images, channel: channel) { _, context in
      for slot in 0..<slots { histograms[slot][context[slot]] += 1 }
    }
    let most = histograms.map { $0.count { $0 > 0 } }.max() ?? 1
    var tables: [ContextTable] = []
    for depth in 0..<min(depths, 9) {
      let parts = histograms.map { evenBins($0, count: 1 << depth) }
      let contexts = parts.reduce(1) { $0 * (($1.max() ?? 0) + 1) }
      guard tables.isEmpty || contexts <= mostCounts / view.levels else { break }
      tables.append(ContextTable(parts, contexts: contexts, levels: view.levels))
      if 1 << depth >= most { break }
    }
    return tables
  }

  private init(_ parts: [[Int]], contexts: Int, levels: Int) {
    var factor = 1
    bins = parts.map { part in
      defer { factor *= (part.max() ?? 0) + 1 }
      return part.map { $0 * factor }
    }
    (self.contexts, self.levels) = (contexts, levels)
    counts = [UInt32](repeating: 0, count: contexts * levels)
    totals = [UInt32](repeating: 0, count: contexts)
    kinds = totals
  }

  private func number(of context: SIMD4<Int>) -> Int {
    var number = 0
    for slot in bins.indices { number += bins[slot][context[slot]] }
    return number
  }

  mutating func count(_ view: ContextView, channel: Int, _ batch: ImageBatch, images: [Int]) {
    view.forEach(batch, images: images, channel: channel) { symbol, values in
      let context = number(of: values)
      if counts[context * levels + symbol] == 0 { kinds[context] += 1 }
      counts[context * levels + symbol] += 1
      totals[context] += 1
    }
  }

  func probability(of symbol: Int, _ values: SIMD4<Int>, coarser: Double) -> Double {
    let context = number(of: values)
    let (total, kinds) = (Double(totals[context]), Double(kinds[context]))
    guard total > 0 else { return coarser }
    return (Double(counts[context * levels + symbol]) + kinds * coarser) / (total + kinds)
  }

  /// For each value of a histogram its bin: at most `count` bins in ascending order, filled as evenly as single values
  /// allow. A value that is more frequent than a bin's share has one of its own.
  package static func evenBins(_ histogram: [Int], count: Int) -> [Int] {
    var result = [Int](repeating: 0, count: histogram.count)
    var (bin, inside, left) = (0, 0, histogram.reduce(0, +))
    for (value, frequency) in histogram.enumerated() {
      // The share of the bins that are left; a bin ends where a value would bring it farther from its share.
      let share = (left + inside) / max(1, count - bin)
      if inside > 0, bin < count - 1, frequency > 0, 2 * inside + frequency > 2 * share {
        bin += 1
        inside = 0
      }
      result[value] = bin
      inside += frequency
      left -= frequency
    }
    return result
  }
}
