// Trains a small PixelCNN on a folder of PNGs, scores held-out images, saves a checkpoint and draws a picture:
// `LibraryExample IMAGES OUTPUT`.
import Core
import Evaluation
import Foundation
import ImageData
import Networks
import Training

guard CommandLine.arguments.count == 3 else { fatalError("LibraryExample IMAGES OUTPUT") }
let (images, output) = (CommandLine.arguments[1], CommandLine.arguments[2])

func run() throws {
  // Pixels: the folder's images, a tenth of them held out, at four levels.
  let folder = try ImageFolder(scanning: images)
  let train = try ImageSet(loading: folder, split: .train)
  let valid = try ImageSet(loading: folder, split: .valid)
  let quantization = try Quantization(levels: 4)

  // What to train, and how.
  let configuration = ModelConfiguration(
    model: .pixelCNN, width: 16, blocks: 2, shape: train.shape, levels: quantization.levels)
  var options = TrainingOptions()
  options.length = .steps(20)
  options.batchSize = 8
  options.evaluationImages = 16
  options.gradientInterval = 5

  let start = Adam(
    parameters: configuration.makeModel().initialParameters(seed: options.seed), options: options.adam)
  let clock = ContinuousClock()
  let began = clock.now
  let trainer = Trainer(
    state: RunState(model: configuration, quantization: quantization, training: options), adam: start, train: train,
    valid: valid, threads: availableThreads(), now: { Double(began.duration(to: clock.now).components.seconds) })
  // One run, one folder: the lock keeps others out. Metrics and gradient flow are written down as they come.
  let lock = try RunLock(run: output)
  let sinks: [any RunSink] = [
    try MetricsSink(under: lock, state: trainer.state), try GradientSink(under: lock, state: trainer.state),
  ]
  _ = try trainer.run(
    request: { .none },
    save: { state, adam in
      let path = "\(output)/step-\(adam.step)"
      try Checkpoint.save(adam, state: state, to: path)
      return path
    },
    report: { event in
      for sink in sinks { try sink.take(event) }
      if case .evaluated(let evaluation) = event {
        print("step \(evaluation.step): \(evaluation.summary.bitsPerDimension) bits per dimension")
      }
    })

  let flow = try GradientLog.records(ofRun: output)
  for layer in flow.last?.layers ?? [] { print("\(layer.name): gradient flow \(layer.flow.rms)") }

  // What was saved, read again: its exact likelihood of other images, and a picture of what it draws.
  let (state, weights) = try Checkpoint.loadWeights("\(output)/step-\(trainer.adam.step)", .ema)
  let model = state.model.makeModel()
  let batch = state.quantization.batch(from: valid, indices: 0..<min(8, valid.count))
  let nats = Scorer(model: model, parameters: weights, threads: availableThreads()).nats(batch)
  print("nats of \(nats.count) held-out images: \(nats.map { ($0 * 100).rounded() / 100 })")

  let drawn = Sampler(model: model, parameters: weights, threads: availableThreads())
    .sample(SamplingRequest(count: 4, seed: 1))
  try ImageGrid.picture(drawn.images, columns: 4, quantization: state.quantization).write(to: "\(output)/samples.png")
  print("drew \(output)/samples.png")
}

do {
  try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
  try run()
} catch let error as ScanlineError {
  // It names the file, what was expected and what was found, and has the code that the command would exit with.
  print(error)
  exit(error.kind.rawValue)
}
