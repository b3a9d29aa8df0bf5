// The training loop.
import Evaluation
import ImageData
import Kernels
import Networks

/// What the world asks of a running trainer; looked at before every step.
public enum TrainingRequest: Sendable, Equatable {
  /// Go on.
  case none
  /// Save, then go on.
  case save
  /// Save, then stop.
  case stop
}

/// What a trainer tells whoever watches.
public enum TrainingEvent: Sendable {
  /// A step was taken.
  case step(StepReport)
  /// Held-out images were scored; `isFinal` when all of them were.
  case evaluated(EvaluationReport)
  /// The gradient flow of a step was recorded, after the step itself was told.
  case gradients(GradientRecord)
  /// How the gradient of the same step is spread, told after it.
  case histograms(GradientHistograms)
  /// A checkpoint was written to this folder.
  case saved(String)
}

/// One step, in figures.
public struct StepReport: Sendable {
  /// Steps taken, this one included.
  public let step: Int
  /// The last step, where it is known; else an estimate from the clock.
  public let expectedSteps: Int
  /// The epoch, from 0.
  public let epoch: Int
  /// Mean nats of an image over the batch.
  public let natsPerImage: Double
  /// Images a second since the run was started or resumed, evaluations not counted.
  public let imagesPerSecond: Double
  /// Seconds that remain.
  public let remainingSeconds: Double
  /// The learning rate.
  public let learningRate: Float
  /// The norm of the gradient before clipping.
  public let gradientNorm: Double
  /// Seconds since the run began.
  public let elapsedSeconds: Double
}

/// A held-out evaluation.
public struct EvaluationReport: Sendable {
  /// Steps taken.
  public let step: Int
  /// Seconds since the run began.
  public let elapsedSeconds: Double
  /// The score of the moving-average weights.
  public let summary: LikelihoodSummary
  /// The score of the weights themselves, on the same images.
  public let raw: LikelihoodSummary
  /// Whether it is the best so far.
  public let isBest: Bool
  /// Whether all held-out images were scored, after the last step.
  public let isFinal: Bool
}

/// Trains a model on a set of images. It reads no clock and no file of its own accord: time comes from `now`, and
/// checkpoints go where `save` puts them.
public final class Trainer {
  /// How a run ended.
  public enum Outcome: Sendable, Equatable {
    /// It is complete.
    case finished
    /// It was asked to stop, and saved.
    case stopped
  }

  /// The state; `step` and `best` move while the trainer runs.
  public private(set) var state: RunState
  /// Weights, their average and Adam's moments.
  public private(set) var adam: Adam
  private let options: TrainingOptions
  private let train: ImageSet
  private let valid: ImageSet?
  private let model: any ImageModel
  private let engine: BatchGradient
  private let gradient: ParameterVector
  private var order: DataOrder
  private let threads: Int
  private let now: () -> Double
  /// The step that was last saved: saving it again would find its name taken.
  private var savedStep: Int?

  /// A trainer that goes on from `state` and `adam`; `isSaved` where they come from a checkpoint of the same run.
  /// `now` gives seconds from any fixed moment.
  public init(
    state: RunState, adam: Adam, train: ImageSet, valid: ImageSet?, threads: Int, isSaved: Bool = false,
    now: @escaping () -> Double
  ) {
    guard let options = state.training else { preconditionFailure("a run needs training options") }
    precondition(
      train.shape == state.model.shape, "images of \(train.shape) for a model of \(state.model.shape)")
    self.state = state
    self.adam = adam
    self.options = options
    self.train = train
    self.valid = valid
    self.threads = threads
    self.now = now
    savedStep = isSaved ? adam.step : nil
    model = state.model.makeModel()
    order = DataOrder(images: train.count, batchSize: options.batchSize, seed: options.seed)
    engine = BatchGradient(model: model, batchSize: order.batchSize, threads: threads, dropout: options.dropout)
    gradient = ParameterVector(layout: model.layout)
  }

  /// Steps of the whole run, where they do not depend on the clock.
  public var totalSteps: Int? { options.length.steps(perEpoch: order.stepsPerEpoch) }

  /// Steps between evaluations: as asked, or the fewest whole epochs that come to 500 steps.
  public var evaluationInterval: Int {
    options.evaluationInterval ?? (499 + order.stepsPerEpoch) / order.stepsPerEpoch * order.stepsPerEpoch
  }

