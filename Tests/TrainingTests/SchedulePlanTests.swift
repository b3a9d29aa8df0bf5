// The learning rate of runs whose length was changed, and the warm-up of short ones.
import Foundation
import Networks
import Testing
import Training

@Suite struct SchedulePlanTests {
  private typealias Saved = (state: RunState, adam: Adam)

  /// Seconds, five more with each step.
  private final class Clock { var time = 0.0 }

  /// Runs on from `saved` to the end, or until `stop` steps are taken; the rate of each step.
  private func go(
    _ run: TinyRun, from saved: Saved? = nil, until stop: Int? = nil
  ) throws -> (rates: [Float], end: Saved) {
    let clock = Clock()
    let trainer = try run.trainer(from: saved.map { ($0.state, Adam(copying: $0.adam)) }, now: { clock.time })
    var rates: [Float] = []
    _ = try trainer.run(
      request: { trainer.adam.step == stop ? .stop : .none }, save: { _, _ in "" },
      report: {
        guard case .step(let step) = $0 else { return }
        rates.append(step.learningRate)
        clock.time += 5
      })
    return (rates, (trainer.state, trainer.adam))
  }

  private func changed(
    _ saved: Saved, to length: TrainingOptions.Length, restarting course: Schedule.Course? = nil
  ) -> Saved {
    var state = saved.state
    state.changeLength(to: length, restarting: course)
    return (state, saved.adam)
  }

  /// Stopped before its end or after it, and made longer twice: the cosine ends where it was to end and then stays.
  @Test(arguments: [7, 20], [TrainingOptions.Length.steps(20), .epochs(20.0 / 3), .minutes(100.0 / 60)])
  func theTailStays(stop: Int, length: TrainingOptions.Length) throws {
    var run = TinyRun()
    run.options.length = length
    let planned = try go(run)
    #expect(planned.rates.count == 20)
    let part = try go(run, until: stop == 20 ? nil : stop)
    let second = try go(run, from: changed(part.end, to: .steps(30)), until: 26)
    let third = try go(run, from: changed(second.end, to: .epochs(40.0 / 3)))
    let rates = part.rates + second.rates + third.rates
    #expect(rates.count == 40 && Array(rates.prefix(20)) == planned.rates)
    #expect(rates.dropFirst(20).allSatisfy { $0 == planned.rates[19] }, "\(rates)")
  }

  /// Without the rate of the last step, in a state from before it was kept, it is computed.
  @Test func anOldStateGoesOn() throws {
    let run = TinyRun()
    var whole = try go(run)
    whole.end.state.lastRate = nil
    let rest = try go(run, from: changed(whole.end, to: .steps(25)))
    #expect(rest.rates == [Float](repeating: whole.rates[19], count: 5))
  }

  /// A schedule that begins again is that of a run of the steps still to come, and a stop changes no bit of it.
  @Test func aRestartIsANewRun() throws {
    var run = TinyRun()
    let whole = try go(run)
    let longer = changed(whole.end, to: .steps(60), restarting: .cosine)
    let rest = try go(run, from: longer)
    run.options.length = .steps(40)
    run.options.schedule.warmupSteps = 4
    #expect(try rest.rates == go(run).rates)
    let part = try go(run, from: longer, until: 33)
    let end = try go(run, from: part.end)
    #expect(bits(end.end.adam) == bits(rest.end.adam) && end.end.state.lastRate == rest.end.state.lastRate)
  }

  /// The same length is no change; a state says nothing of what is as planned.
  @Test func whatIsAsPlannedIsNotWritten() throws {
    let run = TinyRun()
    var state = try run.state()
    let before = state
    state.changeLength(to: .steps(20))
    #expect(state == before && state.training?.plan == nil)
    state.changeLength(to: .steps(30))
    #expect(state.training?.plan == SchedulePlan(length: .steps(20)))
    state.changeLength(to: .steps(20))
    #expect(state == before)
    let text = String(decoding: try JSONEncoder().encode(state), as: UTF8.self)
    for key in ["plan", "lastRate", "window", "outputs", "warmupShare"] { #expect(!text.contains(key), "\(key)") }
  }

  /// By the clock the warm-up is over after a tenth of it, or after its steps, whichever is first; but a schedule that does
  /// not follow the clock has steps alone, since its run can be repeated by them.
  @Test func aWarmUpIsOverAfterATenth() {
    var schedule = Schedule()
    schedule.baseRate = 1
    schedule.setDefaultWarmup(steps: nil)
    #expect(schedule.warmupSteps == 100)
    var full = schedule
    full.warmupSteps = 0
    for (step, progress, share) in [(1, 0.05, 0.5), (2, 0.1, 1), (49, 0.001, 0.5), (100, 0.001, 1)]
      as [(Int, Double, Float)]
    {
      #expect(schedule.rate(step: step, progress: progress) == share * full.rate(step: step, progress: progress))
    }
    schedule.course = .constant
    schedule.setDefaultWarmup(steps: nil)
    #expect(schedule.warmupSteps == 100 && schedule.warmupShare == nil)
    for (steps, warmup) in [(5, 0), (10, 1), (999, 99), (1_000, 100), (100_000, 100)] {
      schedule.setDefaultWarmup(steps: steps)
      #expect(schedule.warmupSteps == warmup && schedule.warmupShare == nil)
    }
  }
}
