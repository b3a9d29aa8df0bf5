// The Jacobians of a Gated PixelCNN's layers. Between layers stand two maps: the chain's vectors hold the vertical stack's,
// then the horizontal one's.
import Kernels

extension GatedPixelCNN {
  /// See `ImageModel`. The first link reads the image, the last gives the horizontal stack alone.
  public func linearized(
    _ batch: ImageBatch, image: Int, parameters: ParameterVector
  ) -> [LinearizedLayer] {
    let workspace = GatedWorkspace(self, purpose: .training)
    workspace.forward(batch, image: image, packed(parameters))
    let (a, shape) = (workspace.activations, configuration.shape)
    func weights(_ layer: Convolution) -> LinearOperator { layer.stencil(parameters, shape) }
    var found: [LinearizedLayer] = []
    for (index, layer) in layers.enumerated() {
      let isLast = index == layers.count - 1
      let maps = a.layers[index].maps
      let vertical = weights(layer.vertical)
      let verticalGates = FeatureMap(height: shape.height, width: shape.width, channels: maps.sums.channels)
      computeGates(maps.sums, to: verticalGates)
      // The image's first row of the vertical stack is zero to the next layer.
      let above = isLast ? nil : LinearOperator.gate(verticalGates, layer.vertical.outputOrder, fromRow: 1)
      let gate = LinearOperator.gate(maps.gates, layer.horizontal.outputOrder, fromRow: 0)
      let (link, horizontal, output) = (weights(layer.link), weights(layer.horizontal), weights(layer.output))
      let parts = [
        (layer.vertical, above.map { .chain([vertical, $0]) } ?? vertical), (layer.link, link),
        (layer.horizontal, .chain([horizontal, gate])), (layer.output, output),
      ]
      for (layer, jacobian) in parts {
        found.append(LinearizedLayer(name: layer.name, kind: .convolution, isLink: false, jacobian: jacobian))
      }
      let stacks = LinearizedStacks(
        vertical: vertical, above: above, link: link, horizontal: horizontal, output: .chain([gate, output]),
        isFirst: index == 0)
      found.append(
        LinearizedLayer(
          name: "layers.\(index)", kind: index == 0 ? .block : .residual, isLink: true, jacobian: stacks.jacobian))
    }
    func slope(_ map: FeatureMap) -> LinearOperator { .diagonal(Activation.relu.slopes(map.values)) }
    found.append(
      LinearizedLayer(
        name: "head", kind: .head, isLink: true,
        jacobian: .chain([slope(a.rectified), weights(hidden), slope(a.hidden), weights(logits)])))
    return found
  }
}

/// One layer of both stacks: a = W_v v, v′ = G_v a, h′ = h + W_o G_h (W_h h + W_l a). The first layer reads the image in
/// both places and adds nothing; the last has no v′.
private struct LinearizedStacks {
  let vertical: LinearOperator
  let above: LinearOperator?
  let link: LinearOperator
  let horizontal: LinearOperator
  /// Gate and output.
  let output: LinearOperator
  let isFirst: Bool

  var jacobian: LinearOperator {
    LinearOperator(
      rows: (above?.rows ?? 0) + output.rows, columns: isFirst ? vertical.columns : 2 * vertical.columns,
      product: product, transposedProduct: transposedProduct)
  }

  private func product(_ x: [Double]) -> [Double] {
    let (v, h) = isFirst ? (x, x) : (Array(x.prefix(vertical.columns)), Array(x.suffix(vertical.columns)))
    let sums = vertical.product(v)
    let z = zip(horizontal.product(h), link.product(sums)).map { $0 + $1 }
    let o = output.product(z)
    return (above?.product(sums) ?? []) + (isFirst ? o : zip(h, o).map { $0 + $1 })
  }

  private func transposedProduct(_ y: [Double]) -> [Double] {
    let h = Array(y.suffix(output.rows))
    let z = output.transposedProduct(h)
    var sums = link.transposedProduct(z)
    if let above { sums = zip(sums, above.transposedProduct(Array(y.prefix(above.rows)))).map { $0 + $1 } }
    let (toVertical, toHorizontal) = (vertical.transposedProduct(sums), horizontal.transposedProduct(z))
    if isFirst { return zip(toVertical, toHorizontal).map { $0 + $1 } }
    return toVertical + zip(h, toHorizontal).map { $0 + $1 }
  }
}

extension LinearOperator {
  /// tanh(a) ⊙ σ(b) where tanh and σ lie in `gates` in `order`: from a and b, in the order of the checkpoint, to k
  /// features. Rows before `fromRow` give zero.
  fileprivate static func gate(_ gates: FeatureMap, _ order: ChannelOrder, fromRow: Int) -> LinearOperator {
    let k = order.channels / 2
    let places = gates.height * gates.width
    // ∂/∂a and ∂/∂b of every feature.
    var slopes = [(a: Double, b: Double)](repeating: (0, 0), count: places * k)
    for p in fromRow * gates.width..<places {
      for f in 0..<k {
        let t = Double(gates[p / gates.width, p % gates.width, order.place(f)])
        let s = Double(gates[p / gates.width, p % gates.width, order.place(k + f)])
        slopes[p * k + f] = (s * (1 - t * t), t * s * (1 - s))
      }
    }
    return LinearOperator(
      rows: places * k, columns: places * 2 * k,
      product: { x in
        slopes.indices.map { i in
          let a = i / k * 2 * k + i % k
          return slopes[i].a * x[a] + slopes[i].b * x[a + k]
        }
      },
      transposedProduct: { y in
        var x = [Double](repeating: 0, count: places * 2 * k)
        for i in slopes.indices {
          let a = i / k * 2 * k + i % k
          x[a] = slopes[i].a * y[i]
          x[a + k] = slopes[i].b * y[i]
        }
        return x
      })
  }
}
