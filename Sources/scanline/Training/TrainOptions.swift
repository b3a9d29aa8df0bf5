// The options of `scanline train` that decide the model and the course of training.
import ArgumentParser
import Core
import ImageData
import Kernels
import Networks
import Training

extension LikelihoodKind: ExpressibleByArgument {}
extension Schedule.Course: ExpressibleByArgument {}

/// Which model: by default the ``Recipe`` for the images and the length. Options are nil where the user said nothing: a resumed run refuses those that were given.
struct ModelOptions: ParsableArguments {
  @Option(
    help: """
      Model family: pixelcnn, gated-pixelcnn, mdrnn, diagonal-lstm, linear-rnn or pixelsnail (default: with its size, \
      likelihood, batch and rate what suits the images and the length best; pixelcnn where its size or layers are given).
      """)
  var model: ModelKind?
  @Option(help: "Features of the residual stream, an even number from 2 to 4096 (default: 32).") var width: Int?
  @Option(
    help:
      "Residual blocks or layers, at most 1000 (default: 15, of a gated-pixelcnn 8, of an mdrnn 1, of a diagonal-lstm 7, of a linear-rnn 4)."
  )
  var blocks: Int?
  @Option(help: "bernoulli, categorical or logistic-mixture (default: categorical, bernoulli for 2 levels).")
  var likelihood: LikelihoodKind?
  @Option(help: "Of a logistic-mixture: how many logistics, 1 to 256 (default: 10).") var mixtures: Int?
  @OptionGroup var layers: LayerOptions
  @Option(
    help: """
      The order of pixels: rows, from the top and the left, flipped, from the right, upward, from the bottom, reversed, both, \
      or columns, of square images (default: rows).
      """)
  var order: RasterOrder?
  @Option(
    help: ArgumentHelp(
      """
      How training images are transformed, each on its own, which the network is told: flip, left to right, \
      vertical-flip, top to bottom, transpose, of square images, shift:N, by N pixels at most either way; with commas \
      between them. Scores and samples are those of images as they are (default: not at all).
      """, valueName: "flip,vertical-flip,transpose,shift:N"))
  var augment: String?
  @Option(help: "How weights begin: uniform, he or glorot (default: uniform).") var initialization: Initialization?

  /// In place of images whose size is not known yet: of a size that every choice goes with.
  static let anyShape = ImageShape(height: 64, width: 64, channels: 1)

  /// Whether nothing says which family it is: neither that nor what families have a size and layers of.
  var isOpen: Bool {
    model == nil && width == nil && blocks == nil && initialization == nil && layers.givenOfFamily == nil
  }

  /// Where nothing says which family it is, takes what was not said from the recipe for the images of `set`, says what it
  /// chose, and returns it; `batch` is what the user gave.
  mutating func chooseRecipe(
    for set: ImageSet, levels: Int, length: TrainingOptions.Length, batch: Int?, threads: Int, _ console: Console
  ) -> Recipe? {
    guard isOpen else { return nil }
    let recipe = Recipe(
      shape: set.shape, levels: levels, count: set.count, length: length, likelihood: likelihood, batchSize: batch,
      threads: threads)
    (model, width, blocks) = (Recipe.model, recipe.width, recipe.blocks)
    likelihood = recipe.likelihood
    layers.skip = layers.skip ?? recipe.skip
    console.line(recipe.inWords(shape: set.shape, levels: levels))
    return recipe
  }

  /// The model on images of `shape`. Throws a usage error, under `path`, where there is none like it.
  func configuration(shape: ImageShape, levels: Int, path: String) throws -> ModelConfiguration {
    let kind = model ?? .pixelCNN
    let configuration = ModelConfiguration(
      model: kind, width: width ?? 32, blocks: blocks ?? kind.type.blocks.standard, shape: shape, levels: levels,
      likelihood: likelihood, mixtures: mixtures, activation: layers.activation, residual: layers.residual,
      directions: layers.directions, cell: layers.cell, attention: layers.attention,
      wholeRows: layers.wholeRows, initialization: initialization ?? .uniform, order: order ?? .rows, skip: layers.skip,
      augmentation: try augment.map { try Augmentation(parsing: $0) })
    try configuration.validate(path: path)
    return configuration
  }

  /// `configuration`, which was made before the images were read, for those of `set`, and with its classes where they are
  /// to be learned. Throws `badData`, under `path`, where there are none, and a usage error where there is no such model.
  func fitted(
    _ configuration: ModelConfiguration, to set: ImageSet, classConditional: Bool, path: String
  ) throws -> ModelConfiguration {
    var configuration = configuration
    configuration.shape = set.shape
    // The usual width does not split into three colours.
    if configuration.isChannelAutoregressive && width == nil { configuration.width = 36 }
    if classConditional {
      guard !set.classNames.isEmpty else {
        throw ScanlineError(
          .badData, path: path, expected: "a subfolder for each class, which --class-conditional learns",
          found: "images without classes")
      }
      configuration.classNames = set.classNames
    }
    try configuration.validate(path: path)
    return configuration
  }

