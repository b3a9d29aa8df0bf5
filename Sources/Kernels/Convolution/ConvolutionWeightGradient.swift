// The weight gradient of a masked convolution.

/// The weight gradient of one convolution between given maps, ready to run:
/// gradient[dy, dx, i, o] += Σ input[y + dy, x + dx, i] · outputGradient[y, x, o] over pixels in raster order, and the
/// bias gradient likewise. The gradient is packed like the weights: only live taps exist in it. A sum goes on where
/// the last call left it, so the order is that of the calls.
package final class WeightGradientPass {
  private let input: FeatureMap
  private let outputGradient: FeatureMap
  private let matrix: PackedMatrix
  private let tiles: UnsafeMutableBufferPointer<InputTile>
  private let biases: BiasSelector?

  /// A pass over `input`, which has the border that `window` reads, and the gradient of the convolution's output.
  /// `biases` says which set of biases each image took.
  package init(
    _ input: FeatureMap, window: ConvolutionWindow, outputGradient: FeatureMap, matrix: PackedMatrix,
    biases: BiasSelector? = nil
  ) {
    precondition(biases != nil || matrix.biasCount == 1, "a choice of biases a position")
    self.biases = biases
    precondition(
      outputGradient.height == input.height && outputGradient.width == input.width,
      "a convolution keeps height and width")
    precondition(matrix.columns == outputGradient.pixelStride, "the gradient does not fit the output")
    precondition(matrix.depth == window.depth(pixelStride: input.pixelStride), "the gradient does not fit the window")
    precondition(input.border.contains(window.border), "the border is too thin for the window")
    self.input = input
    self.outputGradient = outputGradient
    self.matrix = matrix
    // Each run is cut into tiles of neighbouring inputs.
    let mostRows = hasManyRegisters && matrix.columns >= 32 ? mostRowsTwoVectors : mostRowsOneVector
    var tiles: [InputTile] = []
    var packedRow = 0
    for run in window.runs {
      let length = ConvolutionWindow.length(of: run, channels: input.channels, pixelStride: input.pixelStride)
      let offset = run.dy * input.rowStride + run.dx * input.pixelStride
      for inputs in EvenTiles(0..<length, most: mostRows) {
        tiles.append(
          InputTile(
            count: inputs.count, inputOffset: offset + inputs.lowerBound, packedRow: packedRow + inputs.lowerBound,
            // The last tile is among the smallest.
            hasBias: biases == nil && run == window.runs.last && inputs.upperBound == length))
      }
      packedRow += run.count * input.pixelStride
    }
    self.tiles = .allocate(capacity: tiles.count)
    _ = self.tiles.initialize(from: tiles)
  }

  deinit { tiles.deallocate() }

  /// Adds what all pixels contribute to the matrix in `gradient`.
  package func run(into gradient: AlignedBuffer) { run(0..<input.height, into: gradient) }

  /// Adds what the rows `rows` contribute to the matrix in `gradient`.
  package func run(_ rows: Range<Int>, into gradient: AlignedBuffer) {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= input.height, "rows \(rows) of \(input.height)")
    let target = matrix.checkedPointer(gradient)
    var positions = GradientPositions(
      input: MapPointer(input), outputGradient: MapPointer(outputGradient), rows: rows, width: input.width,
      columns: matrix.columns)
    positions.joinRows()
    let bias = target + matrix.depth &* matrix.columns
    var feature = 0
    while hasManyRegisters, feature &+ 32 <= matrix.columns {
      accumulateBias(OnesRow<TwoVectors>.self, positions, bias + feature, feature)
      for tile in tiles { positions.runTwoVectors(tile, feature, target, bias: tile.hasBias ? bias + feature : nil) }
      feature &+= 32
    }
    while feature < matrix.columns {
      accumulateBias(OnesRow<OneVector>.self, positions, bias + feature, feature)
      for tile in tiles { positions.runOneVector(tile, feature, target, bias: tile.hasBias ? bias + feature : nil) }
      feature &+= 16
    }
  }

  /// Where images take different sets of biases, one sum an image; one sum over all positions rides on a tile.
  private func accumulateBias<T: RegisterTile>(
    _: T.Type, _ positions: GradientPositions, _ bias: UnsafeMutablePointer<Float>, _ feature: Int
  ) {
    guard let biases else { return }
    for image in 0..<biases.images {
      positions.accumulate(
        T.self, inputOffset: 0, feature, bias + biases.number(image) &* matrix.columns, first: image,
        every: biases.images)
    }
  }
}

/// With the row of a bias beside them.
private let mostRowsTwoVectors = 14
private let mostRowsOneVector = hasManyRegisters ? 24 : 6

/// Neighbouring inputs of one run, whose gradients are summed together.
private struct InputTile {
  let count: Int
  /// Floats from an output's position in the input to the first of them.
  let inputOffset: Int
  /// The first one's row in the packed gradient.
  let packedRow: Int
  /// Whether the bias gradient is summed beside them: another row, whose input is always one.
  let hasBias: Bool
}

/// All that the tiles of one call share. Here the rows of a tile are inputs, side by side in memory, and the steps
/// are pixels.
private struct GradientPositions {
  var input: MapPointer
  var outputGradient: MapPointer
  var rows: Range<Int>
  var width: Int
  let columns: Int

  /// Rows without a border between them are one long row: a turn of the loop less each.
  mutating func joinRows() {
    guard input.rowStride == width &* input.pixelStride, outputGradient.rowStride == width &* outputGradient.pixelStride
    else { return }
    input = input.movedDown(rows.lowerBound)
    outputGradient = outputGradient.movedDown(rows.lowerBound)
    width = rows.count &* width
    rows = 0..<1
  }

