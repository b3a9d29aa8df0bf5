// The singular values of a network's Jacobians at real images.
import Core
import Networks
import Plotting

/// σ_max and σ_min of each layer's Jacobian, and of the product from each link of the chain to the logits.
package struct JacobianAnalysis: Sendable, Encodable {
  /// The extreme singular values of one Jacobian over the images.
  package struct Values: Sendable, Encodable, Equatable {
    /// The largest σ_max of any image, and whether it is certain to the tolerance.
    package var largest: Double, hasLargest: Bool
    /// The smallest σ_min of any image. Where it is not certain, the true one is at most this.
    package var smallest: Double, hasSmallest: Bool

    init(_ all: [ExtremeSingularValues]) {
      largest = all.map(\.largest).max() ?? 0
      hasLargest = all.allSatisfy(\.hasLargest)
      smallest = all.map(\.smallest).min() ?? 0
      hasSmallest = all.allSatisfy(\.hasSmallest)
    }
  }

  /// One layer.
  package struct Layer: Sendable, Encodable {
    /// Its name.
    package var name: String
    /// What it is.
    package var kind: LinearizedLayer.Kind
    /// Outputs and inputs: the rows and columns of its Jacobian.
    package var rows: Int, columns: Int
    /// Of its own Jacobian.
    package var own: Values
    /// Of the product from its input to the logits; nil for a part of a link.
    package var toLogits: Values?
  }

  /// The layers in the order of the forward pass.
  package var layers: [Layer]
  /// Images that it was taken at.
  package var images: Int
  /// Relative tolerance of a value that is called certain, and the most steps that were taken for one.
  package var tolerance: Double, maximumSteps: Int

  /// Analyses `model` with `parameters` at the images of `batch`, on `threads` threads. A singular value is looked for
  /// in at most `maximumSteps` pairs of products. `progress` is told after each Jacobian, from any thread.
  package init(
    _ model: ImageModel, parameters: ParameterVector, batch: ImageBatch, maximumSteps: Int = 60,
    tolerance: Double = 1e-4, threads: Int, progress: @Sendable (Int) -> Void = { _ in }
  ) {
    let jacobians = (0..<batch.count).map { model.jacobians(batch, image: $0, parameters: parameters) }
    let layers = jacobians.first ?? []
    let links = layers.indices.filter { layers[$0].isChainStage }
    // Every layer, then every product, at every image.
    let count = (layers.count + links.count) * batch.count
    var found = [ExtremeSingularValues?](repeating: nil, count: count)
    found.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let found = buffer
      parallelFor(count, threads: threads) { item, _ in
        let (task, image) = item.quotientAndRemainder(dividingBy: batch.count)
        let all = jacobians[image]
        let jacobian =
          task < layers.count
          ? all[task].jacobian
          : LinearOperator.chain(links[(task - layers.count)...].map { all[$0].jacobian })
        found[item] = jacobian.extremeSingularValues(tolerance: tolerance, maximumSteps: maximumSteps)
        progress(1)
      }
    }
    func values(_ task: Int) -> Values { Values((0..<batch.count).compactMap { found[task * batch.count + $0] }) }
    self.layers = layers.enumerated().map { index, layer in
      Layer(
        name: layer.name, kind: layer.kind, rows: layer.jacobian.rows, columns: layer.jacobian.columns,
        own: values(index), toLogits: links.firstIndex(of: index).map { values(layers.count + $0) })
    }
    images = batch.count
    (self.tolerance, self.maximumSteps) = (tolerance, maximumSteps)
  }

  /// How many Jacobians there are to look at: the end of `progress`.
  package static func taskCount(_ model: ImageModel, images: Int) -> Int {
    let parameters = ParameterVector(layout: model.layout)
    let layers = model.jacobians(
      model.noise(Philox(seed: 0, purpose: .benchmark), count: 1), image: 0, parameters: parameters)
    return (layers.count + layers.count { $0.isChainStage }) * images
  }

  /// σ_max and σ_min of the links and of the products, over the links.
  package func figure(title: String) -> PlotFigure {
    let links = layers.filter { $0.toLogits != nil }
    func points(_ value: (Layer) -> Double?) -> [(x: Double, y: Double)] {
      links.enumerated().compactMap { position, layer in value(layer).map { (Double(position + 1), $0) } }
    }
    func chart(_ title: String, _ values: @escaping (Layer) -> Values?) -> PlotPanel {
      .lines(
        PlotLineChart(
          title: title, x: PlotAxis("layer, from the input"), y: PlotAxis("singular value", scale: .logarithmic),
          series: [
            PlotSeries("σ_max", points { values($0)?.largest }, color: .series(1), marker: .triangle),
            PlotSeries(
              "σ_min, or a bound above it", points { values($0)?.smallest }, color: .series(0), marker: .circle),
          ]))
    }
    return PlotFigure(
      title: title,
      caption:
        "Extreme singular values of the layers' Jacobians at \(images) image\(images == 1 ? "" : "s"). Where many "
        + "products stay far below 1 the gradient vanishes on its way back, far above 1 it explodes.",
      panels: [
        chart("each layer's Jacobian") { $0.own },
        chart("the product from the layer's input to the logits") { $0.toLogits },
      ])
  }
}
