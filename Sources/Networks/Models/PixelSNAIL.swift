// The PixelSNAIL, and layers of attention among those of other families.
import Kernels

/// Convolutions and causal attention, after Chen et al., "PixelSNAIL: An Improved Autoregressive Generative Model" (2018):
/// the residual blocks of a `PixelCNN`, with a few layers of attention spread among them, which see all pixels before.
///
/// Tensors: those of a PixelCNN; `position.rows` [H, width] and `position.columns` [W, width]; `attention.N.query`,
/// `attention.N.memory`, `attention.N.pixel` and `attention.N.output`, each with `.weight` and `.bias`.
///
/// In PyTorch: as the PixelCNN, with `position` and `attention`.
struct PixelSNAIL: Architecture {
  static let (blocks, halvesWidth) = ((standard: 8, fewest: 1), true)
  let attention: Int

  init(_ choices: LayerChoices) { attention = choices.attention ?? 2 }

  var choices: LayerChoices {
    LayerChoices(activation: .relu, residual: .pre, directions: 1, attention: attention)
  }

  func build(_ g: inout Graph, _ c: ModelConfiguration) -> Value {
    let convolutions = PixelCNN(LayerChoices())
    let attention = AttentionLayers(attention, among: c.blocks)
    var z = attention.begin(&g)
    for n in 0..<c.blocks {
      z = convolutions.block(&g, c, n, z)
      z = attention.append(&g, z, after: n)
    }
    return g.head(z, pyTorch: "\(c.blocks + 1)")
  }
}

/// Layers of attention, spread evenly among a family's own: z ← z + output(attention(z)). Where there is one, z begins with
/// the position.
struct AttentionLayers {
  private let count: Int, blocks: Int

  /// `count` layers among `blocks`; nil: none.
  init(_ count: Int?, among blocks: Int) { (self.count, self.blocks) = (count ?? 0, blocks) }

  /// The stream's beginning: a 7×7 mask A convolution of the image, and the position where there is attention.
  func begin(_ g: inout Graph) -> Value {
    let z = g.stage("input", .convolution) { g in
      g.convolution(
        "input", g.image, to: g.configuration.width, kernelSize: 7, mask: .a, conditional: true, belongsToStream: true,
        pyTorch: "0")
    }
    guard count > 0 else { return z }
    return g.stage("position", .block) { g in g.position("position", z, pyTorch: "position") }
  }

  /// `z` with the layers that follow block `n`.
  func append(_ g: inout Graph, _ z: Value, after n: Int) -> Value {
    (0..<count).filter { ($0 + 1) * blocks / (count + 1) == n || (blocks == 1 && n == 0) }.reduce(z) { z, number in
      let name = "attention.\(number)"
      return g.stage(name, .residual, listsParts: true) { g in
        let heads = g.readsOwnPixel ? 3 : 2
        let h = g.attention(name, z, heads: heads, key: g.readsOwnPixel ? 16 : 8, value: 32, pyTorch: name)
        let out = g.convolution(
          name + ".output", g.dropout(h), to: g.configuration.width, belongsToStream: true, pyTorch: name + ".out")
        return g.sum(z, out)
      }
    }
  }
}
