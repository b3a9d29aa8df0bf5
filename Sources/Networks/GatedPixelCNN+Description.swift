// What a Gated PixelCNN costs and sees, and what PyTorch calls its tensors.
import Kernels

extension GatedPixelCNN {
  /// See `ImageModel`.
  public var layerCosts: [LayerCost] {
    let shape = configuration.shape
    let features = Lanes.roundUp(configuration.width)
    func kept(_ floats: Int) -> Int { shape.pixels * floats * 4 }
    let middle = layers.enumerated().flatMap { index, layer in
      // The vertical stack runs ahead of the horizontal one, whose first convolution has nothing to wait for. In
      // sampling it runs once a row, each link beside the next layer's convolution.
      [
        layer.vertical.cost("2×3, rows above, gated", shape)
          .with(training: index == 0 ? 1 : 0, sampling: shape.height, bytes: kept(3 * features)),
        layer.link.cost("1×1, vertical to horizontal", shape)
          .with(training: index == 0 ? 1 : 0, sampling: index == layers.count - 1 ? shape.height : 0, bytes: 0),
        layer.horizontal.cost("1×2, left, gated", shape)
          .with(training: index == 0 ? 0 : 1, sampling: shape.pixels, bytes: kept(3 * features)),
        layer.output.cost(index == 0 ? "1×1" : "1×1, added to the stream", shape),
      ]
    }
    return middle + head.costs(shape)
  }

  /// See `ImageModel`.
  public var sequentialSteps: SequentialSteps {
    let depth = layerCosts.reduce(0) { $0 + $1.trainingSteps }
    return SequentialSteps(
      training: depth, pipelined: depth, trainingFormula: "d", sampling: layerCosts.reduce(0) { $0 + $1.samplingSteps },
      samplingFormula: "d·W·H")
  }

  /// See `ImageModel`. Windows of whole rectangles, put together, are whole rectangles: the vertical stack's n-th layer
  /// sees n + 1 rows above, n pixels to either side.
  public var contextSteps: [ContextStep] {
    let middle = (1...layers.count).flatMap { n -> [ContextStep] in
      let above = (-(n + 1)...(-1)).map { ConvolutionWindow.Run(dy: $0, dx: -n, count: 2 * n + 1) }
      let vertical = ContextStep.image(ConvolutionWindow(runs: above))
      let left = ConvolutionWindow.Run(dy: 0, dx: -(n + 1), count: n + 1)
      return [vertical, vertical, .image(ConvolutionWindow(runs: above + [left])), .same]
    }
    return middle + [.same, .same]
  }

  /// See `ImageModel`. Link and horizontal convolution both count with the gate that they are summed in, an output
  /// convolution with the stream. The last vertical layer has no gate.
  public var flowLayers: [FlowLayer] {
    layers.enumerated().flatMap { index, layer in
      let isLast = index == layers.count - 1
      return [
        FlowLayer(layer.vertical, isLast ? .linear : .gated), FlowLayer(layer.link, .gated),
        FlowLayer(layer.horizontal, .gated), FlowLayer(layer.output, isLast ? .relu : .linear),
      ]
    } + head.flowLayers()
  }

  /// PyTorch's name of every tensor, by ours: a module of `layers`, each with the convolutions `v`, `vh`, `h` and `out`,
  /// and a `Sequential` called `head` (1, 3). Shapes are the same.
  public var pyTorchNames: [String: String] {
    var modules = ["head.hidden": "head.1", "head.logits": "head.3"]
    for index in layers.indices {
      for (ours, theirs) in [("vertical", "v"), ("link", "vh"), ("horizontal", "h"), ("output", "out")] {
        modules["layers.\(index).\(ours)"] = "layers.\(index).\(theirs)"
      }
    }
    return layout.renamed(modules)
  }
}

extension LayerCost {
  /// The same with other steps, and bytes that training keeps.
  fileprivate func with(training: Int, sampling: Int, bytes: Int) -> LayerCost {
    LayerCost(
      name: name, kind: kind, weights: weights, connections: connections, trainingSteps: training,
      samplingSteps: sampling, activationBytes: bytes)
  }
}
