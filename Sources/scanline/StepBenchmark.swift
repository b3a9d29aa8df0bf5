// `scanline benchmark step`: where the time of a training step goes.
import ArgumentParser
import Foundation
import Kernels
import Networks
import Training

struct StepBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Where the time of a training step goes, and how far it is from the multiply-add peak.",
    discussion: """
      Each part is timed on one core, in turn with whole steps, one of one thread and one of all: every figure is a \
      median. What the parts do not explain of a step on one thread is handing them out and the caches that they take \
      from each other; what one thread's step, shared out evenly, does not explain of a step on all is waiting.

      Example:
        scanline benchmark step --model pixelcnn --width 128 --batch 32
      """)
  @OptionGroup var options: BenchmarkOptions
  @Flag(help: "One JSON object instead of a table.") var json = false

  private struct Part: Encodable {
    var part: String
    var seconds: Double
    var shareOfStep: Double
  }

  private struct Report: Encodable {
    var model: ModelKind
    var width: Int
    var blocks: Int
    var batch: Int
    var threads: Int
    /// Seconds of a step on one thread, and on all.
    var secondsOneThread: Double
    var seconds: Double
    var speedUp: Double
    /// Seconds that the multiply-adds of a step take at the peak of all threads, and the step over them.
    var secondsAtPeak: Double
    var stepOverPeak: Double
    /// On one core.
    var parts: [Part]
  }

  func run() throws {
    let model = try options.makeModel()
    let work = Work(model, options.makeBatch(), threads: options.threadCount)
    var times: [String: [Double]] = [:]
    let clock = ContinuousClock()
    let start = clock.now
    func time(_ part: String, _ body: () -> Void) { times[part, default: []].append(clock.measure(body).inSeconds) }
    work.step(work.alone)
    repeat {
      time("one thread") { work.step(work.alone) }
      time("all threads") { work.step(work.together) }
      for part in Work.Part.allCases { time(part.rawValue) { work.run(part) } }
      time("peak") { work.runPeak() }
    } while times["peak", default: []].count < 5 || start.duration(to: clock.now) < .seconds(options.seconds)
    let medians = times.mapValues(median)
    func seconds(_ part: String) -> Double { medians[part] ?? 0 }
    let alone = seconds("one thread")
    var parts = Work.Part.allCases.map { Part(part: $0.rawValue, seconds: seconds($0.rawValue), shareOfStep: 0) }
    parts.append(Part(part: "the rest", seconds: alone - parts.reduce(0) { $0 + $1.seconds }, shareOfStep: 0))
    for index in parts.indices { parts[index].shareOfStep = parts[index].seconds / alone }
    let atPeak = work.operations / work.peakOperations * seconds("peak") / Double(options.threadCount)
    let report = Report(
      model: options.model, width: options.width, blocks: options.blocks, batch: options.batch,
      threads: options.threadCount, secondsOneThread: alone, seconds: seconds("all threads"),
      speedUp: alone / seconds("all threads"), secondsAtPeak: atPeak, stepOverPeak: seconds("all threads") / atPeak,
      parts: parts)
    if json { return try printJSON(report) }
    print(
      textTable(
        ["on one core", "ms", "of the step"],
        report.parts.map { [$0.part, ($0.seconds * 1e3).text(2), ($0.shareOfStep * 100).text(1) + "%"] }))
    print(
      """

      a step on 1 thread     \((alone * 1e3).text(2)) ms
      a step on \(report.threads) threads    \((report.seconds * 1e3).text(2)) ms, \(report.speedUp.text(2)) times as fast
      its multiply-adds      \((atPeak * 1e3).text(2)) ms at the peak of \(report.threads) threads: the step takes \
      \(report.stepOverPeak.text(2)) times that
      """)
  }
}

/// A training step, and its parts one by one.
private final class Work {
  enum Part: String, CaseIterable {
    case packing = "packing weights"
    case forward = "forward kernels with their endings"
    case likelihood = "likelihood and its gradient"
    case backward = "backward kernels with their endings"
    case reduction = "adding up the shards"
    case norms = "norms of the gradient"
    case optimizer = "Adam and the average"
  }

  /// An engine with its number of threads.
  typealias Engine = (gradient: BatchGradient, threads: Int)
  let alone: Engine
  let together: Engine
  /// Floating-point operations of a step's products: a multiply-add is two, and each is done forward, for the weights'
  /// gradient and for the input's. (That of the image, which nobody needs, is counted in: under one in a hundred.)
  let operations: Double
  private let model: any ImageModel
  private let batch: ImageBatch
  private let packed: PackedParameters
  private let workspace: any ModelWorkspace
  private let sum: AlignedBuffer
  private let gradient: ParameterVector
  private var adam: Adam

  init(_ model: any ImageModel, _ batch: ImageBatch, threads: Int) {
    self.model = model
    self.batch = batch
    alone = (BatchGradient(model: model, batchSize: batch.count, threads: 1), 1)
    together = (BatchGradient(model: model, batchSize: batch.count, threads: threads), threads)
    adam = Adam(parameters: model.initialParameters(seed: 0), options: AdamOptions())
    packed = model.packed(adam.parameters)
    workspace = model.makeWorkspace(.training())
    sum = model.makePackedGradient()
    gradient = ParameterVector(layout: model.layout)
    let connections = model.layerCosts.reduce(0) { $0 + $1.connections }
    operations = 6 * Double(connections) * Double(batch.count)
  }

  func step(_ engine: Engine) {
    _ = engine.gradient.compute(batch, parameters: adam.parameters, into: gradient)
    let norm = GradientNorms(gradient, threads: engine.threads)
    adam.update(gradient, norm: norm.global, learningRate: 1e-3)
  }

  /// Runs `part` as often as a step on one core does.
  func run(_ part: Part) {
    switch part {
    case .packing: model.pack(adam.parameters, into: packed)
    case .forward: forEachGroup { model.forward(batch, images: $0, packed: packed, workspace: workspace) }
    case .likelihood:
      let likelihood = model.likelihood
      forEachGroup {
        for (place, image) in $0.enumerated() {
          _ = likelihood.nats(
            batch, image: image, logits: workspace.logits[place], gradient: workspace.logitGradients[place])
        }
      }
    case .backward:
      forEachGroup {
        model.backward(images: $0, packed: packed, workspace: workspace, into: sum, observer: nil)
      }
    case .reduction: alone.gradient.reduce(into: gradient)
    case .norms: _ = GradientNorms(gradient, threads: 1)
    case .optimizer: adam.update(gradient, norm: 1, learningRate: 0)
    }
  }

  private func forEachGroup(_ body: (Range<Int>) -> Void) {
    for first in stride(from: 0, to: batch.count, by: model.imagesTogether) {
      body(first..<min(first + model.imagesTogether, batch.count))
    }
  }

  private static let peakRounds = 300_000
  var peakOperations: Double { Double(Self.peakRounds * operationsPerMultiplyAddRound) }
  /// What the peak is measured by, on one core.
  func runPeak() {
    let sink = multiplyAddChains(rounds: Self.peakRounds, seed: 0.25)
    precondition(sink.isFinite)
  }
}
