// Checkpoints of weights alone: one step's, or the mean of several.
import Core
import Kernels
import Networks

/// Where the weights of a checkpoint that has nothing else are from.
package struct WeightsOrigin: Sendable, Codable, Equatable {
  /// Which weights of each step: "ema" or "raw".
  package var weights: String
  /// The steps that they are the mean of, in ascending order; one: they are that step's own.
  package var steps: [Int]

  /// Weights of `steps`.
  package init(weights: String, steps: [Int]) {
    (self.weights, self.steps) = (weights, steps)
  }
}

extension Checkpoint {
  /// Whether the checkpoint at `path` holds weights alone: no moving average and no optimizer. Throws as `load` does.
  package static func isWeightsAlone(_ path: String) throws -> Bool {
    try Set(CheckpointFolder.files(of: path).map(\.name)) == [modelFile, stateFile]
  }

  /// Writes weights alone to the new folder `path`: `model.safetensors` and `state.json`. Throws as
  /// `CheckpointFolder.write` does.
  package static func saveWeights(_ parameters: ParameterVector, state: RunState, to path: String) throws {
    try CheckpointFolder.write(
      [
        (modelFile, archive([("", parameters)], model: state.model.model, step: state.step)),
        (stateFile, state.serialized()),
      ], to: path)
  }

  /// The mean of the weights of the checkpoints at `paths`, steps' folders, at least one: element by element, summed in
  /// double precision in the order of the steps. Of one checkpoint they are its own, bit for bit. The state is the last
  /// step's, without its best score, unless that is the very step's: a mean of several has none.
  ///
  /// Averaging checkpoints of one run is an old practice (B. Polyak and A. Juditsky, "Acceleration of Stochastic
  /// Approximation by Averaging", 1992); the mean of two runs of different seeds is no model.
  ///
  /// Throws as `loadWeights` does, and `badData` where two have other models, levels or training data.
  package static func mean(
    of paths: [String], _ weights: Weights
  ) throws -> (state: RunState, parameters: ParameterVector) {
    precondition(!paths.isEmpty, "a mean of no checkpoints")
    let loaded = try paths.map { (path: $0, checkpoint: try loadWeights($0, weights)) }
      .sorted { $0.checkpoint.state.step < $1.checkpoint.state.step }
    let (last, newest) = loaded[loaded.count - 1]
    for (path, checkpoint) in loaded {
      let state = checkpoint.state
      let different =
        state.model != newest.state.model
        ? "model" : state.quantization != newest.state.quantization ? "quantization of pixels" : nil
      let other =
        different ?? (state.data?.trainFingerprint != newest.state.data?.trainFingerprint ? "training images" : nil)
      guard let other else { continue }
      throw ScanlineError(
        .badData, path: path, expected: "a checkpoint of the run of \(last)", found: "another \(other)")
    }
    var state = newest.state
    // An earlier version that went on with the run wrote steps that do not know.
    let known = loaded.lazy.compactMap { $0.checkpoint.state.data?.trainedImages }.first
    if let known { state.data?.trainedImages = known }
    let steps = loaded.map(\.checkpoint.state.step)
    let origin = newest.state.origin.flatMap { loaded.count == 1 ? $0 : nil }
    state.origin = origin ?? WeightsOrigin(weights: weights.rawValue, steps: steps)
    if loaded.count > 1 || state.best?.step != state.step { state.best = nil }
    (state.order, state.awaitsEvaluation) = (nil, nil)
    (state.lastRate, state.window, state.outputs) = (nil, nil, nil)
    guard loaded.count > 1 else { return (state, newest.parameters) }
    var sums = [Double](repeating: 0, count: newest.parameters.layout.count)
    for (_, checkpoint) in loaded {
      for (index, value) in checkpoint.parameters.storage.elements.enumerated() { sums[index] += Double(value) }
    }
    let mean = ParameterVector(layout: newest.parameters.layout)
    mean.storage.copy(sums.map { Float($0 / Double(loaded.count)) })
    return (state, mean)
  }
}
