// The weight gradient of a masked convolution.

/// gradient[dy, dx, i, o] += Σ input[y + dy, x + dx, i] · outputGradient[y, x, o] over the pixels of `rows`, in
/// raster order, and the bias gradient likewise. `gradient` is packed like the weights: only live taps exist in
/// it. A sum goes on where the last call left it, so the order is that of the calls.
public func accumulateWeightGradient(
  _ input: FeatureMap, window: ConvolutionWindow, outputGradient: FeatureMap, rows: Range<Int>,
  into gradient: PackedWeights
) {
  precondition(
    outputGradient.height == input.height && outputGradient.width == input.width,
    "a convolution keeps height and width")
  precondition(gradient.columns == outputGradient.pixelStride, "the gradient does not fit the output")
  precondition(gradient.depth == window.depth(pixelStride: input.pixelStride), "the gradient does not fit the window")
  precondition(input.border.union(window.border) == input.border, "the border is too thin for the window")
  precondition(rows.lowerBound >= 0 && rows.upperBound <= input.height, "rows \(rows) of \(input.height)")
  var feature = 0
  while feature &+ 32 <= gradient.columns {
    let pass = WeightGradientPass<TwoVectors>(
      input: input, outputGradient: outputGradient, rows: rows, gradient: gradient, feature: feature)
    pass.addBias()
    pass.forEachRun(window, mostRows: 14) { pass.runTwoVectors($0, $1, $2) }
    feature &+= 32
  }
  if feature < gradient.columns {
    let pass = WeightGradientPass<OneVector>(
      input: input, outputGradient: outputGradient, rows: rows, gradient: gradient, feature: feature)
    pass.addBias()
    pass.forEachRun(window, mostRows: 24) { pass.runOneVector($0, $1, $2) }
  }
}

/// The gradient of one group of output features. Here the rows of a tile are inputs, side by side in memory, and
/// the steps are pixels.
private struct WeightGradientPass<G: VectorGroup> {
  let input: FeatureMap
  let outputGradient: FeatureMap
  let rows: Range<Int>
  let gradient: PackedWeights
  let feature: Int

  /// Cuts each run into tiles of inputs: `body` gets their number, the run's offset in the input, and the first
  /// row of the packed gradient.
  @inline(__always)
  func forEachRun(
    _ window: ConvolutionWindow, mostRows: Int, _ body: (_ count: Int, _ inputOffset: Int, _ firstRow: Int) -> Void
  ) {
    var packedRow = 0
    for run in window.runs {
      let length = ConvolutionWindow.length(of: run, channels: input.channels, pixelStride: input.pixelStride)
      let offset = run.dy &* input.rowStride &+ run.dx &* input.pixelStride
      for inputs in EvenTiles(count: length, most: mostRows) {
        body(inputs.count, offset &+ inputs.lowerBound, packedRow &+ inputs.lowerBound)
      }
      packedRow &+= run.count &* input.pixelStride
    }
  }

  func addBias() {
    let target = gradient.bias + feature
    accumulate(OnesRow<G>.self, inputOffset: 0, target: target)
  }

  @inline(__always)
  func accumulate<T: RegisterTile>(_: T.Type, inputOffset: Int, target: UnsafeMutablePointer<Float>)
  where T.Group == G {
    var tile = T(loading: target, stride: gradient.columns)
    for y in rows {
      tile.accumulate(
        input.pixel(y, 0) + inputOffset, rowStride: 1, stepStride: input.pixelStride,
        outputGradient.pixel(y, 0) + feature, bStride: outputGradient.pixelStride, steps: input.width)
    }
    tile.forEachRow(from: 0) { row, sum in sum.store(target + row &* gradient.columns) }
  }

  @inline(__always)
  func run<T: RegisterTile>(_: T.Type, _ inputOffset: Int, _ firstRow: Int) where T.Group == G {
    accumulate(T.self, inputOffset: inputOffset, target: gradient.weights + firstRow &* gradient.columns + feature)
  }
}

extension WeightGradientPass<OneVector> {
  func runOneVector(_ count: Int, _ inputOffset: Int, _ firstRow: Int) {
    // A height that has no tile of its own is done as two.
    switch count {
    case 1: run(Rows1<OneVector>.self, inputOffset, firstRow)
    case 2: run(Rows2<OneVector>.self, inputOffset, firstRow)
    case 3: run(Rows3<OneVector>.self, inputOffset, firstRow)
    case 4: run(Rows4<OneVector>.self, inputOffset, firstRow)
    case 5: run(Rows5<OneVector>.self, inputOffset, firstRow)
    case 6: run(Rows6<OneVector>.self, inputOffset, firstRow)
    case 7: run(Rows7<OneVector>.self, inputOffset, firstRow)
    case 8: run(Rows8<OneVector>.self, inputOffset, firstRow)
    case 9: run(Rows9<OneVector>.self, inputOffset, firstRow)
    case 10: run(Rows10<OneVector>.self, inputOffset, firstRow)
    case 11: run(Rows11<OneVector>.self, inputOffset, firstRow)
    case 12: run(Rows12<OneVector>.self, inputOffset, firstRow)
    case 13: run(Rows13<OneVector>.self, inputOffset, firstRow)
    case 14: run(Rows14<OneVector>.self, inputOffset, firstRow)
    case 16: run(Rows16<OneVector>.self, inputOffset, firstRow)
    case 18: run(Rows18<OneVector>.self, inputOffset, firstRow)
    case 20: run(Rows20<OneVector>.self, inputOffset, firstRow)
    case 22: run(Rows22<OneVector>.self, inputOffset, firstRow)
    case 24: run(Rows24<OneVector>.self, inputOffset, firstRow)
    default:
      runOneVector(count / 2, inputOffset, firstRow)
      runOneVector(count - count / 2, inputOffset + count / 2, firstRow + count / 2)
    }
  }
}

extension WeightGradientPass<TwoVectors> {
  func runTwoVectors(_ count: Int, _ inputOffset: Int, _ firstRow: Int) {
    switch count {
    case 1: run(Rows1<TwoVectors>.self, inputOffset, firstRow)
    case 2: run(Rows2<TwoVectors>.self, inputOffset, firstRow)
    case 3: run(Rows3<TwoVectors>.self, inputOffset, firstRow)
    case 4: run(Rows4<TwoVectors>.self, inputOffset, firstRow)
    case 5: run(Rows5<TwoVectors>.self, inputOffset, firstRow)
    case 6: run(Rows6<TwoVectors>.self, inputOffset, firstRow)
    case 7: run(Rows7<TwoVectors>.self, inputOffset, firstRow)
    case 8: run(Rows8<TwoVectors>.self, inputOffset, firstRow)
    case 9: run(Rows9<TwoVectors>.self, inputOffset, firstRow)
    case 10: run(Rows10<TwoVectors>.self, inputOffset, firstRow)
    case 11: run(Rows11<TwoVectors>.self, inputOffset, firstRow)
    case 12: run(Rows12<TwoVectors>.self, inputOffset, firstRow)
    case 13: run(Rows13<TwoVectors>.self, inputOffset, firstRow)
    case 14: run(Rows14<TwoVectors>.self, inputOffset, firstRow)
    default: preconditionFailure("no tile of \(count) rows")
    }
  }
}
