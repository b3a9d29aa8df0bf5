// Which images a step sees.
import Core

/// The order of the training images: a new permutation each epoch, cut into whole batches. It is a function of the
/// seed and the step alone, so a run that is resumed at any step sees what it would have seen.
///
/// The images that do not fill a last batch are left out of that epoch; the next permutation leaves out others.
package struct BatchSampler: Sendable {
  /// Training images.
  package let images: Int
  /// Images in a step: the batch asked for, or all images where there are fewer.
  package let batchSize: Int
  private let seed: UInt64
  private var epochOfPermutation = -1
  private var permutation: [Int] = []

  /// The order of `images` images (at least one).
  package init(images: Int, batchSize: Int, seed: UInt64) {
    precondition(images > 0 && batchSize > 0, "an order needs images and a batch")
    self.images = images
    self.batchSize = min(batchSize, images)
    self.seed = seed
  }

  /// Steps in an epoch.
  package var stepsPerEpoch: Int { images / batchSize }

  /// The epoch that step number `step` (from 0) belongs to.
  package func epoch(ofStep step: Int) -> Int { step / stepsPerEpoch }

  /// What a checkpoint says of the order before step number `step`.
  func position(step: Int) -> RunState.Order {
    RunState.Order(
      seed: seed, epoch: epoch(ofStep: step), stepInEpoch: step % stepsPerEpoch, stepsPerEpoch: stepsPerEpoch)
  }

  /// The images of step number `step`.
  package mutating func batch(step: Int) -> ArraySlice<Int> {
    let epoch = epoch(ofStep: step)
    if epoch != epochOfPermutation {
      permutation = Philox(seed: seed, purpose: .dataOrder, stream: UInt64(epoch)).permutation(count: images)
      epochOfPermutation = epoch
    }
    let first = step % stepsPerEpoch * batchSize
    return permutation[first..<first + batchSize]
  }
}