  var given: String? {
    firstGiven([
      "--model": model, "--width": width, "--blocks": blocks, "--likelihood": likelihood, "--mixtures": mixtures,
      "--initialization": initialization, "--order": order, "--augment": augment,
    ]) ?? layers.given
  }
}

extension Activation: ExpressibleByArgument {}
extension RasterOrder: ExpressibleByArgument {}
extension MatrixOptimizer: ExpressibleByArgument {}
extension CellKind: ExpressibleByArgument {}
extension ResidualOrder: ExpressibleByArgument {}
extension Initialization: ExpressibleByArgument {}

struct LayerOptions: ParsableArguments {
  @Option(help: "relu, tanh or sigmoid, of a pixelcnn (default: relu) or an mdrnn (default: tanh).")
  var activation: Activation?
  @Option(
    help: """
      none, pre (a layer adds to its input) or post (the activation follows the sum) (default: pre, of an mdrnn none).
      """)
  var residual: ResidualOrder?
  @Option(help: "Of a recurrent model: 1, from the left, or 2 (default: 1, of a diagonal-lstm 2).")
  var directions: Int?
  @Option(help: "Of an mdrnn: plain, an activated sum, or gru (default: plain).") var cell: CellKind?
  @Option(
    help: """
      Of a pixelsnail, a diagonal-lstm or a linear-rnn: layers of causal attention among the others (default: 0, of a \
      pixelsnail 2).
      """)
  var attention: Int?
  @Flag(
    help: """
      Of a diagonal-lstm: the direction from the right reads the pixels of the row above too, and so its last one.
      """)
  var wholeRows = false
  @Option(
    help: """
      The kernel size, an odd number from 3, of a masked convolution of the image that is added to the logits: pixels about \
      predict the next one directly; 0: none (default: 0).
      """)
  var skip: Int?

  /// The first option that was given of those that not all families have.
  var givenOfFamily: String? {
    firstGiven([
      "--activation": activation, "--residual": residual, "--directions": directions, "--cell": cell,
      "--attention": attention, "--whole-rows": wholeRows ? true : nil,
    ])
  }

  var given: String? { givenOfFamily ?? firstGiven(["--skip": skip]) }
}

/// The first of `options` that has a value.
func firstGiven(_ options: KeyValuePairs<String, Any?>) -> String? { options.first { $0.value != nil }?.key }

struct TrainingFlags: ParsableArguments {
  @Option(help: "Stop after so many steps, 1 or more.") var steps: Int?
  @Option(
    help: """
      Stop after so many passes over the images, above 0 and below 1e9 (default: 10, or as many as make 200 steps).
      """)
  var epochs: Double?
  @Option(
    help: "Stop after so many minutes, above 0 and below 1e9, evaluation included. The schedule then follows the clock."
  )
  var minutes: Double?
  @Option(help: "Images in a step (1 to 65536; default: 64).") var batch: Int?
  @Option(help: "The learning rate after warm-up, above 0 (default: 0.002).") var learningRate: Float?
  @Option(help: "What moves the matrices of hidden layers: adam, as all else, or muon (default: adam).")
  var optimizer: MatrixOptimizer?
  @Option(help: "The course of the learning rate: constant, cosine or exponential (default: cosine).")
  var schedule: Schedule.Course?
  @Option(
    help: """
      Steps over which the rate rises from zero, 0 or more (default: 100, a tenth of the run at most, of the minutes \
      under cosine).
      """)
  var warmup: Int?
  @Option(help: "The factor a step of the exponential schedule, above 0 and at most 1 (default: 0.999977).")
  var decay: Double?
  @Option(help: "Scale gradients above this global norm down to it; 0 is off (default: 0).") var clip: Float?
  @Option(
    help: "The share of each layer's features that a step leaves out while training, from 0 to below 1 (default: 0).")
  var dropout: Double?
  @Option(
    help: """
      Decay of the moving average of the weights, from 0 to below 1; 0 is off (default: 0.999). At step t it is at most \
      (1 + t) / (10 + t), so that a short run soon forgets the weights that it began with.
      """)
  var ema: Float?
  @Option(
    help: """
      Steps between held-out evaluations and checkpoints, 1 or more (default: an epoch, or the epochs that make 500 \
      steps; 10 in a run of few images and default length).
      """)
  var evaluateEvery: Int?
  @Option(help: "Held-out images scored between, 1 or more; the end scores all (default: 1000).") var evaluationImages:
    Int?
  @Option(help: "Steps between records of the gradient flow in gradients.jsonl; 0: none (default: 50).")
  var gradientsEvery: Int?
  @Option(help: "Steps between records of the loss in metrics.jsonl; 0: none but of evaluations (default: 20).")
  var metricsEvery: Int?
  @Option(help: "Images in samples/step-N.png, drawn at evaluations (0 to 256; 0: none; default: 16).") var samples:
    Int?
  @Option(help: "Checkpoints kept besides the best, 1 or more (default: 2).") var keep: Int?
  @Option(help: "The seed of weights, order and binarization (default: 1).") var seed: UInt64?

