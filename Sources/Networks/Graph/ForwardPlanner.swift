// The forward half of a plan: phases, fusion, and which map each value lies in.
import Kernels

/// Goes through a graph in its order and makes the passes. See `Plan`.
struct ForwardPlanner {
  let graph: Graph
  let purpose: WorkspacePurpose
  let images: Int
  let fuses: Bool
  /// Whether dropout passes on what it reads.
  let dropoutIsOff: Bool
  /// The operations that the logits depend on, and who reads what each gives.
  let living: Set<Int>
  let consumers: [[Int]]

  private(set) var memory = PlanAllocator()
  private(set) var steps: [Plan.ForwardOperation] = []
  /// The map of each value that has one.
  private(set) var slots: [Int: Int] = [:]
  private(set) var positions: [Int: OperationPositions] = [:]
  private(set) var masks: [Int] = []

  private let phases: [Plan.Phase]
  /// Values that the backward pass or whoever runs the plan reads; values of which other pixels are read later.
  private let saved: Set<Int>, kept: Set<Int>
  /// Readers that have not run yet.
  private var remaining: [Int]
  private var done: Set<Int> = []
  /// The value that lies in a map now.
  private var owners: [Int: Int] = [:]

  init(_ graph: Graph, _ purpose: WorkspacePurpose, images: Int, fuses: Bool) {
    self.graph = graph
    self.purpose = purpose
    self.images = images
    self.fuses = fuses
    dropoutIsOff = purpose.dropout == 0
    living = graph.living
    consumers = graph.consumers(living: living, dropoutIsOff: dropoutIsOff)
    phases = graph.phasesOfSampling(consumers)
    remaining = consumers.map(\.count)
    saved = graph.savedValues(living, consumers, isTraining: purpose.isTraining)
    kept = purpose.isSampling ? graph.keptValues(living, consumers, phases) : []
  }

  /// Makes the passes of all operations.
  mutating func plan() {
    slots[0] = memory.allocate(specification(0), isFresh: true)
    done.insert(0)
    let order = living.subtracting([0]).sorted()
    // What reads the pixels' own passes one row above finds their maps made.
    let first =
      purpose.isSampling
      ? order.filter { number in
        phases[number] == .beforeRow && inputs(number).allSatisfy { $0 == 0 || phases[$0] == .beforeRow }
      } : []
    for number in first + order where !done.contains(number) {
      if dropoutIsOff, graph.nodes[number].operation is DropoutOperation { continue }
      if fuses, let convolution = graph.nodes[number].operation as? ConvolutionOperation {
        fuse(number, convolution)
      } else {
        append(number)
      }
    }
  }

  /// The nodes whose values node `number` reads.
  func inputs(_ number: Int) -> [Int] {
    graph.nodes[number].inputs.map { graph.source($0, dropoutIsOff: dropoutIsOff) }
  }

  // MARK: - Passes

  /// The pass of one operation alone.
  private mutating func append(_ number: Int) {
    let operation = graph.nodes[number].operation
    let internals = operation.internalMaps(images: images).map { map in
      (number: memory.allocate(specification(map), isFresh: isKept(map)), map: map)
    }
    let replaced = operation.runsInPlace ? inputs(number).first { canReplace($0, by: number) } : nil
    let output = replaced.map { replace($0, by: number) } ?? allocate(number)
    var own = OperationPositions(inputs: inputs(number).map(slot), output: output, internals: internals.map(\.number))
    if operation is DropoutOperation {
      own.mask = masks.count
      masks.append(own.inputs[0])
    }
    positions[number] = own
    let made = own
    step([number]) { operation.makeForward($0.operationMaps(made)) }
    for own in internals where isFreeAfterwards(own.map) { memory.release(own.number) }
  }

