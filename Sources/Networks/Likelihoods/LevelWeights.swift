// The levels of one pixel with their unnormalized probabilities, and the one that a uniform number means.
import Kernels

/// exp(z − m) of every level's z, m the largest, sixteen levels a vector; 0 past the last level.
struct LevelWeights {
  private let levels: Int
  private(set) var shares: [FloatVector]
  /// m
  private(set) var largest: Float = 0
  /// Σ exp(z − m), and its logarithm.
  private(set) var sum: Float = 0, logSum: Float = 0

  /// Weights of `levels` levels.
  init(levels: Int) {
    self.levels = levels
    shares = [FloatVector](repeating: .zero, count: Lanes.roundUp(levels) / Lanes.count)
  }

  /// Takes `z`, logarithms up to a term, of sixteen levels at a time, −∞ past the last level.
  mutating func takeLogarithms(_ z: (_ vector: Int) -> FloatVector) {
    var most = FloatVector(repeating: -.infinity)
    for i in shares.indices {
      let z = z(i)
      shares[i] = z
      most = most.replacing(with: z, where: .!(z .<= most))
    }
    largest = most[0]
    for lane in 1..<Lanes.count where !(most[lane] <= largest) { largest = most[lane] }
    var sums = FloatVector.zero
    for i in shares.indices {
      let e = exponential(shares[i] - largest)
      shares[i] = e
      sums += e
    }
    sum = laneSum(sums)
    // Where one level is likely, the others' part is lost in 1 + it: 6·10⁻⁸ nats a value, 10⁻⁴ and more an image.
    logSum =
      sum < 2
      ? logarithmOfOnePlus(FloatVector(repeating: sumOfOthers()))[0] : logarithm(FloatVector(repeating: sum))[0]
  }

  /// The sum without the largest, whose exponential is 1. There is no other 1 where the sum is below 2.
  private func sumOfOthers() -> Float {
    var sums = FloatVector.zero
    for e in shares { sums += e.replacing(with: 0, where: e .== 1) }
    return laneSum(sums)
  }

  /// The first level whose cumulative probability exceeds `uniform`. Rounding may leave the sum just below it; then the
  /// last level that can occur is meant.
  func level(_ uniform: Float) -> Int {
    let limit = uniform * sum
    var cumulative: Float = 0
    var level = 0
    for q in 0..<levels {
      let share = shares[q / Lanes.count][q % Lanes.count]
      cumulative += share
      if share > 0 { level = q }
      if limit < cumulative { break }
    }
    return level
  }
}
