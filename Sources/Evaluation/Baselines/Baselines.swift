// Simple models that stand beside the trained ones: what a figure is worth shows in what they reach.
import Core
import ImageData
import Kernels

/// A way to spend nats on images without training a network.
package protocol Baseline: Sendable {
  /// What tables call it.
  var name: String { get }
  /// What it is, and what exactly its figure counts, in a sentence.
  var inWords: String { get }
  /// −log p of image number `image` of `batch`, in nats.
  func nats(_ batch: ImageBatch, image: Int) -> Double
}

extension Baseline {
  /// −log p in nats of the images of `set`, a thousand of them as levels at a time; `progress` gets the number of images
  /// scored so far. The result does not depend on `threads`.
  package func nats(
    _ set: ImageSet, _ quantization: Quantization, threads: Int, progress: (Int) -> Void = { _ in }
  ) -> [Double] {
    var result = [Double](repeating: 0, count: set.count)
    for start in stride(from: 0, to: set.count, by: 1_000) {
      let part = start..<min(start + 1_000, set.count)
      let batch = quantization.batch(from: set, indices: part)
      result.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let result = buffer
        parallelFor(part.count, threads: threads) { image, _ in result[start + image] = nats(batch, image: image) }
      }
      progress(part.upperBound)
    }
    return result
  }
}

/// Every level equally likely: ln L nats a value.
package struct UniformBaseline: Baseline {
  /// See `Baseline`.
  package let name = "uniform"
  /// See `Baseline`.
  package let inWords = "every level equally likely"
  private let levels: Int

  /// The baseline of `levels` levels.
  package init(levels: Int) { self.levels = levels }

  /// See `Baseline`.
  package func nats(_ batch: ImageBatch, image: Int) -> Double {
    Double(batch.shape.dimensions) * naturalLogarithm(Double(levels))
  }
}

/// Every value independent of the others, with the frequencies that its position in the image has in training:
/// p(q) = (count of q + 1) / (images + L), Laplace's rule.
package struct MarginalBaseline: Baseline {
  /// See `Baseline`.
  package let name = "per-pixel marginal"
  /// See `Baseline`.
  package let inWords = "each pixel by the frequencies of its position in the training images, 1 added to every count"
  private let levels: Int, shape: ImageShape
  /// H×W×C×L
  private var counts: [UInt32]
  private let logTotal: Double
  /// ln n at position n.
  private let logs: [Double]

  /// Counts the levels of `training`, of which there are `levels`.
  package init(fitting training: ImageBatch, levels: Int) {
    (self.levels, shape) = (levels, training.shape)
    let dimensions = training.shape.dimensions
    counts = [UInt32](repeating: 0, count: dimensions * levels)
    for image in 0..<training.count {
      for position in 0..<dimensions {
        counts[position * levels + Int(training.levels[image * dimensions + position])] += 1
      }
    }
    logTotal = naturalLogarithm(Double(training.count + levels))
    logs = [0] + (1...training.count + 1).map { naturalLogarithm(Double($0)) }
  }

  /// See `Baseline`. The images must have the shape of those counted.
  package func nats(_ batch: ImageBatch, image: Int) -> Double {
    precondition(batch.shape == shape, "images of \(shape), not \(batch.shape)")
    var total = 0.0
    for position in 0..<shape.dimensions {
      let level = Int(batch.levels[image * shape.dimensions + position])
      total += logTotal - logs[Int(counts[position * levels + level]) + 1]
    }
    return total
  }
}
