// The backward half of a plan: in which map each gradient lies, and who stores, adds or passes on.
import Kernels

/// Goes through a graph in the opposite order, behind the forward half, and makes the passes that lead from the logits'
/// gradient to those of all parameters. The first to give a value a gradient stores it, others add. A sum gives its own
/// gradient on, in the same map, which is copied where one of its inputs would change what another still reads.
struct BackwardPlanner {
  private(set) var memory: PlanAllocator
  private(set) var steps: [Plan.BackwardOperation] = []
  private(set) var logitGradient = 0

  private let forward: ForwardPlanner
  private let graph: Graph
  private let images: Int
  private let height: Int

  /// Where a value's gradient lies, and from which row on.
  private struct Gradient {
    var map: Int
    var firstRow = 0
  }
  private var gradients: [Int: Gradient] = [:]
  /// Values whose gradient lies in a map.
  private var users: [Int: Int] = [:]
  /// Operations that a pass before them has taken along.
  private var done: Set<Int> = []
  /// Masks of dropout to be applied behind the operation that gave what was left out: both are diagonal, and the slope
  /// comes first.
  private var masksBehind: [Int: Int] = [:]

  init(_ forward: ForwardPlanner) {
    self.forward = forward
    memory = forward.memory
    graph = forward.graph
    images = forward.images
    height = graph.configuration.shape.height
  }

  mutating func plan() {
    // Whoever gives it may look at it again.
    logitGradient = memory.allocate(specification(graph.output), isFresh: true)
    users[logitGradient] = 2
    gradients[graph.output] = Gradient(map: logitGradient)
    for number in forward.living.sorted(by: >) where number != 0 && !done.contains(number) {
      let operation = graph.nodes[number].operation
      if operation is DropoutOperation, forward.dropoutIsOff { continue }
      guard let own = gradients[number] else { preconditionFailure("operation \(number) gets no gradient") }
      switch operation {
      case let convolution as ConvolutionOperation: append(number, convolution, own)
      case is SumOperation: passOn(number, own)
      case is DropoutOperation: thinOut(number, own)
      case is ActivationOperation: activation(number, own)
      default: append(number, operation, own)
      }
      if gradients[number] != nil { release(number) }
    }
  }

  // MARK: - Operations

  private mutating func append(_ number: Int, _ operation: ConvolutionOperation, _ own: Gradient) {
    clearRows(above: own)
    let (positions, gradient) = (positions(number), own.map)
    steps.append(
      Plan.BackwardOperation(
        make: { operation.makeWeightGradient($0.operationMaps(positions), $0.maps[gradient]) },
        observations: observations(number, operation, gradient)))
    let input = forward.inputs(number)[0]
    if input != 0, !fuse(number, operation, own, input) {
      let images = images
      let target = target(input)
      step { memory in
        BackwardPasses(
          operation.convolution.inputGradientPasses(memory.maps[gradient], to: target(memory), images: images))
      }
    }
  }

  /// Ends the convolution's input gradient in the slope of what gave the input; false where that cannot be.
  private mutating func fuse(
    _ number: Int, _ operation: ConvolutionOperation, _ own: Gradient, _ input: Int
  ) -> Bool {
    guard forward.fuses, forward.consumers[input].count == 1 else { return false }
    let thins = graph.nodes[input].operation is DropoutOperation
    let unit = thins ? forward.inputs(input)[0] : input
    guard unit != 0, forward.consumers[unit].count == 1 else { return false }
    let mask = thins ? forward.positions[input]?.mask : nil
    let (gradient, images) = (own.map, images)
    let convolution = operation.convolution
    func output(_ output: @escaping ([FeatureMap]) -> ConvolutionOutput, rows: Range<Int>) {
      step { memory in
        InputBackward(
          convolution.inputGradient(memory.maps[gradient], to: output(memory.maps), images: images), rows: rows)
      }
    }
    switch graph.nodes[unit].operation {
    case let operation as ActivationOperation where operation.activation == .relu:
      let source = forward.inputs(unit)[0]
      guard source != 0, let saved = forward.slots[unit] else { return false }
      if gradients[source] == nil {
        let target = start(source)
        output({ .reluGradient($0[target], saved: $0[saved]) }, rows: 0..<height)
      } else {
        guard mask == nil, gradients[source]?.firstRow == 0 else { return false }
        let target = change(source)
        output({ .addReluGradient(stream: $0[target], saved: $0[saved]) }, rows: 0..<height)
      }
      apply(mask, to: source)
    case let operation as GatedUnitOperation:
      let source = forward.inputs(unit)[0]
      guard gradients[source] == nil, let inner = forward.slots[source] else { return false }
      let target = start(source, firstRow: operation.firstGradientRow)
      if forward.positions[unit]?.holdsGates == true {
        output({ .gateGradient(gates: $0[inner], gradient: $0[target]) }, rows: operation.firstGradientRow..<height)
      } else {
        output({ .sumGateGradient(sums: $0[inner], gradient: $0[target]) }, rows: operation.firstGradientRow..<height)
      }
      apply(mask, to: source)
    default: return false
    }
    done.formUnion([unit, input])
    return true
  }

