// Proof, not trust, that no output sees a pixel that comes later.
import Core

/// Perturbs every channel of pixels and demands that every output at an earlier position, and at the pixel itself those of
/// its earlier channels and its own, keep their bits.
public struct CausalityAudit: Sendable, Equatable {
  /// An output that saw what it must not.
  public struct Leak: Sendable, Equatable, CustomStringConvertible {
    /// The pixel that was changed, (row, column), and its channel.
    public let changed: [Int], channel: Int
    /// The first output in raster order that changed with it.
    public let output: [Int]

    /// Both positions in words.
    public var description: String {
      "the output at row \(output[0]), column \(output[1]) sees channel \(channel) of the pixel at row \(changed[0]), "
        + "column \(changed[1])"
    }
  }

  /// The first leak found, nil where there is none.
  public let leak: Leak?
  /// Pixels that were changed.
  public let pixels: Int

  /// Audits `model` with `parameters` on a random image. `limit` bounds the pixels that are tried: they are spread
  /// evenly over the image, its corners included. Every channel of each is changed, one at a time.
  public init(_ model: ImageModel, parameters: ParameterVector, limit: Int = .max) {
    let shape = model.configuration.shape
    let levels = model.configuration.levels
    let packed = model.packed(parameters)
    let workspace = model.makeWorkspace(.evaluation)
    let base = model.noise(Philox(seed: 0, purpose: .test), count: 1)
    func outputs(_ batch: ImageBatch) -> [[UInt32]] {
      workspace.forward(batch, images: 0..<1, packed: packed)
      let logits = workspace.logits[0]
      return (0..<shape.pixels).map { logits.features($0 / shape.width, $0 % shape.width).map(\.bitPattern) }
    }
    let reference = outputs(base)
    let tried = Self.spread(min(limit, shape.pixels), over: shape.pixels)
    pixels = tried.count
    for pixel in tried {
      for channel in 0..<shape.channels {
        let now = outputs(base.changing(pixel: pixel, channel: channel, levels: levels))
        // Where channels are drawn apart, the outputs of later ones may change.
        let bound =
          model.configuration.isChannelAutoregressive
          ? reference[pixel].count / shape.channels * (channel + 1) : reference[pixel].count
        let leaks = (0...pixel).first { earlier in
          earlier < pixel ? now[earlier] != reference[earlier] : now[pixel][..<bound] != reference[pixel][..<bound]
        }
        if let leaks {
          leak = Leak(
            changed: [pixel / shape.width, pixel % shape.width], channel: channel,
            output: [leaks / shape.width, leaks % shape.width])
          return
        }
      }
    }
    leak = nil
  }

  private static func spread(_ count: Int, over total: Int) -> [Int] {
    count < 2 ? Array((0..<total).suffix(count)) : (0..<count).map { $0 * (total - 1) / (count - 1) }
  }
}
