// The gradient flow of a run: its records, what they say in words, and the file that they are kept in.
import Core
import Foundation
import Kernels
import Networks
import Testing
import TestSupport
import Training

@Suite struct GradientRecordTests {
  /// The records of a run, and the gradients and weights of the same steps.
  private func records(_ run: TinyRun) throws -> (records: [GradientRecord], trainer: Trainer) {
    var records: [GradientRecord] = []
    let trainer = try run.trainer()
    try trainer.run { if case .gradients(let record) = $0 { records.append(record) } }
    return (records, trainer)
  }

  @Test func recordingChangesNoBit() throws {
    var (plain, watched) = (TinyRun(), TinyRun())
    plain.options.gradientInterval = 0
    watched.options.gradientInterval = 3
    let (none, without) = try records(plain)
    let (some, with) = try records(watched)
    #expect(none.isEmpty)
    #expect(some.map(\.step) == [1, 4, 7, 10, 13, 16, 19])
    #expect(bits(without.adam) == bits(with.adam))
  }

  /// Gradient, weights and update of the first step against sums over the flat buffers.
  @Test func figuresOfParametersEqualPlainSums() throws {
    var run = TinyRun()
    run.options.length = .steps(1)
    run.options.gradientInterval = 1
    let (records, trainer) = try records(run)
    let record = try #require(records.first)
    let state = try run.state()
    let model = state.model.makeModel()
    let before = model.initialParameters(seed: run.options.seed)
    let gradient = ParameterVector(layout: model.layout)
    var order = BatchSampler(images: run.train.count, batchSize: 12, seed: run.options.seed)
    let batch = state.quantization.batch(from: run.train, indices: order.batch(step: 0), epoch: 0)
    let nats = BatchGradient(model: model, batchSize: 12, threads: 1, dropout: run.options.dropout)
      .compute(
        batch, parameters: before, into: gradient, random: Philox(seed: run.options.seed, purpose: .dropout))
    #expect(record.natsPerImage == nats.reduce(0, +) / 12)
    #expect(record.layers.map(\.name) == model.observedLayers.map(\.name))
    for layer in record.layers {
      func live(_ vector: ParameterVector) -> [Double] {
        model.layout.slices.filter { $0.layer == layer.name }.flatMap { slice in
          zip(vector[slice], slice.live ?? [Bool](repeating: true, count: slice.count)).filter(\.1).map { Double($0.0) }
        }
      }
      func check(_ figures: GradientRecord.Figures, _ values: [Double]) {
        let rms = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
        #expect(abs(figures.rms - rms) <= 1e-12 * rms, "\(layer.name)")
        #expect(abs(figures.mean - values.reduce(0) { $0 + abs($1) } / Double(values.count)) <= 1e-12 * rms)
        #expect(figures.max == values.map { abs($0) }.max())
      }
      check(layer.gradient, live(gradient))
      check(layer.weight, live(before))
      // In single precision, as the weights are.
      let moved = zip(live(trainer.adam.parameters), live(before)).map { Double(Float($0 - $1)) }
      let ratio = (moved.reduce(0) { $0 + $1 * $1 } / live(before).reduce(0) { $0 + $1 * $1 }).squareRoot()
      #expect(abs(layer.updateRatio - ratio) < 1e-6 * ratio, "\(layer.name)")
    }
  }

