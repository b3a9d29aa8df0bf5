// metrics.jsonl: what its lines say.
import Foundation
import ImageData
import Kernels
import Networks
import TestSupport
import Testing
import Training

@Suite struct MetricsRecordTests {
  /// Means over the steps between two records, the two scores of an evaluation, and nothing of what is told besides.
  @Test func recordsFollowTheEvents() throws {
    var run = TinyRun()
    run.options.metricsInterval = 3
    run.options.evaluationInterval = 4
    run.options.length = .steps(8)
    var events: [TrainingEvent] = []
    let trainer = try run.trainer()
    _ = try trainer.run(request: { .none }, save: { _, _ in "saved" }, report: { events.append($0) })
    var recorder = MetricsRecorder(interval: 3, shape: TinyRun.shape)
    let records = events.compactMap { recorder.record($0) }
    #expect(records.map(\.step) == [3, 4, 6, 8])
    #expect(records.map { $0.training != nil } == [true, false, true, false])
    let nats = events.compactMap { if case .step(let step) = $0 { step.natsPerImage } else { nil } }
    let second = try #require(records[2].training)
    #expect(second.steps == 3)
    #expect(abs(second.natsPerImage - (nats[3] + nats[4] + nats[5]) / 3) < 1e-9)
    #expect(abs(second.bitsPerDimension * log(2) * Double(TinyRun.shape.dimensions) - second.natsPerImage) < 1e-9)
    let last = try #require(records[3].heldOut)
    #expect(last.isFinal)
    #expect(last.average.images == last.raw.images && last.average != last.raw)
    // The weights themselves, scored apart.
    let model = trainer.state.model.makeModel()
    let valid = try #require(run.valid)
    let scorer = Scorer(model: model, parameters: trainer.adam.parameters, threads: 1)
    let own = scorer.nats(valid, indices: Array(0..<valid.count), trainer.state.quantization)
    #expect(last.raw == LikelihoodSummary(own, shape: valid.shape))
  }

  /// Without a moving average there is one score.
  @Test func withoutAnAverageBothScoresAreOne() throws {
    var run = TinyRun()
    run.options.adam.averageDecay = 0
    run.options.length = .steps(2)
    var reports: [EvaluationReport] = []
    _ = try run.trainer().run(
      request: { .none }, save: { _, _ in "saved" },
      report: { if case .evaluated(let report) = $0 { reports.append(report) } })
    #expect(!reports.isEmpty && reports.allSatisfy { $0.raw == $0.summary })
  }

  // MARK: - Many of them

  /// A record of training, as it lies in the file.
  private func record(step: Int, steps: Int, nats: Double) throws -> MetricsRecord {
    try read(
      #""training":{"steps":\#(steps),"natsPerImage":\#(nats),"bitsPerDimension":\#(nats / 10),"#
        + #""learningRate":\#(step),"gradientNorm":1,"imagesPerSecond":1}"#, step: step)
  }

  private func read(_ contents: String, step: Int) throws -> MetricsRecord {
    let json = #"{"step":\#(step),"epoch":1,"seconds":\#(step),\#(contents)}"#
    return try JSONDecoder().decode(MetricsRecord.self, from: Data(json.utf8))
  }

  /// However many records there were, few are kept, and their means are those of all steps.
  @Test(arguments: [1, 2, 1_999, 2_000, 2_001, 3_999, 4_001, 20_011])
  func aHistoryKeepsTheMeans(count: Int) throws {
    let summary = String(
      decoding: try JSONEncoder().encode(LikelihoodSummary([1, 2], shape: TinyRun.shape)), as: UTF8.self)
    var history = MetricsHistory()
    var (step, nats) = (0, 0.0)
    var evaluations: [Int] = []
    for number in 0..<count {
      let steps = 1 + number % 7
      let loss = 50 + 40 * sin(Double(number))
      step += steps
      nats += Double(steps) * loss
      history.add(try record(step: step, steps: steps, nats: loss))
      guard number % 100 == 7 else { continue }
      evaluations.append(step)
      history.add(
        try read(
          #""heldOut":{"average":\#(summary),"raw":\#(summary),"isBest":false,"isFinal":false}"#, step: step))
    }
    let kept = history.training.compactMap(\.training)
    let positions = history.training.map(\.step)
    #expect(kept.count == positions.count && kept.count <= 2_000 && kept.count >= min(count, 1_000))
    #expect(kept.reduce(0) { $0 + $1.steps } == step)
    #expect(abs(kept.reduce(0) { $0 + Double($1.steps) * $1.natsPerImage } - nats) < 1e-9 * nats)
    #expect(kept.allSatisfy { abs($0.bitsPerDimension - $0.natsPerImage / 10) < 1e-9 })
    #expect(history.training.allSatisfy { Float($0.step) == $0.training?.learningRate })
    #expect(positions.last == step && zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 })
    #expect(history.heldOut.map(\.step) == evaluations)
  }

  /// Steps that no run can have add up to no overflow.
  @Test func aHistoryOfNonsenseIsNoCrash() throws {
    let nonsense = try record(step: 1, steps: 1 << 47, nats: 1)
    var history = MetricsHistory()
    for _ in 0..<200_000 { history.add(nonsense) }
    #expect(history.training.allSatisfy { $0.training?.natsPerImage == 1 && $0.training?.steps ?? .max <= 1 << 48 })
  }
}
