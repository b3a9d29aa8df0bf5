// The Gated PixelCNN.
import Kernels

/// Gated PixelCNN of van den Oord et al., "Conditional Image Generation with PixelCNN Decoders" (2016), sections 2.1 to
/// 2.3. Two stacks of d layers: the vertical one sees rows above, the horizontal one the pixels to the left and, through
/// a 1×1 link, what the vertical one has found. Never the other way, so nothing is seen that comes later, and no blind
/// spot is left: layer n sees n + 1 rows above, n pixels to either side.
///
///     vertical    2×3  v v v     horizontal  first 1×2  h h ·     others  h h
///                      v v v
///                        ·       · the pixel itself
///
///     a = vertical(v)                          v ← tanh(a₁) ⊙ σ(a₂)
///     z = horizontal(h) + link(a)              h ← h + output(tanh(z₁) ⊙ σ(z₂)), in the first layer without h +
///
/// Both stacks begin with the image. Row y of the vertical stack holds what it says to row y of the horizontal one, which
/// is what rows above y decide: so it lies one row lower than the rows that it reads, and its first row, which would be
/// above the image, is zero.
///
/// Tensors, with k features and C channels: `layers.N.vertical.weight` [2k, k or C, 2, 3], `layers.N.link` [2k, 2k, 1, 1],
/// `layers.N.horizontal` [2k, k or C, 1, 2], `layers.N.output` [k, k, 1, 1], `head.hidden`, `head.logits`, each with its
/// bias; with K classes `vertical` and `horizontal` also have `.class.weight` [2k, K], the Vᵀc of both stacks' gates.
///
/// In PyTorch: a module of `layers`, each with the convolutions `v`, `vh`, `h` and `out`, and a `Sequential` called `head`
/// (1, 3).
struct GatedPixelCNN: Architecture {
  static let blocks = (standard: 8, fewest: 1)
  let choices = LayerChoices(activation: .tanh, residual: .pre, directions: 1)

  init(_ choices: LayerChoices) {}

  func build(_ g: inout Graph, _ c: ModelConfiguration) -> Value {
    var (v, h) = (g.image, g.image)
    for n in 0..<c.blocks {
      let name = "layers.\(n)"
      (v, h) = g.stage(name, .gatedLayer, listsParts: true) { g in
        // The image is read where it lies; a vertical stack's own output lies one row lower than what it saw.
        // Of a colour image the pixel itself is read too, through mask A.
        let a = g.gatedConvolution(
          name + ".vertical", v, units: c.width, rows: n == 0 ? -2 ... -1 : -1...0, columns: -1...1, conditional: true,
          kind: "2×3, rows above", pyTorch: name + ".v")
        let below = g.gate(a, blanksFirstRow: true)
        let link = g.gatedConvolution(
          name + ".link", a, units: c.width, rows: 0...0, columns: 0...0, kind: "1×1, vertical to horizontal",
          pyTorch: name + ".vh")
        let z = g.gatedConvolution(
          name + ".horizontal", h, units: c.width, rows: 0...0,
          columns: n == 0 ? -2...(g.readsOwnPixel ? 0 : -1) : -1...0, masked: n == 0 ? .a : .b, conditional: true,
          kind: "1×2, left", pyTorch: name + ".h")
        let unit = g.dropout(g.gate(g.sum(link, z)))
        let out = g.convolution(name + ".output", unit, to: c.width, pyTorch: name + ".out")
        return (below, n == 0 ? out : g.sum(h, out))
      }
    }
    return g.head(h, pyTorch: "head")
  }
}
