// One recurrent layer running: its directions put together, and what becomes of their sum.
import Kernels

/// What a layer computes on the way forward.
struct LayerMaps {
  let directions: [CellMaps]
  /// The directions' sum, the second moved down one row; with one direction its output itself.
  let sum: FeatureMap
  /// What the layer hands on of it.
  let thinned: Dropout.Layer

  /// `scratch` lends its maps of what no other cell reads.
  init(_ layer: DiagonalNetwork.Layer, _ maker: MapMaker, scratch: LayerMaps? = nil, dropout: Dropout? = nil) {
    directions = layer.directions.enumerated().map { index, direction in
      let features = direction.stateToState.inputChannels
      let hasState = direction.cell.hasState
      let lent = scratch?.directions[index]
      return CellMaps(
        gates: lent?.gates ?? maker.passingMap(direction.stateToState.mapChannels),
        output: maker.map(features, border: maker.recurrentBorder),
        state: hasState ? maker.passingMap(features, border: maker.besideBorder) : nil,
        squashed: lent?.squashed ?? (hasState ? maker.passingMap(features) : nil),
        previous: direction.mirrored ? maker.beside : -maker.beside)
    }
    // Where nothing follows the sum, the next layer reads it.
    let lentSum = layer.output == nil ? nil : scratch?.sum
    sum = directions.count == 1 ? directions[0].output : lentSum ?? maker.passingMap(directions[0].output.channels)
    thinned = dropout.layer(sum, maker)
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
  let runners: [RecurrentRunner]
  private let input: FeatureMap
  private let sum: FeatureMap
  private let thinned: Dropout.Layer
  private let target: FeatureMap
  private let isResidual: Bool
  private let outputPass: ConvolutionPass?
  private let gradients: LayerGradients?
  private let streamGradient: FeatureMap?
  private let outputSteps: [BackwardStep]

  /// The layer from `input` to `target`; `gradients` and `streamGradient` are for training.
  init(
    _ layer: DiagonalNetwork.Layer, input: FeatureMap, maps: LayerMaps, target: FeatureMap,
    gradients: LayerGradients?, streamGradient: FeatureMap?, readsImage: Bool, images: Int,
    classes: BiasChoice?
  ) {
    self.input = input
    self.target = target
    self.gradients = gradients
    self.streamGradient = streamGradient
    sum = maps.sum
    thinned = maps.thinned
    isResidual = layer.isResidual
    runners = layer.directions.enumerated().map { index, direction in
      RecurrentRunner(
        direction, input: input, maps: maps.directions[index], gradients: gradients?.directions[index],
        inputGradient: readsImage ? nil : streamGradient, images: images, classes: classes)
    }
    outputPass = layer.output.map { $0.forward(maps.thinned.target, to: .add(target), images: images) }
    if let output = layer.output, let gradients, let streamGradient {
      outputSteps = [
        .weights(output.weightGradient(maps.thinned.target, streamGradient, images: images)),
        .input(output.inputGradient(streamGradient, to: .store(gradients.sum), images: images)),
      ]
    } else {
      outputSteps = []
    }
  }

  /// Whether a 1×1 convolution leads back to the stream.
  var hasOutputLayer: Bool { outputPass != nil }
  var stepsTaken: [Int] { runners.map(\.stepsTaken) }

  /// All images whole.
  func forward(_ packed: PackedParameters) {
    for runner in runners { runner.forward(packed) }
    combine(in: MapRegion(allOf: sum), packed)
  }

  /// One pixel of every image; `finish` has been called for the row above.
  func run(_ pixel: MapRegion, _ packed: PackedParameters) {
    runners[0].run(pixel, packed)
    combine(in: pixel, packed)
  }

  /// What goes through `row` from its end: the second direction, which is read one row below.
  func finish(row: Int, _ packed: PackedParameters) {
    if runners.count == 2 { runners[1].run(row: row, packed) }
  }

  private func combine(in region: MapRegion, _ packed: PackedParameters) {
    if runners.count == 2 { addShiftedDown(runners[0].maps.output, runners[1].maps.output, to: sum, in: region) }
    for step in thinned.forward { step.run(region, packed) }
    if let outputPass {
      copy(input, to: target, in: region)
      outputPass.run(region, weights: packed.forward)
    } else if isResidual {
      add(input, thinned.target, to: target, in: region)
    }
  }

  /// Given the gradient of the layer's output in the stream's gradient, leaves that of its input there.
  func backward(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    guard let gradients, let streamGradient else { preconditionFailure("this workspace is not for training") }
    if outputSteps.isEmpty {
      copy(streamGradient, to: gradients.sum, in: MapRegion(allOf: sum))
    } else {
      outputSteps.run(packed, into: gradient)
    }
    thinned.backward(gradients.sum).run(packed, into: gradient)
    if !isResidual { streamGradient.clear() }
    for (index, runner) in runners.enumerated() {
      copyRows(gradients.sum, shiftedBy: index, to: gradients.directions[index].output)
      runner.backward(packed, into: gradient)
    }
  }
}
