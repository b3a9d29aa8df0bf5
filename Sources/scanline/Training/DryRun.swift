// `scanline train --dry-run`: what a run would take.
import Core
import ImageData
import Training

/// A run that is counted, and timed for a few steps, but leaves nothing behind.
struct DryRun {
  let session: TrainCommand.Session
  let threads: Int
  let drawsPlots: Bool
  let console: Console
  /// Whether the warm-up was given: one that is too long for the clock shows when steps are timed.
  let warmupIsGiven: Bool

  /// Steps that are timed at most, and the seconds after which no other is begun; the first does not count.
  private static let (mostSteps, seconds) = (20, 3.0)

  /// Prints the table. Throws `diverged` where a step does.
  func report() throws {
    let state = session.state
    let forecast = ResourceEstimate(state, threads: threads, drawsPlots: drawsPlots)
    // The weights and moments are made by now, the rest is to come.
    let memory = AvailableMemory()
    let most = memory.resident + forecast.growth(isLoaded: true)
    let trainer = Trainer(
      state: state, adam: session.adam, train: session.train, valid: session.valid, threads: threads,
      now: monotonicSeconds)
    let step = try secondsPerStep(trainer)
    func row(_ name: String, _ text: String) {
      print(name + String(repeating: " ", count: max(1, 20 - name.count)) + text)
    }
    row("weights", "\(forecast.weights)")
    row("memory", "\(text(most)) at most, of \(memory.bytes.map { text($0 + memory.resident) } ?? "?") there are")
    row("  weights, moments", text(forecast.parameterBytes))
    row("  a step", text(forecast.stepBytes))
    row("  evaluating, saving", text(forecast.passingBytes))
    row("disk", "\(text(forecast.diskBytes)), in checkpoints of \(text(forecast.checkpointBytes))")
    row("seconds per step", String(printf: "%.4g", step))
    if let steps = trainer.totalSteps {
      row("steps", "\(steps)")
      row("time", "\(clockTime(Double(steps) * step)), evaluations not counted")
    } else if let training = state.training, case .minutes(let minutes) = training.length {
      let steps = Int(minutes * 60 / step)
      row("steps", "about \(steps), evaluations not counted")
      guard warmupIsGiven else { return }
      if let warning = training.schedule.warmupWarning(steps: steps, isExact: false) { console.warning(warning) }
    }
  }

  /// The median over a few steps of a run that is not kept.
  private func secondsPerStep(_ trainer: Trainer) throws -> Double {
    var times: [Double] = []
    var (taken, last) = (0, 0.0)
    let began = monotonicSeconds()
    _ = try trainer.run(
      request: {
        let isEnough = taken > 1 && (taken > Self.mostSteps || monotonicSeconds() - began > Self.seconds)
        return isEnough ? .stop : .none
      },
      save: { _, _ in "" },
      report: { event in
        guard case .step(let step) = event else { return }
        // What the trainer timed: evaluations between steps are not in it.
        let total = Double(step.step * batch) / step.imagesPerSecond
        if taken > 0 { times.append(total - last) }
        (taken, last) = (taken + 1, total)
      })
    // A run of a single step has no other.
    return times.isEmpty ? last : times.sorted()[times.count / 2]
  }

  private var batch: Int { min(session.state.training?.batchSize ?? 1, session.train.count) }

  private func text(_ bytes: Int) -> String {
    bytes < 10 << 20 ? "\(bytes.kibibytes) KiB" : "\(ResourceEstimate.mebibytes(bytes)) MiB"
  }
}
