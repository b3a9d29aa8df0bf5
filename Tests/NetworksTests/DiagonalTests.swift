// What is particular to the recurrent models: steps, interleaving, orders.
import Core
import Kernels
import Networks
import Testing
import TestSupport

@Suite struct DiagonalTests {
  /// Counted in the loop that runs the cells, forward and backward: W + H − 1 for every direction of every layer. Such a
  /// loop could have the right length and the wrong cells, so what it computes is held against raster order and, backward,
  /// against slopes of the double-precision reference.
  @Test(arguments: [(5, 7), (7, 4), (1, 6), (3, 1)], [ModelKind.mdrnn, .diagonalLSTM])
  func eachLayerTakesOneStepADiagonal(size: (height: Int, width: Int), kind: ModelKind) {
    let model = recurrent(kind, width: 4, layers: 2, height: size.height, width: size.width, levels: 2, directions: 2)
      .makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let packed = model.packed(parameters)
    let workspace = model.makeWorkspace(.training())
    let batch = randomBatch(model.configuration.shape, count: 3, levels: 2)
    let expected = [Int](repeating: size.width + size.height - 1, count: 4)
    workspace.forward(batch, images: 0..<3, packed: packed)
    #expect(workspace.stepsTaken == expected)
    let runner = model.makeIncrementalForward(images: 3)
    runner.begin(classes: nil)
    for (y, x) in (0..<size.height).flatMap({ y in (0..<size.width).map { (y, $0) } }) {
      runner.run(y: y, x: x, packed: packed)
      for (n, position) in runner.positions(x).enumerated() {
        #expect(runner.logits.features(0, position) == workspace.logits[n].features(y, x), "image \(n), (\(y), \(x))")
      }
      runner.set(y: y, x: x, levels: (0..<3).map { batch[$0, y, x, 0] })
    }

    for image in 0..<3 {
      _ = model.likelihood.nats(
        batch, image: image, logits: workspace.logits[image], gradient: workspace.logitGradients[image])
    }
    let sum = model.makePackedGradient()
    workspace.backward(images: 3, packed: packed, into: sum)
    #expect(workspace.stepsTaken == expected)
    let gradient = ParameterVector(layout: model.layout)
    model.unpackGradient(sum, into: gradient, threads: 1)
    func nats(_ parameters: ParameterVector) -> Double {
      let reference = referenceModel(model.configuration, parameters)
      return (0..<3).reduce(0) { $0 + reference.nats(batch, image: $1) }
    }
    // Each tensor of the recurrence by 10⁻⁴ along its own gradient, to either side. 2·10⁻³: a ReLU of the head may change
    // sides on the way; a bias that lacks one cell of 35 is off by ten times that.
    for slice in model.layout.slices where slice.name.hasPrefix("layers.") {
      let norm = gradient[slice].reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      guard norm > 0 else { continue }
      let (more, less) = (parameters.copy(), parameters.copy())
      var expected = 0.0
      for i in slice.range {
        let slope = Double(gradient.storage[i])
        more.storage[i] += Float(1e-4 * slope / norm)
        less.storage[i] -= Float(1e-4 * slope / norm)
        expected += slope * (Double(more.storage[i]) - Double(less.storage[i]))
      }
      let change = nats(more) - nats(less)
      #expect(abs(change - expected) < 2e-3 * expected, "\(slice.name): \(change), \(expected)")
    }
  }

  /// How many images run together, and in which position of the group one lies, changes no bit of its score.
  @Test(arguments: [ModelKind.mdrnn, .diagonalLSTM]) func neighboursInTheGroupChangeNoBit(kind: ModelKind) {
    let model = recurrent(kind, width: 8, layers: 2, height: 5, width: 6, levels: 4, directions: 2).makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let batch = randomBatch(model.configuration.shape, count: 11, levels: 4)
    let scorer = Scorer(model: model, parameters: parameters, threads: 1)
    let together = scorer.nats(batch)
    for image in 0..<11 {
      let size = batch.shape.dimensions
      let alone = ImageBatch(
        shape: batch.shape, count: 1, levels: Array(batch.levels[image * size..<(image + 1) * size]))
      #expect(scorer.nats(alone) == [together[image]])
    }
  }

  /// A batch that does not fill its groups has the gradient of its images alone.
  @Test(arguments: [ModelKind.mdrnn, .diagonalLSTM]) func emptyPositionsContributeNothing(kind: ModelKind) {
    let model = recurrent(kind, width: 4, layers: 2, height: 4, width: 3, levels: 2, directions: 2).makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let packed = model.packed(parameters)
    let batch = randomBatch(model.configuration.shape, count: 4, levels: 2)
    func gradient(after full: Bool) -> [Float] {
      let workspace = model.makeWorkspace(.training())
      func run(_ images: Range<Int>, _ sum: AlignedBuffer) {
        workspace.forward(batch, images: images, packed: packed)
        for (position, image) in images.enumerated() {
          _ = model.likelihood.nats(
            batch, image: image, logits: workspace.logits[position], gradient: workspace.logitGradients[position])
        }
        workspace.backward(images: images.count, packed: packed, into: sum)
      }
      // A full group first leaves its traces in every map.
      if full { run(0..<4, model.makePackedGradient()) }
      let sum = model.makePackedGradient()
      run(0..<1, sum)
      return sum.elements
    }
    #expect(gradient(after: true) == gradient(after: false))
  }
}
