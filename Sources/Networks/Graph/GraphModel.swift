// A model that is a graph: everything that one can ask of a model, derived from its operations.
import Core
import Kernels

/// A family of models: the function that writes one as a graph.
protocol Architecture {
  /// Appends the operations of `configuration`'s model; returns the logits.
  static func build(_ graph: inout Graph, _ configuration: ModelConfiguration) -> Value
}

/// A network made of a graph's operations; see `ImageModel`.
public struct GraphModel: ImageModel {
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
    self.init(
      Graph(configuration) { graph in configuration.model.architecture.build(&graph, configuration) }, fuses: fuses)
  }

  /// The model of `graph`.
  init(_ graph: Graph, fuses: Bool = true) {
    self.graph = graph
    self.fuses = fuses
    layers = graph.nodes.flatMap { $0.operation.layers }
    imagesTogether = graph.nodes.contains { $0.operation.prefersInterleavedImages } ? 4 : 1
  }

  /// Four where recurrences run: with two vectors of features, enough rows to hide the latency of a product, and a worker's
  /// activations still fit the last cache. Otherwise one, whose activations then stay in the cache.
  public let imagesTogether: Int

  func plan(_ purpose: PlanPurpose, images: Int? = nil) -> Plan {
    Plan(graph, purpose, images: images ?? imagesTogether, fuses: fuses)
  }

  // MARK: Parameters

  /// See `ImageModel`.
  public func initialParameters(seed: UInt64) -> ParameterVector {
    let parameters = ParameterVector(layout: layout)
    for layer in layers { layer.initialize(parameters, configuration.initialization, seed: seed) }
    return parameters
  }

  /// See `ImageModel`.
  public func makePackedParameters() -> PackedParameters { graph.packing.makeParameters() }
  /// See `ImageModel`.
  public func makePackedGradient() -> AlignedBuffer { graph.packing.makeGradient() }

  /// See `ImageModel`.
  public func pack(_ parameters: ParameterVector, into packed: PackedParameters, threads: Int) {
    parallelFor(layers.count, threads: threads) { number, _ in layers[number].pack(parameters, into: packed) }
  }

  /// See `ImageModel`.
  public func unpackGradient(_ packed: AlignedBuffer, into gradient: ParameterVector, threads: Int) {
    parallelFor(layers.count, threads: threads) { number, _ in layers[number].unpackGradient(packed, into: gradient) }
  }

  /// See `ImageModel`.
  public var pyTorchNames: [String: String] { layout.renamed(graph.pyTorchModules) }

  // MARK: Running

  /// See `ImageModel`.
  public func makeWorkspace(_ purpose: WorkspacePurpose) -> any ModelWorkspace { GraphWorkspace(plan(purpose.plan)) }

  /// See `ImageModel`.
  public func makePixelRunner(images: Int) -> PixelRunner {
    let plan = plan(.sampling, images: images)
    let memory = PlanMemory(plan)
    return PixelRunner(
      IncrementalGraph(plan, memory), configuration: configuration, maker: memory.maker, images: images,
      input: memory.maps[plan.input], logits: memory.maps[plan.logits], classes: memory.classes)
  }

  /// See `ImageModel`.
  public func forward(
    _ batch: ImageBatch, images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace
  ) {
    own(workspace).forward(batch, images: images, packed)
  }

  /// See `ImageModel`.
  public func backward(
    images: Range<Int>, packed: PackedParameters, workspace: any ModelWorkspace, into gradient: AlignedBuffer,
    observer: FlowObserver?
  ) {
    own(workspace).backward(images: images.count, packed, into: gradient, observer: observer)
  }

  /// See `ImageModel`.
  public func diagonalFlow(
    images: Int, packed: PackedParameters, workspace: any ModelWorkspace, scratch: AlignedBuffer
  ) -> [DiagonalFlow] {
    own(workspace).diagonalFlow(images: images, packed, scratch: scratch)
  }

  private func own(_ workspace: any ModelWorkspace) -> GraphWorkspace {
    guard let own = workspace as? GraphWorkspace else { preconditionFailure("a workspace of another model") }
    return own
  }
}

extension ModelKind {
  /// How models of the family are built.
  var architecture: any Architecture.Type {
    switch self {
    case .pixelCNN: PixelCNN.self
    case .gatedPixelCNN: GatedPixelCNN.self
    case .mdrnn: MDRNN.self
    case .diagonalLSTM: DiagonalLSTM.self
    }
  }
}
