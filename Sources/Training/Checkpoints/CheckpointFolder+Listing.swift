// What a run folder holds, step by step, for whoever wants to look or to tidy up.
import Core
import ImageData

/// A saved step, looked at.
package struct ListedStep: Sendable, Equatable {
  /// Step and folder.
  package let saved: SavedStep
  /// Bytes of its files, its manifest apart; nil where the manifest is damaged.
  package let bytes: Int?
  /// What is wrong with it; nil where it is whole.
  package let damage: String?
  /// Seconds of the run when it was saved; nil where it is damaged.
  package let seconds: Double?
  /// Whether it holds weights alone.
  package let isWeightsAlone: Bool
  /// Mean nats of a held-out image with the averaged weights, where the run wrote it down.
  package let heldOutNats: Double?
  /// How many images that is over.
  package let heldOutImages: Int?
  /// Whether the best of the held-out scores was reached here.
  package let isBest: Bool
}

extension CheckpointFolder {
  /// The steps of a run, oldest first, every file of each verified. Held-out scores are from the run's `metrics.jsonl`,
  /// where it has one, and from the newest whole state. Throws as ``steps(in:)`` does, and `io`; damage is told, not thrown.
  package static func list(_ run: String) throws -> [ListedStep] {
    let steps = try steps(in: run)
    let looked = try steps.map { step -> (state: RunState?, damage: String?) in
      do {
        try verify(step.path)
        return (try Checkpoint.state(in: read(step.path, names: [Checkpoint.stateFile]), step.path), nil)
      } catch let error as ScanlineError where error.kind == .badData {
        return (nil, "\(error)")
      }
    }
    let best = looked.last { $0.state != nil }?.state?.best
    // The records are not what a checkpoint is: without them, or with damaged ones, the list has fewer figures.
    let scores = (try? MetricsHistory(ofRun: run))?.heldOut ?? []
    return zip(steps, looked).map { step, looked in
      let state = looked.state
      let record = scores.last { $0.step == step.step }?.heldOut?.average
      return ListedStep(
        saved: step, bytes: (try? files(of: step.path))?.reduce(0) { $0 + $1.bytes }, damage: looked.damage,
        seconds: state?.elapsedSeconds, isWeightsAlone: (try? Checkpoint.isWeightsAlone(step.path)) ?? false,
        heldOutNats: record?.natsPerImage ?? (best?.step == step.step ? best?.natsPerImage : nil),
        heldOutImages: record?.images, isBest: state != nil && best?.step == step.step)
    }
  }

  /// Removes the whole steps of the run under `lock` but the newest `count`, and but the best unless `dropsBest`; gives
  /// those removed. Damaged ones are neither counted nor removed: what they hold may be wanted. Throws as ``list(_:)`` and
  /// ``remove(_:under:)`` do.
  package static func tidy(under lock: RunLock, keeping count: Int, dropsBest: Bool) throws -> [SavedStep] {
    precondition(count > 0, "a run must keep a checkpoint")
    let whole = try list(lock.run).filter { $0.damage == nil }
    let removed = whole.dropLast(count).filter { dropsBest || !$0.isBest }.map(\.saved)
    for step in removed { try remove(step, under: lock) }
    return removed
  }
}
