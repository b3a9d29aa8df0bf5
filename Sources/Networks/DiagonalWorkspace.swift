// The activations of a few images in a recurrent network, and the passes between them.
import Kernels

/// What the forward pass computes: maps of H×W·N places, N images interleaved pixel by pixel, so that a cell of all
/// images is one matrix product.
final class DiagonalActivations {
  let input: FeatureMap
  /// The input of each layer, and last the head's.
  let streams: [FeatureMap]
  let layers: [LayerRunner]
  let rectified: FeatureMap
  let hidden: FeatureMap
  let logits: FeatureMap
  /// The classes of the images; nil where the model depends on none.
  let classes: ClassChoice?
  private let inputPass: ConvolutionPass?
  private let headPasses: [ConvolutionPass]

  /// `gradients` are for training; all layers share them.
  init(
    _ model: DiagonalNetwork, _ maker: MapMaker, kept: KeptMaps, gradients: DiagonalGradients? = nil,
    dropout: Dropout? = nil
  ) {
    let images = maker.beside
    let width = model.configuration.width
    classes = ClassChoice(model.configuration, images: images)
    // The first convolution and the shifted input read the image; the border serves both.
    input = maker.map(
      model.configuration.shape.channels, border: .init(top: 3, left: 3 * images, right: 3 * images), padded: false)
    var made: [LayerMaps] = []
    var spare: FeatureMap?
    var streams: [FeatureMap] = []
    var layers: [LayerRunner] = []
    if model.input != nil { streams.append(maker.passingMap(width)) }
    for (index, layer) in model.layers.enumerated() {
      let source = streams.last ?? input
      let maps: LayerMaps
      switch kept {
      case .all: maps = LayerMaps(layer, maker, dropout: dropout)
      case .neighbours: maps = LayerMaps(layer, maker, scratch: made.first)
      // A layer may read what the last one wrote: so two sets take turns.
      case .none: maps = index < 2 ? LayerMaps(layer, maker) : made[index % 2]
      }
      made.append(maps)
      let target: FeatureMap
      if layer.output == nil && !layer.isResidual {
        target = maps.thinned.target
      } else {
        target = spare ?? maker.passingMap(width)
      }
      spare = kept == .none && index > 0 && layer.output != nil ? source : nil
      layers.append(
        LayerRunner(
          layer, input: source, maps: maps, target: target, gradients: gradients?.layer,
          streamGradient: gradients?.stream, readsImage: streams.isEmpty, images: images,
          classes: classes?.biases))
      streams.append(target)
    }
    self.streams = streams
    self.layers = layers
    rectified = maker.passingMap(width)
    hidden = maker.passingMap(width)
    logits = maker.passingMap(model.head.logits.outputChannels)
    inputPass = model.input?.forward(input, to: .store(streams[0]), images: images, classes: classes?.biases)
    headPasses = model.head.forward(
      Head.Maps(features: rectified, hidden: hidden, logits: logits), images: images)
  }

  /// All images whole.
  func forward(_ packed: PackedParameters) {
    let all = MapRegion(allOf: rectified)
    inputPass?.run(all, weights: packed.forward)
    for layer in layers { layer.forward(packed) }
    runHead(all, packed)
  }

  private func runHead(_ region: MapRegion, _ packed: PackedParameters) {
    activate(streams.last ?? input, by: .relu, to: rectified, in: region)
    for pass in headPasses { pass.run(region, weights: packed.forward) }
  }
}

extension DiagonalActivations: IncrementalNetwork {
  func run(row: Int, places: Range<Int>, packed: PackedParameters) {
    let pixel = MapRegion(row: row, columns: places)
    inputPass?.run(pixel, weights: packed.forward)
    for layer in layers { layer.run(pixel, packed) }
    runHead(pixel, packed)
  }

  func finish(row: Int, packed: PackedParameters) {
    for layer in layers { layer.finish(row: row, packed) }
  }
}

/// Gradients of the nats with respect to the maps of the same name.
struct DiagonalGradients {
  let stream: FeatureMap
  let layer: LayerGradients?
  let hidden: FeatureMap
  let logits: FeatureMap

  init(_ model: DiagonalNetwork, _ maker: MapMaker) {
    stream = maker.map(model.configuration.width)
    layer = model.layers.isEmpty ? nil : LayerGradients(model, maker)
    hidden = maker.map(model.configuration.width)
    logits = maker.map(model.head.logits.outputChannels)
  }
}

/// With d layers, D directions, k features a cell and G gates, a training workspace holds about
/// N·H·W·(d·(width + D·(G + 3)·k) + …) floats; evaluation keeps two layers.
final class DiagonalWorkspace: ModelWorkspace {
  let logits: [FeatureMap]
  let logitGradients: [FeatureMap]
  let dropout: Dropout?
  let byteCount: Int
  private let images: Int
  private let levels: Int
  let activations: DiagonalActivations
  private let backwardPasses: BackwardPasses?

  /// Backward through the head and the first convolution.
  private struct BackwardPasses {
    let gradients: DiagonalGradients
    let head: [BackwardStep]
    let input: WeightGradientPass?
  }

