// `scanline complete`: part of an image is given, the rest is drawn.
import ArgumentParser
import Core
import ImageData
import Networks

struct CompleteCommand: ParsableCommand, LeavesFiles {
  static let configuration = CommandConfiguration(
    commandName: "complete",
    abstract: "Keep part of each image and draw the rest.",
    discussion: """
      Writes a grid: in each row an image, its given part (missing pixels in mid grey) and its completions. Given \
      pixels stay as they are. Where they all come before the drawn ones in raster order, as with --keep-rows, \
      completions are exact draws from the model's distribution of the rest; with other masks a drawn pixel does not \
      see given ones that come after it, and the command says how many those are.

      Pixels are read and quantized, and images held out, as the checkpoint's own were, unless options say otherwise. \
      Of a folder, --count images evenly spread over it are taken; where it has split folders, of the held-out one.

      Examples:
        scanline complete Checkpoints/digits mnist --split valid --keep-rows 14 \\
          --output halves.png
        scanline complete Checkpoints/digits seven.png \\
          --keep-mask left-half.png --completions 10
      """)

  @Argument(help: "A run folder (its best step is used) or a step in it.", completion: .directory)
  var checkpoint: String
  @Argument(help: ArgumentHelp("A PNG, or a folder of PNGs.", valueName: "images"), completion: .file()) var source:
    String
  @Option(help: "Keep so many rows at the top: 1 or more, not all.") var keepRows: Int?
  @Option(
    help: ArgumentHelp(
      "Keep the white pixels of this PNG of the images' size, draw the black ones.", valueName: "mask.png"),
    completion: .file(extensions: ["png"]))
  var keepMask: String?
  @Option(help: "Completions of each image (1 to 1000), of all images 10000 at most.") var completions = 6
  @Option(help: "Images to complete, at most (1 to 1000).") var count = 8
  @Option(help: "Take images of this split: train, valid or test.") var split: Split?
  @Option(name: .shortAndLong, help: "The PNG to write.", completion: .file(extensions: ["png"])) var output =
    "completions.png"
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var shown: ProgressOptions
  @OptionGroup(title: "Images") var images: ImageOptions

  func validate() throws {
    guard (keepRows != nil) != (keepMask != nil) else {
      throw ValidationError("Say what stays: --keep-rows or --keep-mask, one of them.")
    }
    guard keepRows.map({ $0 >= 0 }) ?? true else { throw ValidationError("--keep-rows is 1 or more.") }
    guard (1...1000).contains(completions) else { throw ValidationError("--completions lies in 1 to 1000.") }
    guard (1...1000).contains(count) else { throw ValidationError("--count lies in 1 to 1000.") }
    guard completions * count <= 10_000 else { throw ValidationError("--count times --completions is 10000 at most.") }
  }

  func run() throws {
    let console = shown.console()
    var outputs = OutputFiles(force: sampling.force, inputs: [source, keepMask])
    try outputs.demand(output, as: .png, for: "--output")
    if let folder = sampling.folder { try outputs.requireFolder(folder, for: "--folder") }
    let singles = try sampling.folder.map { try PNGFolder($0, force: sampling.force) }
    let checkpoint = try LoadedCheckpoint(checkpoint, sampling.weights, console: console)
    let quantization = checkpoint.state.quantization
    let listing = try checkpoint.scan(source, images)
    let (set, model) = try checkpoint.load(
      listing.spread(count, in: split ?? listing.evaluationSplit), split: nil, images, threads: sampling.threadCount,
      ignoresClasses: sampling.class != nil, console: console)
    let reading = images.loading(over: checkpoint.state.data?.loading).reading
    let kept =
      try keepRows.map { try InpaintingMask(rows: $0, shape: set.shape) }
      ?? InpaintingMask(maskAt: keepMask ?? "", shape: set.shape, reading: reading)

    let originals = quantization.batch(from: set, indices: 0..<set.count)
    let given = GivenPixels(
      quantization.batch(from: set, indices: (0..<set.count * completions).map { $0 / completions }), mask: kept.mask)
    // The class that was asked for, else that of each image's folder.
    let asked = try sampling.class.flatMap { try checkpoint.classes($0, count: given.images.count) }
    let bar = ProgressBar(console, "drawing", total: given.images.count * set.shape.height)
    let drawn = Sampler(model: model, parameters: checkpoint.parameters, threads: sampling.threadCount).sample(
      SamplingRequest(
        count: given.images.count, seed: sampling.seed, temperature: sampling.temperature,
        topP: sampling.topP, classes: asked ?? given.images.classes, given: given),
      progress: bar.advance)
    bar.finish()

    let conditioning = kept.conditioning(
      unseen: given.unseenCount(in: model.configuration.order),
      sharpening: sampling.temperature == 1 && sampling.topP == 1 ? nil : sampling.sharpening)
    var text = sampling.text(checkpoint.state)
    text["Given"] = kept.inWords
    if model.configuration.classCount > 0 { text["Class"] = sampling.class ?? "each image's own" }
    text["Conditioning"] = conditioning
    text["Columns"] = "the image, what is given of it, \(counted(completions, "completion"))"
    printTable(set, drawn)
    try kept.picture(originals, drawn: drawn.images, quantization).write(to: output, text: text)
    if let singles {
      try sampling.writeSingles(drawn, quantization, text: text, to: singles) { number, text in
        let (image, completion) = number.quotientAndRemainder(dividingBy: completions)
        text["Image"] = set.paths[image]
        text["Completion"] = "\(completion)"
        return PNGFolder.numeral(image, of: set.count, digits: 5) + "-"
          + PNGFolder.numeral(completion, of: completions, digits: 2) + ".png"
      }
    }
    report(set, drawn, step: checkpoint.state.step, conditioning, singles)
  }

  private func printTable(_ set: ImageSet, _ drawn: SampledImages) {
    let rows = set.paths.indices.map { image in
      let nats = drawn.nats[image * completions..<(image + 1) * completions]
      return ["\(image)", set.paths[image], (nats.reduce(0, +) / Double(completions)).text(2)]
    }
    print(textTable(["row", "image", "nats of a completed image"], rows))
  }

  private func report(
    _ set: ImageSet, _ drawn: SampledImages, step: Int, _ conditioning: String, _ singles: PNGFolder?
  ) {
    print(
      "\(output.displayed): \(counted(completions, "completion")) of \(counted(set.count, "image")) of "
        + "\(set.shape), step \(step), seed \(sampling.seed), \(sampling.sharpening); "
        + LikelihoodSummary(drawn.nats, shape: set.shape).inWords)
    if let singles { print("\(singles.path.displayed): each completion as a PNG") }
    print(conditioning)
  }
}