  /// Runs to the end, or until `request` says stop. `save` writes a checkpoint and gives its path; it is called at
  /// every evaluation, on request, and at the end. An evaluation that is asked to stop is given up, and made up for when
  /// the run goes on. Throws `badData` where the state contradicts itself, `diverged` before a step is taken from weights
  /// or moments, or along a loss or gradient, that are not finite, and before such weights are saved; and whatever `save`
  /// throws.
  public func run(
    request: () -> TrainingRequest, save: (RunState, Adam) throws -> String,
    report: (TrainingEvent) throws -> Void
  ) throws -> Outcome {
    guard state.order == nil || state.order == order.position(step: adam.step) else {
      throw ScanlineError(
        .badData, path: "state.json", expected: "the order of images that seed, batch and step give",
        found: "another one")
    }
    var clock = RunClock(now: now, elapsedBefore: state.elapsedSeconds)
    func saveOnce() throws {
      guard savedStep != adam.step else { return }
      try demandFiniteState("after step \(adam.step)", "nothing was saved")
      state.step = adam.step
      state.order = order.position(step: adam.step)
      state.elapsedSeconds = clock.elapsed
      try report(.saved(try save(state, adam)))
      savedStep = adam.step
    }
    // A request to save that comes during an evaluation is met right after it.
    var savesSoon = false
    func mustStop() throws -> Bool {
      switch request() {
      case .none: return false
      case .save:
        savesSoon = true
        return false
      case .stop: return true
      }
    }
    /// Scores the held-out images and tells of it; false where it was asked to stop before it was through.
    func evaluated(isFinal: Bool) throws -> Bool {
      guard let valid else { return true }
      guard let evaluation = try evaluate(valid, clock, isFinal: isFinal, mustStop: mustStop) else { return false }
      state.awaitsEvaluation = nil
      try report(.evaluated(evaluation))
      return true
    }
    func stopped() throws -> Outcome {
      try saveOnce()
      return .stopped
    }
    if state.awaitsEvaluation == true, !isOver(clock), try !evaluated(isFinal: false) { return try stopped() }
    while !isOver(clock) {
      if try mustStop() { return try stopped() }
      if savesSoon {
        savesSoon = false
        try saveOnce()
      }
      let (step, tracked) = try takeStep(&clock)
      try report(.step(step))
      if let tracked {
        try report(.gradients(tracked.record))
        try report(.histograms(tracked.histograms))
      }
      if adam.step % evaluationInterval == 0, !isOver(clock) {
        if try !evaluated(isFinal: false) {
          state.awaitsEvaluation = true
          return try stopped()
        }
        try saveOnce()
      }
    }
    if try !evaluated(isFinal: true) { return try stopped() }
    try saveOnce()
    return .finished
  }

  // MARK: A step

  private typealias Tracked = (record: GradientRecord, histograms: GradientHistograms)

  private func takeStep(_ clock: inout RunClock) throws -> (StepReport, Tracked?) {
    clock.beginStep()
    let step = adam.step
    try demandFiniteState("at step \(step + 1)", "nothing was updated")
    let epoch = order.epoch(ofStep: step)
    let batch = state.quantization.batch(from: train, indices: order.batch(step: step), epoch: epoch)
    let isRecorded = options.gradientInterval > 0 && step % options.gradientInterval == 0
    let tracker = isRecorded ? GradientTracker(model) : nil
    let nats = engine.compute(
      batch, parameters: adam.parameters, into: gradient, observer: tracker?.observer,
      random: Philox(seed: options.seed, purpose: .dropout, stream: UInt64(step)))
    let norms = GradientNorms(gradient, threads: threads)
    try demandFinite(nats, norms, step: step)
    let rate = state.learningRate(step: step, seconds: clock.elapsed, stepsPerEpoch: order.stepsPerEpoch)
    let before = isRecorded ? adam.parameters.copy() : nil
    adam.update(gradient, norm: norms.global, learningRate: rate, threads: threads)
    let natsPerImage = nats.reduce(0, +) / Double(nats.count)
    // A record says how far the weights moved: that must be a number.
    if isRecorded { try demandFiniteState("after step \(adam.step)", "nothing was saved") }
    var tracked: Tracked?
    if let tracker, let before {
      let record = tracker.record(
        step: adam.step, natsPerImage: natsPerImage, gradient: gradient, before: before, after: adam.parameters)
      tracked = (record, tracker.histograms(step: adam.step, gradient: gradient))
    }
    clock.endStep()
    state.lastRate = rate
    let isDue = options.metricsInterval > 0 && adam.step % options.metricsInterval == 0
    state.window = isDue || options.metricsInterval == 0 ? nil : (state.window ?? MetricsWindow()).adding(natsPerImage)
    let report = StepReport(
      step: adam.step,
      expectedSteps: totalSteps ?? clock.expectedSteps(after: adam.step, seconds: limitSeconds),
      epoch: epoch, natsPerImage: natsPerImage,
      imagesPerSecond: Double(order.batchSize) * clock.stepsPerSecond, remainingSeconds: remaining(clock),
      learningRate: rate, gradientNorm: norms.global, elapsedSeconds: clock.elapsed)
    return (report, tracked)
  }

  /// Throws `diverged`, naming the layer, where the loss or the gradient of this step is not finite.
  private func demandFinite(_ nats: [Double], _ norms: GradientNorms, step: Int) throws {
    let lossIsFinite = nats.allSatisfy(\.isFinite)
    if lossIsFinite && norms.firstNotFinite == nil { return }
    let found =
      if !lossIsFinite {
        "a loss that is not finite; the first gradient that is not is that of \(norms.firstNotFinite ?? "no layer")"
      } else {
        "a gradient of \(norms.lastNotFinite ?? "?") that is not finite"
      }
    throw diverged("finite numbers at step \(step + 1)", found, "nothing was updated")
  }

