// The recurrent models: MDRNN, Diagonal LSTM and BiLSTM.
import Kernels

/// The cells of an MDRNN: another stands here and in a file of its own.
public enum CellKind: String, Sendable, Codable, CaseIterable {
  /// h = φ(z): see `PlainCell`.
  case plain
  /// See `GRUCell`.
  case gru

  /// The cell; `activation` is the plain one's.
  func makeCell(_ activation: Activation) -> any RecurrentCell {
    switch self {
    case .plain: PlainCell(activation)
    case .gru: GRUCell()
    }
  }
}

/// MDRNN (Graves, Fernández and Schmidhuber, "Multi-Dimensional Recurrent Neural Networks", 2007):
/// h[i,j] = φ(W_in x[i,j] + W_W h[i,j−1] + W_N h[i−1,j] + b). The first layer's x is the shifted input, the pixels to the
/// left and above, never the pixel itself.
///
/// Tensors: `layers.N.left.input.weight` [k, in, 1, 1], `.bias` [k], `layers.N.left.state.weight` [k, 2k] (left, then
/// above); `right` likewise where there are two directions. With K classes every `input` has `.class.weight` [k, K] too.
/// With the cell `gru` (`GRUCell`) k is four times as many, in the order of its gates, and those weights are zero that it does
/// not have. The recurrent products start within ±1/√(2k), so that ‖W_W‖ + ‖W_N‖ is near 1: paths through the image multiply, and
/// their number grows as C(i + j, i).
///
/// In PyTorch: a `Sequential` of the shifted input (0, no weights), the layers (1…) with `i` and `rec` (of two directions
/// in `l` and `r`), and the head.
struct MDRNN: Architecture {
  static let blocks = (standard: 1, fewest: 1)
  let activation: Activation, residual: ResidualOrder, directions: Int, cell: CellKind?

  init(_ choices: LayerChoices) {
    (activation, residual) = (choices.activation ?? .tanh, choices.residual ?? .off)
    (directions, cell) = (choices.directions ?? 1, choices.cell)
  }

  var choices: LayerChoices {
    LayerChoices(activation: activation, residual: residual, directions: directions, cell: cell)
  }

  func validate(_ require: (Bool, String, String) throws -> Void) throws {
    try require(
      cell == nil || activation == .tanh, "no activation besides those of a \(cell?.rawValue ?? "")",
      "`activation` \(activation.rawValue)")
    try require(residual != .post, "`residual` none or pre of an mdrnn", residual.rawValue)
  }

  func build(_ g: inout Graph, _ c: ModelConfiguration) -> Value {
    var z = g.image
    for n in 0..<c.blocks {
      let isResidual = residual == .pre && n > 0
      z = g.stage("layers.\(n)", isResidual ? .residual : .block, listsParts: true) { g in
        let h = g.dropout(
          g.recurrence(
            "layers.\(n)", z, features: c.width, cell: (cell ?? .plain).makeCell(activation), directions: directions,
            conditional: true, pyTorch: "\(n + 1)."))
        return isResidual ? g.sum(z, h) : h
      }
    }
    return g.head(z, pyTorch: "\(c.blocks + 1)")
  }
}

/// Diagonal LSTM and BiLSTM (van den Oord et al., "Pixel Recurrent Neural Networks", 2016, section 3.2): a 7×7 mask A
/// convolution to `width`; each layer an LSTM of width/2 features a direction, and a 1×1 convolution back to `width`,
/// added to the layer's input.
///
/// Tensors: `input`, `layers.N.left.input` [4h, width, 1, 1], `layers.N.left.state.weight` [4h, 2h], `layers.N.output`
/// [width, h, 1, 1]; gates in the order i, f, o, g. With K classes `input` and every `left.input` have `.class.weight`.
/// With `wholeRows` also `layers.N.right.pixel` [4h, C, 1, 1]: the one earlier pixel that a BiLSTM does not see, the last of
/// the row above, is seen then.
///
/// In PyTorch: the 7×7 convolution (0), layers (1…) with `l.i`, `l.rec`, `r.i`, `r.rec` and `out`, and the head.
struct DiagonalLSTM: Architecture {
  static let (blocks, halvesWidth) = ((standard: 7, fewest: 1), true)
  let directions: Int, attention: Int?, wholeRows: Bool?

  init(_ choices: LayerChoices) {
    (directions, attention) = (choices.directions ?? 2, choices.attention)
    wholeRows = directions == 2 ? choices.wholeRows : nil
  }

  var choices: LayerChoices {
    LayerChoices(
      activation: .tanh, residual: .pre, directions: directions, attention: attention, wholeRows: wholeRows)
  }

  func build(_ g: inout Graph, _ c: ModelConfiguration) -> Value {
    let attention = AttentionLayers(attention, among: c.blocks)
    var z = attention.begin(&g)
    for n in 0..<c.blocks {
      let name = "layers.\(n)"
      z = g.stage(name, .residual, listsParts: true) { g in
        let h = g.recurrence(
          name, z, features: c.width / 2, cell: LSTMCell(), directions: directions, readsPixels: wholeRows == true,
          conditional: true,
          pyTorch: "\(n + 1).")
        let out = g.convolution(
          name + ".output", g.dropout(h), to: c.width, belongsToStream: true, pyTorch: "\(n + 1).out")
        return g.sum(z, out)
      }
      z = attention.append(&g, z, after: n)
    }
    return g.head(z, pyTorch: "\(c.blocks + 1)")
  }
}
