// Checkpoints of weights alone, their means, and what a run folder's list says.
import Foundation
import Kernels
import Networks
import Testing
import Training

@Suite struct CheckpointAveragingTests {
  private let scratch = Scratch()
  private var run: String { scratch.path + "/run" }

  /// A run of 20 steps with a checkpoint every six; gives what was saved.
  private func trained() throws -> [(path: String, state: RunState, adam: Adam)] {
    let lock = try RunLock(run: run)
    let metrics = try MetricsLog(under: lock, step: 0)
    let tiny = TinyRun()
    let trainer = try tiny.trainer()
    var recorder = MetricsRecorder(interval: 0, shape: TinyRun.shape)
    var saved: [String] = []
    _ = try trainer.run(
      request: { .none },
      save: { state, adam in
        let path = CheckpointFolder.path(of: adam.step, in: run)
        try Checkpoint.save(adam, state: state, to: path)
        saved.append(path)
        return path
      }, report: { event in if let record = recorder.record(event) { try metrics.append(record) } })
    return try saved.map { path in
      let (state, adam) = try Checkpoint.load(path)
      return (path, state, adam)
    }
  }

  @Test func aMeanIsTheMeanOfEachWeight() throws {
    let saved = try trained()
    #expect(saved.map(\.state.step) == [6, 12, 18, 20])
    let chosen = [saved[3], saved[1], saved[2]]
    let (state, mean) = try Checkpoint.mean(of: chosen.map(\.path), .raw)
    #expect(state.step == 20 && state.best == nil && state.order == nil)
    #expect(state.origin == WeightsOrigin(weights: "raw", steps: [12, 18, 20]))
    let vectors = chosen.map { $0.adam.parameters.storage.elements }
    for index in vectors[0].indices {
      let expected = vectors.reduce(0) { $0 + Double($1[index]) } / 3
      // One rounding to Float, of half an ulp.
      #expect(abs(Double(mean.storage[index]) - expected) <= abs(expected) * 0x1p-24 + 1e-40)
    }
    #expect(
      try Checkpoint.mean(of: chosen.map(\.path), .ema).parameters.storage.elements != mean.storage.elements)
  }

  @Test func weightsAloneAreReadAsEitherAndNotResumed() throws {
    let saved = try trained()
    let (state, weights) = try Checkpoint.mean(of: [saved[3].path], .ema)
    let path = scratch.path + "/alone"
    try Checkpoint.saveWeights(weights, state: state, to: path)
    #expect(try CheckpointFolder.files(of: path).map(\.name) == ["model.safetensors", "state.json"])
    #expect(try Checkpoint.isWeightsAlone(path) && !Checkpoint.isWeightsAlone(saved[3].path))
    for kind in Checkpoint.Weights.allCases {
      let read = try Checkpoint.loadWeights(path, kind)
      #expect(read.parameters.storage.elements == saved[3].adam.average.storage.elements)
      #expect(read.state == state && read.state.data == saved[3].state.data)
    }
    #expect(failure { _ = try Checkpoint.load(path) }?.found.contains("weights alone") == true)
    #expect(try Checkpoint.resolve(path).path == path)
    // An export of an export says where the weights were first from.
    #expect(try Checkpoint.mean(of: [path], .raw).state.origin == state.origin)
    #expect(failure { try Checkpoint.saveWeights(weights, state: state, to: path) }?.kind == .cannotCreate)
  }

  @Test func checkpointsOfOtherRunsAreRefused() throws {
    let saved = try trained()
    var other = saved[0].state
    other.data?.trainFingerprint ^= 1
    try Checkpoint.saveWeights(saved[0].adam.parameters, state: other, to: scratch.path + "/images")
    #expect(
      failure { _ = try Checkpoint.mean(of: [saved[1].path, scratch.path + "/images"], .raw) }?.found
        == "another training images")
    other = saved[0].state
    other.model = ModelConfiguration(width: 8, blocks: 2, shape: TinyRun.shape, levels: 2, activation: .tanh)
    try Checkpoint.saveWeights(saved[0].adam.parameters, state: other, to: scratch.path + "/model")
    #expect(
      failure { _ = try Checkpoint.mean(of: [scratch.path + "/model", saved[1].path], .raw) }?.found == "another model")
  }

  @Test func aListSaysWhatIsThere() throws {
    let saved = try trained()
    let best = try #require(saved[3].state.best)
    put([1], saved[1].path + "/ema.safetensors")
    let list = try CheckpointFolder.list(run)
    #expect(list.map(\.saved.step) == [6, 12, 18, 20])
    #expect(list.map { $0.damage == nil } == [true, false, true, true])
    #expect(list[1].damage?.contains("ema.safetensors") == true)
    #expect(list.map(\.heldOutImages) == [4, 4, 4, 9], "the last evaluation is of all nine")
    #expect(list.filter(\.isBest).map(\.saved.step) == [best.step].filter { $0 != 12 })
    let sizes = try FileManager.default.contentsOfDirectory(atPath: saved[0].path).filter { $0 != "manifest.json" }
      .map { get(saved[0].path + "/" + $0).count }
    #expect(list[0].bytes == sizes.reduce(0, +))
    // Without its records a run's list still has the best score.
    try FileManager.default.removeItem(atPath: run + "/metrics.jsonl")
    let known = try CheckpointFolder.list(run).filter { $0.heldOutNats != nil }
    #expect(known.map(\.saved.step) == [best.step].filter { $0 != 12 })
  }

  @Test func tidyingKeepsTheBestAndTheDamaged() throws {
    let saved = try trained()
    // The first is made the best of all.
    let (state, adam) = (saved[3].state, saved[3].adam)
    try FileManager.default.removeItem(atPath: saved[3].path)
    var marked = state
    marked.best = RunState.Best(step: 6, natsPerImage: 1)
    try Checkpoint.save(adam, state: marked, to: saved[3].path)
    put([1], saved[1].path + "/state.json")
    let lock = try RunLock(run: run)
    #expect(try CheckpointFolder.tidy(under: lock, keeping: 1, dropsBest: false).map(\.step) == [18])
    #expect(try CheckpointFolder.steps(in: run).map(\.step) == [6, 12, 20])
    #expect(try CheckpointFolder.tidy(under: lock, keeping: 1, dropsBest: false) == [])
    #expect(try CheckpointFolder.tidy(under: lock, keeping: 1, dropsBest: true).map(\.step) == [6])
    #expect(try CheckpointFolder.steps(in: run).map(\.step) == [12, 20])
  }
}
