// What a checkpoint gives back, and which one a path means.
import Foundation
import Kernels
import Safetensors
import Testing
import Training

@Suite struct CheckpointTests {
  private let scratch = Scratch()

  @Test func everythingComesBack() throws {
    let trainer = try TinyRun().trainer()
    try trainer.run()
    let path = scratch.path + "/step"
    try Checkpoint.save(trainer.adam, state: trainer.state, to: path)
    let back = try Checkpoint.load(path)
    #expect(bits(back.adam) == bits(trainer.adam) && Set(bits(trainer.adam)).count == 4)
    #expect(back.state == trainer.state && back.adam.step == 20 && back.adam.options == trainer.adam.options)
    #expect(back.state.best != nil && back.state.data?.folder == "somewhere/é")
    let ema = try Checkpoint.loadWeights(path, .ema)
    let raw = try Checkpoint.loadWeights(path, .raw)
    #expect(ema.parameters.storage.elements == trainer.adam.average.storage.elements)
    #expect(raw.parameters.storage.elements == trainer.adam.parameters.storage.elements)
    #expect(ema.state == trainer.state && raw.state == trainer.state)
  }

  /// Numbers that JSON could lose: seeds beyond 2⁵³, doubles and floats with no short decimal form.
  @Test func theStateComesBackExactly() throws {
    var run = TinyRun()
    run.options.seed = .max
    run.options.length = .minutes(0.1)
    run.options.schedule.baseRate = 0.1 + 0.2
    run.options.schedule.decay = 1.0 / 3
    var state = try run.state()
    state.elapsedSeconds = 0.1 + 0.2
    state.best = RunState.Best(step: 3, natsPerImage: 88.8.nextUp)
    let adam = Adam(parameters: state.model.makeModel().initialParameters(seed: 1), options: run.options.adam)
    try Checkpoint.save(adam, state: state, to: scratch.path + "/step")
    #expect(try Checkpoint.load(scratch.path + "/step").state == state)
  }

  @Test func filesHoldTheDocumentedTensors() throws {
    let trainer = try TinyRun().trainer()
    let path = scratch.path + "/step"
    try Checkpoint.save(trainer.adam, state: trainer.state, to: path)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path).sorted() == [
        "ema.safetensors", "manifest.json", "model.safetensors", "optimizer.safetensors", "state.json",
      ])
    func shapes(_ name: String) throws -> [String: [Int]] {
      let archive = try TensorArchive(parsing: get(path + "/" + name), path: name)
      return Dictionary(uniqueKeysWithValues: archive.tensors.map { ($0.name, $0.shape) })
    }
    var expected = ["input.weight": [8, 1, 7, 7], "input.bias": [8]]
    for block in ["blocks.0", "blocks.1"] {
      expected[block + ".reduce.weight"] = [4, 8, 1, 1]
      expected[block + ".reduce.bias"] = [4]
      expected[block + ".conv.weight"] = [4, 4, 3, 3]
      expected[block + ".conv.bias"] = [4]
      expected[block + ".expand.weight"] = [8, 4, 1, 1]
      expected[block + ".expand.bias"] = [8]
    }
    expected["head.hidden.weight"] = [8, 8, 1, 1]
    expected["head.hidden.bias"] = [8]
    expected["head.logits.weight"] = [1, 8, 1, 1]
    expected["head.logits.bias"] = [1]
    #expect(try shapes("model.safetensors") == expected)
    #expect(try shapes("ema.safetensors") == expected)
    let moments = expected.flatMap { [("first." + $0.key, $0.value), ("second." + $0.key, $0.value)] }
    #expect(try shapes("optimizer.safetensors") == Dictionary(uniqueKeysWithValues: moments))
  }

  // MARK: - Which checkpoint a path means

  /// A run folder with the given steps, each of whose states says that `best` is the best.
  private func makeRun(_ steps: [Int], best: Int?) throws -> String {
    let run = scratch.path + "/run"
    try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    var state = try TinyRun().state()
    var adam = Adam(
      parameters: state.model.makeModel().initialParameters(seed: 1), options: TinyRun().options.adam)
    for step in steps {
      adam.step = step
      state.step = step
      state.best = best.map { RunState.Best(step: $0, natsPerImage: 1) }
      try Checkpoint.save(adam, state: state, to: CheckpointFolder.path(of: step, in: run))
    }
    return run
  }

  private func damage(_ step: Int, in run: String) {
    put([1], CheckpointFolder.path(of: step, in: run) + "/model.safetensors")
  }

  @Test func aRunMeansItsBestStep() throws {
    let run = try makeRun([10, 20, 30], best: 20)
    let resolved = try Checkpoint.resolve(run)
    #expect(resolved.path == run + "/step-00000020" && resolved.messages.isEmpty)
    // A step's own folder is meant as it is, damaged or not: nothing else may answer in its place.
    damage(30, in: run)
    #expect(try Checkpoint.resolve(run + "/step-00000030").path == run + "/step-00000030")
    #expect(try Checkpoint.resolve(run + "/step-00000010").path == run + "/step-00000010")
  }

  @Test func aRunWithoutABestMeansItsNewest() throws {
    let run = try makeRun([10, 20], best: nil)
    #expect(try Checkpoint.resolve(run).path == run + "/step-00000020")
  }

  @Test func aDamagedNewestIsPassedOverAloud() throws {
    let run = try makeRun([10, 20, 30], best: 10)
    damage(30, in: run)
    let resolved = try Checkpoint.resolve(run)
    #expect(resolved.path == run + "/step-00000010" && resolved.messages.count == 1)
    #expect(resolved.messages.first?.hasPrefix("step-00000030 is damaged and is passed over") == true)
  }

  @Test func aDamagedOrMissingBestGivesTheNewestAloud() throws {
    let run = try makeRun([10, 20, 30], best: 10)
    damage(10, in: run)
    let damaged = try Checkpoint.resolve(run)
    #expect(damaged.path == run + "/step-00000030" && damaged.messages.count == 1)
    #expect(damaged.messages.first?.hasPrefix("the best step is passed over: \(run)/step-00000010") == true)
    try FileManager.default.removeItem(atPath: run + "/step-00000010")
    let missing = try Checkpoint.resolve(run)
    #expect(missing.path == run + "/step-00000030" && missing.messages.count == 1)
    damage(30, in: run)
    #expect(try Checkpoint.resolve(run).messages.count == 2)
  }

  @Test func whereThereIsNoneItSaysWhy() throws {
    let run = try makeRun([10], best: nil)
    damage(10, in: run)
    let damaged = failure { _ = try Checkpoint.resolve(run) }
    #expect(damaged?.kind == .badData && damaged?.found.hasPrefix("step-00000010 is damaged") == true)
    let empty = failure { _ = try Checkpoint.resolve(scratch.path) }
    #expect(empty?.kind == .badData && empty?.found == "neither")
    #expect(failure { _ = try Checkpoint.resolve(scratch.path + "/none") }?.kind == .badData)
  }
}
