// How much memory a model takes, known before any of it is taken.
import Kernels

extension ModelConfiguration {
  /// Elements of the parameters, masked ones included, without building the model: one that is far too large can be
  /// refused at once.
  ///
  /// Each tensor's size is a polynomial of degree 2 in the width, and from the second on every block or layer adds the
  /// same. So small models tell: three widths that split into colours and halves, of one block and of two.
  public var parameterCount: Int {
    func count(_ width: Int, _ blocks: Int) -> Double {
      var small = self
      small.width = width
      small.blocks = blocks
      small.shape = ImageShape(height: 2, width: 2, channels: shape.channels)
      return Double(small.makeModel().layout.count)
    }
    func count(_ blocks: Int) -> Double {
      let (a, b, c) = (count(12, blocks), count(24, blocks), count(36, blocks))
      let k = Double(width) / 12 - 1
      return a + k * (b - a) + k * (k - 1) / 2 * (c - 2 * b + a)
    }
    let one = count(min(blocks, 1))
    return Int((blocks < 2 ? one : one + Double(blocks - 1) * (count(2) - one)).rounded())
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
