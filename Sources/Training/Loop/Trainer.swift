// The training loop.
import Core
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
  private let model: ImageModel
  private let engine: BatchGradient
  private let gradient: ParameterVector
  private var order: BatchSampler
  private let threads: Int
  private var clock: RunClock
  /// The step that was last saved: saving it again would find its name taken.
  private var savedStep: Int?
  /// Whether a request to save has come that is not met yet.
  private var saveIsAsked = false

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
    clock = RunClock(now: now)
    savedStep = isSaved ? adam.step : nil
    model = state.model.makeModel()
    order = BatchSampler(images: train.count, batchSize: options.batchSize, seed: options.seed)
    engine = BatchGradient(model: model, batchSize: order.batchSize, threads: threads, dropout: options.dropout)
    gradient = ParameterVector(layout: model.layout)
  }

  /// Steps of the whole run, where they do not depend on the clock.
  public var totalSteps: Int? { options.length.steps(perEpoch: order.stepsPerEpoch) }

  /// Steps between evaluations: as asked, or the fewest whole epochs that come to 500 steps.
  public var evaluationInterval: Int {
    options.evaluationInterval ?? (499 + order.stepsPerEpoch) / order.stepsPerEpoch * order.stepsPerEpoch
  }

  /// What a run does next.
  private enum Phase {
    /// Meet a request, then take a step.
    case step
    /// Score the held-out images of an interval, then save.
    case evaluation
    /// Score all held-out images, then end.
    case finalEvaluation
    /// Save, then return.
    case end(Outcome)
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
    try requireOwnOrder()
    clock.start(after: state.elapsedSeconds)
    var phase = isOver ? Phase.finalEvaluation : state.awaitsEvaluation == true ? .evaluation : .step
    while true {
      switch phase {
      case .step:
        if mustStop(request) {
          phase = .end(.stopped)
        } else {
          if saveIsAsked { try saveOnce(save, report) }
          try takeStep(report)
          phase = isOver ? .finalEvaluation : adam.step % evaluationInterval == 0 ? .evaluation : .step
        }
      case .evaluation:
        if try evaluate(isFinal: false, request, report) {
          try saveOnce(save, report)
          phase = isOver(after: state.elapsedSeconds) ? .finalEvaluation : .step
        } else {
          state.awaitsEvaluation = true
          phase = .end(.stopped)
        }
      case .finalEvaluation:
        phase = .end(try evaluate(isFinal: true, request, report) ? .finished : .stopped)
      case .end(let outcome):
        try saveOnce(save, report)
        return outcome
      }
    }
  }

  /// Throws `badData` where the state is of another order of images than its options give.
  private func requireOwnOrder() throws {
    guard state.order == nil || state.order == order.position(step: adam.step) else {
      throw ScanlineError(
        .badData, path: "state.json", expected: "the order of images that seed, batch and step give",
        found: "another one")
    }
  }

  /// Whether the run is asked to stop. A request to save is kept until the next save: during an evaluation that is the
  /// one right after it.
  private func mustStop(_ request: () -> TrainingRequest) -> Bool {
    let asked = request()
    if asked == .save { saveIsAsked = true }
    return asked == .stop
  }

  /// Saves and reports it, unless this step is saved already.
  private func saveOnce(
    _ save: (RunState, Adam) throws -> String, _ report: (TrainingEvent) throws -> Void
  ) throws {
    saveIsAsked = false
    guard savedStep != adam.step else { return }
    try requireFiniteState("after step \(adam.step)", "nothing was saved")
    state.step = adam.step
    state.order = order.position(step: adam.step)
    state.elapsedSeconds = clock.elapsed
    try report(.saved(try save(state, adam)))
    savedStep = adam.step
  }

  // MARK: A step

  /// Takes a step and reports it, and where it is due the gradient flow of this step.
  private func takeStep(_ report: (TrainingEvent) throws -> Void) throws {
    clock.beginStep()
    let step = adam.step
    try requireFiniteState("at step \(step + 1)", "nothing was updated")
    let epoch = order.epoch(ofStep: step)
    let images = state.quantization.batch(from: train, indices: order.batch(step: step), epoch: epoch)
    let batch = state.model.augmented(images, seed: options.seed, step: step)
    let isRecorded = options.gradientInterval > 0 && step % options.gradientInterval == 0
    let tracker = isRecorded ? GradientTracker(model) : nil
    let nats = engine.compute(
      batch, parameters: adam.parameters, into: gradient, observer: tracker?.observer,
      random: Philox(seed: options.seed, purpose: .dropout, stream: UInt64(step)))
    let norms = GradientNorms(gradient, threads: threads)
    try requireFinite(nats, norms, step: step)
    let rate = state.learningRate(step: step, seconds: clock.elapsed, stepsPerEpoch: order.stepsPerEpoch)
    let before = isRecorded ? adam.parameters.copy() : nil
    adam.update(gradient, norm: norms.global, learningRate: rate, threads: threads)
    let natsPerImage = nats.reduce(0, +) / Double(nats.count)
    // A record says how far the weights moved: that must be a number.
    if isRecorded { try requireFiniteState("after step \(adam.step)", "nothing was saved") }
    let record = before.flatMap {
      tracker?.record(
        step: adam.step, natsPerImage: natsPerImage, gradient: gradient, before: $0, after: adam.parameters)
    }
    let histograms = tracker?.histograms(step: adam.step, gradient: gradient)
    clock.endStep()
    state.lastRate = rate
    let isDue = options.metricsInterval > 0 && adam.step % options.metricsInterval == 0
    state.window = isDue || options.metricsInterval == 0 ? nil : (state.window ?? MetricsWindow()).adding(natsPerImage)
    try report(
      .step(
        StepReport(
          step: adam.step,
          expectedSteps: totalSteps ?? clock.expectedSteps(after: adam.step, seconds: limitSeconds),
          epoch: epoch, natsPerImage: natsPerImage,
          imagesPerSecond: Double(order.batchSize) * clock.stepsPerSecond, remainingSeconds: remainingSeconds,
          learningRate: rate, gradientNorm: norms.global, elapsedSeconds: clock.elapsed)))
    if let record { try report(.gradients(record)) }
    if let histograms { try report(.histograms(histograms)) }
  }

  /// Throws `diverged`, naming the layer, where the loss or the gradient of this step is not finite.
  private func requireFinite(_ nats: [Double], _ norms: GradientNorms, step: Int) throws {
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
  private func requireFiniteState(_ position: String, _ consequence: String) throws {
    if adam.isFinite(threads: threads) { return }
    let vectors = [
      ("weights", adam.parameters), ("averaged weights", adam.average), ("first moments of", adam.firstMoment),
      ("second moments of", adam.secondMoment),
    ]
    for (name, vector) in vectors {
      if let tensor = GradientNorms(vector, threads: threads).firstNotFinite {
        throw diverged("finite numbers \(position)", "\(name) \(tensor) that are not finite", consequence)
      }
    }
  }

  private func diverged(_ expected: String, _ found: String, _ consequence: String) -> ScanlineError {
    ScanlineError(
      .diverged, path: "training", expected: expected,
      found: "\(found); \(consequence), and a lower `baseRate` or `clipNorm` may help")
  }

  // MARK: Length

  private var limitSeconds: Double? { options.length.seconds }

  private var isOver: Bool { isOver(after: clock.elapsed) }

  /// Whether nothing is left to be trained after so many seconds. Behind a save it is asked of the seconds that were saved: if
  /// time ran out while saving, another step is taken, so that the last checkpoint says that the run is over.
  private func isOver(after seconds: Double) -> Bool {
    totalSteps.map { adam.step >= $0 } ?? (seconds >= limitSeconds ?? 0)
  }

  private var remainingSeconds: Double {
    if let totalSteps { return Double(totalSteps - adam.step) / max(clock.stepsPerSecond, 1e-9) }
    return max(0, (limitSeconds ?? 0) - clock.elapsed)
  }

  // MARK: Evaluation

  /// Images that each thread scores between two looks at what is asked for: well below a second's work of usual models,
  /// a few seconds' of large ones.
  private static let imagesBetweenRequests = 64

  /// Scores held-out images with the moving average and with the weights themselves, and reports it; false where it was
  /// asked to stop before it was through. Whether a score is the best so far is decided on the same images each time,
  /// those of the intervals. Throws `diverged` where a score is not finite: such weights are not saved.
  private func evaluate(
    isFinal: Bool, _ request: () -> TrainingRequest, _ report: (TrainingEvent) throws -> Void
  ) throws -> Bool {
    guard let valid else { return true }
    let chosen = Philox(seed: options.seed, purpose: .dataOrder, stream: .max)
      .permutation(count: valid.count).prefix(options.evaluationImages)
    let indices = isFinal ? Array(0..<valid.count) : Array(chosen)
    guard let nats = try scores(of: adam.average, "averaged weights", valid, indices, request),
      // Where nothing is averaged the two are the same.
      let raw = options.adam.averageDecay == 0
        ? nats : try scores(of: adam.parameters, "weights", valid, indices, request)
    else { return false }
    state.awaitsEvaluation = nil
    let compared = isFinal ? chosen.map { nats[$0] } : nats
    let mean = compared.reduce(0, +) / Double(compared.count)
    let isBest = mean < state.best?.natsPerImage ?? .infinity
    if isBest { state.best = RunState.Best(step: adam.step, natsPerImage: mean) }
    try report(
      .evaluated(
        EvaluationReport(
          step: adam.step, elapsedSeconds: clock.elapsed, summary: LikelihoodSummary(nats, shape: valid.shape),
          raw: LikelihoodSummary(raw, shape: valid.shape), isBest: isBest, isFinal: isFinal)))
    return true
  }

  /// The nats of each of the images `indices` of `valid`; nil where it was asked to stop meanwhile.
  private func scores(
    of parameters: ParameterVector, _ name: String, _ valid: ImageSet, _ indices: [Int],
    _ request: () -> TrainingRequest
  ) throws -> [Double]? {
    let scorer = Scorer(model: model, parameters: parameters, threads: threads)
    let piece = Self.imagesBetweenRequests * threads
    var nats: [Double] = []
    for start in stride(from: 0, to: indices.count, by: piece) {
      if start > 0, mustStop(request) { return nil }
      let part = indices[start..<min(start + piece, indices.count)]
      nats += scorer.nats(state.quantization.batch(from: valid, indices: part))
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
}

/// Time in a run: what went before a resume counts, and steps are timed apart from evaluations.
private struct RunClock {
  private let now: () -> Double
  private var start = 0.0
  private var stepStart = 0.0
  private var stepSeconds = 0.0
  private var steps = 0

  init(now: @escaping () -> Double) { self.now = now }

  /// Starts anew, `seconds` into the run.
  mutating func start(after seconds: Double) {
    self = RunClock(now: now)
    start = now() - seconds
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
