// How far a mean could have come out otherwise: 95% intervals by the bootstrap-t and Student's t.
import Core
import Kernels
import Networks

/// 95% intervals of the means of rows of numbers, each over the same n images.
///
/// Student's t is exact for normally distributed numbers, however few, but too short for skewed ones. The bootstrap-t
/// (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 12) takes the distribution of
/// (mean* − mean) / (standard error*) from resamples of the images, and so follows the skew; with few images, or a few
/// outliers, it can be too short. Each end of an interval is the farther of the two. Coverage in percent, 1,500 samples
/// each, of nominal 95:
///
/// | n | normal: percentiles | BCa | this | log-normal, σ = 1: percentiles | BCa | t | this |
/// | --- | --- | --- | --- | --- | --- | --- | --- |
/// | 10 | 90 | 90 | 96 | 80 | 82 | 84 | 91 |
/// | 20 | 93 | 93 | 97 | 85 | 88 | 86 | 93 |
/// | 30 | 94 | 94 | 97 | 88 | 90 | 88 | 94 |
/// | 100 | 95 | 95 | 96 | 92 | 92 | 92 | 96 |
///
/// Below ``fewestImages`` images resamples say too little, and the interval is Student's t alone. A single image has none.
///
/// Images are drawn by Philox: resample r of a seed is a stream of its own, so nothing depends on `threads`. A draw of 32
/// bits makes an image likelier than another by n/2³² at most.
package struct Bootstrap: Sendable {
  /// The default number of resamples.
  package static let defaultResamples = 10_000
  /// Images that it takes to resample them, and to call a difference one.
  package static let fewestImages = 10

  private let intervals: [ClosedRange<Double>?]

  /// Resamples `rows`, each of n numbers, n ≥ 1. All rows are resampled alike.
  package init(_ rows: [[Double]], resamples: Int = defaultResamples, seed: UInt64, threads: Int) {
    let count = rows.first?.count ?? 0
    precondition(count > 0 && rows.allSatisfy { $0.count == count }, "rows of the same images")
    precondition(resamples >= 40 && count <= UInt32.max, "resamples that have percentiles")
    let summaries = rows.map { LikelihoodSummary($0, shape: ImageShape(height: 1, width: 1, channels: 1)) }
    guard count >= Self.fewestImages else {
      intervals = summaries.map(\.studentInterval)
      return
    }
    // Distances from the mean, so that squares lose no digits.
    let distances = zip(rows, summaries).map { row, summary in row.map { $0 - summary.natsPerImage } }
    let ratios = Self.ratios(distances, resamples: resamples, seed: seed, threads: threads)
    intervals = zip(summaries, ratios).map { Self.interval($0, ratios: $1) }
  }

  /// Where the mean of `row` lies; nil for a single image.
  package func interval(_ row: Int) -> ClosedRange<Double>? { intervals[row] }

  /// For each of `rows`, whose means are 0, mean over standard error in every resample: [row][resample]. A resample
  /// whose numbers are all the same has no error: its ratio is infinite.
  private static func ratios(_ rows: [[Double]], resamples: Int, seed: UInt64, threads: Int) -> [[Double]] {
    let (rowCount, count) = (rows.count, rows.first?.count ?? 0)
    // [image][row], so that a draw reads one position.
    let values = (0..<count * rowCount).map { rows[$0 % rowCount][$0 / rowCount] }
    var result = [Double](repeating: 0, count: resamples * rowCount)
    let block = 50
    result.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let result = buffer
      parallelFor((resamples + block - 1) / block, threads: threads) { part, _ in
        var (sums, squares) = ([Double](repeating: 0, count: rowCount), [Double](repeating: 0, count: rowCount))
        for resample in part * block..<min((part + 1) * block, resamples) {
          let random = Philox(seed: seed, purpose: .bootstrap, stream: UInt64(resample))
          for row in 0..<rowCount { (sums[row], squares[row]) = (0, 0) }
          for first in stride(from: 0, to: count, by: 4) {
            let four = random.four(at: UInt64(first / 4))
            for lane in 0..<min(4, count - first) {
              let image = Int((UInt64(four[lane]) &* UInt64(count)) >> 32)
              for row in 0..<rowCount {
                let value = values[image &* rowCount &+ row]
                sums[row] += value
                squares[row] += value * value
              }
            }
          }
          for row in 0..<rowCount {
            result[resample * rowCount + row] = ratio(sum: sums[row], squares: squares[row], count: Double(count))
          }
        }
      }
    }
    return (0..<rowCount).map { row in (0..<resamples).map { result[$0 * rowCount + row] } }
  }

  /// Mean over standard error of `count` numbers of this sum and sum of squares.
  private static func ratio(sum: Double, squares: Double, count: Double) -> Double {
    guard sum != 0 else { return 0 }
    let mean = sum / count
    let variance = squares - sum * mean
    // What rounding leaves of a variance of 0 is no variance.
    guard variance > 1e-12 * squares else { return mean > 0 ? .infinity : -.infinity }
    return mean / (variance / (count - 1) / count).squareRoot()
  }

  /// With R resamples and a tail of k = R·2.5%: from the mean less the k-th largest ratio, in standard errors, to the
  /// mean less the k-th smallest; Student's t where it reaches farther or a ratio is infinite.
  private static func interval(_ summary: LikelihoodSummary, ratios: [Double]) -> ClosedRange<Double>? {
    guard let student = summary.studentInterval, let error = summary.standardError else { return nil }
    guard error > 0 else { return student }
    let sorted = ratios.sorted()
    let tail = max(1, Int((Double(sorted.count) * 0.025).rounded()))
    let ends = (sorted[sorted.count - tail], sorted[tail - 1])
    let lower = ends.0.isFinite ? summary.natsPerImage - ends.0 * error : student.lowerBound
    let upper = ends.1.isFinite ? summary.natsPerImage - ends.1 * error : student.upperBound
    return min(lower, student.lowerBound)...max(upper, student.upperBound)
  }
}
