// What `sample` and `complete` have in common: options, and the texts that their pictures carry.
import ArgumentParser
import Core
import ImageData
import Networks
import Training

struct SamplingOptions: ParsableArguments {
  @Option(help: "The seed of the draws.") var seed: UInt64 = 1
  @Option(help: "Above 0: below 1 the likely becomes likelier, above 1 less so.") var temperature: Float = 1
  @Option(
    help: """
      Draw each value from its likeliest levels alone, the fewest that have this share of its probability, above 0 to 1; \
      below 1 images are no exact draws from the model.
      """)
  var topP: Float = 1
  @Option(help: "Of a model trained with --class-conditional: the class to draw, or all in turn (default: all).")
  var `class`: String?
  @Option(
    help: ArgumentHelp("Write each image as a PNG of its own into this folder too.", valueName: "new folder"),
    completion: .directory)
  var folder: String?
  @Flag(help: "Write over existing files; other files of a folder stay.") var force = false
  @Option(help: "The moving average of the weights (ema), or the weights themselves (raw).")
  var weights: Checkpoint.Weights = .ema
  @Option(help: "Threads, 1 to 1024; by default all that this process may use.") var threads: Int?

  func validate() throws {
    guard temperature > 0, temperature.isFinite else { throw ValidationError("--temperature is a positive number.") }
    guard topP > 0, topP <= 1 else { throw ValidationError("--top-p lies above 0, at most at 1.") }
    try requireThreads(threads)
  }

  /// "temperature 0.9, top-p 0.95"
  var sharpening: String { "temperature \(temperature)" + (topP < 1 ? ", top-p \(topP)" : "") }

  var threadCount: Int { threads ?? availableThreads() }

  func text(_ state: RunState) -> PNGText {
    var text = PNGText(
      model: state.model, state.quantization, step: state.step, weights: weights, seed: seed, temperature: temperature)
    if topP < 1 { text["Top-p"] = "\(topP)" }
    if let origin = state.origin { text["Weights"] = origin.weights }
    return text
  }

  /// Writes each of `drawn` into `folder`, with `text` and what is its own: `name` gives a file's name and may add to
  /// its text.
  func writeSingles(
    _ drawn: SampledImages, _ quantization: Quantization, text: PNGText, to folder: PNGFolder,
    name: (_ image: Int, _ text: inout PNGText) -> String
  ) throws {
    let shape = drawn.images.shape
    let values = quantization.displayValues(drawn.images)
    try folder.write(drawn.images.count, threads: threadCount) { image in
      var text = text
      text["Nats"] = "\(drawn.nats[image])"
      let name = name(image, &text)
      let range = image * shape.dimensions..<(image + 1) * shape.dimensions
      return (name, try PNGImage(shape: shape, values: Array(values[range])).encoded(text: text, filter: .none))
    }
  }
}

extension PNGText {
  /// What a picture of samples says of how it was made.
  init(
    model: ModelConfiguration, _ quantization: Quantization, step: Int, weights: Checkpoint.Weights, seed: UInt64,
    temperature: Float
  ) {
    self = [
      "Software": "scanline \(Scanline.configuration.version)", "Model": model.model.rawValue, "Step": "\(step)",
      "Weights": weights.rawValue, "Seed": "\(seed)", "Temperature": "\(temperature)",
      "Levels": "\(quantization.levels)",
    ]
    if let binarization = quantization.binarization {
      self["Binarization"] = binarization.rawValue
      self["Binarization seed"] = "\(quantization.seed)"
    }
  }
}

extension LikelihoodSummary {
  /// "78.12 ± 1.05 nats an image, 0.1437 bits per dimension"
  var inWords: String {
    "\(plusMinus(natsPerImage, standardError, 2)) nats an image, \(bitsPerDimension.text(4)) bits per dimension"
  }
}
