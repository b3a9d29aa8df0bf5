// How much memory a model takes, known before any of it is taken.

extension ModelConfiguration {
  /// Elements of the parameters, masked ones included, without laying out the model: one that is far too large can be
  /// refused at once.
  public var parameterCount: Int {
    Graph(self, countsOnly: true) { graph in model.architecture.build(&graph, self) }.layout.count
  }
}

extension ImageModel {
  /// Bytes of one worker's workspace, without making it.
  public func workspaceBytes(_ purpose: WorkspacePurpose) -> Int { graph.plan(purpose.plan).byteCount }

  /// Bytes of the activations of `images` images that are drawn together, without taking them.
  public func samplingBytes(images: Int) -> Int { graph.plan(.sampling, images: images).byteCount }

  private var graph: GraphModel { self as? GraphModel ?? GraphModel(configuration) }
}

extension BatchGradient {
  /// Bytes that ``init(model:batchSize:threads:dropout:)`` takes, without taking them: workspaces, gradients, packed weights.
  public static func byteCount(
    model: any ImageModel, batchSize: Int, threads: Int, dropout: Double = 0
  ) -> Int {
    let gradient = model.makePackedGradient().count
    let shards = shardCount(batchSize: batchSize, imagesTogether: model.imagesTogether, gradientCount: gradient)
    return min(threads, shards) * model.workspaceBytes(.training(dropout: dropout)) + (shards + 1) * gradient
      * MemoryLayout<Float>.stride
      + model.makePackedParameters().byteCount
  }
}

extension PackedParameters {
  /// Bytes of both orders.
  var byteCount: Int { (forward.count + transposed.count) * MemoryLayout<Float>.stride }
}

extension Scorer {
  /// Bytes that ``init(model:parameters:threads:)`` takes, without taking them.
  public static func byteCount(model: any ImageModel, threads: Int) -> Int {
    threads * model.workspaceBytes(.evaluation) + model.makePackedParameters().byteCount
  }
}
