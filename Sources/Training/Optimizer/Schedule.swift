// The learning rate over the course of a run.
import Kernels

/// Linear warm-up, then a constant, cosine or exponential course.
public struct Schedule: Sendable, Codable, Equatable {
  /// What follows the warm-up.
  public enum Course: String, Sendable, Codable, CaseIterable {
    /// The base rate throughout.
    case constant
    /// Half a cosine from the base rate to zero at the end of the run (Loshchilov and Hutter, SGDR, 2017).
    case cosine
    /// The base rate times `decay` a step.
    case exponential
  }

  /// The course after the warm-up.
  public var course = Course.cosine
  /// The rate at the end of the warm-up.
  public var baseRate: Float = 2e-3
  /// Steps over which the rate rises linearly from zero.
  public var warmupSteps = 100
  /// The share of the run after which the warm-up is over, however few steps that are; nil: only steps count.
  public var warmupShare: Double?
  /// The factor a step of the exponential course.
  public var decay = 0.999_977

  /// The defaults.
  public init() {}

  /// The warm-up that nobody chose takes this share of a run at most.
  package static let mostWarmup = 0.1

  /// Makes the warm-up the default one of a run of `steps` steps, or of one that the clock ends: 100 steps, and a tenth of
  /// the run at most.
  package mutating func setDefaultWarmup(steps: Int?) {
    let usual = Schedule().warmupSteps
    warmupSteps = steps.map { min(usual, Int(Double($0) * Self.mostWarmup)) } ?? usual
    // Only a schedule that follows the clock anyway: any other can be repeated by its steps, bit for bit.
    warmupShare = steps == nil && course == .cosine ? Self.mostWarmup : nil
  }

  /// The rate of step number `step` (from 0) of a run that is `progress` (0 to 1) through.
  public func rate(step: Int, progress: Double) -> Float {
    var warmup = step < warmupSteps ? Double(step + 1) / Double(warmupSteps) : 1
    if warmup < 1, let warmupShare, warmupShare > 0 { warmup = max(warmup, min(progress / warmupShare, 1)) }
    let factor: Double
    switch course {
    case .constant: factor = 1
    case .cosine: factor = (1 + cosineOfPi(times: min(max(progress, 0), 1))) / 2
    case .exponential: factor = power(decay, step)
    }
    return Float(Double(baseRate) * warmup * factor)
  }
}

/// cos(π·x) for 0 ≤ x ≤ 1 by its series, within 10⁻¹⁵: the same on every machine, unlike the C library's.
package func cosineOfPi(times x: Double) -> Double {
  guard x <= 0.5 else { return -cosineOfPi(times: 1 - x) }
  let square = (x * Double.pi) * (x * Double.pi)
  var (term, sum) = (1.0, 1.0)
  for n in stride(from: 2, through: 22, by: 2) {
    term *= -square / Double(n * (n - 1))
    sum += term
  }
  return sum
}
