// Causal attention in a graph: its products, and what is kept where pixels come one by one.
import Core
import Kernels

/// Attention of each position to all before it (see `AttentionQuery`): queries from the features there, keys and values from
/// the features of earlier positions and from their pixels, which are known. A position's own pixel is never read.
struct CausalAttentionOperation: Operation {
  let query: Convolution
  /// From features and from pixels: all heads' keys, then their values.
  let memory: [Convolution]
  let size: AttentionSize
  let title = "causal attention"

  var layers: [any ParameterLayer] { [query] + memory }
  var outputOrder: ChannelLayout { ChannelLayout(size.values, .none(padded: true)) }
  func reach(ofLayer layer: Int) -> Reach {
    layer == memory.count ? .before(includesItself: true) : .window(.pointwise)
  }
  func reach(ofLayer layer: Int, input index: Int) -> Reach {
    if index == 0 { return reach(ofLayer: layer) }
    return layer == memory.count ? .before(includesItself: false) : .window(ConvolutionWindow(runs: []))
  }
  /// The last pixel of a row is remembered when the row is whole.
  var readsWholeRows: Bool { true }
  var readsGradientFirst: Bool { true }

  /// Queries; keys and values of each position; keys by blocks; values; statistics.
  func internalMaps(images: Int) -> [InternalMap] {
    [
      InternalMap(channels: size.keys, use: .saved), InternalMap(channels: size.keys + size.values, use: .saved),
      InternalMap(channels: size.keys, use: .image(positions: size.rounded)),
      InternalMap(channels: size.values, use: .image(positions: size.rounded)),
      InternalMap(channels: 2 * size.heads, use: .saved),
    ]
  }

  /// With respect to queries, and to keys and values.
  func internalGradients(images: Int) -> [InternalMap] {
    [
      InternalMap(channels: size.keys, use: .scratch), InternalMap(channels: size.keys + size.values, use: .scratch),
    ]
  }

  func makeForward(_ maps: OperationMaps) -> any ForwardPass { AttentionForward(self, maps) }

  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    let slopes = gradients.internals
    func passes(_ layer: Convolution, _ input: Int, _ slope: FeatureMap) -> [any BackwardPass] {
      let weights = WeightsBackward(
        pass: layer.weightGradient(maps.inputs[input], slope, images: maps.images, biases: maps.biases))
      guard let target = gradients.inputs[input] else { return [weights] }
      // The first product to reach the features' gradient stores it.
      let isSecond = input == 0 && layer.name != query.name
      return [weights]
        + layer.inputGradientPasses(
          slope, to: isSecond ? GradientTarget(map: target.map, firstAdded: 0) : target, images: maps.images)
    }
    return AttentionBackwardPass(
      backward: AttentionBackward(size), maps: maps, memory: memories(maps), given: gradients.output, query: slopes[0],
      held: slopes[1],
      rest: passes(query, 0, slopes[0]) + memory.enumerated().flatMap { passes($1, $0, slopes[1]) })
  }

  fileprivate func memories(_ maps: OperationMaps) -> [AttentionMemory] {
    (0..<maps.images).map { AttentionMemory(maps.internals[2], maps.internals[3], image: $0, size) }
  }

  // MARK: What is stated and watched of it

  /// The products, and with the queries what the scores and the sums of values cost, half of all pairs.
  func costs(_ shape: ImageShape) -> [LayerCost] {
    let pairs = shape.pixels * (shape.pixels - 1) / 2
    let kept = (size.rounded * (size.keys + size.values) + shape.pixels * Lanes.roundUp(2 * size.heads)) * 4
    let own = query.cost("queries, attention to all before", shape)
    return [
      LayerCost(
        name: own.name, kind: own.kind, parameterCount: own.parameterCount,
        multiplyAdds: own.multiplyAdds + pairs * (size.keys + size.values), trainingSteps: 1,
        samplingSteps: own.samplingSteps, activationBytes: own.activationBytes + kept)
    ]
      + memory.enumerated().map { index, layer in
        layer.cost(
          index == 0 ? "keys and values" : "pixels to keys and values", shape, steps: 0, keptMaps: index == 0 ? 1 : 0)
      }
  }

  var observedLayers: [ObservedLayer] { [ObservedLayer(query, .linear), ObservedLayer(memory[0], .linear)] }

  func observations(_ maps: OperationMaps, _ gradients: OperationGradients) -> [Observation] {
    [
      Observation(layer: query.name, outputs: maps.internals[0], gradient: gradients.internals[0]),
      Observation(layer: memory[0].name, outputs: maps.internals[1], gradient: gradients.internals[1]),
    ]
  }

  func jacobians(_ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape) -> OperationJacobians {
    let attention = LinearizedAttention(size, queries: maps.internals[0], memory: maps.internals[1])
    let queries = LinearOperator.chain([.stencil(query.doubleStencil(parameters, shape)), attention.ofQueries])
    let held = memory.map { layer in
      LinearOperator.chain([.stencil(layer.doubleStencil(parameters, shape)), attention.ofMemory])
    }
    return OperationJacobians(inputs: [queries + held[0]] + held.dropFirst())
  }
}

