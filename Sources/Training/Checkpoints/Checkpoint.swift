// What a checkpoint holds, and how it becomes a model again.
import Core
import ImageData
import Kernels
import Networks
import Safetensors

/// Saves and loads runs. A checkpoint is a folder (see `CheckpointFolder`) of
///
/// - `model.safetensors`: the weights, names and shapes of `ParameterLayout`;
/// - `ema.safetensors`: their exponential moving average, likewise;
/// - `optimizer.safetensors`: Adam's moments, `first.NAME` and `second.NAME`;
/// - `state.json`: `RunState`.
///
/// One of weights alone has `model.safetensors` and `state.json`: it can be sampled and scored, not trained on.
public enum Checkpoint {
  /// Which weights to use.
  public enum Weights: String, Sendable, CaseIterable {
    /// The exponential moving average.
    case ema
    /// The weights as the last step left them.
    case raw
  }

  static let modelFile = "model.safetensors"
  private static let averageFile = "ema.safetensors"
  private static let optimizerFile = "optimizer.safetensors"
  static let stateFile = "state.json"

  /// Writes a checkpoint to the new folder `path`. Throws as `CheckpointFolder.write` does.
  public static func save(_ adam: Adam, state: RunState, to path: String) throws {
    func archive(_ vectors: [(prefix: String, vector: ParameterVector)]) -> [UInt8] {
      Self.archive(vectors, model: state.model.model, step: adam.step)
    }
    try CheckpointFolder.write(
      [
        (modelFile, archive([("", adam.parameters)])),
        (averageFile, archive([("", adam.average)])),
        (optimizerFile, archive([("first.", adam.firstMoment), ("second.", adam.secondMoment)])),
        (stateFile, state.serialized()),
      ], to: path)
  }

  /// The bytes of a file of tensors.
  static func archive(
    _ vectors: [(prefix: String, vector: ParameterVector)], model: ModelKind, step: Int
  ) -> [UInt8] {
    TensorArchive(
      tensors: vectors.flatMap { prefix, vector in
        vector.layout.slices.map {
          NamedTensor(name: prefix + $0.name, shape: $0.shape, values: vector[$0])
        }
      }, metadata: ["format": "scanline", "model": model.rawValue, "step": String(step)]
    ).serialized()
  }

  /// Everything in the checkpoint at `path`, a step's folder. Throws `badData` where anything is damaged or does not fit, `io` where it cannot be read.
  public static func load(_ path: String) throws -> (state: RunState, adam: Adam) {
    if try isWeightsAlone(path) {
      throw ScanlineError(
        .badData, path: path, expected: "the checkpoint of a training run",
        found: "weights alone: they can be sampled and scored, but not trained on")
    }
    let files = try CheckpointFolder.read(path, names: [modelFile, averageFile, optimizerFile, stateFile])
    let state = try state(in: files, path)
    let layout = try layout(of: state.model, weights: files[modelFile] ?? [], modelFile, path)
    guard let training = state.training else {
      throw ScanlineError(
        .badData, path: path, expected: "the checkpoint of a training run", found: "imported weights")
    }
    let parameters = ParameterVector(layout: layout)
    var adam = Adam(parameters: parameters, options: training.adam)
    try fill([("", parameters)], from: files, modelFile, path)
    try fill([("", adam.average)], from: files, averageFile, path)
    try fill(
      [("first.", adam.firstMoment), ("second.", adam.secondMoment)], from: files, optimizerFile, path)
    adam.step = state.step
    return (state, adam)
  }

  /// The state and one set of weights, without reading the optimizer; of weights alone, they are all there is. Throws as
  /// `load` does.
  public static func loadWeights(
    _ path: String, _ weights: Weights
  ) throws -> (state: RunState, parameters: ParameterVector) {
    let name = try weights == .raw || isWeightsAlone(path) ? modelFile : averageFile
    let files = try CheckpointFolder.read(path, names: [name, stateFile])
    let state = try state(in: files, path)
    let parameters = ParameterVector(layout: try layout(of: state.model, weights: files[name] ?? [], name, path))
    try fill([("", parameters)], from: files, name, path)
    return (state, parameters)
  }

  /// The step folder that `path` means: itself where it is one, else the run's best step, else its newest. Gives
  /// also a line for each damaged step that was passed over. Throws `badData` where there is none.
  public static func resolve(_ path: String) throws -> (path: String, messages: [String]) {
    if DurableFiles.exists(path + "/" + CheckpointManifest.name) { return (path, []) }
    let newest = try CheckpointFolder.newestValid(in: path)
    guard let step = newest.step else {
      throw ScanlineError(
        .badData, path: path, expected: "a checkpoint, or a run folder with one that is whole",
        found: newest.damaged.isEmpty ? "neither" : newest.messages.joined(separator: "; "))
    }
    let state = try state(in: CheckpointFolder.read(step.path, names: [stateFile]), step.path)
    if let best = state.best, best.step != step.step {
      let candidate = CheckpointFolder.path(of: best.step, in: path)
      do {
        try CheckpointFolder.verify(candidate)
        return (candidate, newest.messages)
      } catch let error as ScanlineError {
        return (step.path, newest.messages + ["the best step is passed over: \(error)"])
      }
    }
    return (step.path, newest.messages)
  }

  static func state(in files: [String: [UInt8]], _ path: String) throws -> RunState {
    try RunState(parsing: files[stateFile] ?? [], path: path + "/" + stateFile)
  }

  /// The layout of the model that the state tells of, once the file `name` of its weights, `weights`, is seen to be
  /// long enough for it: otherwise a state of a hundred bytes could ask for gigabytes.
  private static func layout(
    of model: ModelConfiguration, weights: [UInt8], _ name: String, _ path: String
  ) throws -> ParameterLayout {
    let least = model.parameterCount * MemoryLayout<Float>.size
    guard weights.count >= least else {
      throw ScanlineError(
        .badData, path: path + "/" + name,
        expected:
          "\(least) bytes or more, for \(withArticle(model.model.rawValue)) of width \(model.width) and "
          + counted(model.blocks, "block"),
        found: "\(weights.count)")
    }
    return model.makeModel().layout
  }

  /// Fills `vectors` from the archive `name`; every tensor must be there with its shape, and no other.
  private static func fill(
    _ vectors: [(prefix: String, vector: ParameterVector)], from files: [String: [UInt8]], _ name: String,
    _ path: String
  ) throws {
    let file = path + "/" + name
    let archive = try TensorArchive(parsing: files[name] ?? [], path: file)
    try archive.fill(vectors, path: file)
  }
}
