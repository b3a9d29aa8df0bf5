// One recurrent layer running: its directions put together, and what becomes of their sum.
import Kernels

/// What a layer computes on the way forward.
struct LayerMaps {
  let directions: [CellMaps]
  /// The directions' sum, the second moved down one row; with one direction its output itself.
  let sum: FeatureMap

  init(_ layer: DiagonalNetwork.Layer, _ configuration: ModelConfiguration, _ maker: MapMaker) {
    directions = layer.directions.map { direction in
      let features = direction.stateToState.inputChannels
      let hasState = direction.cell.hasState
      return CellMaps(
        gates: maker.map(direction.stateToState.mapChannels),
        output: maker.map(features, border: maker.recurrentBorder),
        state: hasState ? maker.map(features, border: maker.recurrentBorder) : nil,
        squashed: hasState ? maker.map(features) : nil,
        previous: direction.mirrored ? maker.beside : -maker.beside)
    }
    sum = directions.count == 1 ? directions[0].output : maker.map(directions[0].output.channels)
  }
}

/// Gradients that all layers share, one after the other.
struct LayerGradients {
  let directions: [CellGradients]
  let sum: FeatureMap

  init(_ model: DiagonalNetwork, _ maker: MapMaker) {
    let first = model.layers[0]
    directions = first.directions.map { direction in
      let features = direction.stateToState.inputChannels
      return CellGradients(
        gates: maker.map(direction.stateToState.mapChannels, border: maker.recurrentBorder),
        output: maker.map(features),
        state: direction.cell.hasState ? maker.map(features, border: maker.recurrentBorder) : nil)
    }
    sum = maker.map(first.directions[0].stateToState.inputChannels)
  }
}

/// One layer between given maps.
final class LayerRunner {
  private let runners: [RecurrentRunner]
  private let input: FeatureMap
  private let sum: FeatureMap
  private let target: FeatureMap
  private let isResidual: Bool
  private let outputPass: ConvolutionPass?
  private let gradients: LayerGradients?
  private let streamGradient: FeatureMap?
  private let outputSteps: [BackwardStage.Step]

  /// The layer from `input` to `target`; `gradients` and `streamGradient` are for training.
  init(
    _ layer: DiagonalNetwork.Layer, input: FeatureMap, maps: LayerMaps, target: FeatureMap,
    gradients: LayerGradients?, streamGradient: FeatureMap?, readsImage: Bool, images: Int
  ) {
    self.input = input
    self.target = target
    self.gradients = gradients
    self.streamGradient = streamGradient
    sum = maps.sum
    isResidual = layer.isResidual
    runners = layer.directions.enumerated().map { index, direction in
      RecurrentRunner(
        direction, input: input, maps: maps.directions[index], gradients: gradients?.directions[index],
        inputGradient: readsImage ? nil : streamGradient, images: images)
    }
    outputPass = layer.output.map { $0.forward(maps.sum, to: .add(target), images: images) }
    if let output = layer.output, let gradients, let streamGradient {
      outputSteps = [
        .weights(output.weightGradient(maps.sum, streamGradient, images: images)),
        .input(output.inputGradient(streamGradient, to: .store(gradients.sum), images: images)),
      ]
    } else {
      outputSteps = []
    }
  }

  var stepsTaken: [Int] { runners.map(\.stepsTaken) }

  func forward(_ rows: Range<Int>, _ packed: PackedParameters) {
    runners[0].forward(rows, packed)
    if runners.count == 2 {
      // Moved down one row, so what row y needs of it ends with row y − 1.
      let above = max(0, rows.lowerBound - 1)..<max(0, rows.upperBound - 1)
      let whole = rows.lowerBound == 0 && rows.upperBound == sum.height
      if whole || !above.isEmpty { runners[1].forward(whole ? rows : above, packed) }
      addShiftedDown(runners[0].maps.output, runners[1].maps.output, to: sum, rows: rows)
    }
    if let outputPass {
      copyRows(input, to: target, rows: rows)
      outputPass.run(rows, weights: packed.forward)
    } else if isResidual {
      add(input, sum, to: target, rows: rows)
    }
  }

  /// Given the gradient of the layer's output in the stream's gradient, leaves that of its input there.
  func backward(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    guard let gradients, let streamGradient else { preconditionFailure("this workspace is not for training") }
    let rows = 0..<sum.height
    if outputSteps.isEmpty {
      copyRows(streamGradient, to: gradients.sum, rows: rows)
    } else {
      BackwardStage(steps: outputSteps, bandHeight: rows.count).run(rows, packed, into: gradient)
    }
    if !isResidual { streamGradient.clear() }
    for (index, runner) in runners.enumerated() {
      copyRows(gradients.sum, shiftedBy: index, to: gradients.directions[index].output)
      runner.backward(packed, into: gradient)
    }
  }
}
