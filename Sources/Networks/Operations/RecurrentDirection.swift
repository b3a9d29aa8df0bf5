// One direction of a recurrent layer: its two products and its scan, forward and backward.
import Kernels

/// The parameters of one direction.
struct RecurrentDirection: Sendable {
  /// From the layer's input to the pre-activations: hoisted out of the scan.
  let inputToState: Convolution
  /// From the two neighbouring cells' outputs to the pre-activations.
  let stateToState: Convolution
  /// From the pixel itself to the pre-activations, of a direction that is read one row below; nil where it sees no pixels.
  var pixelToState: Convolution?
  let cell: any RecurrentCell
  let flipped: Bool
}

/// One direction forward, on `images` interleaved images. Nothing is allocated after `init`.
final class RecurrentRunner {
  let maps: CellMaps
  private let cell: any RecurrentCell
  private let scan: DiagonalScan
  private let images: Int
  private let inputPasses: [ConvolutionPass]
  private let statePass: ConvolutionPass
  /// Diagonals that the last full pass took, counted.
  private(set) var stepsTaken = 0

  /// `image` is what `pixelToState` reads.
  init(
    _ direction: RecurrentDirection, input: FeatureMap, image: FeatureMap?, maps: CellMaps, images: Int,
    biases: BiasSelector?
  ) {
    self.maps = maps
    self.images = images
    cell = direction.cell
    scan = DiagonalScan(height: maps.output.height, width: maps.output.width / images, flipped: direction.flipped)
    let pixels = image.flatMap { direction.pixelToState?.forward($0, to: .add(maps.gates), images: images) }
    inputPasses =
      [direction.inputToState.forward(input, to: .store(maps.gates), images: images, biases: biases)]
      + (pixels.map { [$0] } ?? [])
    statePass = direction.stateToState.forward(maps.output, to: .add(maps.gates), images: images)
  }

  /// The whole output, by diagonals.
  func forward(_ packed: PackedParameters) {
    for pass in inputPasses { pass.run(0..<scan.height, weights: packed.forward) }
    stepsTaken = 0
    for step in 0..<scan.steps {
      scan.forEachCell(ofStep: step) { y, x in runCell(MapRegion(row: y, columns: scan.positions(x, images)), packed) }
      stepsTaken += 1
    }
  }

  /// One cell of every image, after the cells that it goes on from: the same bits in another order.
  func run(_ cell: MapRegion, _ packed: PackedParameters) {
    for pass in inputPasses { pass.run(cell, weights: packed.forward) }
    runCell(cell, packed)
  }

  /// One row, after the row above it.
  func run(row y: Int, _ packed: PackedParameters) {
    for pass in inputPasses { pass.run(y..<y + 1, weights: packed.forward) }
    scan.forEachCell(ofRow: y) { y, x in runCell(MapRegion(row: y, columns: scan.positions(x, images)), packed) }
  }

  private func runCell(_ position: MapRegion, _ packed: PackedParameters) {
    statePass.run(position, weights: packed.forward)
    cell.forward(maps, row: position.rows.lowerBound, columns: position.columns)
  }
}

/// One direction backward.
final class RecurrentBackward: BackwardPass {
  private let maps: CellMaps
  private let gradients: CellGradients
  private let cell: any RecurrentCell
  private let scan: DiagonalScan
  private let images: Int
  private let state: ConvolutionPass
  private let inputWeights: [WeightGradientPass]
  private let stateWeights: WeightGradientPass
  private let input: ConvolutionPass?
  /// Diagonals that the last pass took, counted.
  private(set) var stepsTaken = 0

  /// `inputGradient` is nil where the layer reads the image.
  init(
    _ direction: RecurrentDirection, input: FeatureMap, image: FeatureMap?, maps: CellMaps, gradients: CellGradients,
    inputGradient: ConvolutionOutput?, images: Int, biases: BiasSelector?
  ) {
    self.maps = maps
    self.gradients = gradients
    self.images = images
    cell = direction.cell
    scan = DiagonalScan(height: maps.output.height, width: maps.output.width / images, flipped: direction.flipped)
    state = direction.stateToState.inputGradient(gradients.gates, to: .add(gradients.output), images: images)
    let pixels = image.flatMap { direction.pixelToState?.weightGradient($0, gradients.gates, images: images) }
    inputWeights =
      [direction.inputToState.weightGradient(input, gradients.gates, images: images, biases: biases)]
      + (pixels.map { [$0] } ?? [])
    stateWeights = direction.stateToState.weightGradient(maps.output, gradients.gates, images: images)
    self.input = inputGradient.map { direction.inputToState.inputGradient(gradients.gates, to: $0, images: images) }
  }

  /// Given the gradient of the output in `gradients.output`, which is added to, adds to the gradients of weights and
  /// input: δ = (dout + Wᵀδ of the cells that go on from this one) ⊙ φ′.
  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    stepsTaken = 0
    for step in (0..<scan.steps).reversed() {
      scan.forEachCell(ofStep: step) { y, x in
        let positions = scan.positions(x, images)
        state.run(MapRegion(row: y, columns: positions), weights: packed.transposed)
        cell.backward(maps, gradients, row: y, columns: positions)
      }
      stepsTaken += 1
    }
    stateWeights.run(into: gradient)
    for pass in inputWeights { pass.run(into: gradient) }
    input?.run(weights: packed.transposed)
  }
}

extension DiagonalScan {
  /// The positions of column `x` in a map of `images` interleaved images.
  @inline(__always)
  func positions(_ x: Int, _ images: Int) -> Range<Int> { x * images..<(x + 1) * images }
}
