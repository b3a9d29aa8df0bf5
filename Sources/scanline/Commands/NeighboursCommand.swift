// `scanline neighbours`: drawn images beside the training images nearest to them.
import ArgumentParser
import Core
import Evaluation
import ImageData

struct NeighboursCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neighbours",
    abstract: "Show samples beside their nearest training images.",
    discussion: """
      Distances are root mean squares over the pixel values, 0 to 255, after both sides are brought to the same \
      levels: those that the samples' PNG text names, unless --levels does. An exact copy has distance 0. Samples are \
      judged against images held out of the training folder, up to 1000, which no model can know by heart: a sample \
      that is nearer to a training image than all but one in a hundred of them is called a near copy. Give the \
      training's --valid-share and --split-seed where it had any.

      Writes a grid: in each row a sample and its nearest training images, nearest first.

      Examples:
        scanline neighbours digits.png mnist --output beside.png
        scanline neighbours digits mnist --nearest 3 --json
      """)

  /// Held-out images that are searched for: enough to say how near one in a hundred comes.
  private static let heldOutImages = 1_000

  @Argument(help: "A folder of PNGs, a PNG, or a grid that `scanline sample` wrote.", completion: .file())
  var samples: String
  @Argument(
    help: ArgumentHelp("The folder that the model was trained on.", valueName: "training folder"),
    completion: .directory)
  var folder: String
  @Option(help: "Training images beside each sample (1 to 100).") var nearest = 5
  @Option(help: "Samples to look at, at most (1 to 10000).") var count = 64
  @Option(name: .shortAndLong, help: "The PNG to write.", completion: .file(extensions: ["png"])) var output =
    "neighbours.png"
  @Flag(help: "Write over an existing file.") var force = false
  @Flag(help: "One JSON object instead of tables.") var json = false
  @Option(help: "Threads, 1 to 1024; by default all that this process may use.") var threads: Int?
  @OptionGroup var shown: ProgressOptions
  @OptionGroup(title: "Levels") var levels: QuantizationOptions
  @OptionGroup(title: "Images") var images: ImageOptions

  func validate() throws {
    guard (1...100).contains(nearest) else { throw ValidationError("--nearest lies in 1 to 100.") }
    guard (1...10_000).contains(count) else { throw ValidationError("--count lies in 1 to 10000.") }
    try requireThreads(threads)
  }

  func run() throws {
    let console = shown.console()
    var outputs = OutputFiles(force: force, inputs: [samples, folder])
    try outputs.demand(output, as: .png, for: "--output")
    let threads = threads ?? availableThreads()
    let listing = try images.scan(folder)
    let train = try listing.images(of: .train, images.loading(), threads: threads, console: console)
    let drawn = try SampleFiles(
      samples, shape: train.shape, limit: count, reading: images.loading().reading, threads: threads)
    let quantization = try quantization(of: drawn)
    let heldOut = try heldOut(listing, train.shape, threads, console)

    // All on the display values of the same levels.
    let table = (0...255).map { quantization.displayValue(quantization.level(of: UInt8($0))) }
    let sampleValues = drawn.pixels.map { table[Int($0)] }
    let trainValues = values(train, quantization)
    let heldOutValues = heldOut.map { values($0, quantization) } ?? []
    let bar = ProgressBar(console, "searching", total: drawn.names.count + (heldOut?.count ?? 0))
    func search(_ images: [UInt8], _ count: Int) -> [[NearestImage]] {
      NearestImage.search(
        for: images, in: trainValues, dimensions: train.shape.dimensions, count: count, threads: threads,
        progress: bar.advance)
    }
    let found = search(sampleValues, nearest)
    let heldOutDistances = search(heldOutValues, 1).map { $0[0].distance }
    bar.finish()

    let report = NeighbourReport(
      samples: zip(drawn.names, found).map { name, nearest in
        NeighbourReport.Sample(
          sample: name, nearest: nearest.map { .init(path: train.paths[$0.index], distance: $0.distance) })
      }, heldOutDistances: heldOutDistances, trainingImages: train.count, quantization, output: output)
    if json { try printJSON(report) } else { print(report.inWords) }
    try write(sampleValues, found, trainValues, train.shape, quantization)
  }

  /// What was said, else what the samples say, else all 256 levels.
  private func quantization(of drawn: SampleFiles) throws -> Quantization {
    guard levels.given == nil, let stated = drawn.quantization else {
      return try levels.quantization(seed: drawn.quantization?.seed ?? 1)
    }
    return stated
  }

  /// Images that training did not see, spread over those that there are; nil where there are none.
  private func heldOut(_ listing: ImageFolder, _ shape: ImageShape, _ threads: Int, _ console: Console) throws
    -> ImageSet?
  {
    let split: Split = listing.entries(in: .valid).isEmpty ? .test : .valid
    guard !listing.entries(in: split).isEmpty else { return nil }
    let set = try listing.spread(Self.heldOutImages, in: split)
      .images(of: nil, images.loading(), threads: threads, console: console)
    try set.requireShape(shape, path: folder)
    return set
  }

  private func values(_ set: ImageSet, _ quantization: Quantization) -> [UInt8] {
    quantization.displayValues(quantization.batch(from: set, indices: 0..<set.count))
  }

  private func write(
    _ samples: [UInt8], _ found: [[NearestImage]], _ train: [UInt8], _ shape: ImageShape, _ quantization: Quantization
  ) throws {
    var values: [UInt8] = []
    for (sample, nearest) in found.enumerated() {
      values += samples[sample * shape.dimensions..<(sample + 1) * shape.dimensions]
      for near in nearest { values += train[near.index * shape.dimensions..<(near.index + 1) * shape.dimensions] }
    }
    try ImageGrid.picture(values: values, shape: shape, columns: 1 + found[0].count).write(
      to: output,
      text: [
        "Software": "scanline \(Scanline.configuration.version)", "Samples": self.samples, "Training": folder,
        "Levels": "\(quantization.levels)", "Columns": "a sample, its nearest training images, nearest first",
      ])
  }
}
