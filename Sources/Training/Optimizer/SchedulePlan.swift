// The learning rate of a run whose length is no longer the one that its schedule was planned for.

/// The part of a run that its schedule spans, where that is not the whole run: the length was changed later.
///
/// A cosine that followed every new length would jump from its end back up. So the schedule keeps the span that it had, and
/// behind it the rate stays that of its last step; or it begins again over the steps still to come, where that is asked for.
package struct SchedulePlan: Sendable, Codable, Equatable {
  /// The steps that were taken when the schedule began.
  package var firstStep = 0
  /// The seconds of the run when it began.
  package var firstSeconds = 0.0
  /// The length of the run at which it ends.
  package var length: TrainingOptions.Length

  /// A schedule that begins after `firstStep` steps and `firstSeconds` seconds and ends when the run has `length`.
  package init(firstStep: Int = 0, firstSeconds: Double = 0, length: TrainingOptions.Length) {
    (self.firstStep, self.firstSeconds, self.length) = (firstStep, firstSeconds, length)
  }
}

extension TrainingOptions.Length {
  /// Steps of a run of this length; nil where the clock decides.
  package func steps(perEpoch: Int) -> Int? {
    switch self {
    case .steps(let steps): steps
    case .epochs(let epochs): max(1, Int((epochs * Double(perEpoch)).rounded()))
    case .minutes: nil
    }
  }

  /// Seconds of a run of this length; nil where the steps decide.
  package var seconds: Double? { if case .minutes(let minutes) = self { minutes * 60 } else { nil } }
}

extension RunState {
  /// The learning rate of step number `step` (from 0), `seconds` into the run, where an epoch has `stepsPerEpoch` steps.
  package func learningRate(step: Int, seconds: Double, stepsPerEpoch: Int) -> Float {
    guard let training else { return 0 }
    let plan = training.plan ?? SchedulePlan(length: training.length)
    let number = step - plan.firstStep
    let steps = plan.length.steps(perEpoch: stepsPerEpoch).map { max(1, $0 - plan.firstStep) }
    let progress =
      if let steps {
        Double(number) / Double(steps)
      } else {
        (seconds - plan.firstSeconds) / max((plan.length.seconds ?? 1) - plan.firstSeconds, .leastNonzeroMagnitude)
      }
    guard training.plan != nil, training.schedule.course == .cosine, progress >= 1 else {
      return training.schedule.rate(step: number, progress: progress)
    }
    // The rate of the step before, and so of the plan's last one. A state from before rates were kept has none: by steps
    // it can be computed, by the clock the plan's steps took about equally long.
    if let lastRate { return lastRate }
    let last = max((steps ?? number) - 1, 0)
    return training.schedule.rate(step: last, progress: Double(last) / Double(last + 1))
  }

  /// Gives the run another length. Its schedule stays as it was planned, or begins again as `course`, where one is named,
  /// over what is still to come.
  package mutating func changeLength(to length: TrainingOptions.Length, restarting course: Schedule.Course? = nil) {
    guard var options = training, length != options.length || course != nil else { return }
    if let course {
      options.schedule.course = course
      options.schedule.setDefaultWarmup(
        steps: length.steps(perEpoch: order?.stepsPerEpoch ?? 1).map { max(0, $0 - step) })
      options.plan = SchedulePlan(firstStep: step, firstSeconds: elapsedSeconds, length: length)
    } else {
      let plan = options.plan ?? SchedulePlan(length: options.length)
      options.plan = plan == SchedulePlan(length: length) ? nil : plan
    }
    options.length = length
    training = options
  }
}
