// Masked convolution, forward and input gradient: one kernel, since the input gradient is a convolution of the
// output gradient through the flipped window with transposed weights.

/// Where a packed matrix of weights lies in its buffer: [run][tap][input, padded][output, padded], and behind it a
/// bias for each output, or several sets of biases of which each image takes one.
package struct PackedMatrix: Sendable, Equatable {
  /// The first element, in floats.
  package let offset: Int
  /// Rows: taps × padded inputs.
  package let depth: Int
  /// Columns: outputs, rounded up to whole vectors.
  package let columns: Int
  /// Sets of biases.
  package let biasCount: Int

  /// A matrix of `depth` rows and `columns` columns at `offset`.
  package init(offset: Int, depth: Int, columns: Int, biasCount: Int = 1) {
    precondition(columns % Lanes.count == 0, "packed columns come in whole vectors")
    precondition(biasCount > 0, "a matrix has a bias")
    self.offset = offset
    self.depth = depth
    self.columns = columns
    self.biasCount = biasCount
  }

  /// Floats that it takes, its biases included.
  package var count: Int { (depth + biasCount) * columns }
  /// The first bias, in floats; the next set lies `columns` behind it.
  package var biasOffset: Int { offset + depth * columns }

  func checkedPointer(_ buffer: AlignedBuffer) -> UnsafeMutablePointer<Float> {
    precondition(offset + count <= buffer.count, "a matrix of \(count) at \(offset) in \(buffer.count)")
    return buffer.pointer + offset
  }
}

/// Which set of biases each image takes: what makes a layer depend on the class of an image. Shared by the passes of a
/// workspace, set before they run.
package final class BiasSelector {
  /// Images interleaved in a row.
  package let images: Int
  /// For each position of a row, the set's number.
  fileprivate let positions: UnsafeMutableBufferPointer<Int32>

  /// For rows of `width` pixels of `images` interleaved images; all take set 0.
  package init(width: Int, images: Int) {
    self.images = images
    positions = .allocate(capacity: width * images)
    positions.initialize(repeating: 0)
  }

  deinit { positions.deallocate() }

  /// Image n takes set `numbers[n]`; images past the last take set 0.
  package func set(_ numbers: [Int]) {
    precondition(numbers.count <= images, "\(numbers.count) choices for \(images) images")
    for position in positions.indices {
      let image = position % images
      positions[position] = image < numbers.count ? Int32(numbers[image]) : 0
    }
  }

  fileprivate var pointer: UnsafePointer<Int32> { UnsafePointer(positions.baseAddress.unsafelyUnwrapped) }

  /// The set that image `image` takes.
  func number(_ image: Int) -> Int { Int(positions[image]) }
}

