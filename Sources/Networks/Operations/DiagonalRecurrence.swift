// A two-dimensional recurrence in a graph: one direction or two, put together.
import Core
import Kernels

/// One layer of a recurrent model: from its input, by anti-diagonals, to the sum of its directions' outputs. The direction
/// from the right is moved down one row before it is used: at (i, j) it would otherwise have seen pixels to the right of j
/// in row i.
struct DiagonalRecurrence: Operation {
  /// The name of its tensors without the direction: "layers.3".
  let name: String
  let directions: [RecurrentDirection]

  var title: String { directions.count == 1 ? "diagonal recurrence" : "two diagonal recurrences" }

  private var features: Int { directions[0].stateToState.inputChannels }
  private var gateChannels: Int { directions[0].stateToState.mapChannels }
  private var cell: any RecurrentCell { directions[0].cell }

  var layers: [any ParameterLayer] {
    directions.flatMap { [$0.inputToState, $0.stateToState] + ($0.pixelToState.map { [$0] } ?? []) }
  }
  var outputOrder: ChannelLayout { ChannelLayout(features, .none(padded: true)) }
  func window(ofInput index: Int) -> ConvolutionWindow {
    index == 0 ? directions[0].inputToState.window : .pointwise
  }
  /// The first product's outputs see its window; the cells see all that lies on their way.
  func reach(ofLayer layer: Int) -> Reach {
    let window = directions[0].inputToState.earlierWindow
    return layer == 0 ? .window(window) : .recurrence(directions: directions.count, over: window)
  }
  /// Pixels reach the cells one row above, and all that go on from them.
  func reach(ofLayer layer: Int, input index: Int) -> Reach {
    guard index == 1 else { return reach(ofLayer: layer) }
    let above = ConvolutionWindow(runs: [.init(dy: -1, dx: 0, count: 1)])
    return layer == 4 ? .scan(flipped: true, over: above) : .window(ConvolutionWindow(runs: []))
  }
  /// The direction from the right begins at a row's end.
  var readsWholeRows: Bool { directions.count > 1 }
  var prefersInterleavedImages: Bool { true }

  // MARK: Maps

  private static func around(_ images: Int) -> FeatureMap.Border {
    .init(top: 1, bottom: 1, left: images, right: images)
  }

  /// With one direction the output is that of its cells, which read it.
  var ownBorder: FeatureMap.Border? { directions.count == 1 ? Self.around(1) : nil }
  var savesOutput: Bool { directions.count == 1 }
  var readsGradientFirst: Bool { true }

  /// Of each direction: gates; with two directions, the output; the cell's state and what else it keeps.
  func internalMaps(images: Int) -> [InternalMap] {
    directions.flatMap { direction -> [InternalMap] in
      var maps = [InternalMap(channels: gateChannels, use: .saved)]
      if directions.count > 1 {
        maps.append(InternalMap(channels: features, border: Self.around(images), use: .rows))
      }
      if direction.cell.hasState {
        maps.append(InternalMap(channels: features, border: .init(left: images, right: images), use: .row))
      }
      return maps + (0..<direction.cell.keptMaps).map { _ in InternalMap(channels: features, use: .saved) }
    }
  }

  /// Of each direction: with respect to the gates, to the output, and to the state where there is one. A state's gradient
  /// at the end of a row must stay zero, at its other end it is written past the row: each direction has its own.
  func internalGradients(images: Int) -> [InternalMap] {
    directions.enumerated().flatMap { number, direction -> [InternalMap] in
      var maps = [
        InternalMap(channels: gateChannels, border: Self.around(images), use: .scratch),
        InternalMap(channels: features, use: .scratch),
      ]
      if direction.cell.hasState {
        maps.append(InternalMap(channels: features, border: Self.around(images), use: .scratch, tag: number + 1))
      }
      return maps
    }
  }

  private func cellMaps(_ maps: OperationMaps) -> [CellMaps] {
    var left = maps.internals[...]
    return directions.map { direction in
      let gates = left.removeFirst()
      let output = directions.count > 1 ? left.removeFirst() : maps.output
      let state = direction.cell.hasState ? left.removeFirst() : nil
      let kept = (0..<direction.cell.keptMaps).map { _ in left.removeFirst() }
      return CellMaps(
        gates: gates, output: output, state: state, kept: kept,
        previous: direction.flipped ? maps.images : -maps.images)
    }
  }

  private func cellGradients(_ gradients: OperationGradients) -> [CellGradients] {
    var left = gradients.internals[...]
    return directions.map { direction in
      CellGradients(
        gates: left.removeFirst(), output: left.removeFirst(),
        state: direction.cell.hasState ? left.removeFirst() : nil)
    }
  }