  /// A deep chain of sigmoids is flagged, layer by layer; the residual ReLU network of the same depth is not.
  @Test func aSigmoidChainVanishesAndAResidualNetworkDoesNot() throws {
    func flags(_ activation: Activation, _ residual: ResidualOrder) throws -> [GradientRecord] {
      let run = TinyRun()
      var state = try run.state()
      state.model = ModelConfiguration(
        width: 8, blocks: 12, shape: TinyRun.shape, levels: 2, activation: activation, residual: residual)
      state.training?.length = .steps(2)
      state.training?.gradientInterval = 1
      let adam = Adam(parameters: state.model.makeModel().initialParameters(seed: 1), options: run.options.adam)
      let trainer = Trainer(state: state, adam: adam, train: run.train, valid: nil, threads: 2) { 0 }
      var records: [GradientRecord] = []
      try trainer.run { if case .gradients(let record) = $0 { records.append(record) } }
      return records
    }
    let chain = try flags(.sigmoid, .off)
    #expect(chain.count == 2)
    for record in chain {
      #expect(record.flags.contains { $0.layer == "input" && $0.kind == .vanishing && $0.value < 1e-12 })
      // The flow falls all the way back.
      let stream = record.layers.filter { $0.name.hasSuffix("expand") }.map(\.flow.rms)
      #expect(zip(stream, stream.dropFirst()).allSatisfy { $0 < $1 || $1 == 0 })
    }
    let model = ModelConfiguration(
      width: 8, blocks: 12, shape: TinyRun.shape, levels: 2, activation: .sigmoid, residual: .off)
    let said = chain[0].warnings(model: model)
    #expect(said.contains { $0.hasPrefix("step 1: input (and ") && $0.contains("`residual` pre") }, "\(said)")
    #expect(chain[1].warnings(besides: chain[0].flags, model: model).allSatisfy { !$0.contains("vanishes") })
    for record in try flags(.relu, .pre) { #expect(!record.flags.contains { $0.kind == .vanishing }) }
  }

  private func layer(_ name: String, flow: Double, dead: Double = 0, saturated: Double = 0) -> GradientRecord.Layer {
    let none = GradientRecord.Figures(MagnitudeSums())
    var figures = none
    figures.rms = flow
    return GradientRecord.Layer(
      name: name, units: .relu, gradient: none, weight: none, updateRatio: 0, output: none, flow: figures, zero: 0,
      saturated: saturated, dead: dead)
  }

  @Test func everyKindOfTroubleIsTold() throws {
    let model = ModelConfiguration(width: 8, blocks: 1, shape: TinyRun.shape, levels: 2)
    let layers = [
      layer("a", flow: 0.99e-4), layer("b", flow: 1.01e-4), layer("c", flow: 1001), layer("d", flow: 999),
      layer("e", flow: 1, dead: 0.51), layer("f", flow: 1, dead: 0.5), layer("g", flow: 1, saturated: 0.91),
      layer("h", flow: 1),
    ]
    let flags = GradientWarning.flags(of: layers)
    #expect(flags.map(\.layer) == ["a", "c", "e", "g"])
    #expect(flags.map(\.kind) == [.vanishing, .exploding, .dead, .saturated])
    let record = GradientRecord(step: 7, natsPerImage: 1, layers: layers, diagonals: [], flags: flags)
    let said = record.warnings(model: model)
    #expect(said.count == 4)
    for (sentence, words) in zip(said, ["a vanishes", "c explodes", "e is dying: 51%", "g is saturated: 91%"]) {
      #expect(sentence.hasPrefix("step 7: \(words)") && sentence.contains("; try "), "\(sentence)")
    }
  }

  @Test(arguments: [
    (0.0, "0"), (0.126, "0.13"), (12.34, "12"), (1.26, "1.3"), (2.06e-7, "2.1e-07"), (41_700, "4.2e+04"),
  ])
  func shortNumbers(value: Double, text: String) { #expect(GradientRecord.short(value) == text) }

  /// However many records there were, an even choice of them is kept, and every flag is counted.
  @Test(arguments: [1, 2, 399, 400, 401, 402, 800, 801, 5_003])
  func aHistoryChoosesEvenly(count: Int) throws {
    var history = GradientHistory()
    #expect(history.chosen.isEmpty && history.last == nil && history.flagged.isEmpty)
    for number in 0..<count {
      let layers = [
        layer("input", flow: number >= 100 ? 0 : 1),
        layer("layer 0", flow: 1, dead: number % 6 == 4 ? 1 : 0),
        layer("layer 1", flow: 1, dead: number % 6 == 1 ? 1 : 0),
        layer("head", flow: 1),
      ]
      history.add(
        GradientRecord(
          step: 10 * (number + 1), natsPerImage: 1, layers: layers, diagonals: [],
          flags: GradientWarning.flags(of: layers)
        ))
    }
    let steps = history.chosen.map(\.step)
    #expect(history.count == count && steps.first == 10 && steps.last == 10 * count && history.last?.step == 10 * count)
    #expect(steps.count <= 401 && steps.count >= min(count, 200))
    // The last one is there wherever it falls.
    let strides = Set(zip(steps.dropLast(), steps.dropFirst().dropLast()).map { $1 - $0 })
    #expect(strides.count <= 1)
    let vanishing = history.flagged.first { $0.kind == .vanishing }
    #expect((vanishing?.recordCount ?? 0) == max(count - 100, 0))
    if count > 100 {
      #expect(vanishing?.first.step == 1010 && vanishing?.lastStep == 10 * count && vanishing?.layers == ["input"])
      #expect(vanishing?.first.flags.map(\.kind) == [.vanishing])
      #expect(history.flagged.map(\.kind) == [.vanishing, .dead])
      #expect(history.flagged[1].layers == ["layer 0", "layer 1"] && history.flagged[1].recordCount == (count + 1) / 3)
    }
  }

  // MARK: - The file

  /// A log is cut back to the step that a run is resumed from, a torn last line is dropped, and what is kept reads back.
  @Test func theLogFollowsTheRun() throws {
    let scratch = Scratch()
    var run = TinyRun()
    run.options.gradientInterval = 2
    let all = try records(run).records
    let path = scratch.path + "/" + GradientRecord.fileName
    do {
      let lock = try RunLock(run: scratch.path)
      let log = try GradientLog(under: lock, step: 0)
      #expect(!FileManager.default.fileExists(atPath: path), "no file before the first record")
      for record in all { try log.append(record) }
    }
    #expect(try GradientLog.records(ofRun: scratch.path) == all)
    let whole = get(path)
    try FileManager.default.removeItem(atPath: path)
    put(Array(whole.dropLast(40)), path)
    #expect(try GradientLog.records(ofRun: scratch.path) == all.dropLast())
    do {
      let lock = try RunLock(run: scratch.path)
      let log = try GradientLog(under: lock, step: 10)
      #expect(try GradientLog.records(ofRun: scratch.path) == all.filter { $0.step <= 10 })
      for record in all where record.step > 10 { try log.append(record) }
    }
    #expect(get(path) == whole)
    put(Array("{\"step\":1}\n".utf8), path)
    let error = failure { _ = try GradientLog.records(ofRun: scratch.path) }
    #expect(error?.kind == .badData && "\(error as Any)".contains("line 1"))
    // Two runs' lines in one file.
    let text = String(decoding: whole, as: UTF8.self)
    let name = all[0].layers[0].name
    put(whole + Array(text.replacing("\"\(name)\"", with: "\"another\"").utf8), path)
    let mixed = failure { _ = try GradientLog.records(ofRun: scratch.path) }
    #expect(mixed?.kind == .badData && "\(mixed as Any)".contains("line \(all.count + 1)"))
  }
}
