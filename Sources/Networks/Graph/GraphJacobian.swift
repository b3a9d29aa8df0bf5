// The chain of Jacobians of a graph at one image: exact products of each stage with J and Jᵀ.
import Core
import Kernels

extension ImageModel {
  /// The Jacobians of the layers at one image, in the order of the forward pass: links of the chain to the logits, and
  /// their parts. A link of the chain takes the values that cross into a stage to those that leave it, side by side in
  /// the order of the graph.
  package func jacobians(_ batch: ImageBatch, image: Int, parameters: ParameterVector) -> [LinearizedLayer] {
    let plan = plan(.training(dropout: 0), images: 1)
    let workspace = ModelWorkspace(plan)
    workspace.forward(configuration.order.turn(batch), images: image..<image + 1, packed: packed(parameters))
    let living = graph.living
    let jacobians = GraphJacobians(plan, workspace.memory, parameters, living)
    return graph.stages.indices.flatMap { stage -> [LinearizedLayer] in
      let members = living.filter { $0 != 0 && graph.nodes[$0].stage == stage }.sorted()
      let parts = graph.stages[stage].listsParts ? members.flatMap(jacobians.parts) : []
      return parts + [
        LinearizedLayer(
          name: graph.stages[stage].name, kind: graph.stages[stage].kind, isChainStage: true,
          jacobian: jacobians.link(members))
      ]
    }
  }
}

/// The Jacobians of a graph's operations where a workspace stands.
private struct GraphJacobians {
  private let graph: Graph
  private let consumers: [[Int]]
  private let shape: ImageShape
  /// Of each operation that has a part.
  private let operations: [Int: OperationJacobians]

  init(_ plan: Plan, _ memory: PlanMemory, _ parameters: ParameterVector, _ living: Set<Int>) {
    let graph = plan.graph
    let shape = graph.configuration.shape
    self.graph = graph
    self.shape = shape
    consumers = graph.consumers(living: living)
    var operations: [Int: OperationJacobians] = [:]
    for (number, positions) in plan.positions {
      operations[number] = graph.nodes[number].operation.jacobians(memory.operationMaps(positions), parameters, shape)
    }
    self.operations = operations
  }

  /// What is listed of operation `number` by itself: a convolution with the unit that follows it in its stage.
  func parts(_ number: Int) -> [LinearizedLayer] {
    let operation = graph.nodes[number].operation
    if operation is GatedUnitOperation, let own = operations[number]?.inputs[0], consumers[number].count > 0 {
      // Only the unit of a sum stands for itself.
      guard graph.nodes[input(number)].operation is SumOperation else { return [] }
      let name = graph.stages[graph.nodes[number].stage].name + ".gate"
      return [LinearizedLayer(name: name, kind: .gate, isChainStage: false, jacobian: own)]
    }
    guard let convolution = operation as? ConvolutionOperation, let own = operations[number]?.inputs[0] else {
      return operations[number]?.parts ?? []
    }
    if convolution.belongsToStream { return [] }
    let chain = graph.chain(number, consumers)
    var jacobian = own
    if let end = chain.ending, graph.nodes[end].stage == graph.nodes[number].stage,
      let slope = operations[end]?.inputs[0],
      chain.sum == nil || graph.nodes[end].operation is GatedUnitOperation
    {
      jacobian = .chain([own, slope])
    }
    return [
      LinearizedLayer(name: convolution.convolution.name, kind: .convolution, isChainStage: false, jacobian: jacobian)
    ]
  }

  private func input(_ number: Int) -> Int { graph.source(graph.nodes[number].inputs[0]) }

  private func count(_ number: Int) -> Int { shape.pixels * graph.nodes[number].operation.outputOrder.channels }

  /// The Jacobian of `members`, a stage, from the values that cross into it to those that leave it.
  func link(_ members: [Int]) -> LinearOperator {
    let operations = operations
    let own = Set(members)
    let steps = members.compactMap { number -> (number: Int, inputs: [(number: Int, jacobian: LinearOperator)])? in
      guard let jacobians = operations[number]?.inputs else { return nil }
      let inputs = graph.nodes[number].inputs.map { graph.source($0) }
      return (number, Array(zip(inputs, jacobians)).map { (number: $0, jacobian: $1) })
    }
    let outer = Set(steps.flatMap { $0.inputs.map(\.number) }).subtracting(own)
    // The image is the source of the first stage; where a later one reads it too, the chain is of its features alone.
    let sources = (outer == [0] ? outer : outer.subtracting([0])).sorted().map { ($0, count($0)) }
    let results = steps.map(\.number).filter { number in
      number == graph.output || consumers[number].contains { !own.contains($0) }
    }.map { ($0, count($0)) }
    return LinearOperator(
      rows: results.reduce(0) { $0 + $1.1 }, columns: sources.reduce(0) { $0 + $1.1 },
      product: { x in
        var values = Self.split(x, sources)
        for step in steps {
          // What depends on no source, an operation that reads the image alone, moves nothing.
          let given = step.inputs.compactMap { input in values[input.number].map(input.jacobian.product) }
          if !given.isEmpty { values[step.number] = given.summed }
        }
        return results.flatMap { values[$0.0] ?? [] }
      },
      transposedProduct: { y in
        var values = Self.split(y, results)
        for step in steps.reversed() {
          guard let given = values[step.number] else { continue }
          for input in step.inputs {
            values[input.number] =
              [values[input.number], input.jacobian.transposedProduct(given)]
              .compactMap { $0 }.summed
          }
        }
        return sources.flatMap { values[$0.0] ?? [Double](repeating: 0, count: $0.1) }
      })
  }

  private static func split(_ x: [Double], _ parts: [(Int, Int)]) -> [Int: [Double]] {
    var result: [Int: [Double]] = [:]
    var start = 0
    for (number, count) in parts {
      result[number] = Array(x[start..<start + count])
      start += count
    }
    return result
  }
}

extension [[Double]] {
  /// Their sum, element by element.
  fileprivate var summed: [Double] {
    guard var sum = first else { return [] }
    for other in dropFirst() { for i in sum.indices { sum[i] += other[i] } }
    return sum
  }
}
