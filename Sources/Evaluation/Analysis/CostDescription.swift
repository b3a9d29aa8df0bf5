// What a model costs: exact counts beside the formulas, and on request measured figures.
import Networks

/// The costs of one model, layer by layer and in total, for one image.
package struct CostDescription: Sendable, Encodable {
  /// One layer, with what its output sees.
  package struct Layer: Sendable, Encodable {
    /// Counts.
    package let cost: LayerCost
    /// Pixels that the layer's output at the probe can see.
    package let context: Int
  }

  /// What drawing images keeps in memory.
  package struct SamplingMemory: Sendable, Encodable {
    /// Images drawn at a time, and the threads that they are spread over.
    package let images: Int, threads: Int
    /// Bytes of activations.
    package let bytes: Int
  }

  /// The formulas of a family in W, H, d layers and k features (the theory's table).
  package struct Formulas: Sendable, Encodable {
    /// Weights.
    package let weights: String
    /// Multiply-adds of an image.
    package let connections: String
    /// Steps in training.
    package let trainingSteps: String
    /// Steps in sampling.
    package let samplingSteps: String
    /// What an output sees.
    package let context: String
  }

  /// The model.
  package let configuration: ModelConfiguration
  /// Its layers.
  package let layers: [Layer]
  /// Learned parameters.
  package let weights: Int
  /// Multiply-adds of one forward pass.
  package let connections: Int
  /// Steps that must follow one another.
  package let steps: SequentialSteps
  /// Bytes of one worker's workspace for training, and the images that it holds.
  package let trainingBytes: Int, imagesPerPass: Int
  /// The sampler's memory for one image, and for 64.
  package let sampling: [SamplingMemory]
  /// The output whose context is counted: the middle of the last row, (row, column).
  package let probe: [Int]
  /// Pixels that it can see, and pixels before it that it could not see however many layers there were: the blind spot.
  package let context: Int, blind: Int
  /// The formulas.
  package let formulas: Formulas

  /// In JSON the images keep the name that they have had since version 0.1.
  private enum CodingKeys: String, CodingKey {
    case configuration, layers, weights, connections, steps, trainingBytes, sampling, probe, context, blind, formulas
    case imagesPerPass = "imagesTogether"
  }

  /// Counts the costs of `model`; 64 images are drawn on `threads` threads.
  package init(_ model: ImageModel, threads: Int = 1) {
    let shape = model.configuration.shape
    configuration = model.configuration
    let (y, x) = (shape.height - 1, shape.width / 2)
    probe = [y, x]
    layers = model.layerCosts.enumerated().map { index, cost in
      Layer(cost: cost, context: model.context(y: y, x: x, throughLayer: index).count { $0 })
    }
    weights = model.layout.liveCount
    connections = layers.reduce(0) { $0 + $1.cost.multiplyAdds }
    steps = model.sequentialSteps
    trainingBytes = model.workspaceBytes(.training())
    imagesPerPass = model.imagesPerPass
    sampling = [(1, 1), (64, threads)].map { images, threads in
      SamplingMemory(
        images: images, threads: threads, bytes: Sampler.byteCount(of: model, count: images, threads: threads))
    }
    context = model.context(y: y, x: x).count { $0 }
    blind = y * shape.width + x - Self.deepContext(model.configuration, y: y, x: x)
    // A recurrence goes by diagonals; it reads its neighbours' outputs, so it sees far at any depth.
    let isRecurrent = layers.contains { $0.cost.trainingSteps > 1 }
    let costs = isRecurrent ? "d·k²" : "d·k²·taps"
    let field = "the receptive field: grows with d, has \(blind > 0 ? "a" : "no") blind spot"
    let attends = configuration.family.choices.attention != nil
    let end =
      attends || blind <= 0
      ? "before the pixel"
      : configuration.family.choices.directions == 2
        ? "before the pixel but the end of the row above" : "above and to the left"
    formulas = Formulas(
      weights: "O(\(costs))", connections: "O(W·H·\(costs)\(attends ? " + a·(W·H)²·k" : ""))",
      trainingSteps: steps.trainingFormula, samplingSteps: steps.samplingFormula,
      context: isRecurrent || attends ? "everything \(end)" : field)
  }

  /// Pixels that the output at row `y`, column `x` of a model of this kind sees where the depth sets no limit: with a
  /// layer for each row and each column. The width does not matter.
  private static func deepContext(_ configuration: ModelConfiguration, y: Int, x: Int) -> Int {
    var deep = configuration
    deep.width = 2
    deep.blocks = max(configuration.blocks, configuration.shape.height + configuration.shape.width)
    return deep.makeModel().context(y: y, x: x).count { $0 }
  }
}
