// What happens to a finished sum, in the registers or right behind them: activation, residual, mask, gate.

/// Where the outputs of a convolution go. Two maps of one output have the same size, and the same features unless it is
/// gated: see `GatedUnit`.
package enum ConvolutionOutput: Sendable {
  /// map = sum
  case store(FeatureMap)
  /// map += sum
  case add(FeatureMap)
  /// map = max(sum, 0)
  case relu(FeatureMap)
  /// stream = sum; relu = max(sum, 0)
  case storeAndRelu(stream: FeatureMap, relu: FeatureMap)
  /// stream += sum; relu = max(stream, 0): the end of a residual branch
  case residual(stream: FeatureMap, relu: FeatureMap)
  /// map = sum where `saved` is positive, else 0: the gradient through a ReLU whose output was `saved`
  case reluGradient(FeatureMap, saved: FeatureMap)
  /// stream += sum where `saved` is positive: the gradient at the beginning of a residual branch
  case addReluGradient(stream: FeatureMap, saved: FeatureMap)
  /// target = source + sum
  case plus(FeatureMap, to: FeatureMap)
  /// target = max(source + sum, 0)
  case plusRelu(FeatureMap, to: FeatureMap)
  /// sums = sum; output = tanh ⊙ σ of its halves
  case gated(sums: FeatureMap, output: FeatureMap)
  /// gates += sum, then tanh and σ of it; output = their product
  case addGated(gates: FeatureMap, output: FeatureMap)
  /// gradient = that of a gated unit's pre-activations, where the sum is that of its output and `gates` are tanh and σ
  case gateGradient(gates: FeatureMap, gradient: FeatureMap)
  /// The same where the pre-activations were kept.
  case sumGateGradient(sums: FeatureMap, gradient: FeatureMap)

  /// The first map, and the second or the first again.
  var maps: (FeatureMap, FeatureMap) {
    switch self {
    case .store(let map), .add(let map), .relu(let map): (map, map)
    case .reluGradient(let map, let saved): (map, saved)
    case .storeAndRelu(let stream, let relu), .residual(let stream, let relu): (stream, relu)
    case .addReluGradient(let stream, let saved): (stream, saved)
    case .plus(let source, let target), .plusRelu(let source, let target): (source, target)
    case .gated(let sums, let output): (sums, output)
    case .addGated(let gates, let output): (gates, output)
    case .gateGradient(let gates, let gradient): (gates, gradient)
    case .sumGateGradient(let sums, let gradient): (sums, gradient)
    }
  }

  /// Floats that a pixel of `columns` outputs takes in the first map and in the second.
  func floats(_ columns: Int) -> (first: Int, second: Int) {
    switch self {
    case .gated, .addGated: (columns, columns / 2)
    case .gateGradient, .sumGateGradient: (2 * columns, 2 * columns)
    default: (columns, columns)
    }
  }
}

/// How a sum leaves the registers, as a type, so that each tile is compiled with its ending inlined. Every one of these is
/// seconds of build: what is rare, or too long to be inlined, is a `RowFinish`.
protocol Epilogue {
  /// Floats that `columns` outputs take in each map.
  static func floats(_ columns: Int) -> Int
  /// Takes a finished sum for the features at `first`, the position in the output's first map; `second` is the same
  /// position in its second.
  static func finish<G: VectorGroup>(
    _ sum: G, _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>)
  /// Whether tiles are compiled for known strides too: see `ConvolutionLoop`.
  static var isFrequent: Bool { get }
  /// Whether it ends the products of a recurrence's cells, of four images side by side: tiles of four vectors are compiled.
  static var endsCells: Bool { get }
}

extension Epilogue {
  @inline(__always) static var isFrequent: Bool { false }
  @inline(__always) static var endsCells: Bool { false }
  @inline(__always) static func floats(_ columns: Int) -> Int { columns }
}

/// What is done to the sums of a row of pixels once all are stored: it goes on from the first cache.
protocol RowFinish {
  static func finish(_ row: FinishedRow)
}

/// Where the sums of a row of pixels have gone.
struct FinishedRow {
  let first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>
  /// Floats from pixel to pixel in each map: all are outputs.
  let strides: (first: Int, second: Int)
  let pixels: Int

  /// Hands to `body` each pixel's position in both maps.
  @inline(__always)
  func forEachPixel(_ body: (_ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>) -> Void) {
    for pixel in 0..<pixels { body(first + pixel &* strides.first, second + pixel &* strides.second) }
  }
}

enum StoreEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ map: UnsafeMutablePointer<Float>, _: UnsafeMutablePointer<Float>
  ) {
    sum.store(map)
  }
}

enum AddEpilogue: Epilogue {
  @inline(__always) static var endsCells: Bool { true }
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ map: UnsafeMutablePointer<Float>, _: UnsafeMutablePointer<Float>
  ) {
    G(loading: map).adding(sum).store(map)
  }
}

enum ReluEpilogue: Epilogue {
  @inline(__always) static var isFrequent: Bool { true }
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ map: UnsafeMutablePointer<Float>, _: UnsafeMutablePointer<Float>
  ) {
    sum.relu().store(map)
  }
}

enum ResidualEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ stream: UnsafeMutablePointer<Float>, _ relu: UnsafeMutablePointer<Float>
  ) {
    let total = G(loading: stream).adding(sum)
    total.store(stream)
    total.relu().store(relu)
  }
}

enum ReluGradientEpilogue: Epilogue {
  @inline(__always) static var isFrequent: Bool { true }
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ map: UnsafeMutablePointer<Float>, _ saved: UnsafeMutablePointer<Float>
  ) {
    sum.masked(wherePositive: G(loading: saved)).store(map)
  }
}

enum AddReluGradientEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ stream: UnsafeMutablePointer<Float>, _ saved: UnsafeMutablePointer<Float>
  ) {
    G(loading: stream).adding(sum.masked(wherePositive: G(loading: saved))).store(stream)
  }
}

enum PlusEpilogue: Epilogue {
  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _ source: UnsafeMutablePointer<Float>, _ target: UnsafeMutablePointer<Float>
  ) {
    G(loading: source).adding(sum).store(target)
  }
}

/// second = max(first, 0)
enum ReluFinish: RowFinish {
  static func finish(_ row: FinishedRow) {
    row.forEachPixel { sums, relu in
      for position in stride(from: 0, to: row.strides.first, by: OneVector.features) {
        OneVector(loading: sums + position).relu().store(relu + position)
      }
    }
  }
}

/// second = max(second, 0)
enum ReluInPlaceFinish: RowFinish {
  static func finish(_ row: FinishedRow) {
    row.forEachPixel { _, sums in
      for position in stride(from: 0, to: row.strides.first, by: OneVector.features) {
        OneVector(loading: sums + position).relu().store(sums + position)
      }
    }
  }
}
