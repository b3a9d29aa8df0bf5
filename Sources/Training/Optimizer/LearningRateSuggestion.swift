// What a learning-rate range test says: where the loss falls fastest, where it is smallest, and the rate to begin with.

/// The rate that a sweep suggests, and what it was read from.
package struct LearningRateSuggestion: Sendable, Equatable {
  /// Where the smoothed loss falls fastest over the logarithm of the rate.
  package let steepest: LearningRateSweep.Point
  /// Where the smoothed loss is smallest.
  package let smallest: LearningRateSweep.Point

  /// The rate to train with.
  package var learningRate: Double { smallest.learningRate / 10 }
  /// Why.
  package var reason: String {
    "one tenth of the rate at which the smoothed loss is smallest: there the rate begins to be too high"
  }

  /// Steps to either side that a slope is taken over, of `count` in all: enough that one batch does not decide.
  private static func reach(_ count: Int) -> Int { max(3, count / 40) }

  /// How many times more than batches differ by chance the loss must fall to count.
  private static let significance = 4.0

  /// Reads `points`, of rates that rise evenly on a logarithmic scale; nil where there are too few, or the loss fell by no
  /// more than batches differ: then its smallest value is a matter of chance, as it is for a model that has learned.
  package init?(_ points: [LearningRateSweep.Point]) {
    let reach = Self.reach(points.count)
    guard points.count > 2 * reach,
      let smallest = points.min(by: { ($0.smoothedNats, $0.step) < ($1.smoothedNats, $1.step) }),
      smallest.step > points[reach].step
    else { return nil }
    // The standard deviation of one batch's loss, from neighbours, between which the course itself hardly moves.
    let before = points.prefix { $0.step <= smallest.step }.map(\.natsPerImage)
    let squares = zip(before, before.dropFirst()).reduce(0) { $0 + ($1.1 - $1.0) * ($1.1 - $1.0) }
    let spread = (squares / Double(2 * (before.count - 1))).squareRoot()
    // The beginning is the mean of several batches, as one may be a hard one.
    let fall = points[reach].smoothedNats - smallest.smoothedNats
    guard fall > 0, fall > Self.significance * spread else { return nil }
    // The slope of the straight line through the points from i − reach to i + reach, by least squares; the rates are
    // evenly spaced, so the step may stand for the logarithm.
    let last = points.firstIndex(of: smallest) ?? points.count - 1
    let positions = reach..<min(max(last, reach + 1), points.count - reach)
    let slopes = positions.map { position in
      (-reach...reach).reduce(0) { $0 + Double($1) * points[position + $1].smoothedNats }
    }
    guard let least = slopes.min(), let index = slopes.firstIndex(of: least) else { return nil }
    steepest = points[positions.lowerBound + index]
    self.smallest = smallest
  }
}

extension LearningRateSweep {
  /// Whether the sweep went to its highest rate with the smoothed loss still falling: at its smallest within the last
  /// twentieth of the steps. Then the suggestion is one of the rates that were tried, and a sweep to a higher one may
  /// find a better.
  package var isStillFalling: Bool {
    guard end == .complete, points.count > 2,
      let smallest = points.min(by: { ($0.smoothedNats, $0.step) < ($1.smoothedNats, $1.step) }),
      let first = points.first, smallest.smoothedNats < first.smoothedNats
    else { return false }
    return points.count - 1 - smallest.step <= max(1, points.count / 20)
  }
}
