// What writes down the events of a run: metrics.jsonl and gradients.jsonl.

/// One kind of record of a run: it is handed every event of a trainer, in order, and writes what it makes of it.
public protocol RunSink: AnyObject {
  /// Takes one event. Throws `io` and `cannotCreate`, and `diverged` where a figure is not finite.
  func take(_ event: TrainingEvent) throws
}

/// metrics.jsonl: how well a run learns, a record every `TrainingOptions.metricsInterval` steps and one an evaluation.
public final class MetricsSink: RunSink {
  private var recorder: MetricsRecorder
  private let log: MetricsLog
  private let run: String
  private let isWritten: (MetricsRecord) throws -> Void
  private var hasStepped = false

  /// The log of the run under `lock`, from `state` on: records of later steps are removed. `isWritten` gets each record once
  /// it is in the file. Throws `io`.
  public init(
    under lock: RunLock, state: RunState, isWritten: @escaping (MetricsRecord) throws -> Void = { _ in }
  ) throws {
    self.isWritten = isWritten
    recorder = MetricsRecorder(interval: state.training?.metricsInterval ?? 0, shape: state.model.shape, from: state)
    log = try MetricsLog(under: lock, step: state.step)
    run = lock.run
  }

  /// See ``RunSink``.
  public func take(_ event: TrainingEvent) throws {
    if case .step = event { hasStepped = true }
    guard let record = recorder.record(event) else { return }
    // The last evaluation may have been made up for already by a resume before this one.
    if !hasStepped, (try? MetricsHistory(ofRun: run))?.last?.heldOut == record.heldOut { return }
    try log.append(record)
    try isWritten(record)
  }
}

/// gradients.jsonl: how the gradient flows, a record every `TrainingOptions.gradientInterval` steps.
public final class GradientSink: RunSink {
  private let log: GradientLog

  /// The log of the run under `lock`, from `state` on: records of later steps are removed. Throws `io`.
  public init(under lock: RunLock, state: RunState) throws { log = try GradientLog(under: lock, step: state.step) }

  /// See ``RunSink``.
  public func take(_ event: TrainingEvent) throws {
    if case .gradients(let record) = event { try log.append(record) }
  }
}
