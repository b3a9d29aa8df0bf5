// The PixelCNN.
import Kernels

/// PixelCNN of van den Oord, Kalchbrenner and Kavukcuoglu, "Pixel Recurrent Neural Networks" (2016), section 3.5:
///
///     input ─ 7×7 mask A ─ x ─ blocks × (x + [ReLU, 1×1 → h, ReLU, 3×3 mask B, ReLU, 1×1 → width]) ─ head
///     head    ReLU, 1×1 → width, ReLU, 1×1 → logits                                       h = width / 2
///
/// The ReLU may be another activation φ, and a block may end without the sum or with φ after it (`ResidualOrder`): to
/// see what happens to the gradient.
///
/// Tensors: `input`, `blocks.N.reduce`, `blocks.N.conv`, `blocks.N.expand`, `head.hidden`, `head.logits`, each with
/// `.weight` [out, in, k, k] and `.bias` [out]; with K classes `input` and each `conv` also `.class.weight` [out, K]. The
/// network has a blind spot: pixels above and to the right, beyond a slope of one pixel a row, never reach it.
///
/// In PyTorch: a `Sequential` of the 7×7 convolution (0), the blocks (1…), each with its layers in `net` (1, 3, 5), and a
/// `Sequential` head (1, 3).
struct PixelCNN: Architecture {
  static let (blocks, halvesWidth) = ((standard: 15, fewest: 0), true)
  let activation: Activation, residual: ResidualOrder

  init(_ choices: LayerChoices) { (activation, residual) = (choices.activation ?? .relu, choices.residual ?? .pre) }

  var choices: LayerChoices { LayerChoices(activation: activation, residual: residual, directions: 1) }

  func build(_ g: inout Graph, _ c: ModelConfiguration) -> Value {
    var z = g.stage("input", .convolution) { g in
      g.convolution(
        "input", g.image, to: c.width, kernelSize: 7, mask: .a, conditional: true, keptMaps: 2, pyTorch: "0")
    }
    for n in 0..<c.blocks { z = block(&g, c, n, z) }
    return g.head(z, activation, pyTorch: "\(c.blocks + 1)")
  }

  /// Block `n` on `z`.
  func block(_ g: inout Graph, _ c: ModelConfiguration, _ n: Int, _ z: Value) -> Value {
    let (name, module) = ("blocks.\(n)", "\(n + 1).net")
    return g.stage(name, residual == .off ? .block : .residual, listsParts: true) { g in
      let x = g.activate(z, activation)
      let reduced = g.convolution(name + ".reduce", x, to: c.width / 2, pyTorch: module + ".1")
      let h = g.convolution(
        name + ".conv", g.activate(reduced, activation), to: c.width / 2, kernelSize: 3, mask: .b,
        conditional: true, pyTorch: module + ".3")
      let dropped = g.dropout(g.activate(h, activation))
      let branch = g.convolution(name + ".expand", dropped, to: c.width, pyTorch: module + ".5")
      switch residual {
      case .off: return branch
      case .pre: return g.sum(z, branch)
      case .post: return g.sum(x, branch)
      }
    }
  }
}
