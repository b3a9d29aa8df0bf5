// How the gradient flowed over a run: what is kept of its records, however many there are.
import Kernels
import Networks

/// The records of a run, taken one by one: an even choice of them for figures, and every flag in short.
package struct GradientHistory: Sendable {
  /// What was flagged of one kind.
  package struct Trouble: Sendable {
    /// What it is.
    package let kind: GradientWarning.Kind
    /// The first record that has it, other kinds left out of its flags.
    package let first: GradientRecord
    /// The step of the last one that has it.
    package private(set) var lastStep: Int
    /// How many have it.
    package private(set) var recordCount = 0
    /// The layers that had it at some step.
    package private(set) var layers: Set<String> = []

    fileprivate init(_ kind: GradientWarning.Kind, first: GradientRecord) {
      var first = first
      first.flags.removeAll { $0.kind != kind }
      (self.kind, self.first, lastStep) = (kind, first, first.step)
    }

    fileprivate mutating func add(_ flags: [GradientWarning], at step: Int) {
      lastStep = step
      recordCount += 1
      layers.formUnion(flags.map(\.layer))
    }
  }

  /// Records that are kept at most, the last one apart.
  static let mostKept = 400

  /// How many records there were.
  package private(set) var count = 0
  /// The last one.
  package private(set) var last: GradientRecord?
  private var kept: [GradientRecord] = []
  /// Every so many records one is kept.
  private var stride = 1
  private var troubles: [GradientWarning.Kind: Trouble] = [:]

  /// Of no records.
  package init() {}

  /// Takes the next record, of the same layers as those before it.
  package mutating func add(_ record: GradientRecord) {
    precondition(last.map { $0.layers.map(\.name) == record.layers.map(\.name) } ?? true, "records of two models")
    if count % stride == 0 {
      if kept.count == Self.mostKept {
        kept = kept.indices.compactMap { $0 % 2 == 0 ? kept[$0] : nil }
        stride *= 2
      }
      if count % stride == 0 { kept.append(record) }
    }
    for (kind, flags) in Dictionary(grouping: record.flags, by: \.kind) {
      troubles[kind, default: Trouble(kind, first: record)].add(flags, at: record.step)
    }
    count += 1
    last = record
  }

  /// Records at even distances, the first and the last among them, oldest first.
  package var chosen: [GradientRecord] {
    guard let last, kept.last?.step != last.step else { return kept }
    return kept + [last]
  }

  /// What was flagged, kinds in their order.
  package var flagged: [Trouble] { GradientWarning.Kind.allCases.compactMap { troubles[$0] } }
}
