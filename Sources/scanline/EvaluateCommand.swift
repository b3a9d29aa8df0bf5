// `scanline evaluate`: exact log-likelihoods of a folder of images.
import ArgumentParser
import Evaluation
import Foundation
import ImageData
import Kernels
import Networks
import Training

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Score the images of a folder: nats per image and bits per dimension.",
    discussion: """
      Every image under the folder is scored; where it has split folders, the held-out one. Pixels are read and \
      quantized, and images held out, as the checkpoint's own were, unless options say otherwise.

      Example:
        scanline evaluate Checkpoints/digits mnist --split valid --json
      """)

  @Argument(help: "A run folder (its best step is used) or a step in it.") var checkpoint: String
  @Argument(help: "A folder of PNGs.") var folder: String
  @Option(help: "Score this split: train, valid or test.") var split: Split?
  @Option(help: "The moving average of the weights (ema), or the weights themselves (raw).")
  var weights: Checkpoint.Weights = .ema
  @Option(help: "Threads; by default all that this process may use.") var threads: Int?
  @Flag(help: "One JSON object instead of a table.") var json = false
  @Flag(help: "Add the gradient of the mean nats: RMS over live elements and maximum, for each tensor.")
  var gradients = false
  @OptionGroup(title: "Images") var images: ImageOptions

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads is 1 or more.") }
  }

  struct Report: Encodable {
    struct Gradient: Encodable {
      var rms: Double
      var max: Float
      var live: Int
      var count: Int
    }
    var images: Int
    var natsPerImage: Double
    var bitsPerDimension: Double
    var standardError: Double
    var levels: Int
    var binarization: Stated<String>
    var checkpoint: String
    var step: Int
    var weights: String
    var fingerprint: String
    var skipped: Int
    var gradients: [String: Gradient]?
  }

  func run() throws {
    let console = Console()
    let checkpoint = try LoadedCheckpoint(checkpoint, weights, console: console)
    let state = checkpoint.state
    let listing = try checkpoint.scan(folder, images)
    let chosen = split ?? listing.evaluationSplit
    if chosen == nil, let trained = state.data?.folder, isSameFolder(trained, folder) {
      console.logger.warning(
        "all images of \(folder) are scored, those it was trained on too; --split valid leaves them out")
    }
    let threads = threads ?? availableThreads()
    let (set, model) = try checkpoint.load(listing, split: chosen, images, threads: threads, console: console)
    let scorer = Scorer(model: model, parameters: checkpoint.parameters, threads: threads)
    let bar = ProgressBar(console, "scoring", total: set.count)
    let nats = scorer.nats(set, indices: Array(0..<set.count), state.quantization, progress: bar.reach)
    bar.finish()
    if let image = nats.firstIndex(where: { !$0.isFinite }) {
      throw ScanlineError(
        .diverged, path: set.paths[image], expected: "a finite log-likelihood", found: "\(nats[image]) nats")
    }
    let summary = LikelihoodSummary(nats, shape: set.shape)
    var report = Report(
      images: summary.images, natsPerImage: summary.natsPerImage, bitsPerDimension: summary.bitsPerDimension,
      standardError: summary.standardError, levels: state.quantization.levels,
      binarization: Stated(value: state.quantization.binarization?.rawValue), checkpoint: checkpoint.path,
      step: state.step,
      weights: weights.rawValue, fingerprint: Checksum.hexadecimal(set.fingerprint), skipped: set.skipped.count)
    if gradients { report.gradients = gradient(model, checkpoint.parameters, set, state.quantization) }
    try present(report)
  }

  private func isSameFolder(_ a: String, _ b: String) -> Bool {
    func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    return resolved(a) == resolved(b)
  }

  private func gradient(
    _ model: any ImageModel, _ parameters: ParameterVector, _ set: ImageSet, _ quantization: Quantization
  ) -> [String: Report.Gradient] {
    let threads = threads ?? availableThreads()
    let gradient = ParameterVector(layout: model.layout)
    let engine = BatchGradient(model: model, batchSize: set.count, threads: threads)
    _ = engine.compute(quantization.batch(from: set, indices: 0..<set.count), parameters: parameters, into: gradient)
    let norms = GradientNorms(gradient, threads: threads)
    return Dictionary(
      uniqueKeysWithValues: model.layout.slices.enumerated().map { index, slice in
        (
          slice.name,
          Report.Gradient(
            rms: norms.rms(index), max: norms.slices[index].maximum, live: slice.liveCount, count: slice.count)
        )
      })
  }

  private func present(_ report: Report) throws {
    if json { return try printJSON(report) }
    let quantization = report.binarization.value.map { "2 (\($0))" } ?? "\(report.levels)"
    print(
      """
      images              \(report.images)
      nats per image      \(report.natsPerImage.text(4)) ± \(report.standardError.text(4))
      bits per dimension  \(report.bitsPerDimension.text(5))
      levels              \(quantization)
      checkpoint          \(report.checkpoint) (\(report.weights))
      images' fingerprint \(report.fingerprint)
      """)
    for (name, g) in (report.gradients ?? [:]).sorted(by: { $0.key < $1.key }) {
      print("\(name): gradient RMS \(g.rms), maximum \(g.max), \(g.live) of \(g.count) live")
    }
  }
}

extension Checkpoint.Weights: ExpressibleByArgument {}
extension Split: ExpressibleByArgument {}

/// Prints one JSON object on one line, keys in snake case and in order.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// A value that a report states also where there is none: null, not a key that is missing.
struct Stated<Value: Encodable>: Encodable {
  var value: Value?

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value)
  }
}
