// Histograms: every number in the bucket whose limits it lies between, found by a plain search.
import Foundation
import Kernels
import Networks
import TestSupport
import Testing

@Suite struct HistogramTests {
  /// The limits as TensorFlow makes them: 10⁻¹² grows by tenths up to 10²⁰, flipped, 0 between, the rest above.
  private static let limits: [Double] = {
    var positive = [1e-12]
    while let last = positive.last, last * 1.1 < 1e20 { positive.append(last * 1.1) }
    return positive.reversed().map { -$0 } + [0] + positive + [.greatestFiniteMagnitude]
  }()

  private func demandPositions(of values: [Float]) {
    var counts: [Double: Int] = [:]
    for value in values {
      counts[Self.limits.first { Double(value) < $0 } ?? .nan, default: 0] += 1
    }
    let buckets = Histogram(values).buckets
    #expect(Dictionary(uniqueKeysWithValues: buckets.filter { $0.count > 0 }.map { ($0.limit, $0.count) }) == counts)
    // In order; and what lies between two is the upper limit's alone.
    for (bucket, next) in zip(buckets, buckets.dropFirst()) {
      #expect(bucket.limit < next.limit)
      #expect(bucket.count > 0 || next.count > 0)
      let position = Self.limits.firstIndex(of: next.limit) ?? 0
      #expect(
        next.count == 0 || Self.limits[position - 1] == bucket.limit, "the bucket up to \(next.limit) begins lower")
    }
  }

  @Test func everyNumberIsInItsBucket() {
    let random = randomValues(2000, stream: 3, scale: 1)
    // Gradients are small, of any scale.
    demandPositions(of: random.enumerated().map { position, x in x * Float(pow(10, Double(position % 40) - 25)) })
    // No limit but 0 is a float; the floats next to them, and what lies beyond all of them.
    #expect(Self.limits.filter { Double(Float($0)) == $0 } == [0])
    let edges = Self.limits.flatMap { limit -> [Float] in
      let near = Float(limit)
      return near.isFinite ? [near.nextDown, near, near.nextUp] : []
    }
    demandPositions(of: edges.filter { $0.isFinite } + [0, -0.0, .leastNonzeroMagnitude, 1e25, -1e25, 3e38, -3e38])
  }

  @Test func sumsAreOfAllNumbers() {
    let histogram = Histogram([-3, 0.5, 2, 2])
    #expect(histogram.count == 4 && histogram.minimum == -3 && histogram.maximum == 2)
    #expect(histogram.sum == 1.5 && histogram.squares == 17.25)
    #expect(histogram.buckets.map(\.count).reduce(0, +) == 4)
    #expect(Histogram([]).buckets.isEmpty && Histogram([0, 0]).buckets.map(\.count) == [2])
  }
}
