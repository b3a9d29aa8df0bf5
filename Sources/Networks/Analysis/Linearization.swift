// A network's Jacobians at an image: exact products with each layer's J and Jᵀ, in double precision.
import Core
import Kernels

/// The Jacobian of one layer at one image.
package struct LinearizedLayer {
  /// What a layer is.
  package enum Kind: String, Sendable, Codable {
    /// A masked or 1×1 convolution, its activation included.
    case convolution
    /// A block whose input is added to its output.
    case residual
    /// A block whose input is not.
    case block
    /// A gated unit: tanh of one half times σ of the other.
    case gate
    /// Both stacks of a gated layer, one after the other in the vector.
    case gatedLayer = "gated layer"
    /// One direction of a recurrence: from the layer's input to the outputs of all its cells.
    case recurrence
    /// From the last block to the logits.
    case head
  }

  /// The layer's name.
  package let name: String
  /// What it is.
  package let kind: Kind
  /// Whether it is a link of the chain from the first layer to the logits; others are parts of links.
  package let isChainStage: Bool
  /// ∂output/∂input.
  package let jacobian: LinearOperator
}

extension LinearOperator {
  /// Multiplication by `values`, one by one.
  package static func diagonal(_ values: [Double]) -> LinearOperator {
    let product: ([Double]) -> [Double] = { x in zip(x, values).map { $0 * $1 } }
    return LinearOperator(rows: values.count, columns: values.count, product: product, transposedProduct: product)
  }

  /// A convolution.
  static func stencil(_ stencil: DoubleStencil) -> LinearOperator {
    let positions = stencil.height * stencil.width
    return LinearOperator(
      rows: positions * stencil.outputs, columns: positions * stencil.inputs, product: stencil.product,
      transposedProduct: stencil.transposedProduct)
  }

  /// Several, one after the other: the first is applied first.
  package static func chain(_ operators: [LinearOperator]) -> LinearOperator {
    guard let first = operators.first, let last = operators.last else { preconditionFailure("a chain of nothing") }
    return LinearOperator(
      rows: last.rows, columns: first.columns, product: { x in operators.reduce(x) { $1.product($0) } },
      transposedProduct: { y in operators.reversed().reduce(y) { $1.transposedProduct($0) } })
  }

  /// What changes nothing.
  static func identity(_ count: Int) -> LinearOperator {
    LinearOperator(rows: count, columns: count, product: { $0 }, transposedProduct: { $0 })
  }

  /// J + K
  static func + (a: LinearOperator, b: LinearOperator) -> LinearOperator {
    LinearOperator(
      rows: a.rows, columns: a.columns, product: { x in zip(a.product(x), b.product(x)).map { $0 + $1 } },
      transposedProduct: { y in zip(a.transposedProduct(y), b.transposedProduct(y)).map { $0 + $1 } })
  }
}

extension Activation {
  /// φ′ where φ gave `outputs`.
  func slopes(_ outputs: [Float]) -> [Double] { outputs.map { slope(of: Double($0)) } }
}

extension LinearOperator {
  /// Everything one row further down, a row of zeros in front; `count` values.
  static func movedDown(_ shape: ImageShape, _ count: Int) -> LinearOperator {
    let row = count / shape.height
    return LinearOperator(
      rows: count, columns: count, product: { x in [Double](repeating: 0, count: row) + x.dropLast(row) },
      transposedProduct: { y in y.dropFirst(row) + [Double](repeating: 0, count: row) })
  }
}
