// Proof, not trust, that no output sees a pixel that comes later.
import Kernels

/// Perturbs pixels and demands that every output at an earlier position, and at the pixel itself, keeps its bits.
public struct CausalityAudit: Sendable, Equatable {
  /// An output that saw what it must not.
  public struct Leak: Sendable, Equatable, CustomStringConvertible {
    /// The pixel that was changed, (row, column).
    public let changed: [Int]
    /// The first output in raster order that changed with it.
    public let output: [Int]

    /// Both places in words.
    public var description: String {
      "the output at row \(output[0]), column \(output[1]) sees the pixel at row \(changed[0]), column \(changed[1])"
    }
  }

  /// The first leak found, nil where there is none.
  public let leak: Leak?
  /// Pixels that were changed.
  public let pixels: Int

  /// Audits `model` with `parameters` on a random image. `limit` bounds the pixels that are tried: they are spread
  /// evenly over the image, its corners included. Every channel of a pixel is changed at once.
  public init(_ model: any ImageModel, parameters: ParameterVector, limit: Int = .max) {
    let shape = model.configuration.shape
    let levels = model.configuration.levels
    let packed = model.packed(parameters)
    let workspace = model.makeWorkspace(.evaluation)
    let base = model.noise(Philox(seed: 0, purpose: .test), count: 1)
    func outputs(_ batch: ImageBatch) -> [[Float]] {
      model.forward(batch, images: 0..<1, packed: packed, workspace: workspace)
      let logits = workspace.logits[0]
      return (0..<shape.pixels).map { logits.features($0 / shape.width, $0 % shape.width) }
    }
    let reference = outputs(base).map { $0.map(\.bitPattern) }
    let tried = Self.spread(min(limit, shape.pixels), over: shape.pixels)
    for pixel in tried {
      let now = outputs(base.changing(pixel: pixel, levels: levels))
      for earlier in 0...pixel where now[earlier].map(\.bitPattern) != reference[earlier] {
        leak = Leak(
          changed: [pixel / shape.width, pixel % shape.width],
          output: [earlier / shape.width, earlier % shape.width])
        pixels = tried.count
        return
      }
    }
    leak = nil
    pixels = tried.count
  }

  private static func spread(_ count: Int, over total: Int) -> [Int] {
    count < 2 ? Array((0..<total).suffix(count)) : (0..<count).map { $0 * (total - 1) / (count - 1) }
  }
}
