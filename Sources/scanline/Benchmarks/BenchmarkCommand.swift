// `scanline benchmark`: how fast, in figures that a peer can be held against.
import ArgumentParser
import Core
import Networks
import Training

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Measure training, evaluation, sampling and the kernels on random images.",
    discussion: """
      Prints one JSON object.

      Examples:
        scanline benchmark train --model pixelcnn --width 32 --blocks 15 --batch 64
        scanline benchmark kernels
      """,
    subcommands: [
      TrainBenchmark.self, EvaluateBenchmark.self, SampleBenchmark.self, StepBenchmark.self, CoresBenchmark.self,
      GrowthBenchmark.self, LoadBenchmark.self, KernelBenchmark.self,
    ])
}

/// What the three benchmarks of a whole model share.
struct BenchmarkOptions: ParsableArguments {
  @Option(help: "Model family.") var model: ModelKind = .pixelCNN
  @Option(help: "Features of the residual stream.") var width = 32
  @Option(help: "Residual blocks or layers.") var blocks = 15
  @Option(help: "Images in a batch.") var batch = 64
  @Option(help: "Side of the square images, in pixels.") var side = 28
  @Option(help: "Channels of the images.") var channels = 1
  @Option(help: "Levels of a pixel, 2 to 256.") var levels = 2
  @Option(help: "bernoulli, categorical or logistic-mixture (default: categorical, bernoulli for 2 levels).")
  var likelihood: LikelihoodKind?
  @Option(help: "Of a logistic-mixture: how many logistics (default: 10).") var mixtures: Int?
  @Option(help: "Threads; 0 takes all that this process may use.") var threads = 0
  @Option(help: "Seconds to measure for.") var seconds = 10.0
  @OptionGroup var layers: LayerOptions
  @Option(help: "What a peer was asked to compute in, fp32 or bf16; Scanline always computes in fp32.")
  var precision = "fp32"
  @OptionGroup var shown: ProgressOptions

  func validate() throws {
    guard batch > 0, side > 0, side <= 4096, channels > 0, threads >= 0, seconds > 0 else {
      throw ValidationError("--batch, --side, --channels and --seconds are positive, --threads is not negative.")
    }
    guard ["fp32", "bf16"].contains(precision) else {
      throw ValidationError("--precision is fp32 or bf16, not '\(precision)'.")
    }
  }

  var threadCount: Int { threads == 0 ? availableThreads() : threads }

  private var shape: ImageShape { ImageShape(height: side, width: side, channels: channels) }

  func makeModel() throws -> ImageModel {
    let configuration = ModelConfiguration(
      model: model, width: width, blocks: blocks, shape: shape, levels: levels, likelihood: likelihood,
      mixtures: mixtures, activation: layers.activation, residual: layers.residual, directions: layers.directions,
      cell: layers.cell, attention: layers.attention, wholeRows: layers.wholeRows, skip: layers.skip)
    try configuration.validate(path: "benchmark")
    return configuration.makeModel()
  }

  func makeBatch() -> ImageBatch {
    ImageBatch(noise: Philox(seed: 0, purpose: .benchmark), shape: shape, count: batch, levels: levels)
  }

  private enum Value: Encodable {
    case number(Double), text(String), flag(Bool)

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let number): try container.encode(number)
      case .text(let text): try container.encode(text)
      case .flag(let flag): try container.encode(flag)
      }
    }
  }

  func print(_ what: String, weights: Int, _ figures: [String: Double]) throws {
    let counts = [
      "peak_bytes": peakMemory(), "width": width, "blocks": blocks, "batch": batch, "side": side, "channels": channels,
      "levels": levels, "threads": threadCount, "weights": weights,
    ]
    var report = figures.merging(counts.mapValues(Double.init)) { $1 }.mapValues(Value.number)
    for (key, text) in ["peer": "scanline", "what": what, "model": model.rawValue] { report[key] = .text(text) }
    report["bf16"] = .flag(false)
    try printJSON(report)
  }

  /// Calls `round`, which times its parts by name, at least five times and for the time asked; then gives the median of
  /// a part's seconds. Parts that take turns meet alike whatever else the machine does.
  func medians(_ round: (_ time: (_ part: String, _ body: () -> Void) -> Void) -> Void) -> (_ part: String) -> Double {
    var times: [String: [Double]] = [:]
    repeatedly(atLeast: 5) { round { part, body in times[part, default: []].append(secondsTaken(by: body)) } }
    let medians = times.mapValues(median)
    return { medians[$0] ?? 0 }
  }

  /// Calls `body` three times unmeasured, then for the time asked; calls a second.
  func rate(_ body: () -> Void) -> Double {
    for _ in 0..<3 { body() }
    var calls = 0
    let seconds = secondsTaken {
      repeatedly(atLeast: 1) {
        body()
        calls += 1
      }
    }
    return Double(calls) / seconds
  }

  /// Of so many batches a second, to a tenth.
  func imagesPerSecond(_ rate: Double) -> Double { (rate * Double(batch) * 10).rounded() / 10 }

  /// Calls `round` for the time asked, and `least` times at least, and shows how far that is.
  func repeatedly(atLeast least: Int, _ round: () throws -> Void) rethrows {
    try Self.repeatedly(seconds: seconds, atLeast: least, shown.console(), round)
  }

  /// The same for `seconds`.
  static func repeatedly(
    seconds: Double, atLeast least: Int, _ console: Console, _ round: () throws -> Void
  ) rethrows {
    let parts = 1_000
    let bar = ProgressBar(console, "measuring", total: parts)
    let start = monotonicSeconds()
    var (rounds, share) = (0, 0.0)
    repeat {
      try round()
      rounds += 1
      share = min((monotonicSeconds() - start) / seconds, Double(rounds) / Double(least))
      bar.reach(Int(min(share, 1) * Double(parts)))
    } while share < 1
    bar.finish()
  }
}

