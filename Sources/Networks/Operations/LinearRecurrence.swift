// A gated linear recurrence in a graph: one direction, its products and its scan.
import Core
import Kernels

/// One direction of a two-dimensional recurrence whose gates see the layer's input alone, never the state: all products are
/// convolutions that run before the scan, which takes each feature by itself. After the gated linear recurrences of
/// Martin and Cundy, "Parallelizing Linear Recurrent Neural Nets over Sequence Length" (2018), and De et al., "Griffin"
/// (2024), in two dimensions:
///
///     f, s, o = σ(z), g = tanh(z)            z = W x + b
///     h[i,j] = f ⊙ (s ⊙ h[i,j−1] + (1 − s) ⊙ h[i−1,j]) + (1 − f) ⊙ g
///     y = o ⊙ h
///
/// The factors of the two states and of g sum to 1, so no state leaves −1 … 1. Flipped, it goes from the right, and over rows
/// above alone, which are known whole: its input is that of the row above, and its first row is zero.
struct LinearRecurrence: Operation {
  /// The name of its tensors: "layers.3.left".
  let name: String
  /// From each input to the gates: 4k features, in the order f, s, o, g.
  let products: [Convolution]
  let flipped: Bool

  var title: String { "linear recurrence" + (flipped ? " from the right" : "") }

  private var features: Int { products[0].outputChannels / 4 }
  private var firstRow: Int { flipped ? 1 : 0 }

  var layers: [any ParameterLayer] { products }
  var outputOrder: ChannelLayout { ChannelLayout(features, .none(padded: true)) }
  func window(ofInput index: Int) -> ConvolutionWindow { products[index].window }
  func reach(ofLayer layer: Int) -> Reach { .scan(flipped: flipped, over: products[0].earlierWindow) }
  var scansWholeRows: Bool { flipped }
  var readsGradientFirst: Bool { true }

  // MARK: Maps

  /// Gates and state.
  func internalMaps(images: Int) -> [InternalMap] {
    [
      InternalMap(channels: products[0].mapChannels, use: .saved),
      InternalMap(channels: features, border: .init(top: 1, left: images, right: images), use: .rows),
    ]
  }

  /// With respect to the same.
  func internalGradients(images: Int) -> [InternalMap] {
    [
      InternalMap(
        channels: products[0].mapChannels,
        border: products.map { $0.window.flipped.dilated(by: images).border }.reduce(.init()) { $0.union($1) },
        use: .scratch),
      InternalMap(channels: features, use: .scratch),
    ]
  }

  private func scan(_ maps: OperationMaps) -> LinearScanMaps {
    LinearScanMaps(
      gates: maps.internals[0], state: maps.internals[1], output: maps.output,
      previous: flipped ? maps.images : -maps.images)
  }

  // MARK: Passes

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    LinearRecurrenceForward(
      products: products.enumerated().map { index, product in
        product.forward(
          maps.inputs[index], to: index == 0 ? .store(maps.internals[0]) : .add(maps.internals[0]), images: maps.images,
          biases: maps.biases)
      }, scan: scan(maps), blanksFirstRow: flipped)
  }

  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    let given = gradients.internals[0]
    return LinearRecurrenceBackward(
      scan: scan(maps), given: gradients.output, gates: given, state: gradients.internals[1], firstRow: firstRow,
      rest: products.enumerated().flatMap { index, product -> [any BackwardPass] in
        let weights = WeightsBackward(
          pass: product.weightGradient(maps.inputs[index], given, images: maps.images, biases: maps.biases))
        guard let target = gradients.inputs[index] else { return [weights] }
        return [weights] + product.inputGradientPasses(given, to: target, images: maps.images)
      })
  }

  // MARK: What is stated and watched of it

  func costs(_ shape: ImageShape) -> [LayerCost] {
    let kept = 2 * shape.pixels * Lanes.roundUp(features) * 4
    return products.enumerated().map { index, product in
      let cost = product.cost(
        index == 0 ? title : "pixels to gates", shape, steps: index > 0 || flipped ? 0 : shape.width + shape.height - 1,
        keptMaps: index == 0 ? 1 : 0)
      return index == 0 ? cost.with(activationBytes: cost.activationBytes + kept) : cost
    }
  }

  var observedLayers: [ObservedLayer] {
    [ObservedLayer(products[0], gates: LinearScanMaps.gateActivations)]
  }

  func observations(_ maps: OperationMaps, _ gradients: OperationGradients) -> [Observation] {
    [Observation(layer: products[0].name, outputs: maps.internals[0], gradient: gradients.internals[0])]
  }

  // MARK: Jacobian

  func jacobians(
    _ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) -> OperationJacobians {
    let scan = LinearizedScan(scan(maps), features, firstRow: firstRow).jacobian
    let inputs = products.map { LinearOperator.chain([.stencil($0.doubleStencil(parameters, shape)), scan]) }
    return OperationJacobians(
      inputs: inputs,
      parts: [LinearizedLayer(name: name, kind: .recurrence, isChainStage: false, jacobian: inputs[0])])
  }
}

