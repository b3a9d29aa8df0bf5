// A training step in pieces, for whoever times it.
import Core
import Kernels
import Networks
import Training

final class StepWork {
  enum Part: String, CaseIterable {
    case packing = "packing weights"
    case forward = "forward kernels with their endings"
    case likelihood = "likelihood and its gradient"
    case backward = "backward kernels with their endings"
    case reduction = "adding up the shards"
    case norms = "norms of the gradient"
    case finiteness = "looking for what is not finite"
    case optimizer = "Adam and the average"
  }

  typealias Engine = (gradient: BatchGradient, threads: Int)
  let alone: Engine
  let together: Engine
  /// Floating-point operations of a step's products: a multiply-add is two, and each is done forward, for the weights'
  /// gradient and for the input's. (That of the image, which nobody needs, is counted in: under one in a hundred.)
  let operations: Double
  private let model: ImageModel
  private let batch: ImageBatch
  private let packed: PackedParameters
  private let workspace: ModelWorkspace
  private let sum: AlignedBuffer
  private let gradient: ParameterVector
  private var adam: Adam

  init(_ model: ImageModel, _ batch: ImageBatch, threads: Int) {
    self.model = model
    self.batch = batch
    alone = (BatchGradient(model: model, batchSize: batch.count, threads: 1), 1)
    together = (BatchGradient(model: model, batchSize: batch.count, threads: threads), threads)
    adam = Adam(parameters: model.initialParameters(seed: 0), options: AdamOptions())
    packed = model.packed(adam.parameters)
    workspace = model.makeWorkspace(.training())
    sum = model.makePackedGradient()
    gradient = ParameterVector(layout: model.layout)
    let multiplyAdds = model.layerCosts.reduce(0) { $0 + $1.multiplyAdds }
    operations = 6 * Double(multiplyAdds) * Double(batch.count)
  }

  func step(_ engine: Engine) {
    _ = engine.gradient.compute(batch, parameters: adam.parameters, into: gradient)
    precondition(adam.isFinite(threads: engine.threads), "numbers that are not finite")
    let norm = GradientNorms(gradient, threads: engine.threads)
    adam.update(gradient, norm: norm.global, learningRate: 1e-3, threads: engine.threads)
  }

  /// Runs `part` as often as a step on one core does.
  func run(_ part: Part) {
    switch part {
    case .packing: model.pack(adam.parameters, into: packed, threads: 1)
    case .forward: forEachGroup { workspace.forward(batch, images: $0, packed: packed) }
    case .likelihood:
      let likelihood = model.likelihood
      forEachGroup {
        for (position, image) in $0.enumerated() {
          _ = likelihood.nats(
            batch, image: image, logits: workspace.logits[position], gradient: workspace.logitGradients[position])
        }
      }
    case .backward: forEachGroup { workspace.backward(images: $0.count, packed: packed, into: sum) }
    case .reduction: alone.gradient.reduce(into: gradient)
    case .norms: _ = GradientNorms(gradient, threads: 1)
    case .finiteness: precondition(adam.isFinite(threads: 1), "numbers that are not finite")
    case .optimizer: adam.update(gradient, norm: 1, learningRate: 0)
    }
  }

  /// What a step shares out by layers and slices, not by images, but for ``unpack()``; here on one thread.
  func runSerialParts() {
    run(.packing)
    run(.optimizer)
  }

  /// The end of adding up shards, on one thread: the gradient in the order of the parameters.
  func unpack() { model.unpackGradient(sum, into: gradient, threads: 1) }

  private func forEachGroup(_ body: (Range<Int>) -> Void) {
    for first in stride(from: 0, to: batch.count, by: model.imagesPerPass) {
      body(first..<min(first + model.imagesPerPass, batch.count))
    }
  }

  private static let peakRounds = 300_000
  var peakOperations: Double { Double(Self.peakRounds * operationsPerMultiplyAddRound) }
  /// What the peak is measured by, on one core.
  func runPeak() {
    let sink = multiplyAddChains(rounds: Self.peakRounds, seed: 0.25)
    precondition(sink.isFinite)
  }
}