extension ModelKind: ExpressibleByArgument {}

struct TrainBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Whole training steps: forward, loss, backward, Adam.",
    discussion: """
      With --gradients-every N, what it costs to record the gradient flow at every N-th step: steps with a record and \
      without take turns, record_per_step is the median of what the former take longer, as a share of a step, and \
      gradients_overhead that share of N steps. (images_per_second is then of both kinds.)
      """)
  @OptionGroup var options: BenchmarkOptions
  @Option(help: "Record the gradient flow every so many steps, and measure what it costs; 0: do not.")
  var gradientsEvery = 0

  func validate() throws {
    guard gradientsEvery >= 0 else { throw ValidationError("--gradients-every is not negative.") }
  }

  func run() throws {
    let model = try options.makeModel()
    let batch = options.makeBatch()
    let engine = BatchGradient(model: model, batchSize: options.batch, threads: options.threadCount)
    var adam = Adam(parameters: model.initialParameters(seed: 0), options: AdamOptions())
    let gradient = ParameterVector(layout: model.layout)
    func step(recording: Bool) {
      let tracker = recording ? GradientTracker(model) : nil
      let nats = engine.compute(batch, parameters: adam.parameters, into: gradient, observer: tracker?.observer)
      let norm = GradientNorms(gradient, threads: options.threadCount)
      let before = recording ? adam.parameters.copy() : nil
      adam.update(gradient, norm: norm.global, learningRate: 1e-3, threads: options.threadCount)
      guard let tracker, let before else { return }
      let record = tracker.record(
        step: adam.step, natsPerImage: nats[0], gradient: gradient, before: before, after: adam.parameters)
      _ = try? JSONEncoder().encode(record)
    }
    var figures: [String: Double] = [:]
    let rate: Double
    if gradientsEvery == 0 {
      rate = options.rate { step(recording: false) }
    } else {
      var (turns, shares): (Int, [Double]) = (0, [])
      // A call is a step of each; which comes first changes, so that a machine that slows down favours neither.
      rate =
        options.rate {
          var seconds = [0.0, 0.0]
          for turn in turns % 2 == 0 ? [0, 1] : [1, 0] {
            seconds[turn] = secondsTaken { step(recording: turn == 1) }
          }
          turns += 1
          shares.append((seconds[1] - seconds[0]) / seconds[0])
        } * 2
      let share = median(shares)
      figures["record_per_step"] = share
      figures["gradients_overhead"] = share / Double(gradientsEvery)
      figures["gradients_every"] = Double(gradientsEvery)
    }
    figures["images_per_second"] = options.imagesPerSecond(rate)
    try options.print("train", weights: model.layout.liveCount, figures)
  }
}

struct EvaluateBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Log-likelihoods of a batch, forward only.")
  @OptionGroup var options: BenchmarkOptions

  func run() throws {
    let model = try options.makeModel()
    let batch = options.makeBatch()
    let scorer = Scorer(model: model, parameters: model.initialParameters(seed: 0), threads: options.threadCount)
    let rate = options.imagesPerSecond(options.rate { _ = scorer.nats(batch) })
    try options.print("evaluate", weights: model.layout.liveCount, ["images_per_second": rate])
  }
}

struct SampleBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample", abstract: "Seconds for one sampled batch, beside one forward pass of the same images.")
  @OptionGroup var options: BenchmarkOptions

  func run() throws {
    let model = try options.makeModel()
    let parameters = model.initialParameters(seed: 0)
    let threads = options.threadCount
    let sampler = Sampler(model: model, parameters: parameters, threads: threads)
    let scorer = Scorer(model: model, parameters: parameters, threads: threads)
    var (sampling, forward): ([Double], [Double]) = ([], [])
    _ = scorer.nats(options.makeBatch())
    // Turn about, so that whatever else the machine does meets both.
    options.repeatedly(atLeast: 3) {
      var images = options.makeBatch()
      let request = SamplingRequest(count: options.batch, seed: UInt64(sampling.count))
      sampling.append(secondsTaken { images = sampler.sample(request).images })
      forward.append(secondsTaken { _ = scorer.nats(images) })
    }
    let (sampled, passed) = (median(sampling), median(forward))
    try options.print(
      "sample", weights: model.layout.liveCount,
      [
        "seconds_per_batch": sampled, "forward_seconds_per_batch": passed, "sampling_per_forward": sampled / passed,
        "sampler_bytes": Double(Sampler.byteCount(of: model, count: options.batch, threads: threads)),
      ])
  }
}

/// The middle of `values`, of which there is at least one.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
