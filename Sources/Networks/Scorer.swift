// The exact log-likelihood of images under a model.
import Kernels

/// Scores images with fixed parameters.
public final class Scorer {
  private let model: any ImageModel
  private let packed: PackedParameters
  private let workspaces: [any ModelWorkspace]
  private let likelihood: any Likelihood
  private let threads: Int

  /// A scorer of `model` with `parameters`, on `threads` threads.
  public init(model: any ImageModel, parameters: ParameterVector, threads: Int) {
    self.model = model
    self.threads = threads
    packed = model.packed(parameters)
    workspaces = (0..<threads).map { _ in model.makeWorkspace(.evaluation) }
    likelihood = model.likelihood
  }

  /// −log p of every image, in nats. Each depends on its image alone: not on the batch, not on the threads.
  public func nats(_ batch: ImageBatch) -> [Double] {
    let together = model.imagesTogether
    var nats = [Double](repeating: 0, count: batch.count)
    nats.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let nats = buffer
      parallelFor((batch.count + together - 1) / together, threads: threads) { group, worker in
        let images = group * together..<min((group + 1) * together, batch.count)
        let workspace = workspaces[worker]
        model.forward(
          batch, images: images, packed: packed, workspace: workspace)
        for (place, image) in images.enumerated() {
          nats[image] = likelihood.nats(batch, image: image, logits: workspace.logits[place], gradient: nil)
        }
      }
    }
    return nats
  }
}

/// Nats of several images, and what they mean.
public struct LikelihoodSummary: Sendable, Codable, Equatable {
  /// Images scored.
  public let images: Int
  /// Mean −log p of an image, in nats.
  public let natsPerImage: Double
  /// nats / (ln 2 · C·H·W)
  public let bitsPerDimension: Double
  /// Standard error of the mean nats; 0 for a single image.
  public let standardError: Double

  /// The summary of `nats` over images of `shape`; there is at least one.
  public init(_ nats: [Double], shape: ImageShape) {
    precondition(!nats.isEmpty, "a mean of no images")
    images = nats.count
    let mean = nats.reduce(0, +) / Double(nats.count)
    natsPerImage = mean
    bitsPerDimension = mean / (0.693_147_180_559_945_3 * Double(shape.dimensions))
    let variance = nats.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardError = nats.count > 1 ? (variance / Double(nats.count - 1) / Double(nats.count)).squareRoot() : 0
  }
}