/// All positions of the images; or pixel by pixel, where each remembers the one before it first.
private struct AttentionForward: ForwardPass {
  private let queries: ConvolutionPass
  private let held: [ConvolutionPass]
  private let maps: OperationMaps
  private let memories: [AttentionMemory]
  private let attention: AttentionQuery
  private let width: Int

  init(_ operation: CausalAttentionOperation, _ maps: OperationMaps) {
    self.maps = maps
    queries = operation.query.forward(
      maps.inputs[0], to: .store(maps.internals[0]), images: maps.images, biases: maps.biases)
    held = operation.memory.enumerated().map { index, layer in
      layer.forward(
        maps.inputs[index], to: index == 0 ? .store(maps.internals[1]) : .add(maps.internals[1]), images: maps.images,
        biases: maps.biases)
    }
    memories = operation.memories(maps)
    attention = AttentionQuery(operation.size)
    width = maps.output.width / maps.images
  }

  func runAll(_ all: MapRegion, _ packed: PackedParameters) {
    remember(all, firstRow: 0, packed)
    attend(all, firstRow: 0, packed)
  }

  func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    let columns = region.columns
    if columns.lowerBound > 0 {
      let before = columns.lowerBound - maps.images..<columns.upperBound - maps.images
      remember(MapRegion(rows: region.rows, columns: before), firstRow: firstRow, packed)
    }
    attend(region, firstRow: firstRow, packed)
  }

  func finish(row: Int, firstRow: Int, _ packed: PackedParameters) {
    let last = (width - 1) * maps.images..<width * maps.images
    remember(MapRegion(row: row, columns: last), firstRow: firstRow, packed)
  }

  private func remember(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    for pass in held { pass.run(region, weights: packed.forward) }
    for y in region.rows {
      for x in region.columns {
        memories[x % maps.images].store(
          maps.internals[1].pixel(y, x), at: (y - firstRow) * width + x / maps.images)
      }
    }
  }

  private func attend(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    queries.run(region, weights: packed.forward)
    for y in region.rows {
      for x in region.columns {
        attention.run(
          maps.internals[0].pixel(y, x), at: (y - firstRow) * width + x / maps.images, memories[x % maps.images],
          to: maps.output.pixel(y, x), statistics: maps.internals[4].pixel(y, x))
      }
    }
  }
}

/// Back through the attention of every image, then to weights and inputs.
private struct AttentionBackwardPass: BackwardPass {
  let backward: AttentionBackward
  let maps: OperationMaps
  let memory: [AttentionMemory]
  let given: FeatureMap, query: FeatureMap, held: FeatureMap
  let rest: [any BackwardPass]

  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    for (image, memory) in memory.enumerated() {
      backward.run(
        queries: maps.internals[0], memory, statistics: maps.internals[4], given: given, image: image, of: maps.images,
        toQueries: query, toMemory: held)
    }
    for pass in rest { pass.run(packed, into: gradient) }
  }
}

/// The Jacobian of attention where it ran: with respect to queries, and to keys and values.
private struct LinearizedAttention {
  private let size: AttentionSize
  /// [position][feature]
  private let queries: [Double], memory: [Double]

  init(_ size: AttentionSize, queries: FeatureMap, memory: FeatureMap) {
    self.size = size
    (self.queries, self.memory) = (queries.values.map(Double.init), memory.values.map(Double.init))
  }

