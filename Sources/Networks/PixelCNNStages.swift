// The steps between the maps of a PixelCNN, forward and backward.
//
// A ReLU costs nothing: the convolution before it applies it to its sums, and backward the convolution after it masks
// them. Another activation is a pass of its own over the map.
import Kernels

extension PixelCNN {
  /// See `ImageModel`.
  public func makePixelRunner(images: Int) -> PixelRunner {
    let maker = MapMaker(lastRowsOf: configuration.shape, images: images)
    let activations = PixelCNNWorkspace.Activations(self, maker, kept: .neighbours, images: images)
    return PixelRunner(
      IncrementalPixelCNN(steps: forwardSteps(activations, images: images)),
      configuration: configuration, maker: maker, images: images, input: activations.input,
      logits: activations.logits, classes: activations.classes)
  }

  // MARK: Forward

  /// Input layer, blocks, head.
  func forwardSteps(_ a: PixelCNNWorkspace.Activations, images: Int = 1) -> [ForwardStep] {
    let classes = a.classes?.biases
    func first(_ output: ConvolutionOutput) -> ConvolutionPass {
      input.forward(a.input, to: output, images: images, classes: classes)
    }
    let start: [ForwardStep] =
      fusesActivation
      ? [.convolution(first(.start(stream: a.stream, rectified: a.activated[0])))]
      : [
        .convolution(first(.store(a.stream))), .activation(configuration.activation, a.stream, to: a.activated[0]),
      ]
    let middle = blocks.enumerated().flatMap { index, block in
      activated(a.reduced[index]) { block.reduce.forward(a.activated[index], to: $0, images: images) }
        + activated(a.convolved[index]) {
          block.conv.forward(a.reduced[index], to: $0, images: images, classes: classes)
        }
        + a.thinned[index].forward
        + blockEnd(a, index) { block.expand.forward(a.thinned[index].target, to: $0, images: images) }
    }
    let head =
      activated(a.hidden) { self.head.hidden.forward(a.activated[blocks.count], to: $0, images: images) }
      + [.convolution(self.head.logits.forward(a.hidden, to: .store(a.logits), images: images))]
    return start + middle + head
  }

  /// map = φ(the convolution's sums)
  private func activated(
    _ map: FeatureMap, _ convolution: (ConvolutionOutput) -> ConvolutionPass
  ) -> [ForwardStep] {
    fusesActivation
      ? [.convolution(convolution(.rectified(map)))]
      : [.convolution(convolution(.store(map))), .activation(configuration.activation, map, to: map)]
  }

  /// The stream after block `index`, and its activated copy.
  private func blockEnd(
    _ a: PixelCNNWorkspace.Activations, _ index: Int, _ expand: (ConvolutionOutput) -> ConvolutionPass
  ) -> [ForwardStep] {
    let next = a.activated[index + 1]
    let activation = ForwardStep.activation(configuration.activation, a.stream, to: next)
    switch configuration.residual {
    case .pre where fusesActivation: return [.convolution(expand(.residual(stream: a.stream, rectified: next)))]
    case .pre: return [.convolution(expand(.add(a.stream))), activation]
    case .off: return [.convolution(expand(.store(a.stream))), activation]
    case .post:
      return [.copy(a.activated[index], to: a.stream), .convolution(expand(.add(a.stream))), activation]
    }
  }

  // MARK: Backward

  /// Head, blocks from the last to the first, input layer.
  func backwardStages(
    _ a: PixelCNNWorkspace.Activations, _ g: PixelCNNWorkspace.Gradients
  ) -> [BackwardStage] {
    // Layers are numbered as in `convolutions`; the stream ends the block before, or the input layer.
    let (lastBlock, hiddenLayer) = (3 * blocks.count, 3 * blocks.count + 1)
    let classes = a.classes?.biases
    let last = a.activated[blocks.count]
    let head =
      [.weights(self.head.logits.weightGradient(a.hidden, g.logits))]
      + throughActivation(g.hidden, saved: a.hidden) { self.head.logits.inputGradient(g.logits, to: $0) }
      + [.weights(self.head.hidden.weightGradient(last, g.hidden))]
      + throughActivation(g.stream, saved: last) { self.head.hidden.inputGradient(g.hidden, to: $0) }
    let middle = blocks.enumerated().reversed().map { index, block in
      BackwardStage(
        steps: [.weights(block.expand.weightGradient(a.thinned[index].target, g.stream))]
          + throughActivation(g.convolved, saved: a.convolved[index]) { block.expand.inputGradient(g.stream, to: $0) }
          + a.thinned[index].backward(g.convolved)
          + [.weights(block.conv.weightGradient(a.reduced[index], g.convolved, classes: classes))]
          + throughActivation(g.reduced, saved: a.reduced[index]) { block.conv.inputGradient(g.convolved, to: $0) }
          + [.weights(block.reduce.weightGradient(a.activated[index], g.reduced))]
          + blockStart(g, saved: a.activated[index]) { block.reduce.inputGradient(g.reduced, to: $0) },
        gradients: [(3 * index, g.stream), (3 * index + 1, g.reduced), (3 * index + 2, g.convolved)])
    }
    let flow = [(lastBlock, g.stream), (hiddenLayer, g.hidden), (hiddenLayer + 1, g.logits)]
    let start = BackwardStep.weights(input.weightGradient(a.input, g.stream, classes: classes))
    return [BackwardStage(steps: head, gradients: flow)] + middle + [BackwardStage(steps: [start])]
  }

  /// map = φ′ ⊙ the convolution's sums, where `saved` is what φ gave.
  private func throughActivation(
    _ map: FeatureMap, saved: FeatureMap, _ convolution: (ConvolutionOutput) -> ConvolutionPass
  ) -> [BackwardStep] {
    fusesActivation
      ? [.input(convolution(.masked(map, saved: saved)))]
      : [.input(convolution(.store(map))), .slope(configuration.activation, map, saved: saved)]
  }

  /// From the stream's gradient after a block to that before it.
  private func blockStart(
    _ g: PixelCNNWorkspace.Gradients, saved: FeatureMap, _ reduce: (ConvolutionOutput) -> ConvolutionPass
  ) -> [BackwardStep] {
    switch configuration.residual {
    case .off: return throughActivation(g.stream, saved: saved, reduce)
    case .post: return [.input(reduce(.add(g.stream))), .slope(configuration.activation, g.stream, saved: saved)]
    case .pre:
      guard let activated = g.activated else {
        return [.input(reduce(.maskedResidual(stream: g.stream, saved: saved)))]
      }
      return [
        .input(reduce(.store(activated))), .slope(configuration.activation, activated, saved: saved),
        .add(activated, to: g.stream),
      ]
    }
  }
}

/// A PixelCNN that goes pixel by pixel: each step over one place of every image. Of the 3×3 convolutions' inputs and of
/// the image the last rows are kept.
struct IncrementalPixelCNN: IncrementalNetwork {
  let steps: [ForwardStep]

  func run(row: Int, places: Range<Int>, packed: PackedParameters) {
    let region = MapRegion(row: row, columns: places)
    for step in steps { step.run(region, packed) }
  }

  func finish(row: Int, packed: PackedParameters) {}
}
