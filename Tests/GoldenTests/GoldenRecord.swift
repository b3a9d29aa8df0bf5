// What is frozen of a model: hashes of everything it computes, and the bytes it takes.
import Core
import Evaluation
import Foundation
import ImageData
import Kernels
import Networks
import Training

/// One row of a golden file: named values in order. Hashes must stay equal; bytes may only fall.
struct GoldenRecord: Equatable {
  private(set) var hashes: [(name: String, value: String)] = []
  private(set) var bytes: [(name: String, value: Int)] = []

  static func == (a: GoldenRecord, b: GoldenRecord) -> Bool { a.text == b.text }

  /// "weights=0123abcd … training=1234 …"
  var text: String {
    (hashes.map { "\($0.name)=\($0.value)" } + bytes.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
  }

  /// The record that `text` holds.
  init(parsing text: Substring) {
    for word in text.split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { continue }
      if let count = Int(parts[1]), parts[0].hasSuffix("Bytes") {
        bytes.append((parts[0], count))
      } else {
        hashes.append((parts[0], parts[1]))
      }
    }
  }

  /// Trains the model of `golden` for 20 steps and records what it computes from there. What dropout does not touch is
  /// recorded once, without it.
  init(_ golden: GoldenCase) throws {
    let model = golden.configuration.makeModel()
    let images = Self.noise(golden.configuration)
    let trainer = try Self.trainer(golden, images)
    var gradients = Hash()
    _ = try trainer.run(
      request: { .none }, save: { _, _ in "" },
      report: { if case .gradients(let record) = $0 { gradients.add(record) } })
    let parameters = trainer.adam.parameters
    add("weights", Hash(parameters.storage.elements))
    add("average", Hash(trainer.adam.average.storage.elements))
    add("gradients", gradients)
    addBytes("training", model.workspaceBytes(.training(dropout: golden.dropout)))
    guard golden.dropout == 0 else { return }
    let batch = try Quantization(levels: golden.configuration.levels).batch(from: images, indices: 0..<3)
    addComputed(model, parameters, batch)
    addStated(model)
    addBytes("evaluation", model.workspaceBytes(.evaluation))
    addBytes("sampling", Sampler.byteCount(of: model, count: 3, threads: 1))
    addBytes("step", BatchGradient.byteCount(model: model, batchSize: 6, threads: 2))
  }

  /// Logits, nats, samples and singular values.
  private mutating func addComputed(_ model: ImageModel, _ parameters: ParameterVector, _ batch: ImageBatch) {
    let (packed, workspace) = (model.packed(parameters), model.makeWorkspace(.evaluation))
    var logits = Hash()
    for image in 0..<batch.count {
      workspace.forward(batch, images: image..<image + 1, packed: packed)
      logits.add(workspace.logits[0].values)
    }
    add("logits", logits)
    var nats = Hash()
    nats.add(Scorer(model: model, parameters: parameters, threads: 1).nats(batch))
    add("nats", nats)
    let classes = model.configuration.classCount > 0 ? [0, 1, 1] : nil
    let drawn = Sampler(model: model, parameters: parameters, threads: 1)
      .sample(SamplingRequest(count: 3, seed: 9, temperature: 0.9, classes: classes))
    var samples = Hash()
    samples.add(drawn.images.levels)
    samples.add(drawn.nats)
    add("samples", samples)
    var jacobians = Hash()
    let one = ImageBatch(
      shape: batch.shape, count: 1, levels: Array(batch.levels.prefix(batch.shape.dimensions)),
      classes: batch.classes.map { Array($0.prefix(1)) })
    for layer in JacobianAnalysis(model, parameters: parameters, batch: one, maximumSteps: 12, threads: 1).layers {
      jacobians.add("\(layer.name) \(layer.kind.rawValue) \(layer.rows)×\(layer.columns)")
      for values in [layer.own, layer.toLogits].compactMap({ $0 }) {
        // Of an iteration in double precision: parts of one link may be added in another order.
        let scale = values.largest > 0 ? values.largest : 1
        jacobians.add(
          [values.largest, values.smallest].map { ($0 / scale * 1e8).rounded() } + [Self.digits(values.largest)])
      }
    }
    add("jacobians", jacobians)
  }