/// The products of a region, then its scan row by row.
private struct LinearRecurrenceForward: ForwardPass {
  let products: [ConvolutionPass]
  let scan: LinearScanMaps
  let blanksFirstRow: Bool

  func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    for y in region.rows {
      let row = MapRegion(row: y, columns: region.columns)
      if blanksFirstRow, y == firstRow {
        clear(scan.gates, in: row)
        clear(scan.state, in: row)
        clear(scan.output, in: row)
      } else {
        for product in products { product.run(row, weights: packed.forward) }
        scan.forward(row: y, columns: region.columns)
      }
    }
  }
}

/// Back through the scan, then to weights and inputs.
private struct LinearRecurrenceBackward: BackwardPass {
  let scan: LinearScanMaps
  let given: FeatureMap, gates: FeatureMap, state: FeatureMap
  let firstRow: Int
  let rest: [any BackwardPass]

  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    scan.backward(given, to: gates, state, fromRow: firstRow)
    for pass in rest { pass.run(packed, into: gradient) }
  }
}

/// The scan's Jacobian where it ran: from the pre-activations, 4k a position, to its outputs.
private struct LinearizedScan {
  private let height: Int, width: Int, features: Int, firstRow: Int, flipped: Bool
  /// [position][feature]
  private var f: [Double] = [], s: [Double] = [], o: [Double] = [], g: [Double] = [], h: [Double] = []

  init(_ maps: LinearScanMaps, _ features: Int, firstRow: Int) {
    (height, width, flipped) = (maps.state.height, maps.state.width, maps.previous > 0)
    (self.features, self.firstRow) = (features, firstRow)
    let gates = maps.gates.values(in: ChannelLayout(4 * features, .apart(4))).map(Double.init)
    for p in 0..<height * width {
      let values = gates[p * 4 * features..<(p + 1) * 4 * features]
      f += values.prefix(features)
      s += values.dropFirst(features).prefix(features)
      o += values.dropFirst(2 * features).prefix(features)
      g += values.dropFirst(3 * features)
    }
    h = maps.state.values.map(Double.init)
  }

  /// Positions in the order of the scan, with those that they go on from.
  private var positions: [(own: Int, beside: Int?, above: Int?)] {
    (firstRow..<height).flatMap { y in
      (0..<width).map { number in
        let x = flipped ? width - 1 - number : number
        return (
          y * width + x, number == 0 ? nil : y * width + (flipped ? x + 1 : x - 1), y == 0 ? nil : (y - 1) * width + x
        )
      }
    }
  }

  /// ∂h/∂z of f, s and g, and ∂y/∂z of o alone.
  private func slopes(_ own: Int, _ beside: Int?, _ above: Int?, _ k: Int) -> [Double] {
    let (i, left, up) = (
      own * features + k, beside.map { h[$0 * features + k] } ?? 0, above.map { h[$0 * features + k] } ?? 0
    )
    return [
      (s[i] * left + (1 - s[i]) * up - g[i]) * f[i] * (1 - f[i]), f[i] * (left - up) * s[i] * (1 - s[i]),
      h[i] * o[i] * (1 - o[i]), (1 - f[i]) * (1 - g[i] * g[i]),
    ]
  }

  var jacobian: LinearOperator {
    LinearOperator(
      rows: f.count, columns: 4 * f.count,
      product: { dz in
        var dh = [Double](repeating: 0, count: f.count)
        var dy = dh
        for (own, beside, above) in positions {
          for k in 0..<features {
            let (i, z) = (own * features + k, own * 4 * features + k)
            let slope = slopes(own, beside, above, k)
            dh[i] = slope[0] * dz[z] + slope[1] * dz[z + features] + slope[3] * dz[z + 3 * features]
            if let beside { dh[i] += f[i] * s[i] * dh[beside * features + k] }
            if let above { dh[i] += f[i] * (1 - s[i]) * dh[above * features + k] }
            dy[i] = o[i] * dh[i] + slope[2] * dz[z + 2 * features]
          }
        }
        return dy
      },
      transposedProduct: { dy in
        var dh = [Double](repeating: 0, count: f.count)
        var dz = [Double](repeating: 0, count: 4 * f.count)
        for (own, beside, above) in positions.reversed() {
          for k in 0..<features {
            let (i, z) = (own * features + k, own * 4 * features + k)
            let slope = slopes(own, beside, above, k)
            dh[i] += o[i] * dy[i]
            for gate in [0, 1, 3] { dz[z + gate * features] = slope[gate] * dh[i] }
            dz[z + 2 * features] = slope[2] * dy[i]
            if let beside { dh[beside * features + k] += f[i] * s[i] * dh[i] }
            if let above { dh[above * features + k] += f[i] * (1 - s[i]) * dh[i] }
          }
        }
        return dz
      })
  }
}
