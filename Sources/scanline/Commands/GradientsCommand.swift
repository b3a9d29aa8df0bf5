// `scanline gradients`: the gradient flow of a run, and the Jacobians of a checkpoint.
import ArgumentParser
import Core
import Evaluation
import ImageData
import Networks
import Plotting
import Reports
import Training

extension GradientQuantity: ExpressibleByArgument {}

struct GradientsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients",
    abstract: "Show how the gradient flows through a run's layers.",
    discussion: """
      Reads what training recorded (gradients.jsonl; train --gradients-every) and writes a heat map of all layers over \
      all steps and the profile of the layers at the last one, as PNG and SVG. Of a checkpoint, what was recorded up to \
      its step.

      With --jacobian, the extreme singular values of every layer's Jacobian and of the product from every layer to the \
      logits, at held-out images of the run's folder (or of --images), by Golub-Kahan bidiagonalisation on exact \
      products. A largest one is found in tens of steps; a smallest one, where --steps do not suffice, is printed as the \
      bound that it is.

      Examples:
        scanline gradients Checkpoints/digits --quantity gradient
        scanline gradients Checkpoints/digits --jacobian --count 2
      """)

  @Argument(help: "A run folder, or a step in it.", completion: .directory) var path: String
  @Option(help: "flow (of the layers' outputs), gradient (of their weights), weight or output.")
  var quantity: GradientQuantity = .flow
  @Option(
    name: .shortAndLong,
    help:
      "Where to write, without .png and .svg (default: plots/gradients or plots/jacobians in the run folder, written anew)."
  )
  var output: String?
  @Flag(help: "Write over existing files.") var force = false
  @Flag(help: "Singular values of the layers' Jacobians.") var jacobian = false
  @Option(help: "With --jacobian: a folder of PNGs (default: the run's own).", completion: .directory) var images:
    String?
  @Option(help: "With --jacobian: how many images (1 to 1000).") var count = 1
  @Option(help: "With --jacobian: pairs of products for each value, at most (1 to 100000).") var steps = 60
  @Option(help: "With --jacobian: the moving average of the weights (ema), or the weights themselves (raw).")
  var weights: Checkpoint.Weights = .ema
  @Option(help: "With --jacobian: threads, 1 to 1024; by default all that this process may use.") var threads: Int?
  @OptionGroup(title: "Images") var reading: ImageOptions
  @Flag(help: "The last record as one JSON object instead of a table.") var json = false
  @OptionGroup var shown: ProgressOptions

  func validate() throws {
    guard jacobian || images == nil else { throw ValidationError("--images goes with --jacobian.") }
    try requireThreads(threads)
    guard (1...1000).contains(count), (1...100_000).contains(steps) else {
      throw ValidationError("--count lies in 1 to 1000, --steps in 1 to 100000.")
    }
  }

  func run() throws {
    if let output {
      var outputs = OutputFiles(force: force, inputs: [images])
      try outputs.demand(stem: output, [.png, .svg], for: "--output")
    }
    if jacobian { return try analyse() }
    let (folder, step) = Self.position(path)
    let history = try GradientHistory(ofRun: folder, upTo: step ?? .max)
    guard let first = history.chosen.first, let last = history.last else {
      throw ScanlineError(
        .badData, path: folder + "/" + GradientRecord.fileName,
        expected: "a record" + (step.map { " up to step \($0)" } ?? ""), found: "none")
    }
    let stem = try target(folder, "gradients")
    if json {
      try printJSON(last)
    } else {
      print(GradientWatch.table(last, mostRows: .max).joined(separator: "\n"))
      for trouble in history.flagged.sorted(by: { $0.kind.rawValue < $1.kind.rawValue }) {
        print(
          "\(trouble.kind.rawValue): \(counted(trouble.layers.count, "layer")), first at step \(trouble.first.step)")
      }
    }
    let figure = GradientFigure(history, quantity: quantity, title: DurableFiles.split(folder).name).figure
    try write(figure, stem, "\(counted(history.count, "record")), steps \(first.step) to \(last.step)")
  }

  /// The run's folder, and the step where one was named.
  private static func position(_ path: String) -> (run: String, step: Int?) {
    let path = DurableFiles.withoutFinalSlashes(path)
    let (parent, name) = DurableFiles.split(path)
    guard let step = CheckpointFolder.step(named: name) else { return (path, nil) }
    return (parent, step)
  }

  private func analyse() throws {
    let console = shown.console()
    let checkpoint = try LoadedCheckpoint(path, weights, console: console)
    guard let source = images ?? checkpoint.state.data?.folder else {
      throw ScanlineError(.usage, path: "--images", expected: "a folder of PNGs", found: "imported weights, no folder")
    }
    let threads = threads ?? availableThreads()
    let (folder, _) = Self.position(checkpoint.path)
    let stem = try target(folder, "jacobians")
    let listing = try checkpoint.scan(source, reading)
    let (set, model) = try checkpoint.load(
      listing.spread(count, in: listing.heldOutSplit ?? listing.trainSplit), split: nil, reading, threads: threads,
      console: console)
    let batch = checkpoint.state.quantization.batch(from: set, indices: 0..<set.count)
    let bar = ProgressBar(console, "Jacobians", total: JacobianAnalysis.taskCount(model, images: set.count))
    let analysis = JacobianAnalysis(
      model, parameters: checkpoint.parameters, batch: batch, maximumSteps: steps, threads: threads,
      progress: bar.advance)
    bar.finish()
    if json { try printJSON(analysis) } else { print(Self.table(analysis)) }
    let figure = analysis.figure(
      title: "\(DurableFiles.split(DurableFiles.absolute(folder)).name.displayed), step \(checkpoint.state.step)")
    try write(figure, stem, "step \(checkpoint.state.step), \(counted(set.count, "image"))")
  }

  private func write(_ figure: PlotFigure, _ stem: String, _ what: String) throws {
    for ending in ["png", "svg"] { try figure.write(to: "\(stem).\(ending)") }
    if !json { print("\(stem.displayed).png, .svg: \(what)") }
  }

  private static func table(_ analysis: JacobianAnalysis) -> String {
    func words(_ value: Double, _ isCertain: Bool, _ sign: String) -> String {
      (isCertain ? "" : sign + " ") + GradientRecord.short(value)
    }
    func pair(_ values: JacobianAnalysis.Values?) -> [String] {
      guard let values else { return ["", ""] }
      return [words(values.smallest, values.hasSmallest, "≤"), words(values.largest, values.hasLargest, "≥")]
    }
    return textTable(
      ["layer", "kind", "size", "σ_min", "σ_max", "to logits: σ_min", "σ_max"],
      analysis.layers.map { layer in
        [layer.name, layer.kind.rawValue, "\(layer.rows)×\(layer.columns)"] + pair(layer.own) + pair(layer.toLogits)
      })
  }

  private func target(_ folder: String, _ name: String) throws -> String {
    if let output { return output }
    let plots = folder + "/plots"
    guard !DurableFiles.exists(folder + "/manifest.json") else {
      throw ScanlineError(
        .cannotCreate, path: plots, expected: "--output, as a checkpoint's folder takes no other files",
        found: "a checkpoint in \(folder)")
    }
    try DurableFiles.createFolders(plots)
    for ending in ["png", "svg"] { try DurableFiles.tryReplacing("\(plots)/\(name).\(ending)") }
    return plots + "/" + name
  }
}