/// One convolution between given maps, ready to run: output[y, x, o] = bias[o] +
/// Σ input[y + dy, x + dx, i] · weights[dy, dx, i, o] over the taps of a window, in the order run, tap, input. What
/// becomes of the sum is the business of the output.
///
/// A pass is made once and run for every image, so everything that can be computed or checked beforehand is.
package final class ConvolutionPass {
  private let output: ConvolutionOutput
  private let positions: ConvolutionArguments
  private let matrix: PackedMatrix
  private let height: Int
  private let spans: UnsafeMutableBufferPointer<TapRun>
  /// What the pointers in `positions` point into, besides the output.
  private let input: FeatureMap
  private let biases: BiasSelector?

  /// A pass from `input`, which has the border that `window` reads, to `output`, both of the same height and width.
  /// `biases` chooses where the matrix has several.
  package init(
    _ input: FeatureMap, window: ConvolutionWindow, matrix: PackedMatrix, to output: ConvolutionOutput,
    biases: BiasSelector? = nil
  ) {
    let (first, second) = output.maps
    precondition(first.height == input.height && first.width == input.width, "a convolution keeps height and width")
    precondition(second.height == first.height && second.width == first.width, "two maps of an output, two sizes")
    precondition(
      output.floats(matrix.columns) == (first.pixelStride, second.pixelStride),
      "\(matrix.columns) outputs, maps of \(first.pixelStride) and \(second.pixelStride)")
    precondition(matrix.depth == window.depth(pixelStride: input.pixelStride), "weights do not fit the window")
    precondition(input.border.contains(window.border), "the border is too thin for the window")
    precondition(
      biases.map { $0.positions.count == input.width } ?? (matrix.biasCount == 1), "a choice of biases a position")
    self.matrix = matrix
    self.biases = biases
    height = first.height
    self.input = input
    spans = .allocate(capacity: window.runs.count)
    for (index, run) in window.runs.enumerated() {
      spans[index] = TapRun(
        offset: run.dy &* input.rowStride &+ run.dx &* input.pixelStride,
        steps: ConvolutionWindow.length(of: run, channels: input.channels, pixelStride: input.pixelStride),
        weightFloats: run.count &* input.pixelStride &* matrix.columns)
    }
    positions = ConvolutionArguments(
      spans: UnsafeBufferPointer(spans), width: input.width, columns: matrix.columns, depth: matrix.depth,
      input: MapPointer(input), first: MapPointer(first), second: MapPointer(second),
      biases: biases.map { $0.pointer })
    self.output = output
  }

  deinit { spans.deallocate() }

  /// Computes the whole output with the matrix in `weights`.
  package func run(weights: AlignedBuffer) { run(0..<height, weights: weights) }

  /// Computes the rows `rows` of the output with the matrix in `weights`.
  package func run(_ rows: Range<Int>, weights: AlignedBuffer) {
    run(MapRegion(rows: rows, columns: 0..<positions.width), weights: weights)
  }

  /// Computes the output in `region`: what is done cell by cell, or pixel by pixel.
  package func run(_ region: MapRegion, weights: AlignedBuffer) {
    let (rows, columns) = (region.rows, region.columns)
    precondition(rows.lowerBound >= 0 && rows.upperBound <= height, "rows \(rows) of \(height)")
    precondition(
      columns.lowerBound >= 0 && columns.upperBound <= positions.width, "columns \(columns) of \(positions.width)")
    run(rows, columns, matrix.checkedPointer(weights))
  }

  private func run(_ rows: Range<Int>, _ columns: Range<Int>, _ weights: UnsafeMutablePointer<Float>) {
    func run<E: Epilogue>(_: E.Type, then finish: (any RowFinish.Type)? = nil) {
      ConvolutionLoop<E>(positions: positions, finish: finish).run(rows, columns, weights)
    }
    // Each loop is compiled on its own, its ending inlined into every tile.
    switch output {
    case .store: run(StoreEpilogue.self)
    case .storeAndRelu: run(StoreEpilogue.self, then: ReluFinish.self)
    case .gated: run(StoreEpilogue.self, then: GateFinish.self)
    case .add: run(AddEpilogue.self)
    case .addGated: run(AddEpilogue.self, then: KeptGateFinish.self)
    case .relu: run(ReluEpilogue.self)
    case .residual: run(ResidualEpilogue.self)
    case .reluGradient: run(ReluGradientEpilogue.self)
    case .addReluGradient: run(AddReluGradientEpilogue.self)
    case .plus: run(PlusEpilogue.self)
    case .plusRelu: run(PlusEpilogue.self, then: ReluInPlaceFinish.self)
    case .gateGradient: run(UnitGradientEpilogue.self, then: GateGradientFinish.self)
    case .sumGateGradient: run(UnitGradientEpilogue.self, then: SumGateGradientFinish.self)
    }
  }
}

/// A run of the window as the inner loop wants it.
private struct TapRun {
  /// Floats from an output's position in the input to the first one that the run reads.
  let offset: Int
  /// Products of one output feature.
  let steps: Int
  /// Floats from the run's weights to the next run's.
  let weightFloats: Int
}

/// A map as bare numbers.
struct MapPointer {
  let origin: UnsafeMutablePointer<Float>
  let rowStride: Int
  let pixelStride: Int

  init(_ map: FeatureMap) {
    self.init(origin: map.origin, rowStride: map.rowStride, pixelStride: map.pixelStride)
  }

  private init(origin: UnsafeMutablePointer<Float>, rowStride: Int, pixelStride: Int) {
    self.origin = origin
    self.rowStride = rowStride
    self.pixelStride = pixelStride
  }

  /// The map from row `rows` on.
  func movedDown(_ rows: Int) -> MapPointer {
    MapPointer(origin: origin + rows &* rowStride, rowStride: rowStride, pixelStride: pixelStride)
  }

