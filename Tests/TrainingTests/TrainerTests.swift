// What a run does besides stepping: it learns, evaluates, saves, stops, and keeps time.
import Core
import Evaluation
import Kernels
import Networks
import Testing
import Training

@Suite struct TrainerTests {
  /// The evaluations of a run, in order.
  private func evaluations(_ trainer: Trainer) throws -> [EvaluationReport] {
    var reports: [EvaluationReport] = []
    try trainer.run { if case .evaluated(let report) = $0 { reports.append(report) } }
    return reports
  }

  @Test func lossFallsOnEasyImages() throws {
    var run = TinyRun()
    run.train = TinyRun.stripes(24)
    run.valid = TinyRun.stripes(6)
    run.binarization = .threshold
    run.options.length = .steps(250)
    run.options.schedule.baseRate = 1e-2
    run.options.adam.averageDecay = 0.9
    run.options.evaluationInterval = 10
    let reports = try evaluations(run.trainer())
    let nats = reports.map(\.summary.natsPerImage)
    // Fresh weights know nothing of the 35 pixels: 35·ln 2 = 24.3 nats. The images hold one bit, ln 2 = 0.69 nats; a
    // nat above that is what a few hundred steps may leave.
    #expect(nats[0] > 5 && nats[0] < 26 && nats[nats.count - 1] < 1.7, "\(nats)")
    #expect(reports.last?.isFinal == true && reports.last?.step == 250)
  }

  @Test func theSameImagesAreScoredEachTime() throws {
    var run = TinyRun()
    run.binarization = .fixed
    // Too small a rate to move a weight: then only other images could give another score.
    run.options.schedule.baseRate = 1e-30
    let trainer = try run.trainer()
    let valid = try #require(run.valid)
    let scorer = Scorer(
      model: trainer.state.model.makeModel(), parameters: trainer.adam.parameters.copy(), threads: 1)
    let reports = try evaluations(trainer)
    #expect(reports.map(\.step) == [6, 12, 18, 20])
    #expect(reports.map(\.summary.images) == [4, 4, 4, 9])
    #expect(reports.map(\.isFinal) == [false, false, false, true])
    for report in reports.dropFirst().dropLast() {
      #expect(report.summary.natsPerImage == reports[0].summary.natsPerImage)
    }
    // The last evaluation scores all, but is compared by the same four: no better than the first.
    let all = scorer.nats(valid, indices: Array(0..<9), trainer.state.quantization)
    #expect(reports.last?.summary == LikelihoodSummary(all, shape: valid.shape))
    #expect(reports.map(\.isBest) == [true, false, false, false])
    #expect(trainer.state.best == RunState.Best(step: 6, natsPerImage: reports[0].summary.natsPerImage))

    // The seed chooses the images.
    run.options.seed = 11
    let start = (
      state: try run.state(), adam: Adam(parameters: trainer.adam.parameters, options: run.options.adam)
    )
    let other = try evaluations(run.trainer(from: start))
    #expect(other[0].summary.natsPerImage != reports[0].summary.natsPerImage)
  }

  @Test func theBestStepIsTheLowestScoreSoFar() throws {
    var run = TinyRun()
    // Held-out noise is what stripes teach nothing about: the score soon gets worse.
    run.train = TinyRun.stripes(24)
    run.options.length = .steps(30)
    run.options.evaluationInterval = 3
    run.options.evaluationImages = 1000
    run.options.adam.averageDecay = 0
    run.options.schedule.baseRate = 1e-2
    let trainer = try run.trainer()
    let reports = try evaluations(trainer)
    #expect(reports.count == 10)
    var best = Double.infinity
    var step = 0
    for report in reports {
      #expect(report.isBest == (report.summary.natsPerImage < best))
      if report.summary.natsPerImage < best { (best, step) = (report.summary.natsPerImage, report.step) }
    }
    #expect(trainer.state.best == RunState.Best(step: step, natsPerImage: best))
    #expect(step < 30, "the scores were to get worse in the end")
  }

  @Test func requestsAreAnswered() throws {
    let run = TinyRun()
    let trainer = try run.trainer()
    var saved: [Int] = []
    var reported: [String] = []
    let outcome = try trainer.run(
      request: { [2, 6].contains(trainer.adam.step) ? .save : trainer.adam.step == 9 ? .stop : .none },
      save: { state, adam in
        #expect(state.step == adam.step)
        saved.append(adam.step)
        return "at \(adam.step)"
      },
      report: { if case .saved(let path) = $0 { reported.append(path) } })
    #expect(outcome == .stopped && trainer.adam.step == 9)
    // Step 6 is saved by its evaluation; the request that follows finds it done.
    #expect(saved == [2, 6, 9] && reported == ["at 2", "at 6", "at 9"])
  }

