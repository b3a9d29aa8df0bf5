// The way back through a Gated PixelCNN.
import Kernels

/// Backward through the head and all layers, in maps that the layers share.
final class GatedBackward {
  let logitGradient: FeatureMap
  private let activations: GatedActivations
  private let hiddenGradient: FeatureMap, streamGradient: FeatureMap, gateGradient: FeatureMap
  private let head: [BackwardStep]
  private let layers: [LayerPasses]

  /// One layer's passes in their order.
  private struct LayerPasses {
    /// Output, horizontal gate and convolution, and the link's weights.
    let horizontal: [BackwardStep]
    /// Into the vertical pre-activations: where nothing else has reached them, and where the next layer has.
    let linkAlone: ConvolutionPass, linkAdded: ConvolutionPass
    let isLast: Bool
    let verticalWeights: WeightGradientPass
    let sumGradient: FeatureMap
    /// To the vertical pre-activations of the layer before, through its gate; nil in the first.
    let vertical: ConvolutionPass?
  }

  init(_ model: GatedPixelCNN, _ a: GatedActivations, _ maker: MapMaker) {
    activations = a
    let width = model.configuration.width
    let halves = ChannelOrder(2 * width, .interleaved(2)).stride
    let stream = maker.map(width)
    let hidden = maker.map(width)
    let logits = maker.map(model.head.logits.outputChannels)
    let gates = maker.map(halves, border: .init(right: 1))
    // A layer reads its own while it writes those of the layer before.
    let sums = (0..<min(2, model.layers.count)).map { _ in
      maker.map(halves, border: .init(bottom: 1, left: 1, right: 1))
    }
    let classes = a.classes?.biases
    (logitGradient, hiddenGradient, streamGradient, gateGradient) = (logits, hidden, stream, gates)
    head = model.head.backward(
      Head.Maps(features: a.rectified, hidden: a.hidden, logits: a.logits),
      Head.Maps(features: stream, hidden: hidden, logits: logits))
    layers = model.layers.enumerated().map { index, layer in
      let runner = a.layers[index]
      let own = sums[index % 2]
      var steps: [BackwardStep] = [
        .weights(layer.output.weightGradient(runner.maps.thinned.target, stream)),
        .input(layer.output.inputGradient(stream, to: .gateGradient(gates: runner.maps.gates, gradient: gates))),
      ]
      steps += runner.maps.thinned.backward(gates)
      steps += [
        .weights(layer.horizontal.weightGradient(runner.sources.horizontal, gates, classes: classes)),
        .weights(layer.link.weightGradient(runner.maps.sums, gates)),
      ]
      if index > 0 { steps.append(.input(layer.horizontal.inputGradient(gates, to: .add(stream)))) }
      return LayerPasses(
        horizontal: steps,
        linkAlone: layer.link.inputGradient(gates, to: .store(own)),
        linkAdded: layer.link.inputGradient(gates, to: .add(own)),
        isLast: index == model.layers.count - 1,
        verticalWeights: layer.vertical.weightGradient(runner.sources.vertical, own, classes: classes),
        sumGradient: own,
        vertical: index == 0
          ? nil
          : layer.vertical.inputGradient(
            own, to: .sumGateGradient(sums: a.layers[index - 1].maps.sums, gradient: sums[(index - 1) % 2])))
    }
  }

  /// Given ∂nats/∂logits, adds to the gradients of all weights.
  func run(_ packed: PackedParameters, into gradient: AlignedBuffer, observer: FlowObserver?) {
    let height = logitGradient.height
    head.run(packed, into: gradient)
    if let observer { observeHead(observer) }
    for (index, layer) in layers.enumerated().reversed() {
      observer?.gradients(4 * index + 3, streamGradient)
      layer.horizontal.run(packed, into: gradient)
      // The image's first row of the vertical stack goes to the link alone: see `GatedRunner`.
      let alone = 0..<(layer.isLast ? height : 1)
      layer.linkAlone.run(alone, weights: packed.transposed)
      layer.linkAdded.run(alone.upperBound..<height, weights: packed.transposed)
      layer.verticalWeights.run(into: gradient)
      layer.vertical?.run(1..<height, weights: packed.transposed)
      if let observer { observe(index, observer) }
    }
  }

  private func observeHead(_ observer: FlowObserver) {
    observer.outputs(4 * layers.count, activations.hidden)
    observer.gradients(4 * layers.count, hiddenGradient)
    observer.outputs(4 * layers.count + 1, activations.logits)
    observer.gradients(4 * layers.count + 1, logitGradient)
  }

  private func observe(_ index: Int, _ observer: FlowObserver) {
    let maps = activations.layers[index].maps
    for number in [4 * index + 1, 4 * index + 2] {
      observer.outputs(number, maps.gates)
      observer.gradients(number, gateGradient)
    }
    observer.outputs(4 * index + 3, layers[index].isLast ? activations.rectified : maps.stream)
    observer.gradients(4 * index, layers[index].sumGradient)
    if layers[index].isLast {
      observer.outputs(4 * index, maps.sums)
    } else {
      // The vertical gates are not kept; the horizontal ones' gradient is no longer needed.
      computeGates(maps.sums, to: gateGradient)
      observer.outputs(4 * index, gateGradient)
    }
  }
}