  func validate() throws {
    let lengths = [steps != nil, epochs != nil, minutes != nil].filter { $0 }
    if lengths.count > 1 { throw ValidationError("--steps, --epochs and --minutes exclude one another.") }
  }

  /// Takes from `recipe` what was not said.
  mutating func fill(from recipe: Recipe) {
    batch = batch ?? recipe.batchSize
    learningRate = learningRate ?? recipe.learningRate
    optimizer = optimizer ?? recipe.optimizer
    dropout = dropout ?? recipe.dropout
    ema = ema ?? recipe.averageDecay
  }

  /// The length asked for, nil where none was.
  var length: TrainingOptions.Length? {
    if let steps { return .steps(steps) }
    if let epochs { return .epochs(epochs) }
    return minutes.map { .minutes($0) }
  }

  /// The first option that was given, those of the length apart and the schedule, which may begin again with it.
  var givenBesidesLength: String? {
    firstGiven([
      "--batch": batch, "--learning-rate": learningRate, "--optimizer": optimizer, "--warmup": warmup, "--decay": decay,
      "--clip": clip,
      "--dropout": dropout, "--ema": ema, "--evaluate-every": evaluateEvery, "--evaluation-images": evaluationImages,
      "--gradients-every": gradientsEvery, "--metrics-every": metricsEvery, "--samples": samples, "--keep": keep,
      "--seed": seed,
    ])
  }

  /// Fills in the defaults that depend on the number of training images, and warns of a warm-up that was given and takes
  /// more than a tenth of the run. By the clock that shows later, while the run is at work.
  func completeDefaults(of options: inout TrainingOptions, images: Int, _ console: Console) {
    let stepsPerEpoch = BatchSampler(images: images, batchSize: options.batchSize, seed: options.seed).stepsPerEpoch
    if steps == nil, epochs == nil, minutes == nil { options.setDefaultLength(stepsPerEpoch: stepsPerEpoch) }
    let total = options.length.steps(perEpoch: stepsPerEpoch)
    guard warmup != nil else { return options.schedule.setDefaultWarmup(steps: total) }
    guard let total, let warning = options.schedule.warmupWarning(steps: total, isExact: true) else { return }
    console.warning(warning)
  }

  /// The defaults with what was given. Throws a usage error naming what makes no sense.
  func options() throws -> TrainingOptions {
    var options = TrainingOptions()
    if let length { options.length = length }
    if let batch { options.batchSize = batch }
    if let learningRate { options.schedule.baseRate = learningRate }
    if let optimizer { options.adam.matrices = optimizer == .adam ? nil : optimizer }
    if let schedule { options.schedule.course = schedule }
    if let warmup { options.schedule.warmupSteps = warmup }
    if let decay { options.schedule.decay = decay }
    if let dropout { options.dropout = dropout }
    if let clip { options.adam.clipNorm = clip }
    if let ema { options.adam.averageDecay = ema }
    options.evaluationInterval = evaluateEvery
    if let evaluationImages { options.evaluationImages = evaluationImages }
    if let gradientsEvery { options.gradientInterval = gradientsEvery }
    if let metricsEvery { options.metricsInterval = metricsEvery }
    if let samples { options.samples = samples }
    if let keep { options.checkpointsKept = keep }
    if let seed { options.seed = seed }
    try options.validate()
    return options
  }
}

extension Schedule {
  /// What is wrong with a warm-up that was given, in a run of `steps` steps, which is an estimate unless `isExact`; nil
  /// where it takes no more than a tenth of them.
  func warmupWarning(steps: Int, isExact: Bool) -> String? {
    guard warmupSteps > 1, Double(warmupSteps) > Double(steps) * Self.mostWarmup else { return nil }
    let run = "the run's \(isExact ? "" : "some ")\(counted(steps, "step"))"
    let reached =
      warmupSteps > steps
      ? "the learning rate never comes to \(baseRate)" : "the learning rate comes to \(baseRate) late"
    return "--warmup \(warmupSteps) is more than a tenth of \(run): \(reached)"
  }
}
