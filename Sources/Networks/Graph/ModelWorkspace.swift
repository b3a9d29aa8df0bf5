// The memory of one worker, and a model's passes over it.
import Core
import Kernels

/// The memory that one worker needs to run a model for training or evaluation: activations, and for training their
/// gradients.
package final class ModelWorkspace {
  /// The network's outputs of the images last run, one map each.
  package let logits: [FeatureMap]
  /// Where the likelihood leaves ∂nats/∂logits; empty in a workspace for evaluation.
  package let logitGradients: [FeatureMap]
  /// Where features are left out while training; nil where none are.
  package let dropout: Dropout?
  /// Bytes of all maps.
  package let byteCount: Int
  let memory: PlanMemory
  private let plan: Plan
  private let forwardPasses: [any ForwardPass]
  private let backwardPasses: [any BackwardPass]
  /// Diagonals that each direction of each recurrence took in the last pass, counted; empty for other models.
  package private(set) var stepsTaken: [Int] = []

  init(_ plan: Plan) {
    let memory = PlanMemory(plan)
    let images = plan.images
    self.plan = plan
    self.memory = memory
    logits = (0..<images).map { memory.maps[plan.logits].image($0, of: images) }
    logitGradients =
      plan.logitGradient.map { map in
        (0..<images).map { memory.maps[map].image($0, of: images) }
      } ?? []
    dropout = memory.masks.isEmpty ? nil : Dropout(memory.masks, images: images)
    forwardPasses = plan.forward.map { $0.make(memory) }
    backwardPasses = plan.backward.map { $0.make(memory) }
    byteCount = memory.maker.byteCount
  }

  /// Runs the images `range` of `batch`, at most `imagesPerPass`, and leaves their logits.
  package func forward(_ batch: ImageBatch, images range: Range<Int>, packed: PackedParameters) {
    let images = plan.images
    precondition(range.count <= images, "\(range.count) images in a workspace for \(images)")
    memory.conditioning?.choose(batch, range)
    let input = memory.maps[plan.input]
    for position in 0..<images {
      let view = input.image(position, of: images)
      if position < range.count {
        view.fill(batch, image: range.lowerBound + position, levels: plan.graph.configuration.levels)
      } else {
        view.clear()
      }
    }
    let all = MapRegion(allOf: input)
    for pass in forwardPasses { pass.runAll(all, packed) }
    stepsTaken = forwardPasses.flatMap { ($0 as? RecurrenceForward)?.stepsTaken ?? [] }
  }

  /// Given ∂nats/∂logits of the first `count` images after `forward`, adds ∂nats/∂parameters to `gradient`. `observer`, where
  /// there is one, is told what each layer gave and got; the result is the same.
  package func backward(
    images count: Int, packed: PackedParameters, into gradient: AlignedBuffer, observer: StatisticsCollector? = nil
  ) {
    precondition(plan.purpose.isTraining, "this workspace is not for training")
    // Positions without an image contribute nothing.
    for position in count..<plan.images { logitGradients[position].clear() }
    runBackward(
      packed, into: gradient, observer.map { observer in { observer.record($0, images: count, of: self.plan.images) } })
  }

  /// All backward passes. Observations are made only where `observe` is wanted, each as soon as its maps are whole.
  private func runBackward(
    _ packed: PackedParameters, into gradient: AlignedBuffer, _ observe: ((Observation) -> Void)?
  ) {
    for (step, pass) in zip(plan.backward, backwardPasses) {
      pass.run(packed, into: gradient)
      if let observe { step.observations(memory).forEach(observe) }
    }
    stepsTaken = backwardPasses.flatMap { ($0 as? RecurrenceBackward)?.stepsTaken ?? [] }
  }

  /// How gradient flows back along the diagonals of recurrences, for the `count` images last run; `scratch` is a packed
  /// gradient that nobody needs. Empty for other models.
  ///
  /// Sends back the gradient of one pixel alone, that of the corner where a direction ends, and measures what reaches the
  /// cells of each diagonal before it. The second direction is read one row below, so its last cell lies a row above.
  package func diagonalFlow(images count: Int, packed: PackedParameters, scratch: AlignedBuffer) -> [DiagonalFlow] {
    let recurrences = plan.graph.nodes.compactMap { $0.operation as? DiagonalRecurrence }
    guard let first = recurrences.first else { return [] }
    let shape = plan.graph.configuration.shape
    let all = logitGradients.prefix(count).map(\.values)
    defer { for (map, values) in zip(logitGradients, all) { map.fill(values) } }
    var result: [String: DiagonalFlow] = [:]
    for number in first.directions.indices where number < shape.height {
      let corner = (y: shape.height - 1, x: number == 0 ? shape.width - 1 : 0)
      for (map, values) in zip(logitGradients, all) { map.keep(only: corner, of: values) }
      let names = recurrences.map { $0.directions[number].stateToState.name }
      runBackward(packed, into: scratch) { observation in
        guard names.contains(observation.layer) else { return }
        let name = String(observation.layer.dropLast(".state".count))
        result[name] = DiagonalFlow(
          name: name,
          rootMeanSquares: self.magnitudes(observation.gradient, from: (corner.y - number, corner.x), images: count))
      }
    }
    return recurrences.flatMap { recurrence in
      recurrence.directions.compactMap { result[String($0.stateToState.name.dropLast(".state".count))] }
    }
  }

  /// The root mean square of `gradients` at each distance from the cell `last`, in diagonals.
  private func magnitudes(_ gradients: FeatureMap, from last: (y: Int, x: Int), images count: Int) -> [Double] {
    let (images, width) = (plan.images, gradients.width / plan.images)
    var sums = [MagnitudeSums](repeating: MagnitudeSums(), count: last.y + width)
    for y in 0...last.y {
      for x in 0..<width {
        let distance = last.y - y + abs(last.x - x)
        for position in x * images..<x * images + count {
          for c in 0..<gradients.channels { sums[distance].add(gradients[unchecked: y, position, c]) }
        }
      }
    }
    return sums.map(\.rootMeanSquare)
  }
}

extension FeatureMap {
  /// Clears the map but for pixel `position`, which gets what `values`, H×W×channels, have there.
  fileprivate func keep(only position: (y: Int, x: Int), of values: [Float]) {
    clear()
    for c in 0..<channels { self[position.y, position.x, c] = values[(position.y * width + position.x) * channels + c] }
  }
}
