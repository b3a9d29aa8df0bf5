// `scanline checkpoints`: what a run has saved, and what is kept of it.
import ArgumentParser
import Core
import Networks
import Training

struct CheckpointsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoints",
    abstract: "List, prune, average and export the checkpoints of a run.",
    discussion: """
      Examples:
        scanline checkpoints list Checkpoints/digits
        scanline checkpoints prune Checkpoints/digits --keep 1
        scanline checkpoints best Checkpoints/digits
        scanline checkpoints average Checkpoints/digits --last 3 \\
          --output Checkpoints/digits-mean
        scanline checkpoints export Checkpoints/digits --output digits-weights
      """,
    subcommands: [
      ListCheckpoints.self, PruneCheckpoints.self, BestCheckpoint.self, AverageCheckpoints.self, ExportCheckpoint.self,
    ])
}

private struct StepReport: Encodable {
  var step: Int
  var path: String
  @Stated var seconds: Double?
  @Stated var bytes: Int?
  @Stated var heldOutNats: Double?
  @Stated var heldOutImages: Int?
  var isBest: Bool
  var isWeightsAlone: Bool
  /// Null where it is whole.
  @Stated var damage: String?

  init(_ step: ListedStep) {
    (self.step, path) = (step.saved.step, step.saved.path)
    (seconds, bytes, heldOutNats, heldOutImages) = (step.seconds, step.bytes, step.heldOutNats, step.heldOutImages)
    (isBest, isWeightsAlone, damage) = (step.isBest, step.isWeightsAlone, step.damage)
  }
}

private struct ListCheckpoints: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Tabulate the checkpoints of a run, each verified.",
    discussion: """
      Held-out nats are of the averaged weights, as the run wrote them down; those of the last step are over all held-out \
      images, the others over those scored at intervals.
      """)

  @Argument(help: ArgumentHelp("A run folder.", valueName: "run")) var folder: String
  @Flag(help: "One JSON object instead of a table.") var json = false

  private struct Report: Encodable {
    var run: String
    var checkpoints: [StepReport]
  }

  func run() throws {
    let steps = try CheckpointFolder.list(folder)
    if json { return try printJSON(Report(run: folder, checkpoints: steps.map(StepReport.init))) }
    guard !steps.isEmpty else { return print("\(folder.displayed): no checkpoints") }
    print(
      textTable(
        ["step", "time", "KiB", "held-out nats", "images", "", "state"],
        steps.map { step in
          [
            "\(step.saved.step)", step.seconds.map(clockTime) ?? "", step.bytes.map { "\(($0 + 1023) / 1024)" } ?? "",
            step.heldOutNats?.text(4) ?? "", step.heldOutImages.map(String.init) ?? "", step.isBest ? "best" : "",
            step.damage == nil ? step.isWeightsAlone ? "whole, weights alone" : "whole" : "damaged",
          ]
        }))
    for step in steps { if let damage = step.damage { print(damage.displayed) } }
  }
}

private struct PruneCheckpoints: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Remove all checkpoints of a run but the newest and the best.",
    discussion: """
      Damaged ones are neither counted nor removed. A run that is at work keeps its folder to itself (exit code 75).
      """)

  @Argument(help: ArgumentHelp("A run folder.", valueName: "run")) var folder: String
  @Option(help: "How many of the newest to keep, 1 or more.") var keep: Int
  @Flag(help: "Remove the best one too, where it is not among the newest.") var dropBest = false
  @Flag(help: "One JSON object instead of lines.") var json = false

  private struct Report: Encodable {
    var run: String
    var removed: [Int]
    var kept: [Int]
  }

  func validate() throws {
    guard keep > 0 else { throw ValidationError("--keep is 1 or more.") }
  }

  func run() throws {
    // The lock would make a folder that is not there.
    _ = try CheckpointFolder.steps(in: folder)
    let lock = try RunLock(run: folder)
    let removed = try CheckpointFolder.tidy(under: lock, keeping: keep, dropsBest: dropBest).map(\.step)
    let kept = try CheckpointFolder.steps(in: folder).map(\.step)
    if json { return try printJSON(Report(run: folder, removed: removed, kept: kept)) }
    func words(_ steps: [Int]) -> String { steps.isEmpty ? "none" : steps.map(String.init).joined(separator: ", ") }
    print("\(folder.displayed): removed \(words(removed)); kept \(words(kept))")
  }
}

