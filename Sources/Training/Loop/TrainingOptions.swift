// Everything about a run that the user decides and that changes its result.
import Core

/// How a run goes. Saved in every checkpoint, so that a resumed run is the same run.
public struct TrainingOptions: Sendable, Codable, Equatable {
  /// When a run is over.
  public enum Length: Sendable, Codable, Equatable {
    /// After so many steps.
    case steps(Int)
    /// After so many passes over the training images.
    case epochs(Double)
    /// After so many minutes of training, evaluation included. The schedule then follows the clock, so two such
    /// runs differ; to repeat one bit for bit, give its steps.
    case minutes(Double)

    private enum CodingKeys: String, CodingKey {
      case steps, epochs, minutes
    }

    /// Reads one of {"steps": n}, {"epochs": x}, {"minutes": x}.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      guard container.allKeys.count == 1, let key = container.allKeys.first else {
        throw DecodingError.dataCorrupted(
          .init(codingPath: decoder.codingPath, debugDescription: "a length is steps, epochs or minutes"))
      }
      self =
        switch key {
        case .steps: .steps(try container.decode(Int.self, forKey: key))
        case .epochs: .epochs(try container.decode(Double.self, forKey: key))
        case .minutes: .minutes(try container.decode(Double.self, forKey: key))
        }
    }

    /// Writes {"steps": n}, {"epochs": x} or {"minutes": x}.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      switch self {
      case .steps(let steps): try container.encode(steps, forKey: .steps)
      case .epochs(let epochs): try container.encode(epochs, forKey: .epochs)
      case .minutes(let minutes): try container.encode(minutes, forKey: .minutes)
      }
    }
  }

  /// Images in a step.
  public var batchSize = 64
  /// The learning rate.
  public var schedule = Schedule()
  /// Adam's constants, clipping and averaging.
  public var adam = AdamOptions()
  /// The share of each layer's features that a step leaves out while training; 0: none.
  public var dropout: Double {
    get { dropoutShare ?? 0 }
    set { dropoutShare = newValue == 0 ? nil : newValue }
  }
  /// When the run is over.
  public var length = Length.epochs(10)
  /// The part of the run that the schedule spans; nil: all of it, as in a run whose length was never changed.
  package var plan: SchedulePlan?
  /// Steps between held-out evaluations; nil: once an epoch, or less often where an epoch is short.
  public var evaluationInterval: Int?
  /// Held-out images scored at an interval, chosen once by the seed; the last evaluation scores all.
  public var evaluationImages = 1_000
  /// Steps between records of the gradient flow; 0: none.
  public var gradientInterval = 50
  /// Steps between records of the loss; 0: of held-out evaluations alone.
  public var metricsInterval: Int {
    get { metricsSteps ?? Self.usualMetricsInterval }
    set { metricsSteps = newValue == Self.usualMetricsInterval ? nil : newValue }
  }
  /// Images in a grid of samples, drawn from the moving average at evaluations; 0: none.
  public var samples: Int {
    get { samplesDrawn ?? Self.usualSamples }
    set { samplesDrawn = newValue == Self.usualSamples ? nil : newValue }
  }
  /// Checkpoints kept besides the best.
  public var checkpointsKept = 2
  /// The seed of weights, data order and dynamic binarization.
  public var seed: UInt64 = 1

  /// Not written where there is none: states from before dropout read as they did.
  private var dropoutShare: Double?
  /// Not written where it is the usual one, for the same reason.
  private var metricsSteps: Int?
  private static let usualMetricsInterval = 20
  private var samplesDrawn: Int?
  private static let usualSamples = 16

  private enum CodingKeys: String, CodingKey {
    case batchSize, schedule, adam, length, evaluationInterval, evaluationImages, gradientInterval, checkpointsKept,
      seed, plan
    case dropoutShare = "dropout"
    case metricsSteps = "metricsInterval"
    case samplesDrawn = "samples"
  }

  /// The defaults.
  public init() {}

  /// The least number of steps of a run whose length nobody chose: ten epochs of a hundred images are ten steps, after which
  /// a model is hardly better than one that calls every level equally likely.
  package static let leastDefaultSteps = 200

  /// Makes the length the default one of a run with `stepsPerEpoch`: 10 epochs, or the fewest whole ones that come to
  /// ``leastDefaultSteps``. So few images are soon learned by heart: then held-out images are scored, unless an interval
  /// was chosen, some twenty times, so that the best step is known.
  package mutating func setDefaultLength(stepsPerEpoch: Int) {
    let least = (Self.leastDefaultSteps + stepsPerEpoch - 1) / stepsPerEpoch
    length = .epochs(Double(max(10, least)))
    if least > 10 { evaluationInterval = evaluationInterval ?? Self.leastDefaultSteps / 20 }
  }

  /// Throws a usage error whose path is the first property that makes no sense.
  public func validate() throws {
    func require(_ condition: Bool, _ option: String, _ expected: String, _ found: Any) throws {
      guard condition else {
        throw ScanlineError(.usage, path: option, expected: expected, found: "\(found)")
      }
    }
    try require((1...65_536).contains(batchSize), "`batchSize`", "1 to 65536 images", batchSize)
    try require(
      schedule.baseRate > 0 && schedule.baseRate.isFinite, "`baseRate`", "a positive number",
      schedule.baseRate)
    try require(schedule.warmupSteps >= 0, "`warmupSteps`", "0 steps or more", schedule.warmupSteps)
    try require(
      schedule.decay > 0 && schedule.decay <= 1, "`decay`", "a number above 0, at most 1", schedule.decay)
    try require(
      adam.clipNorm >= 0 && adam.clipNorm.isFinite, "`clipNorm`", "0 (off) or a positive norm", adam.clipNorm)
    try require((0..<1).contains(adam.averageDecay), "`averageDecay`", "a number from 0 to below 1", adam.averageDecay)
    try require((0..<1).contains(dropout), "`dropout`", "a share from 0 to below 1", dropout)
    try require(
      evaluationInterval.map { $0 > 0 } ?? true, "`evaluationInterval`", "1 step or more", evaluationInterval ?? 0
    )
    try require(evaluationImages > 0, "`evaluationImages`", "1 image or more", evaluationImages)
    try require(gradientInterval >= 0, "`gradientInterval`", "0 (never) or a number of steps", gradientInterval)
    try require(metricsInterval >= 0, "`metricsInterval`", "0 (never) or a number of steps", metricsInterval)
    try require((0...256).contains(samples), "`samples`", "0 (none) to 256 images", samples)
    try require(checkpointsKept > 0, "`checkpointsKept`", "1 checkpoint or more", checkpointsKept)
    if let share = schedule.warmupShare {
      try require(share >= 0 && share <= 1, "the warm-up's share", "a share from 0 to 1", share)
    }
    if let plan {
      try require(
        RunState.canHave(step: plan.firstStep) && plan.firstSeconds >= 0 && plan.firstSeconds.isFinite,
        "the schedule's plan", "a beginning within the run", plan.firstStep)
      try Self.validate(plan.length)
    }
    try Self.validate(length)
  }

  private static func validate(_ length: Length) throws {
    func require(_ condition: Bool, _ option: String, _ expected: String, _ found: Any) throws {
      guard condition else {
        throw ScanlineError(.usage, path: option, expected: expected, found: "\(found)")
      }
    }
    switch length {
    case .steps(let n): try require(n > 0, "`steps`", "1 step or more", n)
    case .epochs(let n): try require(n > 0 && n < 1e9, "`epochs`", "a number above 0, below 1000000000", n)
    case .minutes(let n): try require(n > 0 && n < 1e9, "`minutes`", "a number above 0, below 1000000000", n)
    }
  }
}