  @inline(__always)
  func pixel(_ y: Int, _ x: Int) -> UnsafeMutablePointer<Float> { origin + (y &* rowStride &+ x &* pixelStride) }
}

/// All that the tiles of one convolution share.
private struct ConvolutionArguments {
  let spans: UnsafeBufferPointer<TapRun>
  let width: Int
  let columns: Int
  let depth: Int
  let input: MapPointer
  let first: MapPointer
  let second: MapPointer
  /// The set of biases of each position of a row; nil: there is one.
  let biases: UnsafePointer<Int32>?
}

/// Rows of a tile one vector wide: with 16, addresses no longer fit the registers. Where there are few, six sums, the
/// weights and an input fill them.
private let mostRowsOneVector = hasManyRegisters ? 14 : 6
/// Rows of a tile two vectors wide: 8 rows are 16 sums, enough to hide the latency.
private let mostRowsTwoVectors = 8

/// One convolution with its ending.
private struct ConvolutionLoop<E: Epilogue> {
  let positions: ConvolutionArguments
  let finish: (any RowFinish.Type)?

  func run(_ rows: Range<Int>, _ pixels: Range<Int>, _ weights: UnsafeMutablePointer<Float>) {
    for y in rows {
      run(y, pixels, weights)
      if let finish {
        finish.finish(
          FinishedRow(
            first: positions.first.pixel(y, pixels.lowerBound), second: positions.second.pixel(y, pixels.lowerBound),
            strides: (positions.first.pixelStride, positions.second.pixelStride), pixels: pixels.count))
      }
    }
  }

  @inline(__always)
  private func run(_ y: Int, _ pixels: Range<Int>, _ weights: UnsafeMutablePointer<Float>) {
    var feature = 0
    if E.endsCells, hasManyRegisters, pixels.count == 4 {
      while feature &+ 64 <= positions.columns {
        run(Rows4<FourVectors>.self, position(y, pixels.lowerBound, feature, weights))
        feature &+= 64
      }
    }
    while feature &+ 32 <= positions.columns {
      for tile in EvenTiles(pixels, most: hasManyRegisters ? mostRowsTwoVectors : mostRowsOneVector) {
        let position = position(y, tile.lowerBound, feature, weights)
        if hasManyRegisters {
          runTwoVectors(tile.count, position)
        } else {
          runOneVector(tile.count, position)
          runOneVector(tile.count, self.position(y, tile.lowerBound, feature &+ 16, weights))
        }
      }
      feature &+= 32
    }
    if feature < positions.columns {
      let knownStrides = rowsKnownStrides(pixels.count)
      for tile in EvenTiles(pixels, most: knownStrides ?? mostRowsOneVector) {
        let position = position(y, tile.lowerBound, feature, weights)
        if knownStrides != nil {
          runKnownStrides(tile.count, position)
        } else {
          runOneVector(tile.count, position)
        }
      }
    }
  }

  /// The height of tiles compiled for known strides that fits a row of `pixels`, which has no remainder then. Nil where
  /// there is none: they are for sixteen outputs of sixteen or thirty-two inputs, what narrow residual blocks are made of.
  @inline(__always)
  func rowsKnownStrides(_ pixels: Int) -> Int? {
    guard E.isFrequent, hasManyRegisters, positions.columns == 16,
      positions.input.pixelStride == 16 || positions.input.pixelStride == 32
    else { return nil }
    return pixels % 28 == 0 ? 28 : pixels % 24 == 0 ? 24 : pixels % 20 == 0 ? 20 : pixels % 16 == 0 ? 16 : nil
  }

  /// Where a tile reads and writes.
  struct TilePosition {
    let input: UnsafePointer<Float>
    let weights: UnsafePointer<Float>
    let bias: UnsafePointer<Float>
    let first: UnsafeMutablePointer<Float>
    let second: UnsafeMutablePointer<Float>
    let x: Int
  }

  @inline(__always)
  func position(_ y: Int, _ x: Int, _ feature: Int, _ weights: UnsafeMutablePointer<Float>) -> TilePosition {
    let offset = E.floats(feature)
    return TilePosition(
      input: UnsafePointer(positions.input.pixel(y, x)), weights: UnsafePointer(weights + feature),
      bias: UnsafePointer(weights + (positions.depth &* positions.columns &+ feature)),
      first: positions.first.pixel(y, x) + offset, second: positions.second.pixel(y, x) + offset, x: x)
  }