  /// Both inputs of a sum have its gradient.
  private mutating func passOn(_ number: Int, _ own: Gradient) {
    for input in forward.inputs(number) where input != 0 {
      if gradients[input] == nil {
        gradients[input] = own
        users[own.map, default: 0] += 1
      } else {
        let (target, source) = (change(input), own.map)
        step { memory in
          let (a, b) = (memory.maps[source], memory.maps[target])
          return MapPass(b) { add(a, b, to: b, in: $0) }
        }
      }
    }
  }

  private mutating func thinOut(_ number: Int, _ own: Gradient) {
    let input = forward.inputs(number)[0]
    guard let mask = forward.positions[number]?.mask else { preconditionFailure("dropout without a mask") }
    precondition(gradients[input] == nil, "what dropout reads is read by nobody else")
    gradients[input] = own
    gradients[number] = nil
    let giver = graph.nodes[input].operation
    if giver is ActivationOperation || giver is GatedUnitOperation {
      masksBehind[input] = mask
    } else {
      _ = change(input)
      apply(mask, to: input)
    }
  }

  private mutating func activation(_ number: Int, _ own: Gradient) {
    let operation = graph.nodes[number].operation
    let input = forward.inputs(number)[0]
    let isFirst = gradients[input] == nil
    let given = change(number)
    let positions = positions(number)
    guard isFirst, memory.maps[given] == specification(input) else {
      let target = target(input)
      step { memory in
        operation.makeBackward(
          memory.operationMaps(positions),
          OperationGradients(output: memory.maps[given], inputs: [target(memory)], internals: []))
      }
      return apply(masksBehind[number], to: input)
    }
    // In place.
    gradients[input] = gradients.removeValue(forKey: number)
    let height = height
    step { memory in
      operation.makeBackward(
        memory.operationMaps(positions),
        OperationGradients(
          output: memory.maps[given], inputs: [GradientTarget(map: memory.maps[given], firstAdded: height)],
          internals: []))
    }
    apply(masksBehind[number], to: input)
  }

  private mutating func append(_ number: Int, _ operation: any Operation, _ own: Gradient) {
    clearRows(above: own)
    let positions = positions(number)
    let given = own.map
    let internals = operation.internalGradients(images: images).map { map in
      memory.allocate(Plan.Map(channels: map.channels, border: map.border, tag: map.tag))
    }
    let inputs = forward.inputs(number)
    if operation.readsGradientFirst { forget(number, sharedWith: inputs) }
    let isFirst = gradients[inputs[0]] == nil
    let targets = inputs.map { $0 == 0 ? nil : target($0) }
    func makeGradients(_ memory: PlanMemory) -> OperationGradients {
      OperationGradients(
        output: memory.maps[given], inputs: targets.map { $0?(memory) }, internals: internals.map { memory.maps[$0] })
    }
    steps.append(
      Plan.BackwardOperation(
        make: { operation.makeBackward($0.operationMaps(positions), makeGradients($0)) },
        observations: { operation.observations($0.operationMaps(positions), makeGradients($0)) }))
    for map in internals { memory.release(map) }
    if let gate = operation as? GatedUnitOperation {
      if isFirst { gradients[inputs[0]]?.firstRow = gate.firstGradientRow }
      apply(masksBehind[number], to: inputs[0])
    }
  }

