// A network's Jacobians at an image: exact products with each layer's J and Jᵀ, in double precision.
import Kernels

/// The Jacobian of one layer at one image.
public struct LinearizedLayer {
  /// What a layer is.
  public enum Kind: String, Sendable, Codable {
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
  public let name: String
  /// What it is.
  public let kind: Kind
  /// Whether it is a link of the chain from the first layer to the logits; others are parts of links.
  public let isLink: Bool
  /// ∂output/∂input.
  public let jacobian: LinearOperator
}

extension LinearOperator {
  /// Multiplication by `values`, one by one.
  static func diagonal(_ values: [Double]) -> LinearOperator {
    let product: ([Double]) -> [Double] = { x in zip(x, values).map { $0 * $1 } }
    return LinearOperator(rows: values.count, columns: values.count, product: product, transposedProduct: product)
  }

  /// A convolution.
  static func stencil(_ stencil: DoubleStencil) -> LinearOperator {
    let places = stencil.height * stencil.width
    return LinearOperator(
      rows: places * stencil.outputs, columns: places * stencil.inputs, product: stencil.product,
      transposedProduct: stencil.transposedProduct)
  }

  /// Several, one after the other: the first is applied first.
  public static func chain(_ operators: [LinearOperator]) -> LinearOperator {
    guard let first = operators.first, let last = operators.last else { preconditionFailure("a chain of nothing") }
    return LinearOperator(
      rows: last.rows, columns: first.columns, product: { x in operators.reduce(x) { $1.product($0) } },
      transposedProduct: { y in operators.reversed().reduce(y) { $1.transposedProduct($0) } })
  }

  /// 1 + J
  var plusIdentity: LinearOperator {
    precondition(rows == columns, "only a square Jacobian has a residual connection")
    return LinearOperator(
      rows: rows, columns: columns, product: { x in zip(x, product(x)).map { $0 + $1 } },
      transposedProduct: { y in zip(y, transposedProduct(y)).map { $0 + $1 } })
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
  func slopes(_ outputs: [Float]) -> [Double] {
    switch self {
    case .relu: outputs.map { $0 > 0 ? 1 : 0 }
    case .tanh: outputs.map { 1 - Double($0) * Double($0) }
    case .sigmoid: outputs.map { Double($0) * (1 - Double($0)) }
    }
  }
}

extension Convolution {
  /// The layer without bias and activation, on images of `shape`, its weights from `parameters`.
  func stencil(_ parameters: ParameterVector, _ shape: ImageShape) -> LinearOperator {
    .stencil(doubleStencil(parameters, shape))
  }
}

extension PixelCNN {
  /// See `ImageModel`.
  public func linearized(
    _ batch: ImageBatch, image: Int, parameters: ParameterVector
  ) -> [LinearizedLayer] {
    let workspace = PixelCNNWorkspace(self, purpose: .training())
    forward(batch, images: image..<image + 1, packed: packed(parameters), workspace: workspace)
    let (a, shape) = (workspace.activations, configuration.shape)
    func slope(_ map: FeatureMap) -> LinearOperator { .diagonal(configuration.activation.slopes(map.values)) }
    func weights(_ layer: Convolution) -> LinearOperator { layer.stencil(parameters, shape) }
    var layers = [
      LinearizedLayer(name: input.name, kind: .convolution, isLink: true, jacobian: weights(input))
    ]
    for (index, block) in blocks.enumerated() {
      let reduce = LinearOperator.chain([weights(block.reduce), slope(a.reduced[index])])
      let conv = LinearOperator.chain([weights(block.conv), slope(a.convolved[index])])
      let expand = weights(block.expand)
      for (layer, jacobian) in [(block.reduce, reduce), (block.conv, conv), (block.expand, expand)] {
        layers.append(LinearizedLayer(name: layer.name, kind: .convolution, isLink: false, jacobian: jacobian))
      }
      // The stream is taken before its activation.
      let before = slope(a.activated[index])
      let branch = LinearOperator.chain([reduce, conv, expand])
      let jacobian: LinearOperator
      switch configuration.residual {
      case .off: jacobian = .chain([before, branch])
      case .pre: jacobian = LinearOperator.chain([before, branch]).plusIdentity
      case .post: jacobian = .chain([before, branch.plusIdentity])
      }
      layers.append(
        LinearizedLayer(
          name: "blocks.\(index)", kind: configuration.residual == .off ? .block : .residual, isLink: true,
          jacobian: jacobian))
    }
    return layers + [head.linearized(a.activated[blocks.count], a.hidden, configuration.activation, parameters, shape)]
  }
}

extension DiagonalNetwork {
  /// See `ImageModel`.
  public func linearized(
    _ batch: ImageBatch, image: Int, parameters: ParameterVector
  ) -> [LinearizedLayer] {
    let workspace = DiagonalWorkspace(self, purpose: .training(), images: 1)
    workspace.forward(batch, images: image..<image + 1, packed(parameters))
    let (a, shape) = (workspace.activations, configuration.shape)
    var links: [LinearizedLayer] = []
    if let input {
      links.append(
        LinearizedLayer(
          name: input.name, kind: .convolution, isLink: true, jacobian: input.stencil(parameters, shape)))
    }
    for (index, layer) in layers.enumerated() {
      let directions = layer.directions.enumerated().map { number, direction in
        LinearizedRecurrence(
          direction, a.layers[index].runners[number].maps, parameters, shape, configuration.activation
        ).jacobian
      }
      for (number, jacobian) in directions.enumerated() {
        links.append(
          LinearizedLayer(
            name: "layers.\(index)." + (number == 0 ? "left" : "right"), kind: .recurrence, isLink: false,
            jacobian: jacobian))
      }
      var sum = directions[0]
      if directions.count == 2 { sum = sum + .chain([directions[1], .movedDown(shape, directions[1].rows)]) }
      if let output = layer.output { sum = .chain([sum, output.stencil(parameters, shape)]) }
      links.append(
        LinearizedLayer(
          name: "layers.\(index)", kind: layer.isResidual ? .residual : .block, isLink: true,
          jacobian: layer.isResidual ? sum.plusIdentity : sum))
    }
    return links + [head.linearized(a.rectified, a.hidden, .relu, parameters, shape)]
  }
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
