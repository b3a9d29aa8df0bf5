// Costs and context: counted by hand, and held against what a network really sees.
import Core
import Evaluation
import Foundation
import Kernels
import Networks
import Testing
import TestSupport

@Suite struct CostTests {
  private func configuration(
    _ kind: ModelKind, _ width: Int, _ blocks: Int, _ h: Int, _ w: Int, activation: Activation? = nil,
    directions: Int? = nil
  ) -> ModelConfiguration {
    ModelConfiguration(
      model: kind, width: width, blocks: blocks, shape: ImageShape(height: h, width: w, channels: 1), levels: 2,
      activation: activation, directions: directions)
  }

  /// The counts that PyTorch's modules of the same name have.
  @Test(arguments: [
    (ModelKind.pixelCNN, 32, 15, 37_409), (.gatedPixelCNN, 32, 8, 159_041), (.mdrnn, 64, 1, 12_609),
    (.diagonalLSTM, 32, 7, 63_937),
  ])
  func weightsAreThoseOfTheTextbook(kind: ModelKind, width: Int, blocks: Int, weights: Int) {
    let description = CostDescription(configuration(kind, width, blocks, 28, 28).makeModel())
    #expect(description.weights == weights)
    #expect(description.layers.reduce(0) { $0 + $1.cost.parameterCount } == weights)
  }

  @Test func connectionsOfASmallPixelCNNByHand() {
    let description = CostDescription(configuration(.pixelCNN, 4, 1, 3, 5).makeModel())
    let perPixel = [24 * 4, 4 * 2, 5 * 2 * 2, 2 * 4, 4 * 4, 4 * 1]
    #expect(description.layers.map(\.cost.multiplyAdds) == perPixel.map { $0 * 15 })
    #expect(description.steps.training == 6 && description.steps.sampling == 6 * 15)
  }