  @Test func aRunWithoutHeldOutImagesSavesToo() throws {
    var run = TinyRun()
    run.valid = nil
    run.options.length = .epochs(2.5)
    let trainer = try run.trainer()
    // Three steps an epoch: 7.5, rounded.
    #expect(trainer.totalSteps == 8)
    var saved: [Int] = []
    let outcome = try trainer.run(
      request: { .none },
      save: { _, adam in
        saved.append(adam.step)
        return ""
      },
      report: { if case .evaluated = $0 { Issue.record("nothing can be evaluated") } })
    #expect(outcome == .finished && saved == [6, 8] && trainer.state.best == nil)
  }

  @Test func whatSaveThrowsEndsTheRun() throws {
    let trainer = try TinyRun().trainer()
    let full = ScanlineError(.io, path: "disk", expected: "room", found: "none")
    let error = failure {
      _ = try trainer.run(request: { .none }, save: { _, _ in throw full }, report: { _ in })
    }
    #expect(error == full && trainer.adam.step == 6)
  }

  @Test func evaluationIsEverySoManyWholeEpochs() throws {
    var run = TinyRun()
    run.options.evaluationInterval = nil
    // Three steps an epoch: 167 epochs are the fewest that come to 500 steps.
    #expect(try run.trainer().evaluationInterval == 501)
    run.train = TinyRun.noise(300, stream: 1)
    run.options.batchSize = 1
    #expect(try run.trainer().evaluationInterval == 600)
  }

  /// A run by the clock whose time runs out while it saves: what is saved last says that the run is over, or a resume would
  /// train on.
  @Test func timeThatRunsOutWhileSavingIsSaved() throws {
    final class Clock { var time = 0.0 }
    var run = TinyRun()
    run.options.length = .minutes(1)
    run.options.evaluationInterval = 3
    let clock = Clock()
    var saved: [Double] = []
    let outcome = try run.trainer(now: { clock.time }).run(
      request: { .none },
      save: { state, _ in
        saved.append(state.elapsedSeconds)
        clock.time += 50
        return ""
      },
      report: { if case .step = $0 { clock.time += 5 } })
    #expect(outcome == .finished)
    #expect(saved.first == 15 && saved.last ?? 0 >= 60, "\(saved)")
  }

  /// Five seconds a step, as this clock tells it: a minute is twelve steps.
  @Test func minutesFollowTheClock() throws {
    final class Clock { var time = 1_000.0 }
    var run = TinyRun()
    run.options.length = .minutes(1)
    run.options.schedule.baseRate = 0.5
    run.options.schedule.warmupSteps = 0
    func go(from saved: (state: RunState, adam: Adam)? = nil, start: Double, stopAt: Int?) throws
      -> (trainer: Trainer, rates: [Float])
    {
      let clock = Clock()
      clock.time = start
      let trainer = try run.trainer(from: saved, now: { clock.time })
      var rates: [Float] = []
      let outcome = try trainer.run(
        request: { trainer.adam.step == stopAt ? .stop : .none }, save: { _, _ in "" },
        report: {
          guard case .step(let step) = $0 else { return }
          rates.append(step.learningRate)
          #expect(step.remainingSeconds == 60 - 5 * Double(step.step - 1))
          clock.time += 5
        })
      #expect(outcome == (stopAt == nil ? .finished : .stopped))
      return (trainer, rates)
    }
    let whole = try go(start: 1_000, stopAt: nil)
    #expect(whole.trainer.totalSteps == nil && whole.trainer.adam.step == 12)
    #expect(whole.trainer.state.elapsedSeconds == 60)
    // The cosine goes by time: half of it after half a minute.
    #expect(abs(whole.rates[6] - 0.25) <= 0.5 * .ulpOfOne && whole.rates[0] == 0.5)
    // Time before a resume counts, the time between does not.
    let part = try go(start: 50, stopAt: 4)
    #expect(part.trainer.state.elapsedSeconds == 20)
    let rest = try go(from: (part.trainer.state, part.trainer.adam), start: 777_777, stopAt: nil)
    #expect(rest.trainer.adam.step == 12 && part.rates + rest.rates == whole.rates)
  }
}
