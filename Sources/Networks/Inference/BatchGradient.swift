// The gradient of one batch, on all threads, the same to the last bit on any number of them.
import Core
import Kernels

/// Computes the gradient of the mean nats of a batch. The images are cut into shards whose number depends on the
/// batch alone, never on the threads; each shard adds up its images in order, and the shards are added in order.
package final class BatchGradient {
  /// The model.
  package let model: ImageModel
  private let batchSize: Int
  private let threads: Int
  private let packed: PackedParameters
  private let shardGradients: [AlignedBuffer]
  private let total: AlignedBuffer
  private let workspaces: [ModelWorkspace]
  private let likelihood: any Likelihood

  /// Room for batches of `batchSize` images on `threads` threads; `dropout` is the share of features left out while
  /// training, from 0 to below 1.
  package init(model: ImageModel, batchSize: Int, threads: Int, dropout: Double = 0) {
    self.model = model
    self.batchSize = batchSize
    self.threads = threads
    packed = model.makePackedParameters()
    total = model.makePackedGradient()
    let shards = Self.shardCount(
      batchSize: batchSize, imagesPerPass: model.imagesPerPass, gradientCount: total.count)
    shardGradients = (0..<shards).map { _ in model.makePackedGradient() }
    workspaces = (0..<min(threads, shards)).map { _ in model.makeWorkspace(.training(dropout: dropout)) }
    likelihood = model.likelihood
  }

  /// As many shards as images (or groups of images that run together) up to 32, and from 64 images on half as many, up to
  /// 64; fewer (but 16) where their gradients would exceed 256 MiB. So many cores can share a batch. (Each image of 64 with a gradient of its
  /// own made a step of a pixelcnn of width 32 last 4.5% longer: a second image finds the sum still in the cache.)
  static func shardCount(batchSize: Int, imagesPerPass: Int, gradientCount: Int) -> Int {
    let groups = (batchSize + imagesPerPass - 1) / imagesPerPass
    let affordable = max(16, (64 << 20) / max(1, gradientCount))
    return min(groups, max(32, min(64, batchSize / 2)), affordable)
  }

  /// Parts that the batch is cut into: so many cores can be at work at once.
  package var shards: Int { shardGradients.count }

  /// Bytes held: workspaces and gradients.
  package var byteCount: Int {
    workspaces.reduce(0) { $0 + $1.byteCount } + (shardGradients.count + 1) * total.count * 4
  }

  /// Leaves ∂(mean nats)/∂parameters in `gradient` and returns each image's nats, in the order of the batch. `observer`
  /// gathers what each layer gave and got; the gradient is the same with it and without. `random` decides what dropout
  /// leaves out.
  package func compute(
    _ batch: ImageBatch, parameters: ParameterVector, into gradient: ParameterVector,
    observer: StatisticsCollector? = nil,
    random: Philox = Philox(seed: 0, purpose: .dropout)
  ) -> [Double] {
    precondition(batch.count == batchSize, "a batch of \(batch.count) where \(batchSize) were announced")
    let batch = model.configuration.order.turn(batch)
    model.pack(parameters, into: packed, threads: threads)
    let shards = shardGradients.count
    let observers = observer == nil ? [] : (0..<shards).map { _ in StatisticsCollector(model) }
    var nats = [Double](repeating: 0, count: batch.count)
    nats.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let nats = buffer
      parallelFor(shards, threads: threads) { shard, worker in
        let sum = shardGradients[shard]
        sum.fill(0)
        let images = shard * batch.count / shards..<(shard + 1) * batch.count / shards
        var first = images.lowerBound
        while first < images.upperBound {
          let group = first..<min(first + model.imagesPerPass, images.upperBound)
          let own = observer == nil ? nil : observers[shard]
          workspaces[worker].dropout?.draw(random, images: group)
          run(batch, group, workspaces[worker], into: sum, own) { nats[group.lowerBound + $0] = $1 }
          if let observer, group.lowerBound == 0 {
            // The first images stand for all: this costs a backward pass.
            let scratch = model.makePackedGradient()
            workspaces[worker].diagonalFlow(images: group.count, packed: packed, scratch: scratch)
              .forEach(observer.add)
          }
          first = group.upperBound
        }
      }
    }
    for own in observers { observer?.add(own) }
    reduce(into: gradient)
    return nats
  }

  /// Forward, likelihood and backward of images that run together.
  private func run(
    _ batch: ImageBatch, _ images: Range<Int>, _ workspace: ModelWorkspace, into sum: AlignedBuffer,
    _ observer: StatisticsCollector?, _ report: (Int, Double) -> Void
  ) {
    workspace.forward(batch, images: images, packed: packed)
    for (position, image) in images.enumerated() {
      report(
        position,
        likelihood.nats(
          batch, image: image, logits: workspace.logits[position], gradient: workspace.logitGradients[position]))
    }
    workspace.backward(images: images.count, packed: packed, into: sum, observer: observer)
  }

  /// Adds the shards in order, slice by slice on all threads, and brings the mean into the order of the parameters.
  package func reduce(into gradient: ParameterVector) {
    let slice = 16_384
    let slices = (total.count + slice - 1) / slice
    parallelFor(slices, threads: threads) { index, _ in
      sum(
        shardGradients, scaledBy: 1 / Float(batchSize), into: total,
        range: index * slice..<min((index + 1) * slice, total.count))
    }
    model.unpackGradient(total, into: gradient, threads: threads)
  }
}
