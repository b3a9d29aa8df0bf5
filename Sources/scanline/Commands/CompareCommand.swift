// `scanline compare`: several models and simple baselines on the same images.
import ArgumentParser
import Core
import Evaluation
import ImageData
import Training

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Score the same images under several models and baselines, and say which is better.",
    discussion: """
      The held-out images of the folder are scored (all of them with --train, and where none are held out), read and \
      quantized as the checkpoints' own were. Checkpoints whose levels, binarization or pixels differ are about different \
      data: they are refused, with what differs (exit code 65).

      Images that any of the models was trained on are left out, whatever split they are in, unless --split train asks \
      for them: of runs that held out different images those are scored that all of them held out. Where none is left the \
      comparison is refused, and so is a split (--split-seed, --valid-share) other than that of a checkpoint which does \
      not know what it was trained on: one of an earlier version, or read with other options.

      Every model and baseline is held against the best model, image by image: the mean difference, its 95% interval (by \
      Student's t and by the bootstrap-t of 10,000 resamples of the images, the wider at either end) and a verdict. An \
      interval that holds 0 says: not distinguishable. Fewer than ten images give no verdict, and one has no interval. It \
      speaks of other images like these, not of other training runs.

      --mixture adds the even mixture of the K models, which draws one of them for each image: its exact likelihood is the \
      mean of theirs. Models that make different errors gain from it. With --orders each model is the even mixture of the \
      orders that --augment flip, vertical-flip or transpose taught it: see `evaluate`.

      Baselines, fitted on the train split of the folder (or on --train): uniform levels, the frequencies of each pixel, \
      counts in contexts of pixels to the left and above, and what PNG itself spends (IDAT bits at the smallest bit depth, \
      zlib level 9, the better of adaptive and no filters).

      The CSV of --csv holds names as they are: a spreadsheet may take one that begins with =, +, - or @ for a formula, so \
      import its columns as text.

      Examples:
        scanline compare Checkpoints/a Checkpoints/b Checkpoints/c mnist
        scanline compare Checkpoints/a Checkpoints/b mnist --output compared \\
          --csv compared.csv --json
      """)

  @Argument(
    help: ArgumentHelp(
      "Run folders (their best steps are used) or steps, then a folder of PNGs.",
      valueName: "checkpoint> ... <folder"), completion: .directory)
  var paths: [String]
  @Option(help: "Score this split: train, valid or test.") var split: Split?
  @Option(help: "Fit baselines on this folder's images (its train split, where it has any).", completion: .directory)
  var train: String?
  @Flag(help: "Leave the baselines out.") var noBaselines = false
  @Flag(help: "Add the even mixture of the models.") var mixture = false
  @Flag(help: "Score each model as the even mixture of the orders that --augment taught it.") var orders = false
  @Option(help: "The moving average of the weights (ema), or the weights themselves (raw).")
  var weights: Checkpoint.Weights = .ema
  @Option(help: "Bits of --binarize fixed or dynamic are drawn by this seed for all models (default: their own).")
  var binarizationSeed: UInt64?
  @Option(help: "The seed of the bootstrap.") var seed: UInt64 = 1
  @Option(name: .shortAndLong, help: "Write the chart to this name with .png and .svg.") var output: String?
  @Option(help: "Write the nats of every image under all models to this CSV file.", completion: .file()) var csv:
    String?
  @Flag(help: "Write over existing files.") var force = false
  @Flag(help: "One JSON object instead of a table.") var json = false
  @Option(help: "Threads, 1 to 1024; by default all that this process may use.") var threads: Int?
  @OptionGroup var shown: ProgressOptions
  @OptionGroup(title: "Images") var images: ImageOptions

  func validate() throws {
    guard paths.count >= 2 else { throw ValidationError("Name a checkpoint or more, then a folder of PNGs.") }
    if mixture && paths.count < 3 { throw ValidationError("--mixture takes two checkpoints or more.") }
    try requireThreads(threads)
  }

  func run() throws {
    let console = shown.console()
    var outputs = OutputFiles(force: force, inputs: [paths[paths.count - 1], train])
    if let output { try outputs.demand(stem: output, [.png, .svg], for: "--output") }
    if let csv { try outputs.demand(csv, as: .csv, for: "--csv") }
    let threads = threads ?? availableThreads()
    let subjects = try ComparedModels(
      paths.dropLast(), folder: paths[paths.count - 1], weights, images, binarizationSeed: binarizationSeed,
      console: console)
    if orders { try LoadedCheckpoint.requireOrders(subjects.models.map(\.checkpoint)) }
    let listing = subjects.listing
    let chosen = split ?? listing.evaluationSplit ?? (train == nil ? listing.heldOutSplit : nil)
    let data = try subjects.load(chosen, images, threads: threads, console: console)
    if let note = Bootstrap.note(images: data.set.count) { console.warning(note) }
    // A table has these above it.
    if json { data.training.notes.forEach { console.warning($0) } }
    var candidates = try subjects.models.indices.map { index in
      try subjects.score(index, data, mixesOrders: orders, threads: threads, console: console)
    }
    if mixture { candidates.append(Comparison.Candidate(evenMixtureOf: candidates)) }
    let fitted = noBaselines ? nil : try training(subjects, chosen, data.set.shape, threads, console)
    if let fitted {
      let seen = ContentHashSet(of: fitted).positions(in: data.set).count
      if seen > 0 {
        console.warning("baselines are fitted on \(seen) of the \(counted(data.set.count, "image")) scored")
      }
    }
    if !noBaselines {
      candidates += subjects.baselines(fittedOn: fitted, data.set, threads: threads, console: console)
    }
    let comparison = Comparison(candidates, shape: data.set.shape, seed: seed, threads: threads)
    let report = CompareReport(
      comparison, subjects, data, split: chosen, fittedImages: fitted?.count, folder: paths[paths.count - 1],
      seed: seed, mixesOrders: orders)
    if json { try printJSON(report) } else { print(report.inWords(notes: data.training.notes)) }
    if let csv { try comparison.table(of: data.set).write(to: csv) }
    if let output {
      let figure = comparison.figure(
        title: "\(counted(data.set.count, "image")) of \(paths[paths.count - 1])", shape: data.set.shape)
      for ending in ["png", "svg"] { try figure.write(to: "\(output).\(ending)") }
    }
  }

  /// The images that baselines are fitted on; nil where there are none.
  private func training(
    _ subjects: ComparedModels, _ scored: Split?, _ shape: ImageShape, _ threads: Int, _ console: Console
  ) throws -> ImageSet? {
    var listing = subjects.listing
    var part: Split? = .train
    if let train {
      listing = try subjects.models[0].checkpoint.scan(train, images)
      part = listing.layout == .splits ? .train : nil
    } else if scored == nil || scored == .train {
      console.warning(
        "two baselines are left out: to fit them takes images that are not scored (--train FOLDER)")
      return nil
    }
    let options = images.loading(over: subjects.models[0].checkpoint.state.data?.loading)
    let set = try listing.images(of: part, options, threads: threads, console: console)
    try subjects.models[0].checkpoint.requireChannels(of: set, path: listing.path)
    guard set.shape == shape else {
      throw ScanlineError(
        .badData, path: listing.path, expected: "images of \(shape) to fit baselines on, as those scored",
        found: "\(set.shape)")
    }
    return set
  }
}
