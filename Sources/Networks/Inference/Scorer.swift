// The exact log-likelihood of images under a model.
import Core

/// Scores images with fixed parameters.
public final class Scorer {
  private let model: ImageModel
  /// The transformations whose densities are mixed.
  private let orders: [Int]
  private let packed: PackedParameters
  private let workspaces: [ModelWorkspace]
  private let likelihood: any Likelihood
  private let threads: Int

  /// A scorer of `model` with `parameters`, on `threads` threads. A model that was trained with an ``Augmentation`` has
  /// a density for each of its mirrorings and transpositions; with `mixesOrders` it is their even mixture that counts.
  public init(model: ImageModel, parameters: ParameterVector, threads: Int, mixesOrders: Bool = false) {
    self.model = model
    orders = mixesOrders ? model.configuration.orders : [0]
    self.threads = threads
    packed = model.packed(parameters)
    workspaces = (0..<threads).map { _ in model.makeWorkspace(.evaluation) }
    likelihood = model.likelihood
  }

  /// −log p of every image, in nats. Each depends on its image alone: not on the batch, not on the threads.
  public func nats(_ batch: ImageBatch) -> [Double] {
    guard orders.count > 1, let augmentation = model.configuration.augmentation else { return ownNats(batch) }
    return EvenMixture.nats(
      orders.map { ownNats(augmentation.transform(batch, by: [Int](repeating: $0, count: batch.count))) })
  }

  /// The same under the transformation of each image.
  private func ownNats(_ batch: ImageBatch) -> [Double] {
    let together = model.imagesPerPass
    let batch = model.configuration.order.turn(batch)
    var nats = [Double](repeating: 0, count: batch.count)
    nats.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let nats = buffer
      parallelFor((batch.count + together - 1) / together, threads: threads) { group, worker in
        let images = group * together..<min((group + 1) * together, batch.count)
        let workspace = workspaces[worker]
        workspace.forward(batch, images: images, packed: packed)
        for (position, image) in images.enumerated() {
          nats[image] = likelihood.nats(batch, image: image, logits: workspace.logits[position], gradient: nil)
        }
      }
    }
    return nats
  }

  /// −log p of every value given those before it, in nats, N×H×W×C. The sum over an image in the model's order, in double
  /// precision, is what ``nats(_:)`` gives of it, bit for bit.
  public func valueNats(_ batch: ImageBatch) -> [Float] {
    precondition(orders.count == 1, "a mixture's nats have no parts")
    let (together, shape, order) = (model.imagesPerPass, batch.shape, model.configuration.order)
    let batch = order.turn(batch)
    var result = [Float](repeating: 0, count: batch.levels.count)
    result.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let result = buffer
      parallelFor((batch.count + together - 1) / together, threads: threads) { group, worker in
        let images = group * together..<min((group + 1) * together, batch.count)
        let workspace = workspaces[worker]
        workspace.forward(batch, images: images, packed: packed)
        var costs = [Float](repeating: 0, count: shape.width)
        for (position, image) in images.enumerated() {
          for y in 0..<shape.height {
            // A row of the image is what the likelihood calls positions: a pixel each, its channels together.
            let first = (image * shape.height + y) * shape.width * shape.channels
            let row = Array(batch.levels[first..<first + shape.width * shape.channels])
            for c in 0..<shape.channels {
              likelihood.costs(
                logits: workspace.logits[position], y: y, positions: 0..<shape.width, channel: c, levels: row,
                into: &costs)
              for x in 0..<shape.width { result[first + x * shape.channels + c] = costs[x] }
            }
          }
        }
      }
    }
    return order.turnBack(result, shape)
  }
}