  // MARK: Passes

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    RecurrenceForward(
      runners: zip(directions, cellMaps(maps)).map { direction, own in
        RecurrentRunner(
          direction, input: maps.inputs[0], image: maps.inputs.last, maps: own, images: maps.images,
          biases: maps.biases)
      }, output: maps.output)
  }

  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    let (own, slopes) = (cellMaps(maps), cellGradients(gradients))
    return RecurrenceBackward(
      given: gradients.output, outputs: slopes.map(\.output),
      directions: directions.indices.map { number in
        RecurrentBackward(
          directions[number], input: maps.inputs[0], image: maps.inputs.last, maps: own[number],
          gradients: slopes[number],
          inputGradient: gradients.inputs[0].map { target in
            target.isNew && number == 0 ? .store(target.map) : .add(target.map)
          }, images: maps.images, biases: maps.biases)
      })
  }

  // MARK: What is stated and watched of it

  func costs(_ shape: ImageShape) -> [LayerCost] {
    let diagonals = shape.width + shape.height - 1
    return directions.enumerated().flatMap { index, direction -> [LayerCost] in
      // Besides the gates, each cell keeps its output, its state where it has one, and more. Directions run side by side:
      // the first counts for both.
      let maps = 1 + (direction.cell.hasState ? 1 : 0) + direction.cell.keptMaps
      let kept = maps * shape.pixels * Lanes.roundUp(features) * 4
      let product = direction.stateToState.cost(
        index == 0 ? "state to state" : "state to state, from the right", shape, steps: index == 0 ? diagonals : 0)
      return [
        direction.inputToState.cost("input to state", shape, steps: index == 0 ? 1 : 0),
        product.with(activationBytes: kept),
      ] + (direction.pixelToState.map { [$0.cost("pixels to state", shape, steps: 0, keptMaps: 0)] } ?? [])
    }
  }

  /// Input-to-state counts with the gates, state-to-state with the cells' outputs.
  var observedLayers: [ObservedLayer] {
    directions.flatMap { direction -> [ObservedLayer] in
      [
        ObservedLayer(direction.inputToState, gates: direction.cell.gateActivations),
        ObservedLayer(
          direction.stateToState, direction.cell.outputActivation.map(OutputNonlinearity.init) ?? .linear,
          channels: features),
      ]
    }
  }

  func observations(_ maps: OperationMaps, _ gradients: OperationGradients) -> [Observation] {
    zip(directions, zip(cellMaps(maps), cellGradients(gradients))).flatMap { direction, both in
      let (own, slopes) = both
      return [
        Observation(layer: direction.inputToState.name, outputs: own.gates, gradient: slopes.gates),
        Observation(layer: direction.stateToState.name, outputs: own.output, gradient: slopes.output),
      ]
    }
  }

  // MARK: Jacobian

  func jacobians(
    _ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) -> OperationJacobians {
    let parts = zip(directions, cellMaps(maps)).map { direction, own in
      LinearizedLayer(
        name: name + (direction.flipped ? ".right" : ".left"), kind: .recurrence, isChainStage: false,
        jacobian: LinearizedRecurrence(direction, own, parameters, shape).jacobian)
    }
    var whole = parts[0].jacobian
    if parts.count == 2 { whole = whole + .chain([parts[1].jacobian, .movedDown(shape, parts[1].jacobian.rows)]) }
    // Of the pixels, which later layers read besides, the chain takes no Jacobian.
    return OperationJacobians(inputs: [whole], parts: parts)
  }
}

/// A recurrence forward. Pixel by pixel the second direction runs through a row from its end, when that is known; it is read
/// one row below.
final class RecurrenceForward: ForwardPass {
  private let runners: [RecurrentRunner]
  private let output: FeatureMap

  init(runners: [RecurrentRunner], output: FeatureMap) {
    self.runners = runners
    self.output = output
  }

  /// Diagonals that each direction took in its last full pass, counted.
  var stepsTaken: [Int] { runners.map(\.stepsTaken) }

  func runAll(_ all: MapRegion, _ packed: PackedParameters) {
    for runner in runners { runner.forward(packed) }
    combine(in: all)
  }

  func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    runners[0].run(region, packed)
    combine(in: region)
  }

  func finish(row: Int, firstRow: Int, _ packed: PackedParameters) {
    if runners.count == 2 { runners[1].run(row: row, packed) }
  }

  private func combine(in region: MapRegion) {
    if runners.count == 2 { addShiftedDown(runners[0].maps.output, runners[1].maps.output, to: output, in: region) }
  }
}

/// The way back through a recurrence. The output's gradient is copied before anything is added to that of the input, which
/// may lie in the same map.
struct RecurrenceBackward: BackwardPass {
  let given: FeatureMap
  /// With respect to the outputs of each direction.
  let outputs: [FeatureMap]
  let directions: [RecurrentBackward]

  /// Diagonals that each direction took in the last pass, counted.
  var stepsTaken: [Int] { directions.map(\.stepsTaken) }

  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    for (number, output) in outputs.enumerated() { copyRows(given, shiftedBy: number, to: output) }
    for direction in directions { direction.run(packed, into: gradient) }
  }
}