  private var held: Int { size.keys + size.values }

  /// Calls `body` with each query's position and head, and its weights.
  private func forEachQuery(_ body: (_ position: Int, _ head: Int, _ weights: [Double]) -> Void) {
    for position in 1..<max(1, size.positions) {
      for head in 0..<size.heads {
        let scores = scores(queries, memory, position, head)
        let largest = scores.max() ?? 0
        let exponentials = scores.map { Double(exponential(FloatVector(repeating: Float($0 - largest)))[0]) }
        let sum = exponentials.reduce(0, +)
        body(position, head, exponentials.map { $0 / sum })
      }
    }
  }

  /// query · key / √features, for each position before `position`.
  private func scores(_ queries: [Double], _ memory: [Double], _ position: Int, _ head: Int) -> [Double] {
    (0..<position).map { q in
      (0..<size.key).reduce(0) { sum, d in
        sum + queries[position * size.keys + head * size.key + d] * memory[q * held + head * size.key + d]
      } / Double(size.key).squareRoot()
    }
  }

  private func value(_ q: Int, _ head: Int, _ e: Int) -> Double {
    memory[q * held + size.keys + head * size.value + e]
  }

  /// Σ over e of `given` · value(q), for each q before `position`.
  private func agreement(_ given: [Double], _ position: Int, _ head: Int) -> [Double] {
    (0..<position).map { q in
      (0..<size.value).reduce(0) { sum, e in
        sum + given[position * size.values + head * size.value + e] * value(q, head, e)
      }
    }
  }

  /// From the change of each score to that of the output.
  private func move(_ output: inout [Double], _ position: Int, _ head: Int, _ weights: [Double], _ scores: [Double]) {
    let mean = zip(weights, scores).reduce(0) { $0 + $1.0 * $1.1 }
    for q in 0..<position {
      let change = weights[q] * (scores[q] - mean)
      for e in 0..<size.value {
        output[position * size.values + head * size.value + e] += change * value(q, head, e)
      }
    }
  }

  /// The gradient of each score, given that of the output.
  private func scoreGradient(_ given: [Double], _ position: Int, _ head: Int, _ weights: [Double]) -> [Double] {
    let products = agreement(given, position, head)
    let mean = zip(weights, products).reduce(0) { $0 + $1.0 * $1.1 }
    return zip(weights, products).map { $0 * ($1 - mean) / Double(size.key).squareRoot() }
  }

  var ofQueries: LinearOperator {
    LinearOperator(
      rows: size.positions * size.values, columns: size.positions * size.keys,
      product: { dq in
        var output = [Double](repeating: 0, count: size.positions * size.values)
        forEachQuery { position, head, weights in
          move(&output, position, head, weights, scores(dq, memory, position, head))
        }
        return output
      },
      transposedProduct: { given in
        var dq = [Double](repeating: 0, count: size.positions * size.keys)
        forEachQuery { position, head, weights in
          for (q, slope) in scoreGradient(given, position, head, weights).enumerated() {
            for d in 0..<size.key {
              dq[position * size.keys + head * size.key + d] += slope * memory[q * held + head * size.key + d]
            }
          }
        }
        return dq
      })
  }

  var ofMemory: LinearOperator {
    LinearOperator(
      rows: size.positions * size.values, columns: size.positions * held,
      product: { dm in
        var output = [Double](repeating: 0, count: size.positions * size.values)
        forEachQuery { position, head, weights in
          move(&output, position, head, weights, scores(queries, dm, position, head))
          for q in 0..<position {
            for e in 0..<size.value {
              output[position * size.values + head * size.value + e] +=
                weights[q] * dm[q * held + size.keys + head * size.value + e]
            }
          }
        }
        return output
      },
      transposedProduct: { given in
        var dm = [Double](repeating: 0, count: size.positions * held)
        forEachQuery { position, head, weights in
          for (q, slope) in scoreGradient(given, position, head, weights).enumerated() {
            for d in 0..<size.key {
              dm[q * held + head * size.key + d] += slope * queries[position * size.keys + head * size.key + d]
            }
            for e in 0..<size.value {
              dm[q * held + size.keys + head * size.value + e] +=
                weights[q] * given[position * size.values + head * size.value + e]
            }
          }
        }
        return dm
      })
  }
}
