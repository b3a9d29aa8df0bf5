// metrics.jsonl: how well a run has learned, line by line.
import Core
import ImageData
import Networks

/// What is known of a run at one step: of the steps since the record before, or of a held-out evaluation.
public struct MetricsRecord: RunRecord, Equatable {
  /// metrics.jsonl
  public static let fileName = "metrics.jsonl"
  /// How well a run has learned.
  public static let contents = "the metrics of a run (`metricsInterval`)"

  /// The steps since the record before.
  public struct Training: Sendable, Codable, Equatable {
    /// How many steps the means are over.
    public var steps: Int
    /// Mean nats of an image over their batches, each before its update.
    public var natsPerImage: Double
    /// The same over ln 2 · C·H·W.
    public var bitsPerDimension: Double
    /// The learning rate of the last of them.
    public var learningRate: Float
    /// The norm of the last one's gradient, before clipping.
    public var gradientNorm: Double
    /// Images a second since the process began, evaluations not counted.
    public var imagesPerSecond: Double
  }

  /// A held-out evaluation.
  public struct HeldOut: Sendable, Codable, Equatable {
    /// The score of the moving average of the weights.
    public var average: LikelihoodSummary
    /// The score of the weights themselves, on the same images.
    public var raw: LikelihoodSummary
    /// Whether it is the best so far.
    public var isBest: Bool
    /// Whether all held-out images were scored, after the last step.
    public var isFinal: Bool
  }

  /// Steps taken.
  public var step: Int
  /// The epoch, from 1.
  public var epoch: Int
  /// Seconds since the run began, what went before a resume included.
  public var seconds: Double
  /// Of a line about steps.
  public var training: Training?
  /// Of a line about held-out images.
  public var heldOut: HeldOut?

  /// Whether there are steps, an epoch and images, and losses that single precision can hold.
  public var makesSense: Bool {
    func isLoss(_ value: Double) -> Bool { abs(value) < 1e36 }
    func isSane(_ summary: LikelihoodSummary) -> Bool {
      summary.images > 0 && isLoss(summary.natsPerImage) && isLoss(summary.bitsPerDimension)
        && [summary.standardError, summary.bitsStandardError].allSatisfy { $0.map { (0..<1e36).contains($0) } ?? true }
    }
    return RunState.canHave(step: step) && RunState.canHave(step: epoch) && epoch > 0 && (0..<1e12).contains(seconds)
      && training.map {
        RunState.canHave(step: $0.steps) && isLoss($0.natsPerImage) && isLoss($0.bitsPerDimension)
      } ?? true
      && heldOut.map { isSane($0.average) && isSane($0.raw) } ?? true
  }
}

/// The steps since the last record of the loss, whose mean the next one gives. It is part of a run's state, so that a record
/// after a resume is over as many steps as any other.
public struct MetricsWindow: Sendable, Codable, Equatable {
  /// How many steps.
  public internal(set) var steps = 0
  /// The sum of their batches' mean nats of an image.
  public internal(set) var nats = 0.0

  /// This with one step more.
  func adding(_ nats: Double) -> MetricsWindow { MetricsWindow(steps: steps + 1, nats: self.nats + nats) }
}

/// Makes records of a trainer's events.
public struct MetricsRecorder {
  private let interval: Int
  private let shape: ImageShape
  private var window: MetricsWindow
  private var epoch = 1

  /// A recorder that makes a record of every `interval` steps' means, on images of `shape`; 0: of evaluations alone. Of a
  /// resumed run it goes on from `state`.
  public init(interval: Int, shape: ImageShape, from state: RunState? = nil) {
    precondition(interval >= 0, "a record every \(interval) steps")
    (self.interval, self.shape) = (interval, shape)
    window = state?.window ?? MetricsWindow()
    guard let state, let order = state.order, state.step > 0 else { return }
    epoch = (state.step - 1) / max(order.stepsPerEpoch, 1) + 1
  }

  /// The record that is due after `event`.
  public mutating func record(_ event: TrainingEvent) -> MetricsRecord? {
    switch event {
    case .step(let step):
      epoch = step.epoch + 1
      window = window.adding(step.natsPerImage)
      guard interval > 0, step.step % interval == 0 else { return nil }
      defer { window = MetricsWindow() }
      let mean = window.nats / Double(window.steps)
      return MetricsRecord(
        step: step.step, epoch: epoch, seconds: step.elapsedSeconds,
        training: MetricsRecord.Training(
          steps: window.steps, natsPerImage: mean,
          bitsPerDimension: LikelihoodSummary.bitsPerDimension(mean, shape: shape),
          learningRate: step.learningRate, gradientNorm: step.gradientNorm, imagesPerSecond: step.imagesPerSecond))
    case .evaluated(let evaluation):
      return MetricsRecord(
        step: evaluation.step, epoch: epoch, seconds: evaluation.elapsedSeconds,
        heldOut: MetricsRecord.HeldOut(
          average: evaluation.summary, raw: evaluation.raw, isBest: evaluation.isBest, isFinal: evaluation.isFinal))
    case .gradients, .histograms, .saved: return nil
    }
  }
}