  /// `describe --json` promises its keys, whatever the members are called.
  @Test func keysStay() throws {
    let model = ModelConfiguration(width: 4, blocks: 1, shape: ImageShape(height: 5, width: 4, channels: 1), levels: 2)
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(CostDescription(model.makeModel())))
    let description = try #require(json as? [String: Any])
    #expect(
      description.keys.sorted() == [
        "blind", "configuration", "connections", "context", "formulas", "imagesTogether", "layers", "probe", "sampling",
        "steps", "trainingBytes", "weights",
      ])
    let layer = try #require((description["layers"] as? [[String: Any]])?.first?["cost"] as? [String: Any])
    #expect(
      layer.keys.sorted() == [
        "activationBytes", "connections", "kind", "name", "samplingSteps", "trainingSteps", "weights",
      ])
  }

  @Test func recurrentLayersTakeADiagonalAStep() {
    let one = CostDescription(configuration(.mdrnn, 4, 3, 5, 7).makeModel())
    // Three layers of 11 diagonals, each behind its hoisted product, and the head's two.
    #expect(one.steps.training == 3 * 11 + 3 + 2)
    #expect(one.steps.pipelined == 11 + 3 - 1 + 3 + 2)
    let two = CostDescription(configuration(.diagonalLSTM, 4, 3, 5, 7).makeModel())
    // The second direction runs beside the first: first convolution, products, ways back, head.
    #expect(two.steps.training == 3 * 11 + 1 + 3 + 3 + 2)
  }

  /// What an output sees by the structure is what moves it. With positive weights and ReLUs nothing is ever closed, and
  /// every path counts.
  @Test(arguments: [ModelKind.pixelCNN, .mdrnn], [1, 2]) func structureTellsWhatIsSeen(kind: ModelKind, directions: Int)
  {
    let directions = kind == .mdrnn ? directions : 1
    let model = configuration(kind, 4, 2, 7, 9, activation: .relu, directions: directions).makeModel()
    let parameters = randomParameters(model, scale: 0.4)
    for slice in model.layout.slices {
      for i in slice.range { parameters.storage[i] = abs(parameters.storage[i]) }
    }
    for (y, x) in [(6, 4), (6, 0), (3, 8), (0, 0)] {
      let seen = ContextMap(model, parameters: parameters, y: y, x: x).response.map { $0 > 0 }
      #expect(seen == model.context(y: y, x: x), "output at row \(y), column \(x)")
    }
  }

  /// Gates may be nearly shut; over several draws of weights all that can be seen is. The Gated PixelCNN sees a whole
  /// rectangle above: no blind spot.
  @Test(arguments: 1...3) func structureTellsWhatGatedStacksSee(layers: Int) {
    let model = configuration(.gatedPixelCNN, 8, layers, 7, 9).makeModel()
    for (y, x) in [(6, 4), (6, 0), (3, 8), (0, 0)] {
      var seen = [Bool](repeating: false, count: 63)
      for draw in 0..<8 {
        let parameters = randomParameters(model, scale: 0.5, stream: UInt64(draw) + 1)
        let field = ContextMap(model, parameters: parameters, y: y, x: x)
        for pixel in 0..<63 where field.response[pixel] > 0 { seen[pixel] = true }
      }
      #expect(seen == model.context(y: y, x: x), "output at row \(y), column \(x)")
    }
  }

  @Test func stepsOfAGatedPixelCNN() {
    let description = CostDescription(configuration(.gatedPixelCNN, 4, 3, 5, 7).makeModel())
    // The first vertical convolution, its link and output; then a convolution and an output a layer; the head.
    #expect(description.steps.training == 3 + 2 * 2 + 2)
    // The vertical stack and the last link once a row; two steps a layer and the head at every pixel.
    #expect(description.steps.sampling == (3 + 1) * 5 + (2 * 3 + 2) * 35)
  }

  /// An LSTM's gates may be shut for some pixels and weights; over several draws of weights all that can be seen is.
  @Test(arguments: [1, 2]) func structureTellsWhatAnLSTMSees(directions: Int) {
    let model = configuration(.diagonalLSTM, 8, 1, 4, 6, directions: directions).makeModel()
    for (y, x) in [(3, 2), (3, 0), (2, 5)] {
      var seen = [Bool](repeating: false, count: 24)
      for draw in 0..<8 {
        let parameters = randomParameters(model, scale: 1, stream: UInt64(draw) + 1)
        let field = ContextMap(model, parameters: parameters, y: y, x: x)
        for pixel in 0..<24 where field.response[pixel] > 0 { seen[pixel] = true }
      }
      #expect(seen == model.context(y: y, x: x), "output at row \(y), column \(x)")
    }
  }

  /// The BiLSTM sees all that comes before but one pixel: the last of the row above. Its own position does not see it, and
  /// none to its right is left to pass it on; only the first kernel reaches it, from near the edge.
  @Test func blindSpots() {
    #expect(CostDescription(configuration(.pixelCNN, 4, 3, 12, 12).makeModel()).blind > 1)
    let both = configuration(.diagonalLSTM, 4, 1, 12, 12).makeModel()
    let seen = both.context(y: 11, x: 6)
    #expect(seen[..<(11 * 12 + 6)].indices.filter { !seen[$0] } == [10 * 12 + 11])
    #expect(both.context(y: 11, x: 9)[10 * 12 + 11])
    // From the left alone, what is above and to the right stays unseen.
    #expect(CostDescription(configuration(.mdrnn, 4, 1, 12, 12).makeModel()).blind == 11 * 5)
    // Two stacks leave none: two layers see three rows above and two pixels to either side, and every pixel of that.
    let gated = CostDescription(configuration(.gatedPixelCNN, 4, 2, 12, 12).makeModel())
    #expect(gated.blind == 0 && gated.context == 3 * 5 + 3)
  }

  @Test func pictureMarksWhatIsSeen() {
    let model = configuration(.pixelCNN, 4, 1, 4, 5).makeModel()
    let field = ContextMap(model, parameters: randomParameters(model, scale: 0.5), y: 3, x: 2)
    let picture = field.picture(scale: 2)
    #expect(picture.shape == ImageShape(height: 8, width: 10, channels: 3))
    func color(_ y: Int, _ x: Int) -> [UInt8] {
      Array(picture.values[(y * 2 * 10 + x * 2) * 3..<(y * 2 * 10 + x * 2) * 3 + 3])
    }
    #expect(color(3, 2) == [40, 200, 80], "the output itself")
    #expect(color(3, 4) == [24, 24, 28], "a later pixel")
    #expect(field.before == 17 && field.response[17...].allSatisfy { $0 == 0 })
  }
}
