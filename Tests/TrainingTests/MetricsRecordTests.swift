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
}
