// A model: a graph of operations, and everything that one can ask of it, derived from them.
import Core
import Kernels

/// A network that predicts each pixel from those before it in raster order. A model is a description: it holds no
/// weights and no activations, so one value serves all threads.
public struct ImageModel: Sendable {
  /// What the model is.
  public var configuration: ModelConfiguration { graph.configuration }
  /// Its parameters.
  public var layout: ParameterLayout { graph.layout }
  let graph: Graph
  private let layers: [any ParameterLayer]
  private let fuses: Bool

  /// The model of `configuration`, which must be valid. Without `fuses` every operation is a pass of its own: slower, to
  /// the same bits.
  package init(_ configuration: ModelConfiguration, fuses: Bool = true) {
    self.init(Graph(configuration), fuses: fuses)
  }

  /// The model of `graph`.
  package init(_ graph: Graph, fuses: Bool = true) {
    self.graph = graph
    self.fuses = fuses
    layers = graph.nodes.flatMap { $0.operation.layers }
    imagesPerPass = graph.nodes.contains { $0.operation.prefersInterleavedImages } ? 4 : 1
  }

  /// Four where recurrences run: with two vectors of features, enough rows to hide the latency of a product, and a worker's
  /// activations still fit the last cache. Otherwise one, whose activations then stay in the cache.
  package let imagesPerPass: Int

  func plan(_ purpose: WorkspacePurpose, images: Int? = nil) -> Plan {
    Plan(graph, purpose, images: images ?? imagesPerPass, fuses: fuses)
  }

  // MARK: Parameters

  /// Fresh parameters, a function of `seed` alone.
  public func initialParameters(seed: UInt64) -> ParameterVector {
    let parameters = ParameterVector(layout: layout)
    for layer in layers { layer.initialize(parameters, configuration.initialization, seed: seed) }
    return parameters
  }

  /// Room for the parameters in the order of the kernels.
  package func makePackedParameters() -> PackedParameters { graph.packing.makeParameters() }
  /// Room for a gradient in the order of the kernels, zero.
  package func makePackedGradient() -> AlignedBuffer { graph.packing.makeGradient() }

  /// Brings the parameters into the order of the kernels.
  package func pack(_ parameters: ParameterVector, into packed: PackedParameters, threads: Int) {
    parallelFor(layers.count, threads: threads) { number, _ in layers[number].pack(parameters, into: packed) }
  }

  /// `parameters` packed.
  package func packed(_ parameters: ParameterVector) -> PackedParameters {
    let packed = makePackedParameters()
    pack(parameters, into: packed, threads: 1)
    return packed
  }

  /// Brings a gradient back into the order of the parameters.
  package func unpackGradient(_ packed: AlignedBuffer, into gradient: ParameterVector, threads: Int) {
    parallelFor(layers.count, threads: threads) { number, _ in layers[number].unpackGradient(packed, into: gradient) }
  }

  /// PyTorch's name of every tensor, by ours: what `scanline import` reads.
  package var pyTorchNames: [String: String] { layout.renamed(graph.pyTorchModules) }

  // MARK: Running

  /// Memory for one worker.
  package func makeWorkspace(_ purpose: WorkspacePurpose) -> ModelWorkspace { ModelWorkspace(plan(purpose)) }

  /// Memory to go through `images` images pixel by pixel.
  package func makeIncrementalForward(images: Int) -> IncrementalForward {
    let plan = plan(.sampling, images: images)
    let memory = PlanMemory(plan)
    return IncrementalForward(
      IncrementalGraph(plan, memory), configuration: configuration, maker: memory.maker, images: images,
      input: memory.maps[plan.input], logits: memory.maps[plan.logits], conditioning: memory.conditioning)
  }

  /// The distribution of a pixel given the logits there.
  package var likelihood: any Likelihood { configuration.pixelLikelihood }

  /// `count` images of levels drawn evenly, of the classes in turn: noise to test and to measure with.
  package func noise(_ random: Philox, count: Int) -> ImageBatch {
    var batch = ImageBatch(noise: random, shape: configuration.shape, count: count, levels: configuration.levels)
    if configuration.classCount > 0 { batch.classes = (0..<count).map { $0 % configuration.classCount } }
    return batch
  }
}