  /// The pass of a convolution and what it can be fused with.
  private mutating func fuse(_ number: Int, _ operation: ConvolutionOperation) {
    let chain = chain(number)
    let ending = chain.ending.map { graph.nodes[$0].operation }
    // What the activation or gated unit reads, and whether nobody else needs it.
    let last = chain.sum ?? number
    let isPassedOn = consumers[last].count == 1 && !saved.contains(last)
    let isRectified = (ending as? ActivationOperation)?.activation == .relu
    let gate = ending as? GatedUnitOperation
    if let sum = chain.sum {
      let other = inputs(sum)[0]
      let source = slot(other)
      if isRectified, let end = chain.ending, isPassedOn {
        let target = allocate(end)
        pass(number, operation, with: [sum, end]) { .plusRelu($0[source], to: $0[target]) }
      } else if canReplace(other, by: sum) {
        let stream = replace(other, by: sum)
        if isRectified, let end = chain.ending {
          let target = allocate(end)
          pass(number, operation, with: [sum, end]) { .residual(stream: $0[stream], relu: $0[target]) }
        } else if let gate, let end = chain.ending, consumers[sum].count == 1, !gate.blanksFirstRow {
          let target = allocate(end)
          positions[end] = OperationPositions(inputs: [stream], output: target, holdsGates: true)
          pass(number, operation, with: [sum, end]) { .addGated(gates: $0[stream], output: $0[target]) }
        } else {
          pass(number, operation, with: [sum]) { .add($0[stream]) }
        }
      } else {
        let target = allocate(sum)
        pass(number, operation, with: [sum]) { .plus($0[source], to: $0[target]) }
      }
    } else if isRectified, let end = chain.ending {
      if isPassedOn {
        let target = allocate(end)
        pass(number, operation, with: [end]) { .relu($0[target]) }
      } else {
        let (stream, target) = (allocate(number), allocate(end))
        pass(number, operation, with: [end]) { .storeAndRelu(stream: $0[stream], relu: $0[target]) }
      }
    } else if let gate, let end = chain.ending {
      let (sums, target) = (allocate(number), allocate(end))
      positions[end] = OperationPositions(inputs: [sums], output: target)
      positions[number] = OperationPositions(inputs: inputs(number).map(slot), output: sums)
      let own = OperationPositions(inputs: inputs(number).map(slot), output: sums)
      step([number, end]) { memory in
        let maps = memory.operationMaps(own)
        return GatedConvolutionForward(
          sums: operation.makePass(maps, to: .store(maps.output)),
          gated: operation.makePass(maps, to: .gated(sums: maps.output, output: memory.maps[target])),
          output: memory.maps[target], blanksFirstRow: gate.blanksFirstRow)
      }
    } else {
      let target = allocate(number)
      pass(number, operation, with: []) { .store($0[target]) }
    }
  }

  /// The chain behind a convolution, as far as it runs in the same phase.
  private func chain(_ number: Int) -> Graph.Chain {
    var chain = graph.chain(number, consumers)
    if let sum = chain.sum, phases[sum] != phases[number] || !done.contains(inputs(sum)[0]) { chain = Graph.Chain() }
    if let ending = chain.ending, phases[ending] != phases[number] { chain.ending = nil }
    return chain
  }

  /// A convolution that ends as `output` says, which computes `others` too.
  private mutating func pass(
    _ number: Int, _ operation: ConvolutionOperation, with others: [Int],
    to output: @escaping ([FeatureMap]) -> ConvolutionOutput
  ) {
    let target = ([number] + others).compactMap { slots[$0] }[0]
    let own = OperationPositions(inputs: inputs(number).map(slot), output: target)
    positions[number] = own
    for other in others where positions[other] == nil {
      positions[other] = OperationPositions(
        inputs: inputs(other).map { slots[$0] ?? target }, output: slots[other] ?? target)
    }
    step([number] + others) { memory in
      ConvolutionForward(operation.makePass(memory.operationMaps(own), to: output(memory.maps)))
    }
  }

