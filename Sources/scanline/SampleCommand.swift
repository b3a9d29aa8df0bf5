// `scanline sample`: a grid of images drawn from a model.
import ArgumentParser
import Evaluation
import Foundation
import ImageData
import Kernels
import Networks
import Synchronization
import Training

struct SampleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Draw images from a model into one PNG.",
    discussion: """
      The same seed gives the same images on any number of threads.

      Example:
        scanline sample Checkpoints/digits --count 64 --seed 3 --output digits.png
      """)

  @Argument(help: "A run folder (its best step is used) or a step in it.") var checkpoint: String
  @Option(help: "How many images.") var count = 64
  @Option(help: "The seed of the draws.") var seed: UInt64 = 1
  @Option(help: "Below 1 the likely becomes likelier, above 1 less so.") var temperature: Float = 1
  @Option(help: "Images in a row of the grid.") var columns = 8
  @Option(name: .shortAndLong, help: "The PNG to write.") var output = "samples.png"
  @Flag(help: "Write over an existing file.") var force = false
  @Option(help: "The moving average of the weights (ema), or the weights themselves (raw).")
  var weights: Checkpoint.Weights = .ema
  @Option(help: "Threads; by default all that this process may use.") var threads: Int?

  func validate() throws {
    guard (1...10_000).contains(count) else { throw ValidationError("--count lies in 1 to 10000.") }
    guard columns > 0 else { throw ValidationError("--columns is 1 or more.") }
    guard temperature > 0, temperature.isFinite else { throw ValidationError("--temperature is a positive number.") }
    if let threads, threads < 1 { throw ValidationError("--threads is 1 or more.") }
  }

  func run() throws {
    let console = Console()
    if !force, FileManager.default.fileExists(atPath: output) {
      throw ScanlineError(.cannotCreate, path: output, expected: "a new file (or --force)", found: "an existing one")
    }
    let (path, messages) = try Checkpoint.resolve(checkpoint)
    messages.forEach { console.logger.warning("\($0)") }
    let (state, parameters) = try Checkpoint.loadWeights(path, weights)
    let sampler = Sampler(
      model: state.model.makeModel(), parameters: parameters, threads: threads ?? availableThreads())
    let done = Progress()
    let images = sampler.sample(SamplingRequest(count: count, seed: seed, temperature: temperature)) {
      _ in
      let drawn = done.next()
      console.redraw("\(drawn) of \(count) images")
    }.images
    console.finish()
    let picture = ImageGrid.picture(images, columns: columns, quantization: state.quantization)
    try picture.write(
      to: output,
      text: [
        "Software": "scanline \(Scanline.configuration.version)", "Model": state.model.model.rawValue,
        "Step": "\(state.step)", "Weights": weights.rawValue, "Seed": "\(seed)", "Temperature": "\(temperature)",
        "Levels": "\(state.quantization.levels)",
      ])
    print(
      "\(output): \(count) images of \(state.model.shape), step \(state.step), seed \(seed), temperature \(temperature)"
    )
  }

  private final class Progress: Sendable {
    private let drawn = Atomic<Int>(0)
    func next() -> Int { drawn.wrappingAdd(1, ordering: .relaxed).newValue }
  }
}
