// What happens to a finished sum before it leaves the registers: activation, residual, mask.

/// Where the outputs of a convolution go. Two maps of one output have the same size and features.
public enum ConvolutionOutput: Sendable {
  /// map = sum
  case store(FeatureMap)
  /// map += sum
  case add(FeatureMap)
  /// map = max(sum, 0)
  case rectified(FeatureMap)
  /// stream = sum; rectified = max(sum, 0)
  case start(stream: FeatureMap, rectified: FeatureMap)
  /// stream += sum; rectified = max(stream, 0): the end of a residual branch
  case residual(stream: FeatureMap, rectified: FeatureMap)
  /// map = sum where `saved` is positive, else 0: the gradient through a ReLU whose output was `saved`
  case masked(FeatureMap, saved: FeatureMap)
  /// stream += sum where `saved` is positive: the gradient at the beginning of a residual branch
  case maskedResidual(stream: FeatureMap, saved: FeatureMap)

  /// The first map, and the second or the first again.
  var maps: (FeatureMap, FeatureMap) {
    switch self {
    case .store(let map), .add(let map), .rectified(let map): (map, map)
    case .masked(let map, let saved): (map, saved)
    case .start(let stream, let rectified), .residual(let stream, let rectified): (stream, rectified)
    case .maskedResidual(let stream, let saved): (stream, saved)
    }
  }
}

/// One case of `ConvolutionOutput` as a type, so that each tile is compiled with its ending inlined.
protocol Epilogue {
  /// Takes a finished sum for the features at `first`, the place in the output's first map; `second` is the same
  /// place in its second.
  static func finish<G: VectorGroup>(
    _ sum: G, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>)
}

enum StoreEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ map: UnsafeMutablePointer<Float>, _: UnsafeMutablePointer<Float>
  ) {
    sum.store(map)
  }
}

enum AddEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ map: UnsafeMutablePointer<Float>, _: UnsafeMutablePointer<Float>
  ) {
    G(loading: map).adding(sum).store(map)
  }
}

enum RectifiedEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ map: UnsafeMutablePointer<Float>, _: UnsafeMutablePointer<Float>
  ) {
    sum.rectified().store(map)
  }
}

enum StartEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ stream: UnsafeMutablePointer<Float>, _ rectified: UnsafeMutablePointer<Float>
  ) {
    sum.store(stream)
    sum.rectified().store(rectified)
  }
}

enum ResidualEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ stream: UnsafeMutablePointer<Float>, _ rectified: UnsafeMutablePointer<Float>
  ) {
    let total = G(loading: stream).adding(sum)
    total.store(stream)
    total.rectified().store(rectified)
  }
}

enum MaskedEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ map: UnsafeMutablePointer<Float>, _ saved: UnsafeMutablePointer<Float>
  ) {
    sum.masked(wherePositive: G(loading: saved)).store(map)
  }
}

enum MaskedResidualEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ stream: UnsafeMutablePointer<Float>, _ saved: UnsafeMutablePointer<Float>
  ) {
    G(loading: stream).adding(sum.masked(wherePositive: G(loading: saved))).store(stream)
  }
}