  /// Costs, context and names.
  private mutating func addStated(_ model: ImageModel) {
    var costs = Hash()
    for cost in model.layerCosts {
      costs.add("\(cost.name) \(cost.kind) \(cost.parameterCount) \(cost.multiplyAdds) \(cost.trainingSteps)")
      costs.add("\(cost.samplingSteps) \(cost.activationBytes)")
    }
    let steps = model.sequentialSteps
    costs.add(
      "\(steps.training) \(steps.pipelined) \(steps.sampling) \(steps.trainingFormula) \(steps.samplingFormula)")
    add("costs", costs)
    var context = Hash()
    for layer in model.layerCosts.indices {
      context.add(model.context(y: 3, x: 3, throughLayer: layer).map { $0 ? 1 : 0 } as [UInt8])
    }
    add("context", context)
    var tensors = Hash()
    for slice in model.layout.slices {
      tensors.add("\(slice.name) \(slice.shape) \(slice.liveCount) \(model.pyTorchNames[slice.name] ?? "none")")
    }
    add("tensors", tensors)
  }

  /// `value` to nine digits that matter.
  private static func digits(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return value }
    let unit = pow(10, (log10(value)).rounded(.down) - 8)
    return (value / unit).rounded()
  }

  private mutating func add(_ name: String, _ hash: Hash) { hashes.append((name, hash.text)) }
  private mutating func addBytes(_ name: String, _ count: Int) { bytes.append((name + "Bytes", count)) }

  // MARK: The run

  /// Ten images of random values.
  private static func noise(_ configuration: ModelConfiguration) -> ImageSet {
    let random = Philox(seed: 5, purpose: .test, stream: 11)
    let classes = configuration.classNames.map { names in (0..<10).map { $0 % names.count } }
    return ImageSet(
      shape: configuration.shape,
      pixels: (0..<10 * configuration.shape.dimensions).map { UInt8(random.below(256, at: UInt64($0))) },
      classes: classes, classNames: configuration.classNames ?? [])
  }

  private static func trainer(_ golden: GoldenCase, _ images: ImageSet) throws -> Trainer {
    var options = TrainingOptions()
    options.batchSize = 6
    options.length = .steps(20)
    options.schedule.warmupSteps = 2
    options.schedule.baseRate = 0.01
    options.dropout = golden.dropout
    options.gradientInterval = 10
    let state = RunState(
      model: golden.configuration, quantization: try Quantization(levels: golden.configuration.levels, seed: 1),
      data: RunState.Data(
        folder: "golden", loading: ImageLoadingOptions(), heldOutShare: 0, splitSeed: 1, train: images, valid: nil),
      training: options)
    let parameters = golden.configuration.makeModel().initialParameters(seed: options.seed)
    return Trainer(
      state: state, adam: Adam(parameters: parameters, options: options.adam), train: images, valid: nil, threads: 1,
      now: { 0 })
  }
}

/// A CRC-32 over bit patterns: eight characters that change with any bit.
struct Hash {
  private var crc: UInt32 = 0

  init() {}
  init(_ values: some Sequence<Float>) { add(values) }

  mutating func add(_ bytes: [UInt8]) { crc = Checksum.crc32(bytes, continuing: crc) }
  mutating func add(_ text: String) { add(Array(text.utf8) + [0]) }
  mutating func add(_ values: some Sequence<Float>) {
    add(values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } })
  }
  mutating func add(_ values: [Double]) {
    add(values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } })
  }

  /// What a run keeps of its gradient flow, layer by layer.
  mutating func add(_ record: GradientRecord) {
    add([record.natsPerImage])
    for layer in record.layers {
      add(layer.name + " " + layer.units.rawValue)
      for figures in [layer.gradient, layer.weight, layer.output, layer.flow] {
        add([figures.rms, figures.mean, figures.max])
      }
      add([layer.updateRatio, layer.zero, layer.saturated, layer.dead])
    }
    for diagonal in record.diagonals {
      add(diagonal.name)
      add(diagonal.rms)
    }
  }

  var text: String { Checksum.hexadecimal(crc) }
}
