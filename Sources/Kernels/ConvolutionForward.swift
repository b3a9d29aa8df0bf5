// Masked convolution, forward and input gradient: one kernel, since the input gradient is a convolution of the
// output gradient through the mirrored window with transposed weights.

/// A packed matrix of weights [run][tap][input, padded][output, padded], a bias for each output behind it.
public struct PackedWeights: Sendable {
  let storage: AlignedBuffer
  let offset: Int
  /// Rows: taps × padded inputs.
  public let depth: Int
  /// Columns: outputs, rounded up to whole vectors.
  public let columns: Int

  /// The matrix that begins at `offset` of `storage`.
  public init(storage: AlignedBuffer, offset: Int, depth: Int, columns: Int) {
    precondition(columns % Lanes.count == 0, "packed columns come in whole vectors")
    precondition(offset >= 0 && offset + (depth + 1) * columns <= storage.count, "weights outside their buffer")
    self.storage = storage
    self.offset = offset
    self.depth = depth
    self.columns = columns
  }

  /// Floats that a matrix takes, its bias included.
  public static func count(depth: Int, columns: Int) -> Int { (depth + 1) * columns }

  var weights: UnsafeMutablePointer<Float> { storage.pointer + offset }
  var bias: UnsafeMutablePointer<Float> { weights + depth * columns }
}

/// For the rows `rows` of the output: sum[y, x, o] = bias[o] + Σ input[y + dy, x + dx, i] · weights[dy, dx, i, o]
/// over the taps of `window`, in the order run, tap, input. `input` has the border that the window reads; input
/// and output have the same height and width. What becomes of the sum is the business of `output`.
public func convolve(
  _ input: FeatureMap, window: ConvolutionWindow, weights: PackedWeights, rows: Range<Int>,
  to output: ConvolutionOutput
) {
  let map = output.map
  precondition(map.height == input.height && map.width == input.width, "a convolution keeps height and width")
  precondition(weights.columns == map.pixelStride, "weights for \(weights.columns) outputs, map of \(map.pixelStride)")
  precondition(weights.depth == window.depth(pixelStride: input.pixelStride), "weights do not fit the window")
  precondition(input.border.union(window.border) == input.border, "the border is too thin for the window")
  precondition(rows.lowerBound >= 0 && rows.upperBound <= map.height, "rows \(rows) of \(map.height)")
  switch output {
  case .store(let map):
    convolve(input, window, weights, rows, StoreEpilogue(map: map))
  case .rectified(let map):
    convolve(input, window, weights, rows, RectifiedEpilogue(map: map))
  case .start(let stream, let rectified):
    convolve(input, window, weights, rows, StartEpilogue(stream: stream, rectified: rectified))
  case .residual(let stream, let rectified):
    convolve(input, window, weights, rows, ResidualEpilogue(stream: stream, rectified: rectified))
  case .masked(let map, let saved):
    convolve(input, window, weights, rows, MaskedEpilogue(map: map, saved: saved))
  case .maskedResidual(let stream, let saved):
    convolve(input, window, weights, rows, MaskedResidualEpilogue(stream: stream, saved: saved))
  }
}

/// What every tile of one convolution shares.
private struct TileContext<E: Epilogue> {
  let input: FeatureMap
  let window: ConvolutionWindow
  let weights: UnsafeMutablePointer<Float>
  let bias: UnsafeMutablePointer<Float>
  let columns: Int
  let epilogue: E

  /// The pixels x..<x + T.rows of row `y`, the features from `feature` on.
  @inline(__always)
  func run<T: RegisterTile>(_: T.Type, y: Int, x: Int, feature: Int) {
    var tile = T(repeating: T.Group(loading: bias + feature))
    var b = UnsafePointer(weights + feature)
    for run in window.runs {
      tile.accumulate(
        input.pixel(y &+ run.dy, x &+ run.dx), rowStride: input.pixelStride, stepStride: 1,
        b, bStride: columns,
        steps: ConvolutionWindow.length(of: run, channels: input.channels, pixelStride: input.pixelStride))
      b += run.count &* input.pixelStride &* columns
    }
    tile.forEachRow(from: 0) { row, sum in epilogue.finish(sum, y: y, x: x &+ row, feature: feature) }
  }

