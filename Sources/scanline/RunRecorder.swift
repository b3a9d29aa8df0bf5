// What a run leaves beside its checkpoints, and shows while it goes.
import Networks
import TensorBoard
import Training

/// Takes the events of a trainer: appends them to the run's records and shows them on the console.
final class RunRecorder {
  /// The files that it writes into a run's folder. They are no result: without a checkpoint they may be written anew.
  static let fileNames: Set<String> = [MetricsRecord.fileName, GradientRecord.fileName]
  /// Whether a file of this name is one of them, or an event file.
  static func isRecord(_ name: String) -> Bool { fileNames.contains(name) || EventWriter.isEventFile(name) }

  /// What is shown.
  let progress: TrainingProgress
  private let watch: GradientWatch
  private var metrics: MetricsRecorder
  private let metricsLog: MetricsLog
  private let gradientLog: GradientLog
  private let events: EventSink?

  /// A recorder of the run in the folder under `lock`, which goes on from `state`: what its files have of later steps is
  /// removed. Throws `io`.
  init(
    under lock: RunLock, state: RunState, console: Console, showsGradients: Bool, writesEvents: Bool
  ) throws {
    progress = TrainingProgress(console: console, shape: state.model.shape)
    watch = GradientWatch(console: console, model: state.model, showsTable: showsGradients)
    metrics = MetricsRecorder(interval: state.training?.metricsInterval ?? 0, shape: state.model.shape)
    metricsLog = try MetricsLog(under: lock, step: state.step)
    gradientLog = try GradientLog(under: lock, step: state.step)
    events = try EventSink(under: lock, step: state.step, isOn: writesEvents)
  }

  /// Takes one event. Throws `io`, `cannotCreate`, and `diverged` where a figure is not finite.
  func report(_ event: TrainingEvent) throws {
    progress.report(event)
    if let record = metrics.record(event) {
      try metricsLog.append(record)
      try events?.append(record)
    }
    if case .gradients(let record) = event {
      try gradientLog.append(record)
      try events?.append(record)
      watch.show(record)
    }
    if case .histograms(let histograms) = event { try events?.append(histograms) }
  }
}
