// How well a run learned over all its steps: what is kept of its records, however many there are.
import ImageData
import Kernels

/// The records of a run, taken one by one.
package struct MetricsHistory: Sendable {
  /// Records of training that are kept at most; of more, neighbours become one mean.
  static let mostRecords = 2_000

  /// The last record; nil where there is none.
  package private(set) var last: MetricsRecord?
  /// The records of held-out images, oldest first.
  package private(set) var heldOut: [MetricsRecord] = []
  private var groups: [MetricsRecord] = []
  /// Every so many records are one mean.
  private var groupSize = 1
  private var started: (record: MetricsRecord, count: Int)?

  /// Of no records.
  package init() {}

  /// Of the run in the folder `run`. Throws as ``RecordLog/forEach(ofRun:_:)`` does.
  package init(ofRun run: String) throws { try MetricsLog.forEach(ofRun: run) { add($0) } }

  /// Takes the next record.
  package mutating func add(_ record: MetricsRecord) {
    last = record
    if record.heldOut != nil { heldOut.append(record) }
    guard record.training != nil else { return }
    var group = (record: record, count: 1)
    if let started { group = (started.record.joined(with: record), started.count + 1) }
    guard group.count >= groupSize else { return started = group }
    started = nil
    groups.append(group.record)
    if groups.count == Self.mostRecords {
      groups = stride(from: 0, to: groups.count, by: 2).map { groups[$0].joined(with: groups[$0 + 1]) }
      groupSize *= 2
    }
  }

  /// The records of training, oldest first, each a mean over the steps since the one before.
  package var training: [MetricsRecord] { groups + (started.map { [$0.record] } ?? []) }
}

extension MetricsRecord {
  /// This and the next record of training as one: means over the steps of both, the rest as it is in `next`.
  fileprivate func joined(with next: MetricsRecord) -> MetricsRecord {
    guard let former = training, let latter = next.training else { return next }
    // A sum that no run can have, of a file that was put together, stays where it makes sense.
    let steps = min(former.steps + latter.steps, RunState.mostSteps)
    let share = steps > 0 ? Double(latter.steps) / Double(steps) : 0.5
    func mean(_ value: (Training) -> Double) -> Double {
      value(former) + share * (value(latter) - value(former))
    }
    var joined = next
    joined.training?.steps = steps
    joined.training?.natsPerImage = mean(\.natsPerImage)
    joined.training?.bitsPerDimension = mean(\.bitsPerDimension)
    return joined
  }
}
