// How far a mean could have come out otherwise: the bootstrap.
import Kernels

/// Means of rows of numbers over resampled images, percentile intervals of them and of their differences (Efron,
/// "Bootstrap Methods: Another Look at the Jackknife", 1979). All rows are about the same n images, and a resample of n
/// images, drawn with replacement, is the same for all rows: so differences are paired.
///
/// Images are drawn by Philox: resample r of a seed is a stream of its own, so nothing depends on `threads`. A draw of 32
/// bits makes an image likelier than another by n/2³² at most.
public struct Bootstrap: Sendable {
  /// Resamples where nothing is said.
  public static let standardResamples = 10_000

  /// The share of resamples that an interval holds.
  public let level: Double
  /// [row][resample]
  private let means: [[Double]]

  /// Resamples `rows`, each of n numbers, n ≥ 1.
  public init(
    _ rows: [[Double]], resamples: Int = standardResamples, level: Double = 0.95, seed: UInt64, threads: Int
  ) {
    let (rowCount, count) = (rows.count, rows.first?.count ?? 0)
    precondition(rowCount > 0 && count > 0 && rows.allSatisfy { $0.count == count }, "rows of the same images")
    precondition(resamples >= 40 && level > 0 && level < 1 && count <= UInt32.max, "resamples of a level in 0 to 1")
    self.level = level
    // [image][row], so that a draw reads one place.
    let values = (0..<count * rowCount).map { rows[$0 % rowCount][$0 / rowCount] }
    var sums = [Double](repeating: 0, count: resamples * rowCount)
    let block = 50
    sums.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let sums = buffer
      parallelFor((resamples + block - 1) / block, threads: threads) { part, _ in
        for resample in part * block..<min((part + 1) * block, resamples) {
          let random = Philox(seed: seed, purpose: .bootstrap, stream: UInt64(resample))
          let target = sums[resample * rowCount..<(resample + 1) * rowCount]
          let sum = UnsafeMutableBufferPointer(rebasing: target)
          for first in stride(from: 0, to: count, by: 4) {
            let four = random.four(at: UInt64(first / 4))
            for lane in 0..<min(4, count - first) {
              let image = Int((UInt64(four[lane]) &* UInt64(count)) >> 32)
              for row in 0..<rowCount { sum[row] += values[image &* rowCount &+ row] }
            }
          }
        }
      }
    }
    means = (0..<rowCount).map { row in (0..<resamples).map { sums[$0 * rowCount + row] / Double(count) } }
  }

  /// Where the mean of `row` lies.
  public func interval(_ row: Int) -> ClosedRange<Double> { percentiles(means[row]) }

  /// Where the mean of `row` minus that of `other` lies: exactly 0 to 0 for equal rows.
  public func interval(_ row: Int, minus other: Int) -> ClosedRange<Double> {
    percentiles(zip(means[row], means[other]).map { $0 - $1 })
  }

  /// With R resamples and a tail of k = R·(1 − level)/2: from the k-th smallest to the k-th largest.
  private func percentiles(_ values: [Double]) -> ClosedRange<Double> {
    let sorted = values.sorted()
    let tail = max(1, Int((Double(sorted.count) * (1 - level) / 2).rounded()))
    return sorted[tail - 1]...sorted[sorted.count - tail]
  }
}
