// `scanline describe`: what a model costs and sees.
import ArgumentParser
import Core
import CScanline
import Evaluation
import ImageData
import Networks
import Synchronization

struct DescribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Tabulate a model's weights, connections, steps, memory and context.",
    discussion: """
      Exact counts beside the formulas, in W, H, d layers and k features, for the model and, to compare, for the other \
      families at the same width. With --measure also times, memory and the receptive field of one output, found by \
      changing every pixel, as a picture: white is seen, red is before the output and not seen.

      Examples:
        scanline describe Checkpoints/digits
        scanline describe --blocks 3 --graph pixelcnn.svg
        scanline describe --model diagonal-lstm --width 32 --measure \\
          --map context.png
      """)

  @Argument(help: "A run folder or a step in it; without, --model and its options.", completion: .directory)
  var checkpoint: String?
  @OptionGroup(title: "Model") var model: ModelOptions
  @Option(help: ArgumentHelp("The size of the images, without a checkpoint.", valueName: "WxH"))
  var size = SizeArgument(width: 28, height: 28)
  @Option(help: "Levels of a pixel, 2 to 256, without a checkpoint.") var levels = 2
  @Flag(help: "Measure time, memory and receptive field as well.") var measure = false
  @Option(help: "With --measure, write the receptive field to this PNG.", completion: .file(extensions: ["png"]))
  var map: String?
  @Option(
    help: ArgumentHelp("Draw the model's operations to this .svg or .png.", valueName: "file"),
    completion: .file(extensions: ["svg", "png"]))
  var graph: String?
  @Flag(help: "Write over an existing file.") var force = false
  @Flag(help: "One JSON object instead of tables.") var json = false
  @OptionGroup var shown: ProgressOptions

  func validate() throws {
    if map != nil && !measure { throw ValidationError("--map goes with --measure.") }
    if checkpoint != nil, let given = model.given { throw ValidationError("\(given) goes without a checkpoint.") }
  }

  struct Measured: Encodable {
    var secondsPerImageTraining: Double
    var secondsPerImageEvaluation: Double
    var secondsPerSampledImage: Double
    var workspaceBytes: Int
    var samplingImages: Int
    var samplingThreads: Int
    var samplingResidentBytes: Int
    var seenPixels: Int
    var pixelsBefore: Int
  }

  struct Report: Encodable {
    var model: CostDescription
    var others: [CostDescription]
    var measured: Measured?
  }

  func run() throws {
    let console = shown.console()
    var outputs = OutputFiles(force: force)
    if let map { try outputs.demand(map, as: .png, for: "--map") }
    if let graph { try outputs.demand(graph, as: graph.lowercased().hasSuffix(".svg") ? .svg : .png, for: "--graph") }
    let (configuration, trained) = try subject(console)
    let network = configuration.makeModel()
    lazy var parameters = trained ?? network.initialParameters(seed: 1)
    let threads = availableThreads()
    let bar = ProgressBar(console, "measuring", total: Self.measurements)
    // Before anything else: memory that was used and given back may stay resident, and be used again unseen.
    let growth = measure ? samplingGrowth(network, parameters, threads, bar) : 0
    let others = ModelKind.allCases.filter { $0 != configuration.model }.map { kind in
      CostDescription(
        ModelConfiguration(
          model: kind, width: configuration.width, blocks: kind.type.blocks.standard, shape: configuration.shape,
          levels: configuration.levels
        ).makeModel(), threads: threads)
    }
    var report = Report(model: CostDescription(network, threads: threads), others: others)
    var field: ContextMap?
    if measure {
      field = ContextMap(network, parameters: parameters, y: report.model.probe[0], x: report.model.probe[1])
      bar.advance(1)
      report.measured = measured(network, parameters, field, growth, bar)
      bar.finish()
    }
    if json { try printJSON(report) } else { printTables(report) }
    if let graph { try GraphDrawing(configuration).drawing.write(to: graph) }
    if let map { try field?.picture().write(to: map, text: ["Software": "scanline \(Scanline.configuration.version)"]) }
  }

  private func printTables(_ report: Report) {
    print(table(of: report.model))
    print("")
    print(comparison([report.model] + report.others))
    if let m = report.measured {
      print(
        """

        measured, one thread
        training    \((m.secondsPerImageTraining * 1e3).text(3)) ms an image
        evaluation  \((m.secondsPerImageEvaluation * 1e3).text(3)) ms an image
        sampling    \((m.secondsPerSampledImage * 1e3).text(1)) ms an image
        workspace   \(m.workspaceBytes.kibibytes) KiB
        memory      grew by \(m.samplingResidentBytes.kibibytes) KiB while \(m.samplingImages) images were drawn on \
        \(counted(m.samplingThreads, "thread"))
        context     \(m.seenPixels) of the \(m.pixelsBefore) pixels before row \(report.model.probe[0]), column \
        \(report.model.probe[1]) move its output\(map.map { "; \($0.displayed)" } ?? "")
        """)
    }
  }

  private func subject(_ console: Console) throws -> (ModelConfiguration, ParameterVector?) {
    guard let checkpoint else {
      let shape = ImageShape(height: size.height, width: size.width, channels: 1)
      return (try model.configuration(shape: shape, levels: levels, path: "describe"), nil)
    }
    let loaded = try LoadedCheckpoint(checkpoint, .ema, console: console)
    return (loaded.state.model, loaded.parameters)
  }

  // MARK: Measuring

  private func measured(
    _ network: ImageModel, _ parameters: ParameterVector, _ field: ContextMap?, _ samplingGrowth: Int,
    _ bar: ProgressBar
  ) -> Measured {
    let images = 4 * network.imagesPerPass
    let batch = network.noise(Philox(seed: 0, purpose: .benchmark), count: images)
    let engine = BatchGradient(model: network, batchSize: images, threads: 1)
    let gradient = ParameterVector(layout: network.layout)
    let scorer = Scorer(model: network, parameters: parameters, threads: 1)
    let sampler = Sampler(model: network, parameters: parameters, threads: 1)
    return Measured(
      secondsPerImageTraining: seconds(bar) { _ = engine.compute(batch, parameters: parameters, into: gradient) }
        / Double(images),
      secondsPerImageEvaluation: seconds(bar) { _ = scorer.nats(batch) } / Double(images),
      secondsPerSampledImage: seconds(bar) { _ = sampler.sample(SamplingRequest(count: 1, seed: 1)) },
      workspaceBytes: network.makeWorkspace(.training()).byteCount, samplingImages: Self.imagesDrawn,
      samplingThreads: availableThreads(), samplingResidentBytes: samplingGrowth, seenPixels: field?.seen ?? 0,
      pixelsBefore: field?.before ?? 0)
  }

  /// What the bar counts: three times five runs, the sampler's memory and the receptive field.
  private static let measurements = 17

  /// Images that the sampler's memory is measured with, as it is stated.
  private static let imagesDrawn = 64

  /// Bytes by which resident memory grew at most while images were drawn; the packed weights were there before.
  private func samplingGrowth(
    _ network: ImageModel, _ parameters: ParameterVector, _ threads: Int, _ bar: ProgressBar
  ) -> Int {
    let sampler = Sampler(model: network, parameters: parameters, threads: threads)
    let before = Int(scanline_resident_bytes())
    let most = Atomic<Int>(before)
    _ = sampler.sample(SamplingRequest(count: Self.imagesDrawn, seed: 1)) { _ in
      most.max(Int(scanline_resident_bytes()), ordering: .relaxed)
    }
    bar.advance(1)
    return most.load(ordering: .relaxed) - before
  }

  /// The median of five runs after one that does not count.
  private func seconds(_ bar: ProgressBar, _ body: () -> Void) -> Double {
    body()
    return median(
      (0..<5).map { _ in
        defer { bar.advance(1) }
        return secondsTaken(by: body)
      })
  }

  // MARK: Tables

  private func table(of model: CostDescription) -> String {
    let rows = model.layers.map { layer in
      [
        layer.cost.name, layer.cost.kind, "\(layer.cost.parameterCount)", "\(layer.cost.multiplyAdds)",
        "\(layer.cost.trainingSteps)", "\(layer.cost.samplingSteps)", "\(layer.cost.activationBytes.kibibytes)",
        "\(layer.context)",
      ]
    }
    let total = [
      "total", "", "\(model.weights)", "\(model.connections)", "\(model.steps.training)", "\(model.steps.sampling)",
      "\((model.trainingBytes / model.imagesPerPass).kibibytes)", "\(model.context)",
    ]
    return title(model.configuration) + "\n"
      + textTable(["layer", "kind", "weights", "connections", "training", "sampling", "KiB", "sees"], rows + [total])
  }

  private func comparison(_ models: [CostDescription]) -> String {
    let head = ["for one image"] + models.map { title($0.configuration) }
    let (probe, threads) = (models[0].probe, counted(models[0].sampling[1].threads, "thread"))
    func row(_ name: String, _ value: (CostDescription) -> String) -> [String] { [name] + models.map(value) }
    return textTable(
      head,
      [
        row("weights") { "\($0.weights)  \($0.formulas.weights)" },
        row("connections") { "\($0.connections)  \($0.formulas.connections)" },
        row("steps, training") { "\($0.steps.training)  \($0.formulas.trainingSteps)" },
        row("steps, pipelined") { "\($0.steps.pipelined)" },
        row("steps, sampling") { "\($0.steps.sampling)  \($0.formulas.samplingSteps)" },
        row("training workspace, KiB") { "\(($0.trainingBytes / $0.imagesPerPass).kibibytes)" },
        row("sampling 1 image, KiB") { "\($0.sampling[0].bytes.kibibytes)" },
        row("64 images on \(threads), KiB") { "\($0.sampling[1].bytes.kibibytes)" },
        row("context of row \(probe[0]), column \(probe[1])") { "\($0.context)  \($0.formulas.context)" },
        row("blind spot at any depth, pixels") { "\($0.blind)" },
      ])
  }

  private func title(_ configuration: ModelConfiguration) -> String {
    "\(configuration.model.rawValue) \(configuration.width)×\(configuration.blocks)"
  }
}
