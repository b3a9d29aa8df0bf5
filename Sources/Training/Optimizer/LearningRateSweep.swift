// The learning-rate range test: a short run whose rate rises until it fails.
import Core
import ImageData
import Kernels
import Networks

/// Trains with a learning rate that rises exponentially, step by step, and watches the loss (L. N. Smith, "Cyclical
/// Learning Rates for Training Neural Networks", 2017, section 3.3; the exponential course, smoothing and the stop are
/// the usual practice since). Nothing of it is kept but the figures.
package struct LearningRateSweep {
  /// What decides a sweep besides model and images.
  package struct Options: Sendable, Equatable {
    /// The rates of the first and the last step.
    package var lowest = 1e-6, highest = 1.0
    /// Steps between them, both counted.
    package var steps = 200
    /// How much of the running mean of the loss is the mean before.
    package var smoothing = 0.9
    /// The sweep stops where the smoothed loss is so many times its smallest.
    package var divergence = 4.0

    /// The usual ones.
    package init() {}

    /// Throws a usage error whose path is the first property that makes no sense.
    package func validate() throws {
      func require(_ condition: Bool, _ option: String, _ expected: String, _ found: Any) throws {
        guard condition else { throw ScanlineError(.usage, path: option, expected: expected, found: "\(found)") }
      }
      try require(lowest >= 1e-12 && lowest.isFinite, "`lowest`", "a rate of 1e-12 or more", lowest)
      try require(highest > lowest && highest <= 1e6, "`highest`", "a rate above `lowest`, at most 1e6", highest)
      try require((20...1_000_000).contains(steps), "`steps`", "20 to 1000000 steps", steps)
      try require((0..<1).contains(smoothing), "`smoothing`", "a share from 0 to below 1", smoothing)
      try require(divergence > 1 && divergence.isFinite, "`divergence`", "a factor above 1", divergence)
    }
  }

  /// A step of the sweep.
  package struct Point: Sendable, Codable, Equatable {
    /// Steps taken before it.
    package var step: Int
    /// The rate it is taken with.
    package var learningRate: Double
    /// Mean nats of an image of its batch, before the step.
    package var natsPerImage: Double
    /// Their running mean, corrected for its beginning.
    package var smoothedNats: Double

    /// A step.
    package init(step: Int, learningRate: Double, natsPerImage: Double, smoothedNats: Double) {
      (self.step, self.learningRate) = (step, learningRate)
      (self.natsPerImage, self.smoothedNats) = (natsPerImage, smoothedNats)
    }
  }

  /// Why a sweep ended.
  package enum End: String, Sendable, Codable {
    /// At the highest rate.
    case complete
    /// The smoothed loss was too far above its smallest.
    case rising
    /// A loss, a gradient or a weight was not finite.
    case notFinite
    /// It was asked to.
    case stopped
  }

  /// The steps, in order; never empty unless the first loss was not finite.
  package let points: [Point]
  /// Why there are no more.
  package let end: End

  /// Runs the sweep on `images`, from `parameters`, which stay as they are. `training` gives batch, optimizer, dropout and
  /// seed; its length and schedule play no part. `isStopped` is asked before every step, `progress` told after each.
  package init(
    state: RunState, parameters: ParameterVector, images: ImageSet, training: TrainingOptions, options: Options,
    threads: Int, isStopped: () -> Bool = { false }, progress: (Point) -> Void = { _ in }
  ) {
    precondition(images.shape == state.model.shape, "images of \(images.shape) for a model of \(state.model.shape)")
    let model = state.model.makeModel()
    var order = BatchSampler(images: images.count, batchSize: training.batchSize, seed: training.seed)
    let engine = BatchGradient(model: model, batchSize: order.batchSize, threads: threads, dropout: training.dropout)
    let gradient = ParameterVector(layout: model.layout)
    var adam = Adam(parameters: parameters.copy(), options: training.adam)
    var points: [Point] = []
    var (mean, weight, smallest) = (0.0, 0.0, Double.infinity)
    var end = End.complete
    for step in 0..<options.steps {
      guard !isStopped() else {
        end = .stopped
        break
      }
      let plain = state.quantization.batch(
        from: images, indices: order.batch(step: step), epoch: order.epoch(ofStep: step))
      let batch = state.model.augmented(plain, seed: training.seed, step: step)
      let nats = engine.compute(
        batch, parameters: adam.parameters, into: gradient,
        random: Philox(seed: training.seed, purpose: .dropout, stream: UInt64(step)))
      let norms = GradientNorms(gradient, threads: threads)
      let loss = nats.reduce(0, +) / Double(nats.count)
      guard loss.isFinite, norms.firstNotFinite == nil else {
        end = .notFinite
        break
      }
      mean = options.smoothing * mean + (1 - options.smoothing) * loss
      weight = options.smoothing * weight + (1 - options.smoothing)
      let point = Point(
        step: step, learningRate: options.rate(step), natsPerImage: loss, smoothedNats: mean / weight)
      points.append(point)
      progress(point)
      smallest = min(smallest, point.smoothedNats)
      guard point.smoothedNats <= options.divergence * smallest else {
        end = .rising
        break
      }
      adam.update(gradient, norm: norms.global, learningRate: Float(point.learningRate), threads: threads)
    }
    (self.points, self.end) = (points, end)
  }
}

extension LearningRateSweep.Options {
  /// The rate of step number `step`: lowest · (highest/lowest)^(step/(steps − 1)).
  func rate(_ step: Int) -> Double {
    // The power by square roots alone, which every machine rounds alike: the C library's pow is not.
    var (result, root, share) = (1.0, highest / lowest, Double(step) / Double(steps - 1))
    guard share < 1 else { return highest }
    for _ in 0..<52 {
      (root, share) = (root.squareRoot(), share * 2)
      if share >= 1 {
        result *= root
        share -= 1
      }
    }
    return lowest * result
  }
}
