// What is stated of a model, from its graph: what is watched, costs, sequential steps, context.
import Kernels

extension ImageModel {
  /// The layers whose outputs and gradients can be watched.
  package var observedLayers: [ObservedLayer] {
    let living = graph.living
    let consumers = graph.consumers(living: living)
    return living.sorted().flatMap { number -> [ObservedLayer] in
      let operation = graph.nodes[number].operation
      guard let convolution = operation as? ConvolutionOperation else { return operation.observedLayers }
      return [ObservedLayer(convolution.convolution, graph.watched(number, consumers).units)]
    }
  }

  // MARK: Costs

  /// What each layer costs, in the order of the forward pass.
  package var layerCosts: [LayerCost] {
    let consumers = graph.consumers()
    let (training, sampling) = (graph.criticalPath(), graph.criticalPaths())
    return graph.nodes.indices.flatMap { number -> [LayerCost] in
      let costs = graph.nodes[number].operation.costs(configuration.shape)
      guard graph.nodes[number].operation is ConvolutionOperation else {
        return costs.map {
          $0.with(
            trainingSteps: training.contains(number) ? $0.trainingSteps : 0,
            samplingSteps: sampling[.atPixel]?.contains(number) == true ? $0.samplingSteps : 0)
        }
      }
      let ending = graph.ending(number, consumers)
      let before = sampling[.beforeRow]?.contains(number) == true ? configuration.shape.height : 0
      let at = sampling[.atPixel]?.contains(number) == true ? configuration.shape.pixels : 0
      return costs.map { cost in
        cost.with(
          kind: cost.kind + ending.words, trainingSteps: training.contains(number) ? 1 : 0, samplingSteps: before + at,
          activationBytes: ending.keptShare(of: cost.activationBytes))
      }
    }
  }

  /// Steps of the whole network that must follow one another.
  package var sequentialSteps: SequentialSteps {
    let costs = layerCosts
    let shape = configuration.shape
    let diagonals = shape.width + shape.height - 1
    // A layer of recurrences begins as soon as the one before has its first diagonal.
    let recurrences = costs.count { $0.trainingSteps > 1 }
    let training = costs.reduce(0) { $0 + $1.trainingSteps }
    return SequentialSteps(
      training: training,
      pipelined: recurrences == 0 ? training : training - (recurrences - 1) * (diagonals - 1),
      trainingFormula: recurrences == 0 ? "d" : "d·(W+H−1), pipelined W+H+d−2",
      sampling: costs.reduce(0) { $0 + $1.samplingSteps }, samplingFormula: "d·W·H")
  }

  // MARK: Context

  /// Which pixels (H×W, by rows) the output at row `y`, column `x` of layer number `layer` of `layerCosts` can see; nil: of
  /// the whole network. Found from the output back through the graph: each operation widens what is seen.
  package func context(y: Int, x: Int, throughLayer layer: Int? = nil) -> [Bool] {
    let shape = configuration.shape
    var start = (node: graph.output, layer: 0)
    if let layer {
      let owners = graph.nodes.indices.flatMap { number in
        graph.nodes[number].operation.layers.indices.map { (node: number, layer: $0) }
      }
      start = owners[layer]
      // A convolution's outputs are those of the sum that it ends in.
      start.node = graph.chain(start.node, graph.consumers()).sum ?? start.node
    }
    var seen = [[Bool]?](repeating: nil, count: graph.nodes.count)
    seen[start.node] = (0..<shape.pixels).map { $0 == y * shape.width + x }
    for number in (0...start.node).reversed() {
      guard number > 0, let positions = seen[number] else { continue }
      let operation = graph.nodes[number].operation
      let last = max(0, operation.layers.count - 1)
      for (index, input) in graph.nodes[number].inputs.enumerated() {
        let wider = operation.reach(ofLayer: number == start.node ? start.layer : last, input: index)
          .spread(positions, shape)
        seen[input] = seen[input].map { zip($0, wider).map { $0 || $1 } } ?? wider
      }
    }
    return seen[0] ?? [Bool](repeating: false, count: shape.pixels)
  }
}

extension Graph {
  /// What follows a convolution in its stage, in words and in what is kept.
  fileprivate struct Ending {
    var words = ""
    /// Whether a gated unit follows: its outputs, half as many, are kept too. Whether another convolution's sums are added
    /// in the same map.
    var isGated = false, isAddedTo = false

    func keptShare(of bytes: Int) -> Int { isAddedTo ? 0 : isGated ? bytes / 2 * 3 : bytes }
  }

  /// See `Ending`.
  fileprivate func ending(_ number: Int, _ consumers: [[Int]]) -> Ending {
    let chain = chain(number, consumers)
    func isOfStage(_ other: Int) -> Bool { nodes[other].stage == nodes[number].stage }
    if let end = chain.ending, isOfStage(end) {
      if nodes[end].operation is GatedUnitOperation { return Ending(words: ", gated", isGated: true) }
      if chain.sum == nil, let operation = nodes[end].operation as? ActivationOperation {
        let name = operation.activation == .relu ? "ReLU" : operation.activation.rawValue
        return Ending(words: ", " + name)
      }
    }
    if let sum = chain.sum, isOfStage(sum) { return Ending(words: ", added to the stream") }
    return Ending(isAddedTo: onlySum(behind: number, consumers) != nil)
  }

  /// Steps of an operation that must follow one another when all pixels are known.
  private func steps(_ number: Int) -> Int {
    nodes[number].operation.costs(configuration.shape).reduce(0) { $0 + $1.trainingSteps }
  }

  /// The operations on the longest way from the image to the logits.
  fileprivate func criticalPath() -> Set<Int> {
    longestPath(to: output, among: Set(nodes.indices))
  }

  /// The operations on the longest way through what runs before a row, and through what runs at a pixel.
  fileprivate func criticalPaths() -> [Plan.Phase: Set<Int>] {
    let (phases, living) = (phases, living)
    let before = living.filter { phases[$0] == .beforeRow }
    var result = [Plan.Phase.atPixel: longestPath(to: output, among: living.subtracting(before))]
    if !before.isEmpty { result[.beforeRow] = longestPath(to: nil, among: before) }
    return result
  }

  /// The longest way, in steps, through operations of `members` to `end`, or to whichever takes longest.
  private func longestPath(to end: Int?, among members: Set<Int>) -> Set<Int> {
    var lengths = [Int](repeating: 0, count: nodes.count)
    var earlier = [Int?](repeating: nil, count: nodes.count)
    for number in members.sorted() {
      let inputs = nodes[number].inputs.map { source($0) }.filter(members.contains)
      // Of two that take as long, the one built first.
      earlier[number] = inputs.max { (lengths[$0], -$0) < (lengths[$1], -$1) }
      lengths[number] = steps(number) + (earlier[number].map { lengths[$0] } ?? 0)
    }
    var path: Set<Int> = []
    var next = end ?? members.max { (lengths[$0], -$0) < (lengths[$1], -$1) }
    while let number = next {
      path.insert(number)
      next = earlier[number]
    }
    return path
  }
}
