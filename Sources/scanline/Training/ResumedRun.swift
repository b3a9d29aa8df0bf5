// What is said when a run is resumed: that it is finished, or how its learning rate goes on.
import Core
import Networks
import Training

extension RunState {
  /// Whether this newest state of the run in the folder `run` leaves nothing to do: all its steps are taken, and all
  /// held-out images are scored. Where it does, that is said on `console`, with how to go on, and the result is printed as
  /// at the run's end. A run that was stopped during its last evaluation has the final step, but no record of that
  /// evaluation.
  func reportIfFinished(run: String, _ console: Console) -> Bool {
    guard let training else { return false }
    let isOver =
      if let steps = training.length.steps(perEpoch: order?.stepsPerEpoch ?? 1) {
        step >= steps
      } else {
        elapsedSeconds >= training.length.seconds ?? 0
      }
    guard isOver else { return false }
    let records = (try? MetricsHistory(ofRun: run))?.heldOut ?? []
    let record = records.last { $0.heldOut?.isFinal == true && $0.step == step }
    guard record != nil || (data?.validImages ?? 0) == 0 else { return false }
    let longer =
      switch training.length {
      case .epochs(let epochs): "--epochs \((2 * epochs).text(epochs.rounded() == epochs ? 0 : 3))"
      case .minutes(let minutes): "--minutes \((2 * minutes).text(minutes.rounded() == minutes ? 0 : 3))"
      case .steps: "--steps \(2 * step)"
      }
    console.line(
      """
      \(run) is finished: \(counted(step, "step")), nothing to resume. To train it for longer, give a length \
      (--steps, --epochs or --minutes) beyond that: scanline train --resume --output \(shellWord(path: run)) \(longer)
      """)
    TrainingProgress.printResult(run: run, state: self, record?.heldOut?.average)
    return true
  }

  /// How the learning rate goes on in a run that was given another length than the `former` state has, in a line; nil
  /// where nothing changed.
  func scheduleNote(after former: RunState) -> String? {
    guard let before = former.training, let after = training, before != after else { return nil }
    let stepsPerEpoch = order?.stepsPerEpoch ?? 1
    func rate(_ state: RunState, _ step: Int) -> Float {
      state.learningRate(step: step, seconds: state.elapsedSeconds, stepsPerEpoch: stepsPerEpoch)
    }
    let last = former.lastRate ?? rate(former, max(former.step - 1, 0))
    let rates = "\(short(last)) at step \(step), \(short(rate(self, step))) at step \(step + 1)"
    let name = after.schedule.course.rawValue
    if let plan = after.plan, plan.firstStep == step, plan.length == after.length, plan != before.plan {
      return "Learning rate: \(rates). The \(name) schedule begins again over the steps to come, from a rate of "
        + "\(short(after.schedule.baseRate))."
    }
    guard after.schedule.course == .cosine, let plan = after.plan else { return "Learning rate: \(rates)." }
    return
      "Learning rate: \(rates). The cosine schedule stays the one planned for \(words(plan.length)); past its end the rate "
      + "stays at its last value. To begin it again over the steps to come, give --schedule cosine beside the new length."
  }

  private func short(_ rate: Float) -> String { String(printf: "%.3g", Double(rate)) }

  private func words(_ length: TrainingOptions.Length) -> String {
    switch length {
    case .steps(let steps): counted(steps, "step")
    case .epochs(let epochs): "\(epochs) epochs"
    case .minutes(let minutes): "\(minutes) minutes"
    }
  }
}
