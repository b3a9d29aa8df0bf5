// What a run leaves beside its checkpoints, and shows while it goes.
import Core
import Networks
import TensorBoard
import Training

/// The one place that knows the files of a run folder besides its checkpoints. It makes them, clears away what a run that
/// was killed left of steps that will be taken again, and hands the events of a trainer to what writes and shows them.
///
/// A new kind of record is a `RunSink` in a file of its own, a line in `init` and its name in `isOurs`.
final class RunRecorder {
  let progress: TrainingProgress
  private let watch: GradientWatch
  private let trainer: Trainer
  private let run: String
  private let sinks: [any RunSink]

  /// A recorder of `trainer`'s run in the folder under `lock`, which goes on from its state: what its files have of later
  /// steps is removed. `formerLength` is the length that a resumed run had before, where it is given another one. Throws
  /// `io` and `cannotCreate`.
  init(
    under lock: RunLock, trainer: Trainer, threads: Int, formerLength: TrainingOptions.Length?, console: Console,
    showsGradients: Bool, writesEvents: Bool, warmupIsGiven: Bool
  ) throws {
    let state = trainer.state
    (self.trainer, run) = (trainer, lock.run)
    progress = TrainingProgress(console: console, shape: state.model.shape)
    watch = GradientWatch(console: console, model: state.model, showsTable: showsGradients)
    try Self.clear(lock.run, after: trainer.adam.step)
    let events = try EventSink(under: lock, step: trainer.adam.step, isOn: writesEvents)
    let kept: [(any RunSink)?] = [
      try MetricsSink(under: lock, state: state) { try events?.append($0) },
      try GradientSink(under: lock, state: state), events,
      try SampleSink(under: lock, trainer: trainer, threads: threads, console: console, events: events),
      warmupIsGiven ? WarmupWatch(state, console: console) : nil,
    ]
    sinks = kept.compactMap { $0 }
    try RunConfiguration(state, evaluationInterval: trainer.evaluationInterval)
      .write(to: lock.run, formerLength: formerLength)
    try RunEnvironment.write(to: lock.run, state: state, threads: threads)
  }

  func report(_ event: TrainingEvent) throws {
    progress.report(event)
    for sink in sinks { try sink.take(event) }
    if case .gradients(let record) = event { watch.show(record) }
  }

  /// Draws the run's plots, when it is over or stopped. Throws `io` and `cannotCreate`.
  func drawPlots() throws { try RunPlots.draw(run, shape: trainer.state.model.shape) }

  // MARK: The files

  /// Whether `name`, in the run folder `run`, is a record of a run, not a result: without a checkpoint, of a run that
  /// diverged or was killed before its first save, it may be written anew.
  static func isOurs(_ name: String, in run: String) -> Bool {
    func holdsOnly(_ condition: (String) -> Bool) -> Bool {
      let names = try? DurableFiles.names(in: run + "/" + name)
      return names?.allSatisfy { $0.hasPrefix(".") || condition($0) } ?? false
    }
    switch name {
    case MetricsRecord.fileName, GradientRecord.fileName, RunEnvironment.fileName: return true
    // A configuration of the user's own may well lie in the folder that the run is to go to.
    case RunConfiguration.fileName: return RunConfiguration.isOurs(run + "/" + name)
    case SampleSink.folderName: return holdsOnly { SampleSink.step(of: $0) != nil }
    case RunPlots.folderName: return holdsOnly(RunPlots.names.contains)
    default: return EventWriter.isEventFile(name)
    }
  }

  /// Makes a folder in a run folder, where it is missing. Not those above it: where the run's own is gone, it has been
  /// moved while the run was at work, and must not appear a second time. Throws `cannotCreate`, and `io` of a full disk.
  static func makeFolder(_ path: String) throws {
    if !DurableFiles.isFolder(path) { try DurableFiles.createFolder(path) }
  }

  /// Removes what is no part of the run up to `step`, and what a kill left half written. The logs look after themselves.
  private static func clear(_ run: String, after step: Int) throws {
    for folder in [run, run + "/" + SampleSink.folderName, run + "/" + RunPlots.folderName] {
      for name in (try? DurableFiles.names(in: folder)) ?? [] {
        let isHalfWritten = name.hasPrefix(".") && name.hasSuffix(".tmp")
        let isLater = folder != run && (SampleSink.step(of: name).map { $0 > step } ?? false)
        let isStale = step == 0 && folder != run && RunPlots.names.contains(name)
        guard isHalfWritten || isLater || isStale else { continue }
        try DurableFiles.removeAll(folder + "/" + name)
      }
    }
  }
}

/// Warns of a warm-up that was given and is too long for a run by the clock, as soon as that shows.
final class WarmupWatch: RunSink {
  private let console: Console
  private let schedule: Schedule
  private let seconds: Double
  private var isDone = false

  /// A watch over the run of `state`; nil where the number of its steps was known before it began.
  init?(_ state: RunState, console: Console) {
    guard let training = state.training, let seconds = training.length.seconds else { return nil }
    (self.console, self.seconds, schedule) = (console, seconds, training.schedule)
  }

  func take(_ event: TrainingEvent) {
    guard case .step(let step) = event, !isDone, step.elapsedSeconds > seconds * Schedule.mostWarmup else { return }
    isDone = true
    guard step.step < schedule.warmupSteps,
      let warning = schedule.warmupWarning(steps: step.expectedSteps, isExact: false)
    else { return }
    console.warning(warning)
  }
}
