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
    inputGradient: FeatureMap?, images: Int
  ) {
    self.maps = maps
    self.images = images
    cell = direction.cell
    scan = DiagonalScan(height: maps.output.height, width: maps.output.width / images, mirrored: direction.mirrored)
    inputPass = direction.inputToState.forward(input, to: .store(maps.gates), images: images)
    statePass = direction.stateToState.forward(maps.output, to: .add(maps.gates), images: images)
    backwardPasses = gradients.map { g in
      BackwardPasses(
        gradients: g,
        state: direction.stateToState.inputGradient(g.gates, to: .add(g.output), images: images),
        inputWeights: direction.inputToState.weightGradient(input, g.gates, images: images),
        stateWeights: direction.stateToState.weightGradient(maps.output, g.gates, images: images),
        input: inputGradient.map { direction.inputToState.inputGradient(g.gates, to: .add($0), images: images) })
    }
  }

  /// Rows `rows` of the output. All rows at once go by diagonals; a part of them goes row by row, to the same bits.
  func forward(_ rows: Range<Int>, _ packed: PackedParameters) {
    inputPass.run(rows, weights: packed.forward)
    func run(_ y: Int, _ x: Int) {
      let columns = x * images..<(x + 1) * images
      statePass.run(row: y, columns: columns, weights: packed.forward)
      cell.forward(maps, row: y, columns: columns)
    }
    if rows == 0..<scan.height {
      stepsTaken = 0
      for step in 0..<scan.steps {
        scan.forEachCell(ofStep: step, run)
        stepsTaken += 1
      }
    } else {
      for y in rows { scan.forEachCell(ofRow: y, run) }
    }
  }

  /// Given the gradient of the output in `gradients.output`, which is added to, adds to the gradients of weights and
  /// input: δ = (dout + Wᵀδ of the cells that go on from this one) ⊙ φ′.
  func backward(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    guard let passes = backwardPasses else { preconditionFailure("this workspace is not for training") }
    stepsTaken = 0
    for step in (0..<scan.steps).reversed() {
      scan.forEachCell(ofStep: step) { y, x in
        let columns = x * images..<(x + 1) * images
        passes.state.run(row: y, columns: columns, weights: packed.transposed)
        cell.backward(maps, passes.gradients, row: y, columns: columns)
      }
      stepsTaken += 1
    }
    let all = 0..<scan.height
    passes.stateWeights.run(all, into: gradient)
    passes.inputWeights.run(all, into: gradient)
    passes.input?.run(all, weights: packed.transposed)
  }
}
