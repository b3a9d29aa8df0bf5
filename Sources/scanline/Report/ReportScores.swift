// How likely held-out images are under the runs of a report: scored where they are here, else as training recorded it.
import Core
import Evaluation
import ImageData
import Networks
import Training

struct ReportScores {
  struct Options {
    /// A folder in place of the runs' own.
    var data: String?
    /// Images at most; nil: all that are held out. 0: nothing is scored.
    var limit: Int?
    /// How images are read, where it is not as the runs read their own.
    var images: ImageOptions
    var baselines = false
    /// Of the bootstrap.
    var seed: UInt64 = 1
    var threads: Int
  }

  /// Runs that score the same images: their differences are paired.
  struct Group {
    /// Their numbers among the report's runs.
    var runs: [Int]
    let comparison: Comparison
    let shape: ImageShape
    let folder: String
    let fingerprint: UInt32
    /// What must be known beside the figures.
    let notes: [String]
  }

  /// The last record of held-out images of a run whose images were not scored.
  struct Recorded {
    let run: Int
    /// Why they were not.
    let reason: String
    let step: Int?
    let summary: LikelihoodSummary?
  }

  private(set) var groups: [Group] = []
  private(set) var recorded: [Recorded] = []

  /// Scores the best checkpoint of each run. What cannot be scored is recorded with its reason; nothing is thrown.
  init(_ runs: [ReportRun], _ options: Options, console: Console) {
    if options.limit == 0 {
      recorded = runs.enumerated().map { Self.record($0.element, $0.offset, reason: "not asked for (--images 0)") }
      return
    }
    for (number, run) in runs.enumerated() {
      if case .failure(let error) = run.checkpoint {
        recorded.append(Self.record(run, number, reason: inFlags(error)))
      }
    }
    for numbers in Self.grouped(runs) {
      var notes: [String] = []
      if numbers.count > 1 {
        do {
          groups.append(try Self.score(numbers, of: runs, options, [], console))
          continue
        } catch {
          notes.append("Not held against the other runs, image by image: \(inFlags(error)).")
        }
      }
      // One by one: each run's own images, or the reason why not.
      for number in numbers {
        do {
          groups.append(try Self.score([number], of: runs, options, notes, console))
        } catch {
          recorded.append(Self.record(runs[number], number, reason: inFlags(error)))
        }
      }
    }
    recorded.sort { $0.run < $1.run }
  }

  /// The row of run number `number` where it was scored.
  func row(_ number: Int, name: String) -> Comparison.Row? {
    groups.first { $0.runs.contains(number) }?.comparison.rows.first {
      $0.candidate.isModel && $0.candidate.name == name
    }
  }

  // MARK: Parts

  /// Runs that have a checkpoint, by what their scores are about: levels and the held-out images that training saw. Imported weights join those
  /// of the same levels and size.
  private static func grouped(_ runs: [ReportRun]) -> [[Int]] {
    func areAlike(_ a: RunState, _ b: RunState) -> Bool {
      let isDrawn = a.quantization.binarization == .fixed || a.quantization.binarization == .dynamic
      guard a.quantization.levels == b.quantization.levels, a.quantization.binarization == b.quantization.binarization,
        !isDrawn || a.quantization.seed == b.quantization.seed, a.model.shape == b.model.shape
      else { return false }
      guard let first = a.data, let second = b.data else { return true }
      return first.validFingerprint == second.validFingerprint
    }
    var groups: [[Int]] = []
    for (number, run) in runs.enumerated() where (try? run.checkpoint.get()) != nil {
      let position = groups.firstIndex { group in
        guard let state = run.state, let other = runs[group[0]].state else { return false }
        return areAlike(state, other)
      }
      if let position { groups[position].append(number) } else { groups.append([number]) }
    }
    return groups
  }

  private static func score(
    _ numbers: [Int], of runs: [ReportRun], _ options: Options, _ notes: [String], _ console: Console
  ) throws -> Group {
    let folder =
      try numbers.lazy.compactMap { try? Self.folder(of: runs[$0], options.data) }.first
      ?? Self.folder(of: runs[numbers[0]], options.data)
    let models = try numbers.map {
      ComparedModels.Model(name: runs[$0].name, checkpoint: try runs[$0].checkpoint.get())
    }
    let images = options.images
    let subjects = try ComparedModels(models, folder: folder, images, binarizationSeed: nil)
    guard let split = subjects.listing.heldOutSplit else {
      throw ScanlineError(.badData, path: folder, expected: "held-out images", found: "none")
    }
    let data = try subjects.load(split, limit: options.limit, images, threads: options.threads, console: console)
    var candidates = try models.indices.map {
      try subjects.score($0, data, threads: options.threads, console: console)
    }
    var notes = notes
    if options.baselines {
      let fitted = try? subjects.listing.images(
        of: .train, images.loading(over: models[0].checkpoint.state.data?.loading), threads: options.threads,
        console: console)
      candidates += subjects.baselines(fittedOn: fitted, data.set, threads: options.threads, console: console)
      if fitted == nil { notes.append("Two baselines are left out: \(folder) has no training images to fit them on.") }
    }
    let known = models.compactMap { $0.checkpoint.state.data?.validFingerprint }
    notes += data.training.notes
    let isWhole = data.set.count == subjects.listing.entries(in: split).count - data.set.skipped.count
    if options.limit == nil, isWhole, known.contains(where: { $0 != data.set.fingerprint }) {
      notes.append("These are not the images that training held out: their fingerprint is another one.")
    }
    if let note = Bootstrap.note(images: data.set.count) {
      notes.append(note.prefix(1).uppercased() + note.dropFirst() + ".")
    }
    return Group(
      runs: numbers,
      comparison: Comparison(candidates, shape: data.set.shape, seed: options.seed, threads: options.threads),
      shape: data.set.shape, folder: folder, fingerprint: data.fingerprint, notes: notes)
  }

  /// Where the images of a run are looked for. Throws `badData` where they are not there.
  static func folder(of run: ReportRun, _ given: String?) throws -> String {
    guard let folder = given ?? run.folder else {
      throw ScanlineError(
        .badData, path: run.path, expected: "the folder of its images (--data)", found: "imported weights, no folder")
    }
    guard DurableFiles.exists(folder) else {
      throw ScanlineError(
        .badData, path: folder, expected: "the folder of the run's images (or another one by --data)",
        found: "nothing of that name")
    }
    return folder
  }

  /// The last evaluation of all held-out images, else the best one.
  private static func record(_ run: ReportRun, _ number: Int, reason: String) -> Recorded {
    let record =
      run.heldOut.last { $0.heldOut?.isFinal == true } ?? run.heldOut.last { $0.heldOut?.isBest == true }
      ?? run.heldOut.last
    return Recorded(run: number, reason: reason, step: record?.step, summary: record?.heldOut?.average)
  }
}
