// How much memory a model takes, known before any of it is taken.

extension ModelConfiguration {
  /// Elements of the parameters, masked ones included, without laying out the model: one that is far too large can be
  /// refused at once.
  package var parameterCount: Int { Graph(self, countsOnly: true).layout.count }
}

extension ImageModel {
  /// Bytes of one worker's workspace, without making it.
  package func workspaceBytes(_ purpose: WorkspacePurpose) -> Int { plan(purpose).byteCount }

  /// Bytes of the activations of `images` images that are drawn together, without taking them.
  package func samplingBytes(images: Int) -> Int { plan(.sampling, images: images).byteCount }
}

extension BatchGradient {
  /// Bytes that ``init(model:batchSize:threads:dropout:)`` takes, without taking them: workspaces, gradients, packed weights.
  package static func byteCount(
    model: ImageModel, batchSize: Int, threads: Int, dropout: Double = 0
  ) -> Int {
    let gradient = model.makePackedGradient().count
    let shards = shardCount(batchSize: batchSize, imagesPerPass: model.imagesPerPass, gradientCount: gradient)
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
  package static func byteCount(model: ImageModel, threads: Int) -> Int {
    threads * model.workspaceBytes(.evaluation) + model.makePackedParameters().byteCount
  }
}