  @inline(__always)
  func accumulate<T: RegisterTile>(
    _: T.Type, inputOffset: Int, _ feature: Int, _ target: UnsafeMutablePointer<Float>, first: Int = 0, every: Int = 1
  ) {
    var tile = T(loading: target, stride: columns)
    addRows(to: &tile, inputOffset: inputOffset, feature, first: first, every: every)
    tile.forEachRow(from: 0) { row, sum in sum.store(target + row &* columns) }
  }

  @inline(__always)
  func addRows<T: RegisterTile>(
    to tile: inout T, inputOffset: Int, _ feature: Int, first: Int = 0, every: Int = 1
  ) {
    for y in rows {
      tile.accumulate(
        input.pixel(y, first) + inputOffset, rowStride: 1, stepStride: input.pixelStride &* every,
        outputGradient.pixel(y, first) + feature, bStride: outputGradient.pixelStride &* every, steps: width / every)
    }
  }

  @inline(__always)
  func run<T: RegisterTile>(
    _: T.Type, _ tile: InputTile, _ feature: Int, _ target: UnsafeMutablePointer<Float>,
    _ bias: UnsafeMutablePointer<Float>?
  ) {
    let target = target + (tile.packedRow &* columns &+ feature)
    guard let bias else { return accumulate(T.self, inputOffset: tile.inputOffset, feature, target) }
    var sums = Stack<T, OnesRow<T.Group>>(
      top: T(loading: target, stride: columns), bottom: OnesRow(loading: bias, stride: 0))
    addRows(to: &sums, inputOffset: tile.inputOffset, feature)
    sums.top.forEachRow(from: 0) { row, sum in sum.store(target + row &* columns) }
    sums.bottom.group.store(bias)
  }

  func runOneVector(
    _ tile: InputTile, _ feature: Int, _ target: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?
  ) {
    switch tile.count {
    case 1: run(Rows1<OneVector>.self, tile, feature, target, bias)
    case 2: run(Rows2<OneVector>.self, tile, feature, target, bias)
    case 3: run(Rows3<OneVector>.self, tile, feature, target, bias)
    case 4: run(Rows4<OneVector>.self, tile, feature, target, bias)
    case 5: run(Rows5<OneVector>.self, tile, feature, target, bias)
    case 6: run(Rows6<OneVector>.self, tile, feature, target, bias)
    default: runTallOneVector(tile, feature, target, bias: bias)
    }
  }

  func runTallOneVector(
    _ tile: InputTile, _ feature: Int, _ target: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?
  ) {
    guard hasManyRegisters else { preconditionFailure("no registers for \(tile.count) inputs") }
    switch tile.count {
    case 7: run(Rows7<OneVector>.self, tile, feature, target, bias)
    case 8: run(Rows8<OneVector>.self, tile, feature, target, bias)
    case 9: run(Rows9<OneVector>.self, tile, feature, target, bias)
    case 10: run(Rows10<OneVector>.self, tile, feature, target, bias)
    case 11: run(Rows11<OneVector>.self, tile, feature, target, bias)
    case 12: run(Rows12<OneVector>.self, tile, feature, target, bias)
    case 13: run(Rows13<OneVector>.self, tile, feature, target, bias)
    case 14: run(Rows14<OneVector>.self, tile, feature, target, bias)
    case 15: run(Rows15<OneVector>.self, tile, feature, target, bias)
    case 16: run(Rows16<OneVector>.self, tile, feature, target, bias)
    case 17: run(Rows17<OneVector>.self, tile, feature, target, bias)
    case 18: run(Rows18<OneVector>.self, tile, feature, target, bias)
    case 19: run(Rows19<OneVector>.self, tile, feature, target, bias)
    case 20: run(Rows20<OneVector>.self, tile, feature, target, bias)
    case 21: run(Rows21<OneVector>.self, tile, feature, target, bias)
    case 22: run(Rows22<OneVector>.self, tile, feature, target, bias)
    case 23: run(Rows23<OneVector>.self, tile, feature, target, bias)
    case 24: run(Rows24<OneVector>.self, tile, feature, target, bias)
    default: preconditionFailure("no tile of \(tile.count) inputs")
    }
  }

  func runTwoVectors(
    _ tile: InputTile, _ feature: Int, _ target: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?
  ) {
    guard hasManyRegisters else { preconditionFailure("no registers for \(tile.count) inputs of two vectors") }
    switch tile.count {
    case 1: run(Rows1<TwoVectors>.self, tile, feature, target, bias)
    case 2: run(Rows2<TwoVectors>.self, tile, feature, target, bias)
    case 3: run(Rows3<TwoVectors>.self, tile, feature, target, bias)
    case 4: run(Rows4<TwoVectors>.self, tile, feature, target, bias)
    case 5: run(Rows5<TwoVectors>.self, tile, feature, target, bias)
    case 6: run(Rows6<TwoVectors>.self, tile, feature, target, bias)
    case 7: run(Rows7<TwoVectors>.self, tile, feature, target, bias)
    case 8: run(Rows8<TwoVectors>.self, tile, feature, target, bias)
    case 9: run(Rows9<TwoVectors>.self, tile, feature, target, bias)
    case 10: run(Rows10<TwoVectors>.self, tile, feature, target, bias)
    case 11: run(Rows11<TwoVectors>.self, tile, feature, target, bias)
    case 12: run(Rows12<TwoVectors>.self, tile, feature, target, bias)
    case 13: run(Rows13<TwoVectors>.self, tile, feature, target, bias)
    case 14: run(Rows14<TwoVectors>.self, tile, feature, target, bias)
    default: preconditionFailure("no tile of \(tile.count) inputs")
    }
  }
}
