// samples/: the same images again and again while a run learns to draw them.
import Core
import Evaluation
import ImageData
import Networks
import Training

/// Draws a grid of samples from the moving average of the weights at evaluations, as `scanline sample` does with the
/// run's seed. The seed is the same each time, so that the same images are seen to sharpen; with classes they take turns.
///
/// Measured at 28×28, two levels, on 2 cores that others used too: `scanline sample --count 16`, its start included, took
/// 0.07 s for an mdrnn of 64×1 and 0.19 s for a pixelcnn of 32×15; between two evaluations of MNIST at the default interval
/// (844 steps of 64) lie 63 s and 152 s. So a grid is some 0.1% of the time, and the budget below is for large images and
/// frequent evaluations.
final class SampleSink: RunSink {
  static let folderName = "samples"

  /// Grids take this share of the time since the process began, at most; beyond it evaluations pass without one. The
  /// first and the last evaluation always have theirs.
  static let budgetShare = 0.02
  /// Seconds that are free whatever the share: a short run shows all of its grids.
  static let freeSeconds = 0.5

  private let trainer: Trainer
  private let folder: String
  private let count: Int
  private let threads: Int
  private let console: Console
  private let events: EventSink?
  private let began = monotonicSeconds()
  private var spent = 0.0
  private var longest = 0.0
  private var hasTold = false

  /// Grids of the run under `lock`; what the trainer's options say of samples holds.
  init(under lock: RunLock, trainer: Trainer, threads: Int, console: Console, events: EventSink?) throws {
    (self.trainer, self.threads, self.console, self.events) = (trainer, threads, console, events)
    folder = lock.run + "/" + Self.folderName
    count = trainer.state.training?.samples ?? 0
  }

  /// step-00001234.png
  static func name(of step: Int) -> String { CheckpointFolder.name(of: step) + ".png" }

  /// The step of a file of that name; nil where none has it.
  static func step(of name: String) -> Int? {
    name.hasSuffix(".png") ? CheckpointFolder.step(named: String(name.dropLast(4))) : nil
  }

  func take(_ event: TrainingEvent) throws {
    guard case .evaluated(let evaluation) = event, count > 0 else { return }
    let start = monotonicSeconds()
    guard evaluation.isFinal || spent + longest <= max(Self.freeSeconds, Self.budgetShare * (start - began)) else {
      if !hasTold {
        console.line(
          "A grid of \(counted(count, "sample")) takes \(longest.text(1)) s: some evaluations go without one (--samples N: fewer)"
        )
      }
      hasTold = true
      return
    }
    try draw(step: evaluation.step)
    let seconds = monotonicSeconds() - start
    spent += seconds
    longest = max(longest, seconds)
  }

  private func draw(step: Int) throws {
    let (model, quantization) = (trainer.state.model, trainer.state.quantization)
    let seed = trainer.state.training?.seed ?? 1
    let bar = ProgressBar(console, "drawing samples", total: count * model.shape.height)
    let names = model.classNames ?? []
    let classes = names.isEmpty ? nil : (0..<count).map { $0 % names.count }
    let drawn = Sampler(model: model.makeModel(), parameters: trainer.adam.average, threads: threads).sample(
      SamplingRequest(count: count, seed: seed, classes: classes), progress: bar.advance)
    bar.finish()
    // A row of all classes, or as near to a square as can be.
    let columns = (2...32).contains(names.count) ? names.count : Int(Double(count).squareRoot().rounded(.up))
    var text = PNGText(model: model, quantization, step: step, weights: .ema, seed: seed, temperature: 1)
    if classes != nil { text["Class"] = "all" }
    text["Count"] = "\(count)"
    try RunRecorder.makeFolder(folder)
    let picture = ImageGrid.picture(drawn.images, columns: columns, quantization: quantization)
    let png = try picture.encoded(text: text)
    try DurableFiles.replace(folder + "/" + Self.name(of: step), with: png)
    try events?.append(samples: png, shape: picture.shape, step: step)
  }
}