  func runOneVector(_ count: Int, y: Int, x: Int, feature: Int) {
    switch count {
    case 1: run(Rows1<OneVector>.self, y: y, x: x, feature: feature)
    case 2: run(Rows2<OneVector>.self, y: y, x: x, feature: feature)
    case 3: run(Rows3<OneVector>.self, y: y, x: x, feature: feature)
    case 4: run(Rows4<OneVector>.self, y: y, x: x, feature: feature)
    case 5: run(Rows5<OneVector>.self, y: y, x: x, feature: feature)
    case 6: run(Rows6<OneVector>.self, y: y, x: x, feature: feature)
    case 7: run(Rows7<OneVector>.self, y: y, x: x, feature: feature)
    case 8: run(Rows8<OneVector>.self, y: y, x: x, feature: feature)
    case 9: run(Rows9<OneVector>.self, y: y, x: x, feature: feature)
    case 10: run(Rows10<OneVector>.self, y: y, x: x, feature: feature)
    case 11: run(Rows11<OneVector>.self, y: y, x: x, feature: feature)
    case 12: run(Rows12<OneVector>.self, y: y, x: x, feature: feature)
    case 13: run(Rows13<OneVector>.self, y: y, x: x, feature: feature)
    case 14: run(Rows14<OneVector>.self, y: y, x: x, feature: feature)
    default: preconditionFailure("no tile of \(count) rows")
    }
  }

  func runTwoVectors(_ count: Int, y: Int, x: Int, feature: Int) {
    switch count {
    case 1: run(Rows1<TwoVectors>.self, y: y, x: x, feature: feature)
    case 2: run(Rows2<TwoVectors>.self, y: y, x: x, feature: feature)
    case 3: run(Rows3<TwoVectors>.self, y: y, x: x, feature: feature)
    case 4: run(Rows4<TwoVectors>.self, y: y, x: x, feature: feature)
    case 5: run(Rows5<TwoVectors>.self, y: y, x: x, feature: feature)
    case 6: run(Rows6<TwoVectors>.self, y: y, x: x, feature: feature)
    case 7: run(Rows7<TwoVectors>.self, y: y, x: x, feature: feature)
    case 8: run(Rows8<TwoVectors>.self, y: y, x: x, feature: feature)
    default: preconditionFailure("no tile of \(count) rows")
    }
  }
}

/// Rows of a tile one vector wide: with 16, addresses no longer fit the registers.
private let mostRowsOneVector = 14
/// Rows of a tile two vectors wide: 8 rows are 16 sums, enough to hide the latency.
private let mostRowsTwoVectors = 8

@inline(__always)
private func convolve<E: Epilogue>(
  _ input: FeatureMap, _ window: ConvolutionWindow, _ weights: PackedWeights, _ rows: Range<Int>, _ epilogue: E
) {
  let context = TileContext(
    input: input, window: window, weights: weights.weights, bias: weights.bias, columns: weights.columns,
    epilogue: epilogue)
  for y in rows {
    var feature = 0
    while feature &+ 32 <= weights.columns {
      for pixels in EvenTiles(count: input.width, most: mostRowsTwoVectors) {
        context.runTwoVectors(pixels.count, y: y, x: pixels.lowerBound, feature: feature)
      }
      feature &+= 32
    }
    if feature < weights.columns {
      for pixels in EvenTiles(count: input.width, most: mostRowsOneVector) {
        context.runOneVector(pixels.count, y: y, x: pixels.lowerBound, feature: feature)
      }
    }
  }
}
