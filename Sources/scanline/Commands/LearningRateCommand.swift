// `scanline lr-find`: which learning rate to begin with.
import ArgumentParser
import Core
import ImageData
import Networks
import Training

struct LearningRateCommand: ParsableCommand, LeavesFiles {
  static let configuration = CommandConfiguration(
    commandName: "lr-find",
    abstract: "Find a learning rate: train with one that rises until the loss does.",
    discussion: """
      The learning-rate range test of Smith (2017): from --from to --to the rate rises by the same factor each step, and \
      the loss is watched as a running mean. It writes NAME.csv, NAME.png and NAME.svg and keeps no weights; no run folder \
      is touched. The suggestion, one tenth of the rate at which the smoothed loss is smallest, is for train \
      --learning-rate with the same model, batch and images.

      Examples:
        scanline lr-find Data/glyphs --levels 4 --batch 16 --blocks 5
        scanline lr-find mnist --checkpoint Checkpoints/digits --output after
      """)

  @Argument(help: "A folder of PNGs, as `train` takes it.") var folder: String
  @Option(help: "The rate of the first step, 1e-12 or more.") var from = 1e-6
  @Option(help: "The rate of the last step, above --from and at most 1e6.") var to = 1.0
  @Option(help: "Steps of the sweep (20 to 1000000).") var steps = 200
  @Option(help: "How much of the running mean of the loss is the mean before, from 0 to below 1.") var smoothing = 0.9
  @Option(help: "Stop where the running mean is so many times its smallest, above 1.") var stopAt = 4.0
  @Option(help: "Images in a step (1 to 65536; default: 64, or the checkpoint's).") var batch: Int?
  @Option(help: "Scale gradients above this global norm down to it; 0 is off (default: 0, or the checkpoint's).")
  var clip: Float?
  @Option(
    help:
      "The share of each layer's features that a step leaves out, from 0 to below 1 (default: 0, or the checkpoint's).")
  var dropout: Double?
  @Option(help: "The seed of weights, order and binarization (default: 1, or the checkpoint's).") var seed: UInt64?
  @Flag(help: "Learn each class subfolder apart, as in training.") var classConditional = false
  @Option(help: "Begin with this checkpoint's model and weights, which are only read.") var checkpoint: String?
  @Option(help: "With --checkpoint: the moving average of the weights (ema), or the weights themselves (raw).")
  var weights: Checkpoint.Weights = .raw
  @Option(name: .shortAndLong, help: "Where to write, without .csv, .png and .svg.") var output = "lr-find"
  @Flag(help: "Write over existing files.") var force = false
  @Option(help: "Threads, 1 to 1024; by default all that this process may use. They change no bit of the result.")
  var threads: Int?
  @Flag(help: "One JSON object instead of a table.") var json = false
  @OptionGroup var shown: ProgressOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Levels") var quantization: QuantizationOptions
  @OptionGroup(title: "Images") var images: ImageOptions

  func validate() throws {
    try requireThreads(threads)
    if checkpoint != nil,
      let given = model.given ?? quantization.given ?? (classConditional ? "--class-conditional" : nil)
    {
      throw ValidationError("\(given) and --checkpoint exclude each other: the checkpoint says what the model is.")
    }
  }

  func run() throws {
    let console = shown.console()
    let options = try sweepOptions()
    var outputs = OutputFiles(force: force, inputs: [folder])
    try outputs.demand(stem: output, [.csv, .png, .svg], for: "--output")
    let threads = threads ?? availableThreads()
    let (state, parameters, training, set) = try begin(threads, console)
    let bar = ProgressBar(console, "sweeping", total: options.steps)
    let sweep = LearningRateSweep(
      state: state, parameters: parameters, images: set, training: training, options: options, threads: threads,
      progress: { _ in bar.advance(1) })
    bar.finish()
    guard !sweep.points.isEmpty else {
      throw ScanlineError(
        .diverged, path: "lr-find", expected: "a finite loss before the first step", found: "one that is not")
    }
    let suggestion = LearningRateSuggestion(sweep.points)
    let report = LearningRateReport(sweep, suggestion, batch: min(training.batchSize, set.count))
    if json { try printJSON(report) } else { print(report.inWords) }
    try report.table(set.shape).write(to: "\(output).csv")
    let figure = report.figure(title: "\(folder): \(state.model.model.rawValue), width \(state.model.width)")
    for ending in ["png", "svg"] { try figure.write(to: "\(output).\(ending)") }
    if !json { print("\(output.displayed).csv, .png, .svg: \(counted(sweep.points.count, "step"))") }
  }