  /// Appends a pass that computes `numbers`; maps that nobody reads any more are free behind it.
  private mutating func step(_ numbers: [Int], _ make: @escaping (PlanMemory) -> any ForwardPass) {
    steps.append(Plan.ForwardOperation(phase: phases[numbers[0]], make: make))
    done.formUnion(numbers)
    for number in numbers {
      for input in inputs(number) {
        remaining[input] -= 1
        if remaining[input] == 0, let map = slots[input], owners[map] == input, !saved.contains(input),
          !kept.contains(input)
        {
          memory.release(map)
        }
      }
    }
  }

  // MARK: - Maps

  /// The map of a value that has one.
  private func slot(_ number: Int) -> Int {
    guard let slot = slots[number] else { preconditionFailure("value \(number) has no map") }
    return slot
  }

  private mutating func allocate(_ number: Int) -> Int {
    let map = memory.allocate(specification(number), isFresh: kept.contains(number))
    slots[number] = map
    owners[map] = number
    return map
  }

  /// Whether value `number` may take the map of `input`: nobody else needs what lies there, and the maps are alike.
  private func canReplace(_ input: Int, by number: Int) -> Bool {
    let isReadLater =
      purpose.isSampling
      && (graph.isReadAtOtherPositions(input, consumers)
        // A pixel that runs once for each of its channels finds what its row began with.
        || (phases[input] == .beforeRow && phases[number] == .atPixel))
    return remaining[input] == 1 && input != 0 && !saved.contains(input) && !isReadLater
      && slots[input].map { memory.maps[$0] == specification(number) } ?? false
  }

  private mutating func replace(_ input: Int, by number: Int) -> Int {
    let map = slot(input)
    slots[number] = map
    // A map that is kept stays with the value that it was made for.
    if !kept.contains(input) { owners[map] = number }
    return map
  }

  private func specification(_ number: Int) -> Plan.Map {
    let operation = graph.nodes[number].operation
    let order = operation.outputOrder
    let border = border(number)
    return Plan.Map(
      channels: order.mapChannels, border: border, isPadded: order.grouping != .none(padded: false),
      sharesRows: purpose.isSampling && number != 0 && border.top == 0 && border.bottom == 0)
  }

  private func specification(_ map: InternalMap) -> Plan.Map {
    if case .image(let positions) = map.use {
      return Plan.Map(channels: map.channels, border: map.border, tag: map.tag, positions: positions * images)
    }
    let isRows = if case .rows = map.use { true } else { false }
    return Plan.Map(
      channels: map.channels, border: map.border, sharesRows: purpose.isSampling && !isRows, tag: map.tag)
  }

  /// The border that the readers of a value need, and those of what may take its map.
  private func border(_ number: Int) -> FeatureMap.Border {
    var border = (graph.nodes[number].operation.ownBorder ?? .init()).widened(images)
    for consumer in consumers[number] {
      let operation = graph.nodes[consumer].operation
      for (index, input) in inputs(consumer).enumerated() where input == number {
        border = border.union(operation.window(ofInput: index).dilated(by: images).border)
      }
      if operation is ActivationOperation, consumers[number].count == 1 {
        border = border.union(self.border(consumer))
      }
    }
    return border
  }

  private func isKept(_ map: InternalMap) -> Bool {
    switch map.use {
    case .scratch, .saved: false
    case .rows, .row, .image: purpose.isSampling
    }
  }

  private func isFreeAfterwards(_ map: InternalMap) -> Bool {
    switch map.use {
    case .scratch: true
    case .saved: !purpose.isTraining
    case .rows, .row, .image: !purpose.isTraining && !purpose.isSampling
    }
  }
}

extension FeatureMap.Border {
  /// Wide enough for both.
  func union(_ other: Self) -> Self {
    Self(
      top: max(top, other.top), bottom: max(bottom, other.bottom), left: max(left, other.left),
      right: max(right, other.right))
  }

