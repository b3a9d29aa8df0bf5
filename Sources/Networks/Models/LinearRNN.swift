// Networks of gated linear recurrences.
import Kernels

/// A network of gated linear recurrences: a 7×7 mask A convolution to `width`; each layer a recurrence of `width` features
/// from the left and one from the right (`LinearRecurrence`), and a 1×1 convolution of their sum, added to the layer's
/// input.
///
/// Tensors: `input`, `layers.N.left.input` [4k, width, 1, 1], `layers.N.right.input` [4k, width, 1, 1],
/// `layers.N.right.pixel` [4k, C, 1, 1], `layers.N.output` [width, k, 1, 1], each with its bias; gates in the order f, s,
/// o, g. With K classes `input` and every `left.input` have `.class.weight`.
struct LinearRNN: Architecture {
  static let blocks = (standard: 4, fewest: 1)
  let attention: Int?

  init(_ choices: LayerChoices) { attention = choices.attention }

  var choices: LayerChoices { LayerChoices(activation: .tanh, residual: .pre, directions: 2, attention: attention) }

  func build(_ g: inout Graph, _ c: ModelConfiguration) -> Value {
    let attention = AttentionLayers(attention, among: c.blocks)
    var z = attention.begin(&g)
    for n in 0..<c.blocks {
      let name = "layers.\(n)"
      z = g.stage(name, .residual, listsParts: true) { g in
        let h = g.linearRecurrences(name, z, features: c.width, conditional: true, pyTorch: "\(n + 1).")
        let out = g.convolution(
          name + ".output", g.dropout(h), to: c.width, belongsToStream: true, pyTorch: "\(n + 1).out")
        return g.sum(z, out)
      }
      z = attention.append(&g, z, after: n)
    }
    return g.head(z, pyTorch: "\(c.blocks + 1)")
  }
}
