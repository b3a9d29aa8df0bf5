// A run that takes milliseconds: what the tests of the trainer and of checkpoints train.
import Core
import ImageData
import Networks
import Testing
import Training

/// A small PixelCNN on a few small images, with everything switched on that carries state from step to step.
struct TinyRun {
  /// Not square, so that a swap of the sides would show.
  static let shape = ImageShape(height: 5, width: 7, channels: 1)
  var train = Self.noise(46, stream: 1)
  var valid: ImageSet? = Self.noise(9, stream: 2)
  /// Dynamic: the draw depends on the epoch, so a resume that lost count would show.
  var binarization: Binarization? = .dynamic
  var options = TrainingOptions()
  var augmentation: Augmentation?

  init() {
    // 46 images in batches of 12: three steps an epoch, ten images left out of each.
    options.batchSize = 12
    options.length = .steps(20)
    options.schedule.warmupSteps = 5
    // Low enough that steps are clipped.
    options.adam.clipNorm = 1
    options.dropout = 0.25
    options.evaluationInterval = 6
    options.evaluationImages = 4
    options.seed = 7
  }

  /// Images of random grey values.
  static func noise(_ count: Int, stream: UInt64) -> ImageSet {
    let random = Philox(seed: 5, purpose: .test, stream: stream)
    return ImageSet(
      shape: shape,
      pixels: (0..<count * shape.dimensions).map { UInt8(random.below(256, at: UInt64($0))) })
  }

  /// Upright stripes, black first in one half of the images and white first in the other: one bit of chance.
  static func stripes(_ count: Int) -> ImageSet {
    ImageSet(
      shape: shape,
      pixels: (0..<count * shape.dimensions).map {
        let (image, position) = $0.quotientAndRemainder(dividingBy: shape.dimensions)
        return (image + position % shape.width) % 2 == 0 ? 0 : 255
      })
  }

  /// What a run on one thread that is stopped after step `stop` has saved.
  func saved(after stop: Int, in scratch: Scratch) throws -> (state: RunState, adam: Adam) {
    let folder = scratch.path + "/\(stop)"
    let part = try trainer(threads: 1)
    _ = try part.run(
      request: { part.adam.step == stop ? .stop : .none },
      save: { state, adam in
        if adam.step == stop { try Checkpoint.save(adam, state: state, to: folder) }
        return folder
      }, report: { _ in })
    return try Checkpoint.load(folder)
  }

  /// The state at step 0.
  func state() throws -> RunState {
    let quantization = try Quantization(levels: 2, binarization: binarization, seed: options.seed)
    return RunState(
      model: ModelConfiguration(width: 8, blocks: 2, shape: Self.shape, levels: 2, augmentation: augmentation),
      quantization: quantization,
      data: RunState.Data(
        folder: "somewhere/é", loading: ImageLoadingOptions(), heldOutShare: 0.1, splitSeed: 3, train: train,
        valid: valid),
      training: options)
  }

  /// A trainer at step 0, or at the step of `saved`. Time stands still unless `now` moves it.
  func trainer(
    threads: Int = 2, from saved: (state: RunState, adam: Adam)? = nil, now: @escaping () -> Double = { 0 }
  ) throws -> Trainer {
    let state = try saved?.state ?? state()
    let adam =
      saved?.adam
      ?? Adam(
        parameters: state.model.makeModel().initialParameters(seed: options.seed), options: options.adam)
    return Trainer(
      state: state, adam: adam, train: train, valid: valid, threads: threads, isSaved: saved != nil, now: now)
  }
}

extension Trainer {
  /// Runs with nobody asking for anything, saving nowhere.
  @discardableResult
  func run(_ report: (TrainingEvent) -> Void = { _ in }) throws -> Outcome {
    try run(request: { .none }, save: { _, _ in "nowhere" }, report: report)
  }
}

/// Every number that a step changes, bit for bit.
func bits(_ adam: Adam) -> [[UInt32]] {
  [adam.parameters, adam.average, adam.firstMoment, adam.secondMoment].map {
    $0.storage.elements.map(\.bitPattern)
  }
}