  private func sweepOptions() throws -> LearningRateSweep.Options {
    var options = LearningRateSweep.Options()
    (options.lowest, options.highest, options.steps) = (from, to, steps)
    (options.smoothing, options.divergence) = (smoothing, stopAt)
    try options.validate()
    return options
  }

  // MARK: What to train

  private typealias Beginning = (
    state: RunState, parameters: ParameterVector, training: TrainingOptions, images: ImageSet
  )

  private func begin(_ threads: Int, _ console: Console) throws -> Beginning {
    guard let checkpoint else { return try fresh(threads, console) }
    let loaded = try LoadedCheckpoint(checkpoint, weights, console: console)
    let training = try training(over: loaded.state.training)
    let set = try read(try loaded.scan(folder, images), over: loaded.state.data?.loading, threads, console)
      .numbered(as: loaded.state.model.classNames, path: folder)
    try loaded.requireChannels(of: set, path: folder)
    var state = loaded.state
    state.model.shape = set.shape
    try requireMemory(state, training, threads)
    return (state, loaded.parameters, training, set)
  }

  /// A model as `train` would begin it.
  private func fresh(_ threads: Int, _ console: Console) throws -> Beginning {
    var training = try training(over: nil)
    let quantization = try quantization.quantization(seed: training.seed)
    var model = model
    var unsized = try model.configuration(shape: ModelOptions.anyShape, levels: quantization.levels, path: "lr-find")
    let set = try read(try images.scan(folder), over: nil, threads, console)
    if let recipe = model.chooseRecipe(
      for: set, levels: quantization.levels, length: training.length, batch: batch, threads: threads, console)
    {
      (training.batchSize, training.adam.matrices) = (recipe.batchSize, recipe.optimizer)
      training.dropout = dropout ?? recipe.dropout
      unsized = try model.configuration(shape: set.shape, levels: quantization.levels, path: "lr-find")
    }
    let configuration = try model.fitted(unsized, to: set, classConditional: classConditional, path: folder)
    let state = RunState(model: configuration, quantization: quantization)
    try requireMemory(state, training, threads)
    return try (
      state, configuration.makeModel().initialParameters(seed: training.seed), training,
      set.numbered(as: configuration.classNames, path: folder)
    )
  }

  private func training(over base: TrainingOptions?) throws -> TrainingOptions {
    var options = base ?? TrainingOptions()
    if let batch { options.batchSize = batch }
    if let clip { options.adam.clipNorm = clip }
    if let dropout { options.dropout = dropout }
    if let seed { options.seed = seed }
    // Nothing looks at an average, a record or an evaluation here.
    (options.adam.averageDecay, options.gradientInterval) = (0, 0)
    try options.validate()
    return options
  }

  private func read(
    _ listing: ImageFolder, over base: ImageLoadingOptions?, _ threads: Int, _ console: Console
  ) throws -> ImageSet {
    if let passedOver = listing.ignoredInWords { console.line("Passed over in \(folder): \(passedOver)") }
    return try listing.images(of: .train, images.loading(over: base), threads: threads, console: console)
  }

  private func requireMemory(_ state: RunState, _ training: TrainingOptions, _ threads: Int) throws {
    var state = state
    (state.training, state.data) = (training, nil)
    try ResourceEstimate.requireRoom(for: state, threads: threads, path: "lr-find")
  }
}
