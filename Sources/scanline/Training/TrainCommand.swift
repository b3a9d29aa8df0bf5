// `scanline train`: from a folder of PNGs to a run of checkpoints.
import ArgumentParser
import Core
import ImageData
import Networks
import Training

struct TrainCommand: StoppableCommand, LeavesFiles {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a model on a folder of PNGs.",
    discussion: """
      A run is a folder of checkpoints, step-00001234 and so on, beside config.toml (what was asked for), \
      environment.json, metrics.jsonl, gradients.jsonl, samples and plots. Once images are read, SIGINT, SIGTERM and \
      SIGHUP save before they stop (exit codes 130, 143 and 129); a second signal, a second later or more, leaves at once. \
      SIGUSR1 saves and goes on.

      --resume goes on with a run, and with a new length for longer. The learning rate then keeps to the schedule first \
      planned and, past its end, stays at its last value; --schedule beside the new length begins a schedule again, over \
      the steps to come. Plots, event files and --watch-gradients stay as they were unless they are given anew.

      --config takes options from a TOML file: keys are their long names, tables the groups below, as in the config.toml \
      of any run. Options on the command line go before it, and both before --preset.

      Examples:
        scanline train Data/glyphs --blocks 5 --minutes 1
        scanline train mnist --levels 2 --name digits --minutes 10
        scanline train mnist --preset pixelcnn-mnist --minutes 30
        scanline train --resume --name digits
        scanline train --resume --name digits --minutes 20
        scanline train --config Checkpoints/digits/config.toml --output again
        scanline train mnist --config run.toml --steps 20000 --name longer
        scanline train photos --width 48 --dry-run
      """)

  @Argument(help: "A folder of PNGs: flat, class subfolders, or train/valid/test splits.", completion: .directory)
  var folder: String?
  @Option(help: "The run's name: it goes under Checkpoints/. By default the folder's, with the model's.")
  var name: String?
  @Option(name: .shortAndLong, help: "The run's folder, in place of --name.", completion: .directory)
  var output: String?
  @Option(help: "A TOML file of options, which those given here go before.", completion: .file(extensions: ["toml"]))
  var config: String?
  @Flag(
    help: "Go on with the run where its newest checkpoint left it; only its length, and with it --schedule, may be new."
  )
  var resume = false
  @Flag(help: "Say what the run would take (memory, disk, seconds a step), and write nothing.") var dryRun = false
  @Option(help: "Threads, 1 to 1024; by default all that this process may use. They change no bit of the result.")
  var threads: Int?
  @Flag(inversion: .prefixedNo, help: "Show the gradient flow, layer by layer, whenever it is recorded (default: no).")
  var watchGradients: Bool?
  @Flag(inversion: .prefixedNo, help: "Learn each class subfolder apart: `sample --class` then draws one.")
  var classConditional: Bool?
  @Option(
    help: "Begin with a published configuration (`scanline presets` lists them); other options go before it.",
    completion: .list(Preset.all.map(\.name)))
  var preset: String?
  @Flag(inversion: .prefixedNo, help: "Write event files for TensorBoard into the run folder (default: yes).")
  var tensorboard: Bool?
  @Flag(
    inversion: .prefixedNo, help: "Draw losses and gradient flow into plots when the run ends or stops (default: yes).")
  var plots: Bool?
  @OptionGroup var shown: ProgressOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Training") var training: TrainingFlags
  @OptionGroup(title: "Levels") var quantization: QuantizationOptions
  @OptionGroup(title: "Images") var images: ImageOptions

  mutating func validate() throws {
    try requireThreads(threads)
    if dryRun && resume { throw ValidationError("--dry-run is for a new run; what a run takes does not change later.") }
    if name != nil && output != nil { throw ValidationError("--name and --output exclude each other.") }
    if let name,
      name.isEmpty || name.utf8.contains(UInt8(ascii: "/")) || name.hasPrefix(".") || name == "-"
        || name.allSatisfy(\.isWhitespace)
    {
      throw ValidationError("--name is a plain name; for another place give --output.")
    }
    if resume && config != nil {
      throw ValidationError(
        "--config is for a new run: with --resume the checkpoint says what the run is, and only its length may be given."
      )
    }
    if !resume && folder == nil && config == nil { throw ValidationError("Name a folder of PNGs to train on.") }
    if resume && name == nil && output == nil && folder == nil {
      throw ValidationError("Name the run to resume: --name or --output.")
    }
    if resume && name == nil && output == nil, let folder, let steps = try? CheckpointFolder.steps(in: folder),
      !steps.isEmpty
    {
      throw ValidationError(
        "\(folder) is a run, and --resume takes one by --output: "
          + "scanline train --resume --output \(shellWord(path: folder))")
    }
    if let preset {
      if resume {
        throw ValidationError("--preset is for a new run: with --resume the checkpoint says what the run is.")
      }
      fill(from: try Preset.named(preset))
    }
  }

  func run(_ signals: StopSignals) throws {
    let console = shown.console()
    let run = runFolder
    let threads = threads ?? availableThreads()
    if !resume {
      var folders = OutputFiles()
      try folders.requireFolder(run, for: name == nil ? "--output" : "--name")
      try requireEmpty(run)
    }
    let began = try resume ? nil : started(run, threads, console, dryRun ? nil : signals)
    if dryRun, let began {
      return try DryRun(
        session: began, threads: threads, drawsPlots: outputs(over: nil).plots, console: console,
        warmupIsGiven: training.warmup != nil
      ).report()
    }
    let lock = try lockFolder(run)
    guard let session = try began ?? resumed(run, lock, threads, console, signals) else { return }
    let outputs = session.state.outputs ?? RunState.RunOutputs()
    try audit(session.state.model, session.adam)
    let trainer = Trainer(
      state: session.state, adam: session.adam, train: session.train, valid: session.valid, threads: threads,
      isSaved: resume, now: monotonicSeconds)
    let recorder = try RunRecorder(
      under: lock, trainer: trainer, threads: threads, formerLength: session.formerLength, console: console,
      showsGradients: outputs.watchesGradients, writesEvents: outputs.tensorboard,
      warmupIsGiven: !resume && training.warmup != nil)
    let outcome = try trainer.run(
      request: signals.request,
      save: { state, adam in
        let path = CheckpointFolder.path(of: adam.step, in: run)
        try Checkpoint.save(adam, state: state, to: path)
        try CheckpointFolder.prune(
          under: lock, keeping: state.training?.checkpointsKept ?? 2, best: state.best?.step)
        return path
      },
      report: recorder.report)
    signals.hasSaved()
    recorder.progress.finish()
    switch outcome {
    case .finished:
      TrainingProgress.printResult(run: run, state: trainer.state, recorder.progress.last?.summary)
      if outputs.plots { try recorder.drawPlots() }
      sayHowToSample(from: run, console)
    case .stopped:
      if outputs.plots { try recorder.drawPlots() }
      console.line(
        "Stopped at step \(trainer.adam.step); go on with: scanline train --resume --output \(shellWord(path: run))")
      sayHowToSample(from: run, console)
      throw ExitCode(signals.exitCode)
    }
  }

  /// The next thing that one does with a run.
  private func sayHowToSample(from run: String, _ console: Console) {
    let name = DurableFiles.split(DurableFiles.absolute(run)).name
    console.line(
      "Draw images from it with: scanline sample \(shellWord(path: run)) --output \(shellWord(path: name + ".png"))")
  }

  // MARK: The run's folder

  private var runFolder: String {
    if let output { return output }
    if let name { return "Checkpoints/" + name }
    let last = DurableFiles.split(DurableFiles.absolute(folder ?? "")).name
    return "Checkpoints/\(last)-\((model.model ?? (model.isOpen ? Recipe.model : .pixelCNN)).rawValue)"
  }

  /// A new run writes over nothing. The records of a run that ended before its first save (it diverged, or was killed)
  /// are no result, and must not keep the same command from being given again: the new run's take their place.
  private func requireEmpty(_ run: String) throws {
    let existing = try? DurableFiles.names(in: run).filter {
      !$0.hasPrefix(".") && !RunRecorder.isOurs($0, in: run)
    }
    if let existing, !existing.isEmpty {
      throw ScanlineError(
        .cannotCreate, path: run, expected: "a new or empty run folder (or --resume)",
        found: counted(existing.count, "file"))
    }
  }

  /// Takes the run's lock and removes what a killed run left behind. The folder of a new run is made here, after its
  /// data and options have proved good.
  private func lockFolder(_ run: String) throws -> RunLock {
    if resume, !DurableFiles.exists(run) {
      throw ScanlineError(
        .badData, path: run, expected: "the folder of a run to resume (scanline train --resume --output RUN)",
        found: "none")
    }
    let lock = try RunLock(run: run)
    if !resume { try requireEmpty(run) }
    try CheckpointFolder.removeLeftovers(under: lock)
    return lock
  }

  // MARK: What to train

  struct Session {
    var state: RunState
    var adam: Adam
    var train: ImageSet
    var valid: ImageSet?
    /// What the run's length was before it was resumed with another.
    var formerLength: TrainingOptions.Length?
  }

  /// What is shown and written besides: as given, else as in `former`, a resumed run's.
  private func outputs(over former: RunState.RunOutputs?) -> RunState.RunOutputs {
    var outputs = former ?? RunState.RunOutputs()
    outputs.plots = plots ?? outputs.plots
    outputs.tensorboard = tensorboard ?? outputs.tensorboard
    outputs.watchesGradients = watchGradients ?? outputs.watchesGradients
    return outputs
  }

  private func started(
    _ run: String, _ threads: Int, _ console: Console, _ signals: StopSignals?
  ) throws -> Session {
    guard let path = folder else {
      throw ScanlineError(
        .usage, path: config ?? "train", expected: "folder, the PNGs to train on, there or on the command line",
        found: "none")
    }
    // Whoever reads an error about the whole of a model should know that there is more than the command line.
    let asked = config.map { "train, with \($0)" } ?? "train"
    var options = try training.options()
    let quantization = try quantization.quantization(seed: options.seed)
    var (model, training) = (model, training)
    // What can be refused without the images is refused before they are read.
    var unsized = try model.configuration(shape: ModelOptions.anyShape, levels: quantization.levels, path: asked)
    let loading = images.loading(over: nil)
    let listing = try images.scan(path, threads: threads)
    let (train, valid) = try load(listing, loading, threads, console, signals)
    if let recipe = model.chooseRecipe(
      for: train, levels: quantization.levels, length: options.length, batch: training.batch, threads: threads, console)
    {
      training.fill(from: recipe)
      options = try training.options()
      unsized = try model.configuration(shape: train.shape, levels: quantization.levels, path: asked)
    }
    training.completeDefaults(of: &options, images: train.count, console)
    let configuration = try model.fitted(
      unsized, to: train, classConditional: classConditional == true, path: path)
    var state = RunState(
      model: configuration, quantization: quantization,
      data: RunState.Data(
        folder: path, loading: loading, heldOutShare: images.heldOutShare, splitSeed: images.heldOutSeed,
        classesAreFolders: images.classesAreFolders == true, train: train, valid: valid),
      training: options)
    let outputs = outputs(over: nil)
    state.outputs = outputs == RunState.RunOutputs() ? nil : outputs
    try ResourceEstimate.requireRoom(for: state, threads: threads, drawsPlots: outputs.plots, path: asked)
    let classNames = configuration.classNames
    let network = configuration.makeModel()
    let classes = configuration.classCount > 0 ? "; " + counted(configuration.classCount, "class") : ""
    console.line(
      "\(configuration.model.rawValue), width \(configuration.width), \(counted(configuration.blocks, "block")): "
        + "\(counted(network.layout.liveCount, "weight")); \(counted(train.count, "image")) of \(train.shape), \(valid?.count ?? 0) held out; "
        + "\(quantization.inWords)\(classes); "
        + "\(counted(threads, "thread")); \(run)")
    return try Session(
      state: state,
      adam: Adam(parameters: network.initialParameters(seed: options.seed), options: options.adam),
      train: train.numbered(as: classNames, path: path), valid: valid?.numbered(as: classNames, path: path))
  }

  /// nil where the run is finished, which is said.
  private func resumed(
    _ run: String, _ lock: RunLock, _ threads: Int, _ console: Console, _ signals: StopSignals
  ) throws -> Session? {
    let length = training.length
    if training.schedule != nil, length == nil {
      throw ScanlineError(
        .usage, path: "--schedule", expected: "a new length beside it (--steps, --epochs or --minutes), with --resume",
        found: "none")
    }
    if let flag = (classConditional != nil ? "--class-conditional" : nil) ?? model.given ?? training.givenBesidesLength
      ?? quantization.given ?? images.given
    {
      throw ScanlineError(
        .usage, path: flag, expected: "no such option with --resume: the checkpoint says what the run is",
        found: "one")
    }
    let newest = try CheckpointFolder.newestValid(in: run)
    for (damaged, message) in zip(newest.damaged, newest.messages) {
      console.warning(message)
      try CheckpointFolder.setAside(damaged, under: lock)
    }
    guard let step = newest.step else {
      throw ScanlineError(.badData, path: run, expected: "a checkpoint to resume from", found: "none that is whole")
    }
    var (state, adam) = try Checkpoint.load(step.path)
    let former = state
    if let length { state.changeLength(to: length, restarting: training.schedule) }
    try state.training?.validate()
    let formerLength = former.training?.length
    if state.training?.length != formerLength { try requireLength(state) }
    if state == former, state.reportIfFinished(run: run, console) { return nil }
    let outputs = outputs(over: state.outputs)
    state.outputs = outputs == RunState.RunOutputs() ? nil : outputs
    guard let data = state.data else {
      throw ScanlineError(.badData, path: step.path, expected: "a run's data", found: "imported weights")
    }
    let path = folder ?? data.folder
    let listing = try data.scan(path, threads: threads)
    let (train, valid) = try load(listing, data.loading, threads, console, signals)
    try state.requireSameImages(train: train, valid: valid, path: path)
    // A run of an earlier version knows its images from here on.
    if data.trainedImages == nil { state.data?.trainedImages = ContentHashSet(of: train) }
    try ResourceEstimate.requireRoom(for: state, threads: threads, drawsPlots: outputs.plots, isLoaded: true, path: run)
    console.line("Resumed \(run) at step \(adam.step)")
    if let note = state.scheduleNote(after: former) { console.line(note) }
    let classNames = state.model.classNames
    return try Session(
      state: state, adam: adam, train: train.numbered(as: classNames, path: path),
      valid: valid?.numbered(as: classNames, path: path), formerLength: formerLength)
  }

  /// A new length shorter than what was trained would end the run before it began.
  private func requireLength(_ state: RunState) throws {
    func require(_ condition: Bool, _ option: String, _ least: String, _ found: Any) throws {
      guard !condition else { return }
      throw ScanlineError(
        .usage, path: option, expected: "\(least) or more: so much is trained already", found: "\(found)")
    }
    switch state.training?.length {
    case .steps(let steps): try require(steps >= state.step, "--steps", "\(state.step)", steps)
    case .epochs(let epochs):
      let perEpoch = Double(state.order?.stepsPerEpoch ?? 1)
      let least = (Double(state.step) / perEpoch).text(3)
      try require((epochs * perEpoch).rounded() >= Double(state.step), "--epochs", least, epochs)
    case .minutes(let minutes):
      let least = (state.elapsedSeconds / 60).text(3)
      try require(minutes * 60 >= state.elapsedSeconds, "--minutes", least, minutes)
    case nil: break
    }
  }

  /// No run begins with a network that sees what it must not.
  private func audit(_ configuration: ModelConfiguration, _ adam: Adam) throws {
    let audit = CausalityAudit(configuration.makeModel(), parameters: adam.parameters, limit: 16)
    if let leak = audit.leak {
      throw ScanlineError(
        .internal, path: "causality audit", expected: "outputs that see earlier pixels only", found: "\(leak)")
    }
  }
}
