// The Jacobians of a Gated PixelCNN: gates, and layers of two stacks.
import Kernels

extension GatedPixelCNN {
  /// See `ImageModel`. A link of the chain takes both stacks' outputs, the vertical one's first, to those of the next
  /// layer; the first takes the image, the last gives the horizontal stack's alone.
  public func linearized(
    _ batch: ImageBatch, image: Int, parameters: ParameterVector
  ) -> [LinearizedLayer] {
    let workspace = GatedWorkspace(self, purpose: .training())
    workspace.forward(batch, image: image, packed(parameters))
    let (a, shape) = (workspace.activations, configuration.shape)
    var result: [LinearizedLayer] = []
    for (index, layer) in layers.enumerated() {
      let (sums, gates) = (
        Self.channels(a.layers[index].maps.sums, layer.vertical.outputOrder),
        Self.channels(a.layers[index].maps.gates, layer.horizontal.outputOrder)
      )
      let isLast = index == layers.count - 1
      // The vertical stack's own gates are not kept; in the image's first row they pass nothing on.
      let above = GateSlopes(preactivations: sums, units: configuration.width, blankPlaces: shape.width).jacobian
      let gate = GateSlopes(gates: gates, units: configuration.width).jacobian
      func weights(_ convolution: Convolution) -> LinearOperator { convolution.stencil(parameters, shape) }
      let (vertical, horizontal) = (weights(layer.vertical), weights(layer.horizontal))
      let (link, output) = (weights(layer.link), weights(layer.output))
      let parts: [(String, LinearizedLayer.Kind, LinearOperator)] = [
        ("vertical", .convolution, isLast ? vertical : .chain([vertical, above])), ("link", .convolution, link),
        ("horizontal", .convolution, .chain([horizontal, gate])), ("gate", .gate, gate),
        ("output", .convolution, output),
      ]
      for (name, kind, jacobian) in parts {
        result.append(
          LinearizedLayer(name: "layers.\(index).\(name)", kind: kind, isLink: false, jacobian: jacobian))
      }
      let branch = LinearOperator.chain([gate, output])
      let fromAbove = LinearOperator.chain([vertical, link, branch])
      let fromLeft = LinearOperator.chain([horizontal, branch])
      let down = isLast ? nil : LinearOperator.chain([vertical, above])
      let jacobian =
        index == 0
        ? LinearOperator.stacked(down, fromAbove + fromLeft)
        : LinearOperator.pair(down: down, across: fromAbove, along: fromLeft.plusIdentity)
      result.append(LinearizedLayer(name: "layers.\(index)", kind: .gatedLayer, isLink: true, jacobian: jacobian))
    }
    return result + [head.linearized(a.rectified, a.hidden, .relu, parameters, shape)]
  }

  /// A map's features in the order of the checkpoint, H×W×channels.
  private static func channels(_ map: FeatureMap, _ order: ChannelOrder) -> [Float] {
    let places = (0..<order.channels).map(order.place)
    return (0..<map.height).flatMap { y in
      (0..<map.width).flatMap { x in places.map { map[unchecked: y, x, $0] } }
    }
  }
}

/// The derivative of tanh(a) ⊙ σ(b), for each unit with respect to a and to b.
private struct GateSlopes {
  private let first: [Double], second: [Double]
  private let units: Int

  /// From t = tanh(a) and s = σ(b), 2·`units` a place.
  init(gates: [Float], units: Int) {
    self.units = units
    let places = gates.count / (2 * units)
    var (first, second): ([Double], [Double]) = ([], [])
    for p in 0..<places {
      for k in 0..<units {
        let (t, s) = (Double(gates[p * 2 * units + k]), Double(gates[p * 2 * units + units + k]))
        first.append((1 - t * t) * s)
        second.append(t * s * (1 - s))
      }
    }
    (self.first, self.second) = (first, second)
  }

  /// From a and b; the first `blankPlaces` places pass nothing on.
  init(preactivations: [Float], units: Int, blankPlaces: Int) {
    let gates = preactivations.enumerated().map { place, z in
      let vector = FloatVector(repeating: z)
      return place % (2 * units) < units ? hyperbolicTangent(vector)[0] : logistic(vector)[0]
    }
    // σ = 0 has no slope.
    self.init(
      gates: gates.enumerated().map { $0 / (2 * units) < blankPlaces && $0 % (2 * units) >= units ? 0 : $1 },
      units: units)
  }

  var jacobian: LinearOperator {
    let (first, second, units) = (first, second, units)
    return LinearOperator(
      rows: first.count, columns: 2 * first.count,
      product: { z in
        first.indices.map { i in
          let place = i / units * 2 * units + i % units
          return first[i] * z[place] + second[i] * z[place + units]
        }
      },
      transposedProduct: { y in
        var z = [Double](repeating: 0, count: 2 * first.count)
        for i in first.indices {
          let place = i / units * 2 * units + i % units
          (z[place], z[place + units]) = (first[i] * y[i], second[i] * y[i])
        }
        return z
      })
  }
}

extension LinearOperator {
  /// x ↦ (down x, along x); without `down`, `along` alone.
  fileprivate static func stacked(_ down: LinearOperator?, _ along: LinearOperator) -> LinearOperator {
    guard let down else { return along }
    return LinearOperator(
      rows: down.rows + along.rows, columns: along.columns, product: { x in down.product(x) + along.product(x) },
      transposedProduct: { y in
        zip(
          down.transposedProduct(Array(y.prefix(down.rows))), along.transposedProduct(Array(y.dropFirst(down.rows)))
        ).map { $0 + $1 }
      })
  }

  /// (v, h) ↦ (down v, across v + along h); without `down`, the second alone.
  fileprivate static func pair(
    down: LinearOperator?, across: LinearOperator, along: LinearOperator
  ) -> LinearOperator {
    let above = down?.rows ?? 0
    return LinearOperator(
      rows: above + along.rows, columns: across.columns + along.columns,
      product: { x in
        let (v, h) = (Array(x.prefix(across.columns)), Array(x.dropFirst(across.columns)))
        return (down?.product(v) ?? []) + zip(across.product(v), along.product(h)).map { $0 + $1 }
      },
      transposedProduct: { y in
        let (v, h) = (Array(y.prefix(above)), Array(y.dropFirst(above)))
        let back = across.transposedProduct(h)
        let upper = down.map { zip($0.transposedProduct(v), back).map { $0 + $1 } } ?? back
        return upper + along.transposedProduct(h)
      })
  }
}
