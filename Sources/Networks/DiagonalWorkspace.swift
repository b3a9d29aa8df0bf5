// The activations of a few images in a recurrent network, and the passes between them.
import Kernels

/// Maps of H×W·N places: N images interleaved pixel by pixel, so that a cell of all images is one matrix product. With d
/// layers, D directions, k features a cell and G gates, a training workspace holds about
/// N·H·W·(d·(width + D·(G + 3)·k) + …) floats; evaluation keeps one layer.
final class DiagonalWorkspace: ModelWorkspace {
  let logits: [FeatureMap]
  let logitGradients: [FeatureMap]
  let byteCount: Int
  private let images: Int
  private let levels: Int
  private let input: FeatureMap
  /// The input of each layer, and last the head's.
  private let streams: [FeatureMap]
  private let inputPass: ConvolutionPass?
  private let layers: [LayerRunner]
  private let rectified: FeatureMap
  private let headPasses: [ConvolutionPass]
  private let backwardPasses: BackwardPasses?

  /// Backward through the head and the first convolution.
  private struct BackwardPasses {
    let logits: FeatureMap
    let stream: FeatureMap
    let head: [BackwardStage.Step]
    let input: WeightGradientPass?
  }

  init(_ model: DiagonalNetwork, purpose: WorkspacePurpose, images: Int) {
    self.images = images
    let maker = MapMaker(model.configuration.shape, images: images)
    let configuration = model.configuration
    let isTraining = purpose == .training
    levels = configuration.levels
    // The first convolution and the shifted input read the image; the border serves both.
    let input = maker.map(
      configuration.shape.channels, border: .init(top: 3, left: 3 * images, right: 3 * images), padded: false)
    let gradientStream = isTraining ? maker.map(configuration.width) : nil
    let scratch = isTraining && !model.layers.isEmpty ? LayerGradients(model, maker) : nil
    // Where nothing is kept, two sets of maps take turns (a layer may read what the last one wrote), and two streams.
    var shared: [LayerMaps] = []
    var spare: FeatureMap?
    var streams: [FeatureMap] = []
    var layers: [LayerRunner] = []
    if model.input != nil { streams.append(maker.map(configuration.width)) }
    for layer in model.layers {
      let source = streams.last ?? input
      let index = layers.count
      let maps =
        purpose == .evaluation && index >= 2 ? shared[index % 2] : LayerMaps(layer, configuration, maker)
      shared.append(maps)
      let target: FeatureMap
      if layer.output == nil && !layer.isResidual {
        target = maps.sum
      } else if purpose == .evaluation, let taken = spare {
        target = taken
      } else {
        target = maker.map(configuration.width)
      }
      spare = purpose == .evaluation && index > 0 && layer.output != nil ? source : nil
      layers.append(
        LayerRunner(
          layer, input: source, maps: maps, target: target, gradients: scratch,
          streamGradient: gradientStream, readsImage: streams.isEmpty, images: images))
      streams.append(target)
    }
    let rectified = maker.map(configuration.width)
    let hidden = maker.map(configuration.width)
    let logits = maker.map(model.logits.outputChannels)
    inputPass = model.input?.forward(input, to: .store(streams[0]), images: images)
    headPasses = [
      model.hidden.forward(rectified, to: .rectified(hidden), images: images),
      model.logits.forward(hidden, to: .store(logits), images: images),
    ]
    self.input = input
    self.rectified = rectified
    self.streams = streams
    self.layers = layers
    self.logits = (0..<images).map { logits.image($0, of: images) }
    if let gradientStream {
      let logitGradient = maker.map(model.logits.outputChannels)
      let hiddenGradient = maker.map(configuration.width)
      logitGradients = (0..<images).map { logitGradient.image($0, of: images) }
      backwardPasses = BackwardPasses(
        logits: logitGradient, stream: gradientStream,
        head: [
          .weights(model.logits.weightGradient(hidden, logitGradient, images: images)),
          .input(model.logits.inputGradient(logitGradient, to: .masked(hiddenGradient, saved: hidden), images: images)),
          .weights(model.hidden.weightGradient(rectified, hiddenGradient, images: images)),
          .input(
            model.hidden.inputGradient(hiddenGradient, to: .masked(gradientStream, saved: rectified), images: images)),
        ],
        input: model.input?.weightGradient(input, gradientStream, images: images))
    } else {
      logitGradients = []
      backwardPasses = nil
    }
    byteCount = maker.byteCount
  }

  func forward(_ batch: ImageBatch, images range: Range<Int>, rows: Range<Int>, _ packed: PackedParameters) {
    precondition(range.count <= images, "\(range.count) images in a workspace for \(images)")
    // The row above once more: when it was run, its last pixel may not have been known.
    let known = max(0, rows.lowerBound - 1)..<rows.upperBound
    for place in 0..<images {
      let view = input.image(place, of: images)
      if place < range.count {
        view.fill(batch, image: range.lowerBound + place, levels: levels, rows: known)
      } else {
        view.clear()
      }
    }
    inputPass?.run(rows, weights: packed.forward)
    for layer in layers { layer.forward(rows, packed) }
    rectify(streams.last ?? input, to: rectified, rows: rows)
    for pass in headPasses { pass.run(rows, weights: packed.forward) }
  }

  func backward(images count: Int, _ packed: PackedParameters, into gradient: AlignedBuffer) {
    guard let passes = backwardPasses else { preconditionFailure("this workspace is not for training") }
    // Places without an image contribute nothing.
    for place in count..<images { logitGradients[place].clear() }
    let rows = 0..<rectified.height
    BackwardStage(steps: passes.head, bandHeight: rows.count).run(rows, packed, into: gradient)
    for layer in layers.reversed() { layer.backward(packed, into: gradient) }
    passes.input?.run(rows, into: gradient)
  }

  /// Diagonals that each direction of each layer took in its last pass.
  var stepsTaken: [Int] { layers.flatMap { $0.stepsTaken } }
}

/// Makes maps of interleaved images and counts their bytes.
final class MapMaker {
  private let shape: ImageShape
  private let images: Int
  private(set) var byteCount = 0

  init(_ shape: ImageShape, images: Int) {
    self.shape = shape
    self.images = images
  }

  func map(_ channels: Int, border: FeatureMap.Border = .init(), padded: Bool = true) -> FeatureMap {
    let map = FeatureMap(
      height: shape.height, width: shape.width * images, channels: channels, border: border, padded: padded)
    byteCount += map.byteCount
    return map
  }

  /// The border of a map that a recurrence reads: above and beside, or below and beside on the way back.
  var recurrentBorder: FeatureMap.Border { .init(top: 1, bottom: 1, left: images, right: images) }
  /// Places from a cell to the one beside it.
  var beside: Int { images }
}

/// Diagonals that each direction of each layer of a recurrent model took in the workspace's last pass, counted; empty
/// for other models.
package func diagonalSteps(_ workspace: any ModelWorkspace) -> [Int] {
  (workspace as? DiagonalWorkspace)?.stepsTaken ?? []
}
