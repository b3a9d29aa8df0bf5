// What depth costs: the counts of real models against formulas in W, H, d and k.
//
// The formulas are written down here from the papers' descriptions, and the counts come from the models' own layers
// (`ImageModel.layerCosts`, `sequentialSteps`, `context`), which know nothing of them. d is the number of residual blocks
// of the PixelCNN, and of recurrent layers of the MDRNN; one grey channel, two levels, so one logit.
import Core
import Kernels
import Networks

extension TheoryStatement {
  func costs(_ depth: Int, _ isViolated: Bool) -> TheoryReport {
    let features = 8
    let shape = ImageShape(height: 14, width: 18, channels: 1)
    let extra = isViolated ? 1 : 0
    func counts(_ kind: ModelKind) -> [CostCounts] {
      (1...depth).map { d in
        let configuration = ModelConfiguration(
          model: kind, width: features, blocks: d + extra, shape: shape, levels: 2,
          directions: kind == .mdrnn ? 1 + extra : 1)
        return CostCounts(configuration.makeModel())
      }
    }
    let formulas = CostFormulas(height: shape.height, width: shape.width, features: features)
    let pixelCNN = counts(.pixelCNN), mdrnn = counts(.mdrnn)
    func checks(
      _ panel: String, _ quantity: String, _ value: (CostCounts) -> Int, pixelCNN predicted: ((Int) -> Int, String),
      mdrnn other: ((Int) -> Int, String)
    ) -> [TheoryCheck] {
      let both = [("pixelcnn", pixelCNN, predicted), ("mdrnn", mdrnn, other)]
      return both.map { name, counted, predicted in
        TheoryCheck(
          name, quantity, formula: predicted.1, panel: panel, counted: counted.map(value),
          predicted: (1...depth).map(predicted.0))
      }
    }
    return TheoryReport(
      self,
      "PixelCNN, d blocks of k features, W×H pixels: weights O(dk²·taps), connections O(WHdk²·taps), O(d) sequential steps "
        + "in training, context the receptive field, blind spot included. MDRNN: weights O(dk²), connections O(WHdk²), "
        + "d(W+H−1) steps by diagonals, context everything above and to the left. Sampling goes pixel by pixel in both.",
      source: "van den Oord, Kalchbrenner and Kavukcuoglu, 2016; Graves, Fernández and Schmidhuber, 2007",
      networks:
        "for each d both models, k = \(features), on images of \(shape.width)×\(shape.height), as `scanline train` "
        + "builds them; the context is that of the middle of the last row",
      violation: isViolated ? "networks of one block (layer) more than d, and an MDRNN of two directions" : nil,
      checks: checks(
        "Weights", "weights", \.weights, pixelCNN: (formulas.pixelCNNWeights, "d(9k²/4+2k) + k²+27k+1"),
        mdrnn: (formulas.mdrnnWeights, "d(3k²+k) + 4k+1"))
        + checks(
          "Connections (multiply-adds)", "connections", \.connections,
          pixelCNN: (formulas.pixelCNNConnections, "WH(d·9k²/4 + k²+25k)"),
          mdrnn: (formulas.mdrnnConnections, "WH(d·3k² + 3k)"))
        + checks(
          "Sequential steps, training", "steps, training", \.trainingSteps, pixelCNN: ({ 3 * $0 + 3 }, "3d+3"),
          mdrnn: (formulas.mdrnnSteps, "d(W+H−1) + d+2"))
        + checks(
          "Sequential steps, layers pipelined", "steps, pipelined", \.pipelinedSteps,
          pixelCNN: ({ 3 * $0 + 3 }, "3d+3"),
          mdrnn: (formulas.mdrnnPipelinedSteps, "W+H+d−2 + d+2"))
        + checks(
          "Sequential steps, sampling", "steps, sampling", \.samplingSteps,
          pixelCNN: ({ (3 * $0 + 3) * shape.pixels }, "(3d+3)WH"),
          mdrnn: ({ (2 * $0 + 2) * shape.pixels }, "(2d+2)WH"))
        + checks(
          "Context, in pixels", "context", \.context, pixelCNN: (formulas.pixelCNNContext, "receptive field"),
          mdrnn: ({ _ in formulas.mdrnnContext }, "above and left")))
  }
}

/// Counted from a model.
private struct CostCounts {
  let weights: Int, connections: Int, trainingSteps: Int, pipelinedSteps: Int, samplingSteps: Int, context: Int

  init(_ model: ImageModel) {
    let shape = model.configuration.shape
    weights = model.layout.liveCount
    connections = model.layerCosts.reduce(0) { $0 + $1.multiplyAdds }
    trainingSteps = model.sequentialSteps.training
    pipelinedSteps = model.sequentialSteps.pipelined
    samplingSteps = model.sequentialSteps.sampling
    context = model.context(y: shape.height - 1, x: shape.width / 2).count { $0 }
  }
}

/// The theory's counts, exact: what the O(…) leaves out included.
package struct CostFormulas: Sendable {
  /// H, W and k.
  let height: Int, width: Int, features: Int

  package init(height: Int, width: Int, features: Int) {
    (self.height, self.width, self.features) = (height, width, features)
  }

  /// The input's 24 live taps of one channel; blocks k → k/2 → (5 live taps) k/2 → k; head k → k → 1; a bias an output.
  func pixelCNNWeights(_ d: Int) -> Int {
    let (k, half) = (features, features / 2)
    return 24 * k + k + d * (k * half + half + 5 * half * half + half + half * k + k) + k * k + k + k + 1
  }

  /// The same without biases, at every pixel.
  func pixelCNNConnections(_ d: Int) -> Int {
    let (k, half) = (features, features / 2)
    return width * height * (24 * k + d * (k * half + 5 * half * half + half * k) + k * k + k)
  }

  /// The first layer reads the pixels to the left and above, each later one k features; two k×k products with the
  /// neighbouring cells each; then the head.
  func mdrnnWeights(_ d: Int) -> Int {
    let k = features
    return (2 * k + k + 2 * k * k) + (d - 1) * (k * k + k + 2 * k * k) + k * k + k + k + 1
  }

  func mdrnnConnections(_ d: Int) -> Int {
    let k = features
    return width * height * (2 * k + 2 * k * k + (d - 1) * 3 * k * k + k * k + k)
  }

  /// W+H−1 diagonals a layer, its product with the input before them, two layers of head.
  func mdrnnSteps(_ d: Int) -> Int { d * (width + height - 1) + d + 2 }

  /// Each layer one diagonal behind the one before.
  func mdrnnPipelinedSteps(_ d: Int) -> Int { width + height + d - 2 + d + 2 }

  /// Everything above and to the left of the middle of the last row, the pixel itself not.
  var mdrnnContext: Int { height * (width / 2 + 1) - 1 }

  /// The receptive field at the middle of the last row: d masks B of 3×3, then the mask A of 7×7.
  ///
  /// After d masks B a position `up` rows above (up ≤ d) is seen from d columns to the left to `up` columns to the right:
  /// only a step up can go right, by one. That slope is the edge of the blind spot. Mask A adds up to 3 rows, 3 columns to
  /// the left in any row, and 3 to the right in the rows above, but −1 in its own.
  package func pixelCNNContext(_ d: Int) -> Int {
    let (y, x) = (height - 1, width / 2)
    return (0...min(y, d + 3)).reduce(0) { sum, up in
      // To the right: none in its own row; otherwise one row is mask A's, which reaches 3, the others' slope is 1.
      let right = up == 0 ? -1 : min(up - 1, d) + 3
      return sum + min(d + 3, x) + 1 + min(right, width - 1 - x)
    }
  }
}