  /// One function a height: each then saves and reserves only what it needs itself.
  @inline(never)
  func run<T: RegisterTile>(_: T.Type, _ position: TilePosition) {
    run(T.self, position, inputStride: positions.input.pixelStride, columns: positions.columns)
  }

  @inline(__always)
  func run<T: RegisterTile>(_: T.Type, _ position: TilePosition, inputStride: Int, columns: Int) {
    var tile: T
    if let biases = positions.biases {
      tile = T(from: position.x) { x in T.Group(loading: position.bias + Int(biases[x]) &* columns) }
    } else {
      tile = T(repeating: T.Group(loading: position.bias))
    }
    var b = position.weights
    for span in positions.spans {
      tile.accumulate(
        position.input + span.offset, rowStride: inputStride, stepStride: 1, b, bStride: columns, steps: span.steps)
      b += span.weightFloats
    }
    // How far apart the outputs' pixels are follows from the weights' rows: fewer addresses to keep.
    let outputStride = E.floats(columns)
    tile.forEachRow(from: 0) { row, sum in
      E.finish(sum, position.first + row &* outputStride, position.second + row &* outputStride)
    }
  }

  @inline(__always)
  func runKnown<T: RegisterTile>(_: T.Type, _ position: TilePosition) {
    if positions.input.pixelStride == 16 {
      run(T.self, position, inputStride: 16, columns: 16)
    } else {
      run(T.self, position, inputStride: 32, columns: 16)
    }
  }

  func runKnownStrides(_ count: Int, _ position: TilePosition) {
    guard E.isFrequent, hasManyRegisters else { preconditionFailure("an ending that has no tile of \(count) rows") }
    switch count {
    case 16: runKnown(Rows16<OneVector>.self, position)
    case 20: runKnown(Rows20<OneVector>.self, position)
    case 24: runKnown(Rows24<OneVector>.self, position)
    case 28: runKnown(Rows28<OneVector>.self, position)
    default: preconditionFailure("no tile of \(count) rows")
    }
  }

  func runOneVector(_ count: Int, _ position: TilePosition) {
    switch count {
    case 1: run(Rows1<OneVector>.self, position)
    case 2: run(Rows2<OneVector>.self, position)
    case 3: run(Rows3<OneVector>.self, position)
    case 4: run(Rows4<OneVector>.self, position)
    case 5: run(Rows5<OneVector>.self, position)
    case 6: run(Rows6<OneVector>.self, position)
    default: runTallOneVector(count, position)
    }
  }

  func runTallOneVector(_ count: Int, _ position: TilePosition) {
    guard hasManyRegisters else { preconditionFailure("no registers for \(count) rows") }
    switch count {
    case 7: run(Rows7<OneVector>.self, position)
    case 8: run(Rows8<OneVector>.self, position)
    case 9: run(Rows9<OneVector>.self, position)
    case 10: run(Rows10<OneVector>.self, position)
    case 11: run(Rows11<OneVector>.self, position)
    case 12: run(Rows12<OneVector>.self, position)
    case 13: run(Rows13<OneVector>.self, position)
    case 14: run(Rows14<OneVector>.self, position)
    default: preconditionFailure("no tile of \(count) rows")
    }
  }

  func runTwoVectors(_ count: Int, _ position: TilePosition) {
    guard hasManyRegisters else { preconditionFailure("no registers for \(count) rows of two vectors") }
    switch count {
    case 1: run(Rows1<TwoVectors>.self, position)
    case 2: run(Rows2<TwoVectors>.self, position)
    case 3: run(Rows3<TwoVectors>.self, position)
    case 4: run(Rows4<TwoVectors>.self, position)
    case 5: run(Rows5<TwoVectors>.self, position)
    case 6: run(Rows6<TwoVectors>.self, position)
    case 7: run(Rows7<TwoVectors>.self, position)
    case 8: run(Rows8<TwoVectors>.self, position)
    default: preconditionFailure("no tile of \(count) rows")
    }
  }
}
