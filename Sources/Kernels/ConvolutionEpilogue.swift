// What happens to a finished sum before it leaves the registers: activation, residual, mask.

/// Where the outputs of a convolution go.
public enum ConvolutionOutput: Sendable {
  /// map = sum
  case store(FeatureMap)
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

  /// The map that decides the size of the output.
  var map: FeatureMap {
    switch self {
    case .store(let map), .rectified(let map), .masked(let map, _): map
    case .start(let stream, _), .residual(let stream, _), .maskedResidual(let stream, _): stream
    }
  }
}

/// One case of `ConvolutionOutput` as a type, so that each tile is compiled with its ending inlined.
protocol Epilogue {
  /// Takes the finished sum of the features from `feature` on at pixel (`y`, `x`).
  func finish<G: VectorGroup>(_ sum: G, y: Int, x: Int, feature: Int)
}

struct StoreEpilogue: Epilogue {
  let map: FeatureMap
  @inline(__always) func finish<G: VectorGroup>(_ sum: G, y: Int, x: Int, feature: Int) {
    sum.store(map.pixel(y, x) + feature)
  }
}

struct RectifiedEpilogue: Epilogue {
  let map: FeatureMap
  @inline(__always) func finish<G: VectorGroup>(_ sum: G, y: Int, x: Int, feature: Int) {
    sum.rectified().store(map.pixel(y, x) + feature)
  }
}

struct StartEpilogue: Epilogue {
  let stream: FeatureMap, rectified: FeatureMap
  @inline(__always) func finish<G: VectorGroup>(_ sum: G, y: Int, x: Int, feature: Int) {
    sum.store(stream.pixel(y, x) + feature)
    sum.rectified().store(rectified.pixel(y, x) + feature)
  }
}

struct ResidualEpilogue: Epilogue {
  let stream: FeatureMap, rectified: FeatureMap
  @inline(__always) func finish<G: VectorGroup>(_ sum: G, y: Int, x: Int, feature: Int) {
    let pointer = stream.pixel(y, x) + feature
    let total = G(loading: pointer).adding(sum)
    total.store(pointer)
    total.rectified().store(rectified.pixel(y, x) + feature)
  }
}

struct MaskedEpilogue: Epilogue {
  let map: FeatureMap, saved: FeatureMap
  @inline(__always) func finish<G: VectorGroup>(_ sum: G, y: Int, x: Int, feature: Int) {
    sum.masked(wherePositive: G(loading: saved.pixel(y, x) + feature)).store(map.pixel(y, x) + feature)
  }
}

struct MaskedResidualEpilogue: Epilogue {
  let stream: FeatureMap, saved: FeatureMap
  @inline(__always) func finish<G: VectorGroup>(_ sum: G, y: Int, x: Int, feature: Int) {
    let pointer = stream.pixel(y, x) + feature
    let gradient = sum.masked(wherePositive: G(loading: saved.pixel(y, x) + feature))
    G(loading: pointer).adding(gradient).store(pointer)
  }
}