  /// Throws `diverged`, naming the layer, where weights, their average or a moment are not finite. A gradient can be
  /// finite and its square not: then the second moment is infinite, and the weight would never move again, unnoticed.
  private func demandFiniteState(_ place: String, _ consequence: String) throws {
    let vectors = [
      ("weights", adam.parameters), ("averaged weights", adam.average), ("first moments of", adam.firstMoment),
      ("second moments of", adam.secondMoment),
    ]
    for (name, vector) in vectors {
      if let tensor = GradientNorms(vector, threads: threads).firstNotFinite {
        throw diverged("finite numbers \(place)", "\(name) \(tensor) that are not finite", consequence)
      }
    }
  }

  private func diverged(_ expected: String, _ found: String, _ consequence: String) -> ScanlineError {
    ScanlineError(
      .diverged, path: "training", expected: expected,
      found: "\(found); \(consequence), and a lower --learning-rate or --clip may help")
  }

  // MARK: Length

  private var limitSeconds: Double? { options.length.seconds }

  private func isOver(_ clock: RunClock) -> Bool {
    if let totalSteps { return adam.step >= totalSteps }
    return clock.elapsed >= limitSeconds ?? 0
  }

  private func remaining(_ clock: RunClock) -> Double {
    if let totalSteps { return Double(totalSteps - adam.step) / max(clock.stepsPerSecond, 1e-9) }
    return max(0, (limitSeconds ?? 0) - clock.elapsed)
  }

  // MARK: Evaluation

  /// Images that each thread scores between two looks at what is asked for: well below a second's work of usual models,
  /// a few seconds' of large ones.
  private static let imagesBetweenRequests = 64

  /// Scores held-out images with the moving average, and with the weights themselves; nil where it was asked to stop meanwhile. Whether it is the best so
  /// far is decided on the same images each time, those of the intervals. Throws `diverged` where a score is not finite:
  /// such weights are not saved.
  private func evaluate(
    _ valid: ImageSet, _ clock: RunClock, isFinal: Bool, mustStop: () throws -> Bool
  ) throws -> EvaluationReport? {
    let chosen = Philox(seed: options.seed, purpose: .dataOrder, stream: .max)
      .permutation(count: valid.count).prefix(options.evaluationImages)
    let indices = isFinal ? Array(0..<valid.count) : Array(chosen)
    let piece = Self.imagesBetweenRequests * threads
    /// nil where it was asked to stop.
    func scores(_ parameters: ParameterVector, _ name: String) throws -> [Double]? {
      let scorer = Scorer(model: model, parameters: parameters, threads: threads)
      var nats: [Double] = []
      for start in stride(from: 0, to: indices.count, by: piece) {
        if start > 0, try mustStop() { return nil }
        nats += scorer.nats(
          valid, indices: Array(indices[start..<min(start + piece, indices.count)]), state.quantization)
      }
      guard nats.allSatisfy(\.isFinite) else {
        throw diverged(
          "finite nats of held-out images after step \(adam.step)",
          GradientNorms(parameters, threads: threads).firstNotFinite.map {
            "\(name) \($0) that are not finite"
          } ?? "\(nats.filter { !$0.isFinite }.count) of \(nats.count) that are not", "nothing was saved")
      }
      return nats
    }
    guard let nats = try scores(adam.average, "averaged weights"),
      // Where nothing is averaged the two are the same.
      let raw = options.adam.averageDecay == 0 ? nats : try scores(adam.parameters, "weights")
    else { return nil }
    let compared = isFinal ? chosen.map { nats[$0] } : nats
    let mean = compared.reduce(0, +) / Double(compared.count)
    let isBest = mean < state.best?.natsPerImage ?? .infinity
    if isBest { state.best = RunState.Best(step: adam.step, natsPerImage: mean) }
    return EvaluationReport(
      step: adam.step, elapsedSeconds: clock.elapsed,
      summary: LikelihoodSummary(nats, shape: valid.shape),
      raw: LikelihoodSummary(raw, shape: valid.shape), isBest: isBest, isFinal: isFinal)
  }
}

/// Time in a run: what went before a resume counts, and steps are timed apart from evaluations.
private struct RunClock {
  private let now: () -> Double
  private let start: Double
  private var stepStart = 0.0
  private var stepSeconds = 0.0
  private var steps = 0

  init(now: @escaping () -> Double, elapsedBefore: Double) {
    self.now = now
    start = now() - elapsedBefore
  }

  /// Seconds of the whole run.
  var elapsed: Double { now() - start }
  /// Steps a second since this process began.
  var stepsPerSecond: Double { stepSeconds > 0 ? Double(steps) / stepSeconds : 0 }

  mutating func beginStep() { stepStart = now() }
  mutating func endStep() {
    stepSeconds += now() - stepStart
    steps += 1
  }

  /// The steps that a run of `seconds` may come to.
  func expectedSteps(after step: Int, seconds: Double?) -> Int {
    step + Int(max(0, (seconds ?? elapsed) - elapsed) * stepsPerSecond)
  }
}
