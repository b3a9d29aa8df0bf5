import Core
import Networks
import Testing
import TestSupport

@Suite struct LinearizationTests {
  private struct Case {
    let model: ImageModel
    let parameters: ParameterVector
    let batch: ImageBatch
    let layers: [LinearizedLayer]

    init(_ configuration: ModelConfiguration) {
      model = configuration.makeModel()
      parameters = randomParameters(model, scale: 0.5)
      batch = randomBatch(configuration, count: 1)
      layers = model.jacobians(batch, image: 0, parameters: parameters)
    }
  }

  private static func vector(_ count: Int, _ stream: UInt64) -> [Double] {
    randomValues(count, stream: stream).map(Double.init)
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  /// u·(J v) = (Jᵀ u)·v
  @Test(arguments: smallConfigurations) func productsAndTransposedProductsBelongTogether(
    configuration: ModelConfiguration
  ) {
    for layer in Case(configuration).layers {
      let j = layer.jacobian
      let (v, u) = (Self.vector(j.columns, 1), Self.vector(j.rows, 2))
      let (one, two) = (Self.dot(u, j.product(v)), Self.dot(j.transposedProduct(u), v))
      #expect(abs(one - two) < 1e-9 * (1 + abs(one)), "\(layer.name)")
    }
  }

  /// Sending ∂nats/∂logits back through the links gives the gradient that training gives, layer by layer: its RMS is
  /// what the flow says (which finite differences confirm).
  @Test(arguments: smallConfigurations) func linksSendBackTheGradientOfTraining(configuration: ModelConfiguration)
    throws
  {
    let c = Case(configuration)
    let observer = StatisticsCollector(c.model)
    _ = BatchGradient(model: c.model, batchSize: 1, threads: 1).compute(
      c.batch, parameters: c.parameters, into: ParameterVector(layout: c.model.layout), observer: observer)
    let workspace = c.model.makeWorkspace(.training())
    workspace.forward(c.batch, images: 0..<1, packed: c.model.packed(c.parameters))
    _ = c.model.likelihood.nats(
      c.batch, image: 0, logits: workspace.logits[0], gradient: workspace.logitGradients[0])
    var gradient = workspace.logitGradients[0].values.map(Double.init)
    // The link before whose output the gradient stands, by the name that the flow has for it.
    func flowName(_ link: LinearizedLayer) -> String? {
      switch (configuration.model, link.name) {
      case (_, "input"): "input"
      case (_, "position"): "input"
      case (.pixelSNAIL, let name) where name.hasPrefix("attention"): name + ".output"
      case (.pixelCNN, let name), (.pixelSNAIL, let name): name + ".expand"
      case (.diagonalLSTM, let name), (.linearRNN, let name): name + ".output"
      case (.gatedPixelCNN, let name): name + ".output"
      default: nil
      }
    }
    let links = c.layers.filter(\.isChainStage)
    var compared = 0
    for (link, before) in zip(links.reversed(), links.dropLast().reversed()) {
      gradient = link.jacobian.transposedProduct(gradient)
      guard let name = flowName(before) else { continue }
      let flow = try #require(observer.layers.first { $0.layer.name == name }, "\(name)")
      // Of two stacks the horizontal one, which comes last.
      let part = Array(gradient.suffix(flow.gradients.count))
      let rms = (Self.dot(part, part) / Double(part.count)).squareRoot()
      #expect(abs(rms - flow.gradients.rootMeanSquare) < 1e-7 + 1e-5 * rms, "\(name)")
      compared += 1
    }
    #expect(configuration.model == .mdrnn || compared == links.count - 1)
  }

  /// A product with a recurrence's J against differences of the reference's cells: a weight of the first layer's bias
  /// moves the second layer's input everywhere.
  @Test func recurrencesMoveAsTheReferenceDoes() throws {
    for configuration in smallConfigurations
    where configuration.model == .mdrnn && configuration.blocks == 2 && configuration.family.choices.cell == nil {
      let c = Case(configuration)
      var reference = referenceModel(configuration, c.parameters)
      func outputs(_ amount: Double) -> [Double] {
        let probe = LayerProbe()
        reference.probe = probe
        // One output of the first layer's cells is moved; those after it move with it through the state.
        (probe.layer, probe.position, probe.amount) = ("layers.1.left.input", 5, amount)
        _ = reference.nats(c.batch, image: 0)
        return probe.outputs["layers.1.left.state"] ?? []
      }
      let h = 1e-6
      let slope = zip(outputs(h), outputs(-h)).map { ($0 - $1) / (2 * h) }
      let layer = try #require(c.layers.first { $0.name == "layers.1.left" })
      // The input that moves pre-activation 5 alone: through the inverse of the input weights.
      let weight = try #require(c.model.layout.slices.first { $0.name == "layers.1.left.input.weight" })
      let k = configuration.width
      let w = DenseMatrix(rows: k, columns: k, values: c.parameters[weight].map(Double.init))
      let position = 5 / k
      var move = [Double](repeating: 0, count: layer.jacobian.columns)
      let solved = solve(w, (0..<k).map { $0 == 5 % k ? 1 : 0 })
      for i in 0..<k { move[position * k + i] = solved[i] }
      let found = layer.jacobian.product(move)
      for i in found.indices { #expect(abs(found[i] - slope[i]) < 1e-4 * (1 + abs(slope[i])), "\(i)") }
    }
  }

  /// Gaussian elimination with pivots.
  private func solve(_ matrix: DenseMatrix, _ right: [Double]) -> [Double] {
    var (a, b) = (matrix, right)
    let n = b.count
    for column in 0..<n {
      let pivot = (column..<n).max { abs(a[$0, column]) < abs(a[$1, column]) } ?? column
      for i in 0..<n { (a[column, i], a[pivot, i]) = (a[pivot, i], a[column, i]) }
      b.swapAt(column, pivot)
      for row in 0..<n where row != column {
        let factor = a[row, column] / a[column, column]
        for i in 0..<n { a[row, i] -= factor * a[column, i] }
        b[row] -= factor * b[column]
      }
    }
    return (0..<n).map { b[$0] / a[$0, $0] }
  }

  /// σ_max and σ_min of every layer of every kind, and of the products to the logits, against all singular values of the
  /// dense matrix.
  @Test(arguments: smallConfigurations) func extremesEqualTheDenseSingularValues(configuration: ModelConfiguration) {
    let c = Case(configuration)
    let links = c.layers.filter(\.isChainStage)
    let products = links.indices.map { LinearOperator.chain(links[$0...].map(\.jacobian)) }
    for (name, j) in c.layers.map({ ($0.name, $0.jacobian) }) + products.map({ ("product", $0) }) {
      var dense = DenseMatrix(rows: j.rows, columns: j.columns)
      for column in 0..<j.columns {
        var unit = [Double](repeating: 0, count: j.columns)
        unit[column] = 1
        for (row, value) in j.product(unit).enumerated() { dense[row, column] = value }
      }
      let all = dense.singularValues()
      let found = j.extremeSingularValues(tolerance: 1e-8)
      let (most, least) = (all.first ?? 0, all.last ?? 0)
      #expect(abs(found.largest - most) <= 1e-4 * most, "\(name)")
      #expect(abs(found.smallest - least) <= 1e-4 * least + 1e-10 * most, "\(name)")
    }
  }
}
