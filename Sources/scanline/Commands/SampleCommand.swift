// `scanline sample`: images drawn from a model.
import ArgumentParser
import Core
import Evaluation
import ImageData
import Networks

struct SampleCommand: ParsableCommand, LeavesFiles {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Draw images from a model into one PNG.",
    discussion: """
      The same seed gives the same images on any number of threads. Every PNG says in its text how it was made. \
      With --progress-frames the grid is also written as it fills in, into the folder NAME-frames beside NAME.png, \
      pixels that are not drawn yet in mid grey.

      With --mixture and several checkpoints it draws from their even mixture: for each image one of them, by the seed. \
      With --orders it draws for each image one of the orders that --augment flip, vertical-flip or transpose taught the \
      model, and turns the image back.

      Without a checkpoint, it draws from Checkpoints/\(ShippedCheckpoint.best), a small model that comes with the \
      package; SCANLINE_CHECKPOINTS names another place to look for it.

      Examples:
        scanline sample
        scanline sample Checkpoints/digits --count 64 --seed 3 --output digits.png
        scanline sample Checkpoints/digits --count 1000 --folder digits \\
          --output thousand.png
        scanline sample Checkpoints/by-class --class seven --output sevens.png
        scanline sample Checkpoints/rows Checkpoints/columns --mixture
      """)

  /// Images of which frames are made, at most: each keeps its memory from frame to frame.
  private static let mostWithFrames = 256

  @Argument(
    help: """
      A run folder (its best step is used) or a step in it, with --mixture two or more (default: a model that ships, of \
      glyphs).
      """,
    completion: .directory)
  var checkpoints: [String] = []
  @Flag(help: "Draw from the even mixture of the checkpoints.") var mixture = false
  @Flag(help: "Draw from each model as the even mixture of the orders that --augment taught it.") var orders = false
  @Option(help: "How many images (1 to 10000).") var count = 64
  @Option(help: "Images in a row of the grid, 1 or more (default: 8, or one for each class).") var columns: Int?
  @Option(name: .shortAndLong, help: "The PNG to write.", completion: .file(extensions: ["png"])) var output =
    "samples.png"
  @Option(
    help: ArgumentHelp(
      "Write the grid so many times while it fills in; goes with a --count of 256 at most.", valueName: "2 to 1000"))
  var progressFrames: Int?
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var shown: ProgressOptions

  func validate() throws {
    guard (1...10_000).contains(count) else { throw ValidationError("--count lies in 1 to 10000.") }
    if checkpoints.count > 1 && !mixture {
      throw ValidationError("\(checkpoints.count) checkpoints: --mixture draws from their mixture.")
    }
    if mixture {
      guard checkpoints.count > 1 else { throw ValidationError("--mixture takes two checkpoints or more.") }
    }
    guard !(mixture || orders) || progressFrames == nil else {
      throw ValidationError(
        "--progress-frames is for a single model, in one order: images of a mixture fill in in orders of their own.")
    }
    guard columns.map({ $0 > 0 }) ?? true else { throw ValidationError("--columns is 1 or more.") }
    guard let progressFrames else { return }
    guard (2...1000).contains(progressFrames) else { throw ValidationError("--progress-frames lies in 2 to 1000.") }
    guard count <= Self.mostWithFrames else {
      throw ValidationError("--progress-frames goes with a --count of \(Self.mostWithFrames) at most.")
    }
  }

  func run() throws {
    let console = shown.console()
    var outputs = OutputFiles(force: sampling.force)
    try outputs.demand(output, as: .png, for: "--output")
    if progressFrames != nil { try outputs.requireFolder(framesPath, for: "--progress-frames") }
    if let folder = sampling.folder { try outputs.requireFolder(folder, for: "--folder") }
    let singles = try sampling.folder.map { try PNGFolder($0, force: sampling.force) }
    let frames = try progressFrames.map { _ in try PNGFolder(framesPath, force: sampling.force) }
    let models = try (checkpoints.isEmpty ? [ShippedCheckpoint.path()] : checkpoints).map {
      try LoadedCheckpoint($0, sampling.weights, console: console)
    }
    try ComparedModels.requireSame(models)
    if orders { try LoadedCheckpoint.requireOrders(models) }
    let checkpoint = models[0]
    let (shape, quantization) = (checkpoint.state.model.shape, checkpoint.state.quantization)
    if let progressFrames, progressFrames > shape.pixels {
      throw ScanlineError(
        .usage, path: "--progress-frames", expected: "at most the \(shape.pixels) pixels of an image",
        found: "\(progressFrames)")
    }
    var text = sampling.text(checkpoint.state)
    if mixture { text["Mixture"] = models.map(\.path).joined(separator: "\n") }
    let orderCounts = orders ? models.map { "\($0.orderCount(of: shape))" }.joined(separator: ", ") : nil
    text["Orders"] = orderCounts
    let bar = ProgressBar(console, "drawing", total: count * shape.height)
    var request = SamplingRequest(
      count: count, seed: sampling.seed, temperature: sampling.temperature, topP: sampling.topP)
    request.frames = progressFrames ?? 1
    request.classes = try checkpoint.classes(sampling.class, count: count)
    let names = checkpoint.state.model.classNames ?? []
    if request.classes != nil { text["Class"] = sampling.class ?? "all" }
    let columns = columns ?? ((2...32).contains(names.count) && Set(request.classes ?? []).count > 1 ? names.count : 8)
    var written = Result<Int, any Error>.success(0)
    let drawn = draw(request, from: models, bar) { images, pixels in
      guard let frames else { return }
      written = written.flatMap { number in
        Result {
          try write(frame: number, images, pixels, quantization, text, columns: columns, to: frames)
          return number + 1
        }
      }
    }
    bar.finish()
    _ = try written.get()

    text["Count"] = "\(count)"
    try ImageGrid.picture(drawn.images, columns: columns, quantization: quantization).write(to: output, text: text)
    print(
      "\(output.displayed): \(counted(count, "image")) of \(shape), step \(checkpoint.state.step), seed "
        + "\(sampling.seed), \(sampling.sharpening); "
        + (mixture ? "even mixture of \(models.count); " : "")
        + (orderCounts.map { "orders mixed: \($0); " } ?? "")
        + LikelihoodSummary(drawn.nats, shape: shape).inWords)
    if let frames, let progressFrames { print("\(frames.path.displayed): \(progressFrames) frames") }
    if let singles {
      text["Count"] = nil
      text["Class"] = nil
      try sampling.writeSingles(drawn, quantization, text: text, to: singles) { image, text in
        text["Index"] = "\(image)"
        let name = drawn.images.classes.map { names[$0[image]] }
        text["Class"] = name
        return PNGFolder.numeral(image, of: count, digits: 5) + (name.map { "-" + ClassNames.shortened($0) } ?? "")
          + ".png"
      }
      print("\(singles.path.displayed): each as a PNG")
    }
  }

  /// The images of `request` from the only one of `models`, or from their mixture.
  private func draw(
    _ request: SamplingRequest, from models: [LoadedCheckpoint], _ bar: ProgressBar,
    frame: (_ images: ImageBatch, _ pixels: Int) -> Void
  ) -> SampledImages {
    let members = models.map {
      EvenMixture.Member(model: $0.state.model.makeModel(), parameters: $0.parameters, mixesOrders: orders)
    }
    let threads = sampling.threadCount
    if mixture || orders { return EvenMixture(members).sample(request, threads: threads, progress: bar.advance) }
    return Sampler(model: members[0].model, parameters: members[0].parameters, threads: threads)
      .sample(request, progress: bar.advance, frame: frame)
  }

  /// samples-frames of samples.png
  private var framesPath: String {
    (output.lowercased().hasSuffix(".png") ? String(output.dropLast(4)) : output) + "-frames"
  }

  /// Writes the grid with `pixels` of each image drawn.
  private func write(
    frame: Int, _ images: ImageBatch, _ pixels: Int, _ quantization: Quantization, _ text: PNGText,
    columns: Int, to folder: PNGFolder
  ) throws {
    let shape = images.shape
    var values = quantization.displayValues(images)
    for image in 0..<images.count {
      let missing = image * shape.dimensions + pixels * shape.channels..<(image + 1) * shape.dimensions
      for position in missing { values[position] = missingValue }
    }
    var text = text
    text["Frame"] = "\(frame + 1) of \(progressFrames ?? 1)"
    text["Pixels"] = "\(pixels) of \(shape.pixels)"
    let picture = ImageGrid.picture(values: values, shape: shape, columns: columns)
    let name = PNGFolder.numeral(frame + 1, of: (progressFrames ?? 1) + 1, digits: 3)
    try folder.write(1) { _ in ("frame-\(name).png", try picture.encoded(text: text)) }
  }
}

/// The grey value that stands for a pixel which is not drawn.
let missingValue: UInt8 = 128
