// One direction of a recurrent layer: its two products, its maps, its scan.
import Kernels

/// The parameters of one direction.
struct RecurrentDirection: Sendable {
  /// From the layer's input to the pre-activations: hoisted out of the scan.
  let inputToState: Convolution
  /// From the two neighbouring cells' outputs to the pre-activations.
  let stateToState: Convolution
  let cell: any RecurrentCell
  let mirrored: Bool
}

/// One direction running on `images` interleaved images. Nothing is allocated after `init`.
final class RecurrentRunner {
  let maps: CellMaps
  private let cell: any RecurrentCell
  private let scan: DiagonalScan
  private let images: Int
  private let inputPass: ConvolutionPass
  private let statePass: ConvolutionPass
  private let backwardPasses: BackwardPasses?
  /// What `backward` computes; nil in a workspace for evaluation.
  var gradients: CellGradients? { backwardPasses?.gradients }
  /// Diagonals that the last full pass took, counted.
  private(set) var stepsTaken = 0

  private struct BackwardPasses {
    let gradients: CellGradients
    let state: ConvolutionPass
    let inputWeights: WeightGradientPass
    let stateWeights: WeightGradientPass
    /// nil where the layer reads the image.
    let input: ConvolutionPass?
  }

  /// `gradients` and `inputGradient` (which is added to) are for training.
  init(
    _ direction: RecurrentDirection, input: FeatureMap, maps: CellMaps, gradients: CellGradients?,
    inputGradient: FeatureMap?, images: Int, classes: BiasChoice?
  ) {
    self.maps = maps
    self.images = images
    cell = direction.cell
    scan = DiagonalScan(height: maps.output.height, width: maps.output.width / images, mirrored: direction.mirrored)
    inputPass = direction.inputToState.forward(input, to: .store(maps.gates), images: images, classes: classes)
    statePass = direction.stateToState.forward(maps.output, to: .add(maps.gates), images: images)
    backwardPasses = gradients.map { g in
      BackwardPasses(
        gradients: g,
        state: direction.stateToState.inputGradient(g.gates, to: .add(g.output), images: images),
        inputWeights: direction.inputToState.weightGradient(input, g.gates, images: images, classes: classes),
        stateWeights: direction.stateToState.weightGradient(maps.output, g.gates, images: images),
        input: inputGradient.map { direction.inputToState.inputGradient(g.gates, to: .add($0), images: images) })
    }
  }

  /// The whole output, by diagonals.
  func forward(_ packed: PackedParameters) {
    inputPass.run(0..<scan.height, weights: packed.forward)
    stepsTaken = 0
    for step in 0..<scan.steps {
      scan.forEachCell(ofStep: step) { y, x in runCell(MapRegion(row: y, columns: places(x)), packed) }
      stepsTaken += 1
    }
  }

  /// One cell of every image, after the cells that it goes on from: the same bits in another order.
  func run(_ cell: MapRegion, _ packed: PackedParameters) {
    inputPass.run(cell, weights: packed.forward)
    runCell(cell, packed)
  }

  /// One row, after the row above it.
  func run(row y: Int, _ packed: PackedParameters) {
    inputPass.run(y..<y + 1, weights: packed.forward)
    scan.forEachCell(ofRow: y) { y, x in runCell(MapRegion(row: y, columns: places(x)), packed) }
  }

  private func runCell(_ place: MapRegion, _ packed: PackedParameters) {
    statePass.run(place, weights: packed.forward)
    cell.forward(maps, row: place.rows.lowerBound, columns: place.columns)
  }

  private func places(_ x: Int) -> Range<Int> { x * images..<(x + 1) * images }

  /// Given the gradient of the output in `gradients.output`, which is added to, adds to the gradients of weights and
  /// input: δ = (dout + Wᵀδ of the cells that go on from this one) ⊙ φ′.
  func backward(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    guard let passes = backwardPasses else { preconditionFailure("this workspace is not for training") }
    stepsTaken = 0
    for step in (0..<scan.steps).reversed() {
      scan.forEachCell(ofStep: step) { y, x in
        passes.state.run(MapRegion(row: y, columns: places(x)), weights: packed.transposed)
        cell.backward(maps, passes.gradients, row: y, columns: places(x))
      }
      stepsTaken += 1
    }
    passes.stateWeights.run(into: gradient)
    passes.inputWeights.run(into: gradient)
    passes.input?.run(weights: packed.transposed)
  }
}