private struct BestCheckpoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "best", abstract: "Print the path of the checkpoint that sample and evaluate use of a run.",
    discussion: "The one with the best held-out score; where there is none, or it is damaged, the newest whole one.")

  @Argument(help: ArgumentHelp("A run folder.", valueName: "run")) var folder: String
  @Flag(help: "One JSON object instead of the path.") var json = false

  private struct Report: Encodable {
    var path: String
    var step: Int
    @Stated var heldOutNats: Double?
  }

  func run() throws {
    let loaded = try LoadedCheckpoint(folder, .raw, console: Console())
    guard json else { return print(loaded.path) }
    let (step, best) = (loaded.state.step, loaded.state.best)
    try printJSON(
      Report(path: loaded.path, step: step, heldOutNats: best?.step == step ? best?.natsPerImage : nil))
  }
}

/// What average and export have in common.
private struct WeightsOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The checkpoint folder to make; it must not exist.") var output: String
  @Option(help: "Take each step's moving average of the weights (ema), or the weights themselves (raw).")
  var weights: Checkpoint.Weights = .ema
  @Flag(help: "One JSON object instead of a line.") var json = false

  private struct Report: Encodable {
    var path: String
    var steps: [Int]
    var weights: String
    var parameters: Int
  }

  /// Throws, before any checkpoint is read, where the folder cannot be made.
  func requireOutput() throws {
    var outputs = OutputFiles()
    try outputs.requireFolder(output, for: "--output", isNew: true)
  }

  /// Writes the mean of the weights at `paths`.
  func write(_ paths: [String]) throws {
    let output = DurableFiles.withoutFinalSlashes(output)
    let (state, parameters) = try Checkpoint.mean(of: paths, weights)
    try DurableFiles.createFolders(DurableFiles.split(DurableFiles.absolute(output)).parent)
    try Checkpoint.saveWeights(parameters, state: state, to: output)
    let origin = state.origin ?? WeightsOrigin(weights: weights.rawValue, steps: [state.step])
    if json {
      return try printJSON(
        Report(
          path: output, steps: origin.steps, weights: origin.weights, parameters: parameters.layout.liveCount))
    }
    let steps = origin.steps.map(String.init).joined(separator: ", ")
    print(
      "\(output.displayed): \(counted(parameters.layout.liveCount, "weight")), "
        + (origin.steps.count > 1 ? "the mean of steps \(steps)" : "those of step \(steps)") + " (\(origin.weights))")
  }
}

private struct AverageCheckpoints: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "average", abstract: "Make a checkpoint whose weights are the mean of several steps'.",
    discussion: """
      What is averaged is each step's moving average of the weights, or with --weights raw the weights themselves. The \
      result holds weights alone: sample, evaluate, compare and the like read it, and whether it is better only a score \
      says; --resume does not go on from it.

      Examples:
        scanline checkpoints average Checkpoints/digits --last 3 --weights raw \\
          --output Checkpoints/digits-raw-mean
        scanline checkpoints average Checkpoints/digits 4500 5000 \\
          --output Checkpoints/digits-two
      """)

  @Argument(help: ArgumentHelp("A run folder.", valueName: "run")) var folder: String
  @Argument(help: "Steps of it.") var steps: [Int] = []
  @Option(help: "The newest so many whole ones, 1 or more, in place of steps.") var last: Int?
  @OptionGroup var options: WeightsOptions

  func validate() throws {
    guard (last == nil) != steps.isEmpty else { throw ValidationError("Name steps, or give --last.") }
    guard last.map({ $0 > 0 }) ?? true else { throw ValidationError("--last is 1 or more.") }
    guard Set(steps).count == steps.count else { throw ValidationError("Name each step once.") }
  }

  func run() throws {
    try options.requireOutput()
    try options.write(try chosen())
  }

  private func chosen() throws -> [String] {
    let saved = try CheckpointFolder.steps(in: folder)
    guard let last else {
      return try steps.map { step in
        guard let found = saved.first(where: { $0.step == step }) else {
          throw ScanlineError(
            .badData, path: folder, expected: "a checkpoint of step \(step)",
            found: saved.isEmpty ? "no checkpoints" : "those of " + saved.map { "\($0.step)" }.joined(separator: ", "))
        }
        return found.path
      }
    }
    let whole = try CheckpointFolder.list(folder).filter { $0.damage == nil }
    guard whole.count >= last else {
      throw ScanlineError(
        .badData, path: folder, expected: "\(last) whole checkpoints",
        found: "\(whole.count) (train --keep keeps more)")
    }
    return whole.suffix(last).map(\.saved.path)
  }
}

private struct ExportCheckpoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Make a checkpoint of one step's weights alone: to be sampled and scored, not trained on.",
    discussion: "It has a quarter of the size: no optimizer, and one set of weights.")

  @Argument(help: "A run folder (its best step is used) or a step in it.") var checkpoint: String
  @OptionGroup var options: WeightsOptions

  func run() throws {
    try options.requireOutput()
    let (path, messages) = try Checkpoint.resolve(checkpoint)
    let console = Console()
    messages.forEach { console.warning($0) }
    try options.write([path])
  }
}