  /// What is watched of a convolution whose outputs have the gradient in map `gradient`. Gates that are not kept are computed
  /// once more, in a map that nobody needs just then.
  private mutating func observations(
    _ number: Int, _ operation: ConvolutionOperation, _ gradient: Int
  ) -> (PlanMemory) -> [Observation] {
    let watched = graph.watched(number, forward.consumers)
    guard let outputs = forward.slots[watched.value] else {
      preconditionFailure("\(operation.convolution.name) is lost")
    }
    let holdsGates = forward.consumers[watched.value].contains { forward.positions[$0]?.holdsGates == true }
    let scratch = watched.units == .gated && !holdsGates ? memory.scratch(like: outputs) : nil
    return { memory in
      if let scratch { computeGates(memory.maps[outputs], to: memory.maps[scratch]) }
      return [
        Observation(
          layer: operation.convolution.name, outputs: memory.maps[scratch ?? outputs], gradient: memory.maps[gradient])
      ]
    }
  }

  // MARK: - Passes

  private mutating func step(_ make: @escaping (PlanMemory) -> any BackwardPass) {
    steps.append(Plan.BackwardOperation(make: make))
  }

  /// Multiplies the gradient of `number` by mask `mask`.
  private mutating func apply(_ mask: Int?, to number: Int) {
    guard let mask, let own = gradients[number] else { return }
    let rows = own.firstRow..<height
    step { memory in
      let (map, mask) = (memory.maps[own.map], memory.masks[mask])
      return MapPass(map) { mask.apply(map, to: map, in: MapRegion(rows: rows, columns: $0.columns)) }
    }
  }

  /// Rows that nobody has given a gradient have none.
  private mutating func clearRows(above own: Gradient) {
    guard own.firstRow > 0 else { return }
    step { memory in
      let map = memory.maps[own.map]
      return MapPass(map) { clear(map, in: MapRegion(rows: 0..<own.firstRow, columns: $0.columns)) }
    }
  }

  // MARK: - Maps

  private func positions(_ number: Int) -> OperationPositions {
    guard let positions = forward.positions[number] else { preconditionFailure("operation \(number) has no maps") }
    return positions
  }

  private func specification(_ number: Int) -> Plan.Map {
    Plan.Map(channels: graph.nodes[number].operation.outputOrder.mapChannels, border: border(number))
  }

  /// The border that the operations need which read the gradient of `number`, or of what it is passed on to in place.
  private func border(_ number: Int) -> FeatureMap.Border {
    let operation = graph.nodes[number].operation
    // A gradient of the image itself is never wanted.
    let inputs = forward.inputs(number).filter { $0 != 0 }
    if inputs.isEmpty { return .init() }
    guard operation.runsInPlace else { return operation.gradientBorder(images: images) }
    return inputs.map(border).reduce(.init()) { $0.union($1) }
  }

  private mutating func allocate(_ number: Int) -> Int {
    let map = memory.allocate(specification(number))
    users[map] = 1
    return map
  }

  /// A new map for the gradient of `number`, of which a pass stores the rows from `firstRow` on.
  private mutating func start(_ number: Int, firstRow: Int = 0) -> Int {
    let map = allocate(number)
    gradients[number] = Gradient(map: map, firstRow: firstRow)
    return map
  }

  /// The map of the gradient of `number`, which is about to change: its own from here on.
  private mutating func change(_ number: Int) -> Int {
    guard let own = gradients[number] else { preconditionFailure("no gradient of \(number) yet") }
    guard users[own.map, default: 0] > 1 else { return own.map }
    users[own.map, default: 0] -= 1
    let map = allocate(number)
    gradients[number]?.map = map
    step { memory in
      let (source, target) = (memory.maps[own.map], memory.maps[map])
      return MapPass(target) { copy(source, to: target, in: $0) }
    }
    return map
  }

  /// Where an operation's gradient of input `number` goes.
  private mutating func target(_ number: Int) -> (PlanMemory) -> GradientTarget {
    guard let own = gradients[number] else {
      let (map, height) = (start(number), height)
      return { GradientTarget(map: $0.maps[map], firstAdded: height) }
    }
    let map = change(number)
    gradients[number]?.firstRow = 0
    return { GradientTarget(map: $0.maps[map], firstAdded: own.firstRow) }
  }

  /// `number` no longer needs the map that it shares with one of `inputs`.
  private mutating func forget(_ number: Int, sharedWith inputs: [Int]) {
    guard let own = gradients[number], inputs.contains(where: { gradients[$0]?.map == own.map }) else { return }
    release(number)
  }

  /// The gradient of `number` is done with.
  private mutating func release(_ number: Int) {
    guard let own = gradients.removeValue(forKey: number) else { return }
    users[own.map, default: 0] -= 1
    if users[own.map] == 0 { memory.release(own.map) }
  }
}
