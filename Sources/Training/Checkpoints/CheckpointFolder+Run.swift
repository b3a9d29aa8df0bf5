// The checkpoints of one run: a folder for each saved step, the newest sound one, and what is kept of them.
import Core
import ImageData

/// A saved step of a run.
package struct SavedStep: Sendable, Equatable {
  /// Optimizer steps done when it was saved.
  package let step: Int
  /// Its checkpoint folder.
  package let path: String
}

/// What a run can be resumed from.
package struct NewestStep: Sendable, Equatable {
  /// The newest checkpoint that is whole, nil where there is none.
  package let step: SavedStep?
  /// The newer ones that were passed over, newest first.
  package let damaged: [SavedStep]
  /// One line for each of `damaged`: what is wrong with it.
  package let messages: [String]
}

extension CheckpointFolder {
  /// The name of a step's folder: "step-00001234". Longer numbers take more digits.
  package static func name(of step: Int) -> String {
    precondition(step >= 0, "steps are counted from 0")
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }

  /// The step whose folder has this name; nil where none has. Only the one spelling that `name(of:)` gives: "step-12" is
  /// somebody else's.
  package static func step(named entry: String) -> Int? {
    guard entry.hasPrefix("step-"), let step = Int(entry.dropFirst(5)), step >= 0, name(of: step) == entry
    else { return nil }
    return step
  }

  /// Where the checkpoint of `step` lies in a run folder.
  package static func path(of step: Int, in run: String) -> String { run + "/" + name(of: step) }

  /// The saved steps of a run, oldest first, sound or not. Other names in the folder are left alone. Throws
  /// `badData` where there is no run folder, `io` where it cannot be read.
  package static func steps(in run: String) throws -> [SavedStep] {
    try DurableFiles.names(in: run).compactMap { entry -> SavedStep? in
      step(named: entry).map { SavedStep(step: $0, path: run + "/" + entry) }
    }.sorted { $0.step < $1.step }
  }

  /// The newest checkpoint of a run whose every file is whole, and what was wrong with newer ones. Throws as
  /// ``steps(in:)`` does, and `io` where a checkpoint cannot be read for a reason other than damage: a disk
  /// that fails now is no reason to fall back for good.
  package static func newestValid(in run: String) throws -> NewestStep {
    var damaged: [SavedStep] = []
    var messages: [String] = []
    for step in try steps(in: run).reversed() {
      do {
        try verify(step.path)
        return NewestStep(step: step, damaged: damaged, messages: messages)
      } catch let error as ScanlineError where error.kind == .badData {
        damaged.append(step)
        messages.append("\(name(of: step.step)) is damaged and is passed over: \(error)")
      }
    }
    return NewestStep(step: nil, damaged: damaged, messages: messages)
  }

  /// Gives a damaged checkpoint another name ("damaged-step-…"), so that its step can be saved again and pruning
  /// does not count it, while its files stay for whoever wants to look. Gives the new path; throws `io`.
  @discardableResult
  package static func setAside(_ step: SavedStep, under lock: RunLock) throws -> String {
    let base = lock.run + "/damaged-" + name(of: step.step)
    var target = base
    var attempt = 1
    while DurableFiles.exists(target) {
      attempt += 1
      target = "\(base)-\(attempt)"
    }
    try DurableFiles.renameFolder(step.path, toNew: target)
    try DurableFiles.synchronizeFolder(lock.run)
    return target
  }

  /// Removes all steps but the newest `count` and the one called `best`, and gives those removed. Call it only
  /// after a save has returned, and set damaged ones aside before: pruning counts, it does not verify.
  ///
  /// A checkpoint first takes a hidden name and then goes file by file, so that a kill leaves no torn one under
  /// a step's name. Throws `io`.
  @discardableResult
  package static func prune(under lock: RunLock, keeping count: Int, best: Int? = nil) throws -> [SavedStep] {
    precondition(count > 0, "a run must keep a checkpoint")
    let saved: [SavedStep]
    do {
      saved = try steps(in: lock.run)
    } catch let error as ScanlineError where error.kind == .badData {
      // The lock is held, so the folder was there: somebody has moved it away.
      throw ScanlineError(.io, path: error.path, expected: error.expected, found: error.found)
    }
    let removed = saved.dropLast(count).filter { $0.step != best }
    for step in removed { try remove(step, under: lock) }
    return removed
  }

  /// Removes a step of the run under `lock`, in the way that ``prune(under:keeping:best:)`` describes. Throws `io`.
  package static func remove(_ step: SavedStep, under lock: RunLock) throws {
    let hidden = temporaryName(in: lock.run, prefix: removingPrefix, for: name(of: step.step))
    try DurableFiles.renameFolder(step.path, toNew: hidden)
    try DurableFiles.removeAll(hidden)
  }

  /// Removes what killed runs left of saves and removals under way, and gives the names. The lock shows that
  /// no live run is at them. Throws `io`.
  @discardableResult
  package static func removeLeftovers(under lock: RunLock) throws -> [String] {
    let names = try DurableFiles.names(in: lock.run).filter {
      $0.hasPrefix(savingPrefix) || $0.hasPrefix(removingPrefix)
    }
    for name in names { try DurableFiles.removeAll(lock.run + "/" + name) }
    return names
  }
}
