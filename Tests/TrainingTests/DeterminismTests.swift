// One run, one result: whatever the threads, and wherever it was stopped and resumed.
import Kernels
import Networks
import Testing
import Training

@Suite struct DeterminismTests {
  @Test(arguments: [nil, MatrixOptimizer.muon]) func threadsChangeNoBit(optimizer: MatrixOptimizer?) throws {
    var run = TinyRun()
    run.options.adam.matrices = optimizer
    // More images than there are shards (32), so that shards differ in size.
    run.train = TinyRun.noise(90, stream: 1)
    run.options.batchSize = 41
    let one = try run.trainer(threads: 1)
    try one.run()
    #expect(one.adam.step == 20)
    for threads in [2, 3, 4, 8] {
      let other = try run.trainer(threads: threads)
      try other.run()
      #expect(bits(other.adam) == bits(one.adam), "\(threads) threads")
      #expect(other.state == one.state, "\(threads) threads")
    }
    // Another seed must give something else, or the comparison above says nothing.
    run.options.seed = 8
    let other = try run.trainer()
    try other.run()
    #expect(bits(other.adam) != bits(one.adam))
  }

  /// Steps 1, 7 and 13 lie within an epoch of three steps, 3 at the end of one, 6 and 12 at an evaluation, 19 before
  /// the last step; 0 is a stop before anything was done.
  @Test(arguments: [[0], [1], [3], [6], [7], [12], [13], [19], [2, 7, 8, 18]], [nil, MatrixOptimizer.muon])
  func resumeChangesNoBit(stops: [Int], optimizer: MatrixOptimizer?) throws {
    var run = TinyRun()
    run.options.adam.matrices = optimizer
    let whole = try run.trainer()
    try whole.run()

    let scratch = Scratch()
    var saved: (state: RunState, adam: Adam)?
    for stop in stops {
      let part = try run.trainer(threads: 1, from: saved)
      let outcome = try part.run(
        request: { part.adam.step == stop ? .stop : .none },
        save: { state, adam in
          let path = CheckpointFolder.path(of: adam.step, in: scratch.path)
          try Checkpoint.save(adam, state: state, to: path)
          return path
        }, report: { _ in })
      #expect(outcome == .stopped && part.adam.step == stop)
      saved = try Checkpoint.load(CheckpointFolder.path(of: stop, in: scratch.path))
    }
    let rest = try run.trainer(threads: 2, from: saved)
    #expect(rest.adam.step == stops.last)
    #expect(try rest.run() == .finished)
    #expect(bits(rest.adam) == bits(whole.adam))
    #expect(rest.state == whole.state)
  }

  /// Stopped after each of the 20 steps, mid-epoch or not, and going on from what was saved.
  @Test func resumeAtEveryStepChangesNoBit() throws {
    let run = TinyRun()
    let whole = try run.trainer()
    try whole.run()
    let scratch = Scratch()
    for stop in 0..<20 {
      let rest = try run.trainer(threads: 3, from: try run.saved(after: stop, in: scratch))
      try rest.run()
      #expect(bits(rest.adam) == bits(whole.adam) && rest.state == whole.state, "stopped after step \(stop)")
    }
  }

  /// A stop that comes while held-out images are scored gives the evaluation up; going on makes up for it, at an interval
  /// as at the end.
  @Test(arguments: [6, 20]) func anEvaluationThatWasGivenUpIsMadeUpFor(step: Int) throws {
    var run = TinyRun()
    // More than one thread scores between two looks at the requests.
    run.valid = TinyRun.noise(150, stream: 2)
    run.options.evaluationImages = 150
    let whole = try run.trainer()
    try whole.run()
    let part = try run.trainer(threads: 1)
    var saved: (state: RunState, adam: Adam)?
    var looks = 0
    let outcome = try part.run(
      request: {
        // At step 6 the first look is within the evaluation; at 20 too, since no step is left to be asked about.
        looks += part.adam.step == step ? 1 : 0
        return looks == 1 ? .stop : .none
      },
      save: { state, adam in
        saved = (state, Adam(copying: adam))
        return ""
      },
      report: {
        if case .evaluated(let report) = $0 { #expect(report.step < step, "the evaluation was to be given up") }
      })
    #expect(outcome == .stopped && part.adam.step == step && saved?.state.step == step)
    #expect(saved?.state.awaitsEvaluation == (step == 6 ? true : nil))
    let rest = try run.trainer(from: saved)
    #expect(try rest.run() == .finished)
    #expect(bits(rest.adam) == bits(whole.adam) && rest.state == whole.state)
  }

  /// A signal that comes right after a resume, or `--resume` of a run that is complete, finds its step saved.
  @Test func whatIsSavedIsNotSavedAgain() throws {
    let run = TinyRun()
    let whole = try run.trainer()
    var saved: (state: RunState, adam: Adam)?
    _ = try whole.run(
      request: { .none },
      save: {
        saved = ($0, $1)
        return ""
      }, report: { _ in })
    let again = try run.trainer(from: saved)
    var evaluations = 0
    let outcome = try again.run(
      request: { .none },
      save: { _, _ in
        Issue.record("step 20 is saved a second time")
        return ""
      },
      report: { if case .evaluated = $0 { evaluations += 1 } })
    #expect(outcome == .finished && evaluations == 1)
    saved?.state.training?.length = .steps(30)
    let stopped = try run.trainer(from: saved)
    let second = try stopped.run(
      request: { .stop },
      save: { _, _ in
        Issue.record("step 20 is saved a second time")
        return ""
      }, report: { _ in })
    #expect(second == .stopped)
  }
}

extension Adam {
  /// A copy that later steps of `other` do not touch.
  init(copying other: Adam) {
    self.init(parameters: other.parameters.copy(), options: other.options)
    average.storage.copy(other.average.storage)
    firstMoment.storage.copy(other.firstMoment.storage)
    secondMoment.storage.copy(other.secondMoment.storage)
    step = other.step
  }
}