  /// The border of `images` interleaved images.
  func widened(_ images: Int) -> Self { Self(top: top, bottom: bottom, left: left * images, right: right * images) }
}

extension ChannelLayout {
  /// Channels of a map that holds them: groups are rounded up to whole vectors.
  var mapChannels: Int { groups == 1 ? channels : stride }
}

// MARK: - What follows from the graph alone

extension Graph {
  /// When each operation runs where pixels come one by one.
  var phases: [Plan.Phase] {
    var phases = [Plan.Phase](repeating: .atPixel, count: nodes.count)
    for (number, node) in nodes.enumerated() where number > 0 {
      let decided = node.inputs.enumerated().allSatisfy { index, input in
        phases[input] == .beforeRow
          || node.operation.window(ofInput: index).runs.allSatisfy { $0.dy < 0 }
      }
      if decided, node.operation.ownBorder == nil { phases[number] = .beforeRow }
      precondition(
        phases[number] == .beforeRow || !node.operation.scansWholeRows, "a row is read before it is known whole")
      for (index, input) in node.inputs.enumerated() where phases[input] == .atPixel {
        precondition(
          node.operation.window(ofInput: index).runs.allSatisfy { $0.dy < 0 || ($0.dy == 0 && $0.dx + $0.count <= 1) },
          "an operation reads what comes later")
      }
    }
    return phases
  }

  /// The same as a sampler needs it: a pixel that runs once for each of its channels adds to what a sum begins with each
  /// time anew.
  func phasesOfSampling(_ consumers: [[Int]]) -> [Plan.Phase] {
    var phases = phases
    guard configuration.isChannelAutoregressive else { return phases }
    for number in nodes.indices where phases[number] == .beforeRow && !nodes[number].operation.scansWholeRows {
      if let sum = onlySum(behind: number, consumers), phases[sum] == .atPixel { phases[number] = .atPixel }
    }
    return phases
  }

  /// Whether later positions read `number` at other positions than their own.
  func isReadAtOtherPositions(_ number: Int, _ consumers: [[Int]]) -> Bool {
    nodes[number].operation.ownBorder != nil
      || consumers[number].contains { consumer in
        let operation = nodes[consumer].operation
        return operation.readsWholeRows
          || nodes[consumer].inputs.indices.contains { operation.window(ofInput: $0) != .pointwise }
      }
  }

  /// Values that must outlast the row or the pixel in which they are computed.
  func keptValues(_ living: Set<Int>, _ consumers: [[Int]], _ phases: [Plan.Phase]) -> Set<Int> {
    living.filter { number in
      isReadAtOtherPositions(number, consumers)
        || (phases[number] == .beforeRow && consumers[number].contains { phases[$0] == .atPixel })
    }
  }

  /// Values that are read once the forward pass is over.
  func savedValues(_ living: Set<Int>, _ consumers: [[Int]], isTraining: Bool) -> Set<Int> {
    guard isTraining else { return [output] }
    let read = living.filter { number in
      nodes[number].operation.savesOutput || consumers[number].contains { nodes[$0].operation.savesInputs }
    }
    let outputs = living.compactMap { number in
      nodes[number].operation is ConvolutionOperation ? watched(number, consumers).value : nil
    }
    return read.union(outputs).union([output])
  }

  /// What is watched of a convolution: the value that holds its outputs, after the activation, and what they are.
  func watched(_ number: Int, _ consumers: [[Int]]) -> (value: Int, units: OutputNonlinearity) {
    let last = onlySum(behind: number, consumers) ?? number
    let operation = nodes[number].operation as? ConvolutionOperation
    for consumer in consumers[last] where operation?.belongsToStream != true {
      if let ending = nodes[consumer].operation as? ActivationOperation {
        return (consumer, OutputNonlinearity(ending.activation))
      }
      if nodes[consumer].operation is GatedUnitOperation { return (last, .gated) }
    }
    return (last, .linear)
  }
}