  init(_ model: DiagonalNetwork, purpose: WorkspacePurpose, images: Int) {
    self.images = images
    levels = model.configuration.levels
    let maker = MapMaker(model.configuration.shape, images: images)
    let gradients = purpose.isTraining ? DiagonalGradients(model, maker) : nil
    dropout = purpose.makeDropout(images: images)
    let a = DiagonalActivations(model, maker, kept: purpose.kept, gradients: gradients, dropout: dropout)
    activations = a
    logits = (0..<images).map { a.logits.image($0, of: images) }
    logitGradients = gradients.map { g in (0..<images).map { g.logits.image($0, of: images) } } ?? []
    backwardPasses = gradients.map { g in
      BackwardPasses(
        gradients: g,
        head: model.head.backward(
          Head.Maps(features: a.rectified, hidden: a.hidden, logits: a.logits),
          Head.Maps(features: g.stream, hidden: g.hidden, logits: g.logits), images: images),
        input: model.input?.weightGradient(a.input, g.stream, images: images, classes: a.classes?.biases))
    }
    byteCount = maker.byteCount
  }

  func forward(_ batch: ImageBatch, images range: Range<Int>, _ packed: PackedParameters) {
    precondition(range.count <= images, "\(range.count) images in a workspace for \(images)")
    activations.classes?.choose(batch, range)
    for place in 0..<images {
      let view = activations.input.image(place, of: images)
      if place < range.count {
        view.fill(batch, image: range.lowerBound + place, levels: levels)
      } else {
        view.clear()
      }
    }
    activations.forward(packed)
  }

  func backward(
    images count: Int, _ packed: PackedParameters, into gradient: AlignedBuffer, observer: FlowObserver?
  ) {
    guard let passes = backwardPasses else { preconditionFailure("this workspace is not for training") }
    // Places without an image contribute nothing.
    for place in count..<images { logitGradients[place].clear() }
    passes.head.run(packed, into: gradient)
    var layer = observer.map { $0.layers.count - 2 } ?? 0
    func observe(_ outputs: FeatureMap, _ gradients: FeatureMap, _ index: Int) {
      observer?.outputs(index, outputs, images: count, of: images)
      observer?.gradients(index, gradients, images: count, of: images)
    }
    observe(activations.hidden, passes.gradients.hidden, layer)
    observe(activations.logits, passes.gradients.logits, layer + 1)
    for (index, runner) in activations.layers.enumerated().reversed() {
      if runner.hasOutputLayer {
        layer -= 1
        observe(activations.streams[index + 1], passes.gradients.stream, layer)
      }
      runner.backward(packed, into: gradient)
      for direction in runner.runners.reversed() {
        guard observer != nil, let gradients = direction.gradients else { break }
        layer -= 2
        observe(direction.maps.gates, gradients.gates, layer)
        observe(direction.maps.output, gradients.output, layer + 1)
      }
    }
    passes.input?.run(into: gradient)
    if passes.input != nil { observe(activations.streams[0], passes.gradients.stream, 0) }
  }

  /// Sends back the gradient of one pixel alone, that of the corner where a direction ends, and measures what reaches the
  /// cells of each diagonal before it. The second direction is read one row below, so its last cell lies a row above.
  func diagonalFlow(images count: Int, _ packed: PackedParameters, scratch: AlignedBuffer) -> [DiagonalFlow] {
    guard let passes = backwardPasses, let first = activations.layers.first else { return [] }
    let (height, width) = (activations.rectified.height, activations.rectified.width / images)
    let all = logitGradients.prefix(count).map(\.values)
    defer { for (map, values) in zip(logitGradients, all) { map.fill(values) } }
    var result: [[DiagonalFlow]] = Array(repeating: [], count: activations.layers.count)
    for direction in first.runners.indices where direction < height {
      let corner = direction == 0 ? width - 1 : 0
      for (map, values) in zip(logitGradients, all) {
        map.clear()
        let start = ((height - 1) * width + corner) * map.channels
        for c in 0..<map.channels { map[height - 1, corner, c] = values[start + c] }
      }
      passes.head.run(packed, into: scratch)
      for (index, runner) in activations.layers.enumerated().reversed() {
        runner.backward(packed, into: scratch)
        guard let gradients = runner.runners[direction].gradients?.output else { continue }
        var sums = [MagnitudeSums](repeating: MagnitudeSums(), count: height - direction + width - 1)
        for y in 0..<height - direction {
          for x in 0..<width {
            let distance = height - 1 - direction - y + abs(corner - x)
            for place in x * images..<x * images + count {
              for c in 0..<gradients.channels { sums[distance].add(gradients[unchecked: y, place, c]) }
            }
          }
        }
        result[index].append(
          DiagonalFlow(
            name: "layers.\(index)." + (direction == 0 ? "left" : "right"),
            rootMeanSquares: sums.map(\.rootMeanSquare)))
      }
    }
    return result.flatMap { $0 }
  }

  /// Diagonals that each direction of each layer took in its last pass.
  var stepsTaken: [Int] { activations.layers.flatMap { $0.stepsTaken } }
}

/// Diagonals that each direction of each layer of a recurrent model took in the workspace's last pass, counted; empty
/// for other models.
package func diagonalSteps(_ workspace: any ModelWorkspace) -> [Int] {
  (workspace as? DiagonalWorkspace)?.stepsTaken ?? []
}
