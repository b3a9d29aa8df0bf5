// Images drawn from a model, pixel by pixel.
import Kernels

/// Draws images in raster order. Only the row of the pixel being drawn is computed, in every layer: the rows above
/// are final, and the workspace keeps them. The logits are those of a forward pass over the finished image, bit
/// for bit, since every output is summed in one order.
public final class Sampler {
  private let model: any ImageModel
  private let packed: PackedParameters
  private let threads: Int

  /// A sampler of `model` with `parameters`.
  public init(model: any ImageModel, parameters: ParameterVector, threads: Int) {
    self.model = model
    self.threads = threads
    packed = model.packed(parameters)
  }

  /// `count` images. Image n depends on `seed` and n alone, not on how many are drawn or on the threads.
  /// `temperature` divides the logits: below 1 the likely becomes likelier. `progress` is called after each image,
  /// from any thread.
  public func sample(
    count: Int, seed: UInt64, temperature: Float, progress: @Sendable () -> Void = {}
  ) -> ImageBatch {
    let shape = model.configuration.shape
    let likelihood = model.likelihood
    var result = ImageBatch(shape: shape, count: count)
    result.levels.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let levels = buffer
      parallelFor(count, threads: threads) { image, _ in
        let workspace = model.makeWorkspace(.sampling)
        let random = Philox(seed: seed, purpose: .sampling, stream: UInt64(image))
        var drawn = ImageBatch(shape: shape, count: 1)
        for y in 0..<shape.height {
          for x in 0..<shape.width {
            model.forward(drawn, images: 0..<1, rows: y..<y + 1, packed: packed, workspace: workspace)
            for c in 0..<shape.channels {
              let uniform = random.uniform(at: UInt64((y * shape.width + x) * shape.channels + c))
              drawn[0, y, x, c] = likelihood.sample(
                logits: workspace.logits[0], y: y, x: x, channel: c, temperature: temperature, uniform: uniform)
            }
          }
        }
        for (i, level) in drawn.levels.enumerated() { levels[image * shape.dimensions + i] = level }
        progress()
      }
    }
    return result
  }
}
