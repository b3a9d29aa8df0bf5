// One or two vectors of output features: what a register tile is wide.
import CScanline

typealias Float16Lanes = SIMD16<Float>

/// Whether the registers hold 32 vectors of sixteen lanes (AVX-512). Elsewhere (AVX2, NEON) they hold eight, and what is
/// more goes through memory. A constant to the compiler: of what depends on it only one side is compiled.
@inline(__always) var hasManyRegisters: Bool { SCANLINE_VECTOR_REGISTERS >= 32 }

/// Neighbouring output features that are held in registers together.
protocol VectorGroup {
  /// Features in the group.
  static var features: Int { get }
  init(loading pointer: UnsafePointer<Float>)
  static var zero: Self { get }
  /// self += weights · x, rounded once.
  mutating func multiplyAdd(_ weights: Self, _ x: Float)
  /// self + other
  func adding(_ other: Self) -> Self
  /// max(self, 0)
  func relu() -> Self
  /// self where `saved` is positive, else 0.
  func masked(wherePositive saved: Self) -> Self
  func store(_ pointer: UnsafeMutablePointer<Float>)
  /// Hands each vector and its position in the group to `body`.
  func forEachVector(_ body: (_ offset: Int, OneVector) -> Void)
}

/// Sixteen features.
struct OneVector: VectorGroup {
  var lanes: Float16Lanes

  @inline(__always) static var features: Int { 16 }
  @inline(__always) static var zero: Self { Self(lanes: .zero) }
  @inline(__always) init(lanes: Float16Lanes) { self.lanes = lanes }
  @inline(__always) init(loading pointer: UnsafePointer<Float>) {
    lanes = UnsafeRawPointer(pointer).loadUnaligned(as: Float16Lanes.self)
  }
  @inline(__always) mutating func multiplyAdd(_ weights: Self, _ x: Float) {
    lanes = scanline_fma_scalar(weights.lanes, x, lanes)
  }
  @inline(__always) func adding(_ other: Self) -> Self { Self(lanes: lanes + other.lanes) }
  @inline(__always) func relu() -> Self { Self(lanes: lanes.replacing(with: 0, where: lanes .<= 0)) }
  @inline(__always) func masked(wherePositive saved: Self) -> Self {
    Self(lanes: Float16Lanes.zero.replacing(with: lanes, where: saved.lanes .> 0))
  }
  @inline(__always) func store(_ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: lanes, as: Float16Lanes.self)
  }
  @inline(__always) func forEachVector(_ body: (_ offset: Int, OneVector) -> Void) { body(0, self) }
}

/// Thirty-two features: each input scalar that is loaded serves two products, so loads no longer limit.
typealias TwoVectors = VectorPair<OneVector>
/// Sixty-four features: tiles of few rows then have sums enough to hide the latency of a multiply-add.
typealias FourVectors = VectorPair<TwoVectors>

/// Two groups side by side.
struct VectorPair<Half: VectorGroup>: VectorGroup {
  var low: Half
  var high: Half

  @inline(__always) static var features: Int { 2 &* Half.features }
  @inline(__always) static var zero: Self { Self(low: .zero, high: .zero) }
  @inline(__always) init(low: Half, high: Half) {
    self.low = low
    self.high = high
  }
  @inline(__always) init(loading pointer: UnsafePointer<Float>) {
    low = Half(loading: pointer)
    high = Half(loading: pointer + Half.features)
  }
  @inline(__always) mutating func multiplyAdd(_ weights: Self, _ x: Float) {
    low.multiplyAdd(weights.low, x)
    high.multiplyAdd(weights.high, x)
  }
  @inline(__always) func adding(_ other: Self) -> Self {
    Self(low: low.adding(other.low), high: high.adding(other.high))
  }
  @inline(__always) func relu() -> Self { Self(low: low.relu(), high: high.relu()) }
  @inline(__always) func masked(wherePositive saved: Self) -> Self {
    Self(low: low.masked(wherePositive: saved.low), high: high.masked(wherePositive: saved.high))
  }
  @inline(__always) func store(_ pointer: UnsafeMutablePointer<Float>) {
    low.store(pointer)
    high.store(pointer + Half.features)
  }
  @inline(__always) func forEachVector(_ body: (_ offset: Int, OneVector) -> Void) {
    low.forEachVector(body)
    high.forEachVector { body($0 &+ Half.features, $1) }
  }
}
