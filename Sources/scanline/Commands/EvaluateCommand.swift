// `scanline evaluate`: exact log-likelihoods of a folder of images.
import ArgumentParser
import Core
import Evaluation
import ImageData
import Kernels
import Networks
import Training

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Score the images of a folder: nats per image and bits per dimension.",
    discussion: """
      With --mixture and several checkpoints it is their even mixture that is scored, which draws one of them for each image: \
      p is the mean of theirs, exactly. What may not differ between them is said under `compare`, which shows each beside it.

      With --orders, of a model trained with --augment flip, vertical-flip or transpose, it is the even mixture of its \
      orders that is scored: of what the network, told of each of these transformations, says of the transformed image. \
      That is exact too, and goes with --mixture.

      Every image under the folder is scored; where it has split folders, those of valid, else of test, else what is held \
      out of train. The result names the split. Pixels are read and quantized, and images held out, as the checkpoint's own \
      were, unless options say otherwise.

      "trained on" counts the scored images whose pixels the model was trained on, wherever the files lie and whatever \
      they are called; it is not known (null) of imported weights, of checkpoints of earlier versions, and where other \
      options read other pixels. Of the split valid those images are left out: with another --split-seed or \
      --valid-share than in training, what both splits hold out is scored. Where nothing is left, or the split is another \
      one and it is not known what the model was trained on, the command is refused (exit code 65).

      --worst N finds the least likely images: a table, and a picture of each beside a map of its pixels' nats, whose \
      colours go from 0 (dark violet) to the most of any pixel shown (yellow), by its square root.

      The CSV of --per-image holds names as they are: a spreadsheet may take one that begins with =, +, - or @ for a \
      formula, so import its columns as text.

      Examples:
        scanline evaluate Checkpoints/digits mnist --split valid --json
        scanline evaluate Checkpoints/rows Checkpoints/columns mnist --mixture
        scanline evaluate Checkpoints/photos photos --per-image scores.csv \\
          --worst 12 --worst-output odd.png
      """)

  @Argument(
    help: ArgumentHelp(
      "A run folder (its best step is used) or a step in it, with --mixture two or more; then a folder of PNGs.",
      valueName: "checkpoint> ... <folder"), completion: .directory)
  var paths: [String]
  @Flag(help: "Score the even mixture of the checkpoints.") var mixture = false
  @Flag(help: "Score each model as the even mixture of the orders that --augment taught it.") var orders = false
  @Option(help: "Score this split: train, valid or test.") var split: Split?
  @Option(help: "The moving average of the weights (ema), or the weights themselves (raw).")
  var weights: Checkpoint.Weights = .ema
  @Option(help: "Threads, 1 to 1024; by default all that this process may use.") var threads: Int?
  @Flag(help: "One JSON object instead of a table.") var json = false
  @Flag(help: "Add the gradient of the mean nats: RMS over live elements and maximum, for each tensor.")
  var gradients = false
  @Option(help: "Write path, class, nats and bits per dimension of every image to this CSV file.", completion: .file())
  var perImage: String?
  @Option(help: "Show the N least likely images (1 to 256).") var worst: Int?
  @Option(help: "With --worst: the PNG to write (default: worst.png).", completion: .file(extensions: ["png"]))
  var worstOutput: String?
  @Flag(help: "Write over existing files.") var force = false
  @OptionGroup var shown: ProgressOptions
  @OptionGroup(title: "Images") var images: ImageOptions

  func validate() throws {
    try requireThreads(threads)
    guard paths.count >= 2 else { throw ValidationError("Name a checkpoint, then a folder of PNGs.") }
    if paths.count > 2 && !mixture {
      throw ValidationError(
        "\(paths.count - 1) checkpoints: --mixture scores them as one; `scanline compare` scores each.")
    }
    if mixture {
      guard paths.count >= 3 else { throw ValidationError("--mixture takes two checkpoints or more.") }
    }
    guard !(mixture || orders) || (worst == nil && !gradients) else {
      throw ValidationError(
        "--worst and --gradients are for a single model, in one order: a mixture's nats have no parts, and it has no "
          + "gradient of its own."
      )
    }
    if let worst, !(1...256).contains(worst) { throw ValidationError("--worst lies in 1 to 256.") }
    if worst == nil && worstOutput != nil { throw ValidationError("--worst-output goes with --worst.") }
  }

  private var folder: String { paths[paths.count - 1] }

  func run() throws {
    let console = shown.console()
    var outputs = OutputFiles(force: force, inputs: [folder])
    if let perImage { try outputs.demand(perImage, as: .csv, for: "--per-image") }
    if worst != nil { try outputs.demand(worstPath, as: .png, for: "--worst-output") }
    if mixture { return try scoreMixture(console) }
    let checkpoint = try LoadedCheckpoint(paths[0], weights, console: console)
    let state = checkpoint.state
    if orders { try LoadedCheckpoint.requireOrders([checkpoint]) }
    let listing = try checkpoint.scan(folder, images)
    let chosen = split ?? listing.evaluationSplit
    let threads = threads ?? availableThreads()
    let (all, model) = try checkpoint.load(listing, split: chosen, images, threads: threads, console: console)
    let trained = checkpoint.trained(on: all, images)
    let set = try scored(all, of: listing, chosen, checkpoint, trained, console)
    let scorer = Scorer(model: model, parameters: checkpoint.parameters, threads: threads, mixesOrders: orders)
    let bar = ProgressBar(console, "scoring", total: set.count)
    let nats = scorer.nats(set, indices: Array(0..<set.count), state.quantization, progress: bar.reach)
    bar.finish()
    if let image = nats.firstIndex(where: { !$0.isFinite }) {
      throw ScanlineError(
        .diverged, path: set.paths[image], expected: "a finite log-likelihood", found: "\(nats[image]) nats")
    }
    let scores = ImageScores(set, nats: nats)
    var report = EvaluateReport(
      scores, [checkpoint], split: chosen, weights: weights, trained: trained, leftOut: all.count - set.count,
      mixesOrders: orders)
    if gradients {
      console.redraw("gradient of \(counted(set.count, "image"))")
      report.gradients = gradient(model, checkpoint.parameters, set, state.quantization)
      console.finish()
    }
    let least = worst.map(scores.leastLikely)
    report.worst = least?.map { EvaluateReport.Image(scores, $0) }
    // A file that cannot be written after all must not cost the result.
    if json { try printJSON(report) } else { print(report.inWords(trained)) }
    if let perImage { try scores.table.write(to: perImage) }
    if let least { try write(least, scores, scorer, checkpoint) }
  }

  /// The same of the mixture of all checkpoints: images are read, and left out, as `compare` does.
  private func scoreMixture(_ console: Console) throws {
    let threads = threads ?? availableThreads()
    let models = try ComparedModels(
      paths.dropLast(), folder: folder, weights, images, binarizationSeed: nil, console: console)
    if orders { try LoadedCheckpoint.requireOrders(models.models.map(\.checkpoint)) }
    let chosen = split ?? models.listing.evaluationSplit
    let data = try models.load(chosen, images, threads: threads, console: console)
    let members = try models.models.indices.map {
      try models.score($0, data, mixesOrders: orders, threads: threads, console: console).nats
    }
    let scores = ImageScores(data.set, nats: EvenMixture.nats(members))
    let report = EvaluateReport(
      scores, models.models.map(\.checkpoint), split: chosen, weights: weights, trained: data.training.known,
      leftOut: data.training.leftOut.count, mixesOrders: orders)
    if json { try printJSON(report) } else { print(report.inWords(data.training.known)) }
    if let perImage { try scores.table.write(to: perImage) }
  }

  /// The images that are scored: of the split valid those alone that the model was not trained on.
  private func scored(
    _ all: ImageSet, of listing: ImageFolder, _ split: Split?, _ checkpoint: LoadedCheckpoint, _ trained: TrainedImages,
    _ console: Console
  ) throws -> ImageSet {
    let positions: [Int]
    switch trained {
    case .notKnown(let reason):
      try checkpoint.requireOwnSplit(split, of: listing, images, name: checkpoint.path, reason: reason)
      if split == nil, let own = checkpoint.state.data?.folder, DurableFiles.isSame(own, folder) {
        console.warning(
          "all images of \(folder) are scored, those it was trained on too; --split valid leaves them out")
      }
      return all
    case .known(let known): positions = known
    }
    guard !positions.isEmpty, split != .train else { return all }
    let share = "\(positions.count) of the \(counted(all.count, "image"))"
    guard split == .valid else {
      let hint = split == nil && !listing.entries(in: .valid).isEmpty ? "; --split valid leaves them out" : ""
      console.warning("the model was trained on \(share) scored\(hint)")
      return all
    }
    guard positions.count < all.count else {
      throw ScanlineError(
        .badData, path: folder, expected: "held-out images that the model was not trained on",
        found: "it was trained on all \(all.count) (without --split, or with --split train, they are scored)")
    }
    let (verb, object) = positions.count == 1 ? ("is", "it") : ("are", "them")
    console.warning("\(share) \(verb) left out: the model was trained on \(object)")
    let seen = Set(positions)
    return all.selecting((0..<all.count).filter { !seen.contains($0) })
  }

  private var worstPath: String { worstOutput ?? "worst.png" }

  /// The pass for single pixels is run for these images alone.
  private func write(_ least: [Int], _ scores: ImageScores, _ scorer: Scorer, _ checkpoint: LoadedCheckpoint) throws {
    let quantization = checkpoint.state.quantization
    let batch = quantization.batch(from: scores.set, indices: least)
    let sheet = LikelihoodMaps(batch, valueNats: scorer.valueNats(batch), quantization: quantization)
    let labels = least.enumerated().map { position, image in
      let name = DurableFiles.split(scores.set.paths[image]).name.displayed
      return "\(position + 1). \(scores.nats[image].text(1)) nats  \(name)"
    }
    let list = least.map { "\(scores.nats[$0].text(4)) \(scores.set.paths[$0])" }
    try sheet.picture(labels: labels).write(
      to: worstPath,
      text: [
        "Software": "scanline \(Scanline.configuration.version)", "Model": checkpoint.path,
        "Step": "\(checkpoint.state.step)", "Weights": weights.rawValue, "Levels": "\(quantization.levels)",
        "Scale": "0 to \(sheet.most.text(4)) nats a pixel, square root", "Nats and path": list.joined(separator: "\n"),
      ])
  }

  private func gradient(
    _ model: ImageModel, _ parameters: ParameterVector, _ set: ImageSet, _ quantization: Quantization
  ) -> [String: EvaluateReport.Gradient] {
    let threads = threads ?? availableThreads()
    let gradient = ParameterVector(layout: model.layout)
    let engine = BatchGradient(model: model, batchSize: set.count, threads: threads)
    _ = engine.compute(quantization.batch(from: set, indices: 0..<set.count), parameters: parameters, into: gradient)
    let norms = GradientNorms(gradient, threads: threads)
    let figures = model.layout.slices.enumerated().map { index, slice in
      EvaluateReport.Gradient(
        rms: norms.rms(index), max: norms.slices[index].maximum, live: slice.liveCount, count: slice.count)
    }
    return Dictionary(uniqueKeysWithValues: zip(model.layout.slices.map(\.name), figures))
  }
}

extension Checkpoint.Weights: ExpressibleByArgument {}
extension Split: ExpressibleByArgument {}
