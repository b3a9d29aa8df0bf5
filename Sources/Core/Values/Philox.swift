// Randomness without state: every number is a function of a key and a counter.

/// What a random number is for. Two purposes never share a number, whatever their seeds and counters.
package enum RandomPurpose: UInt32, Sendable {
  /// Initial weights; the index is the tensor.
  case initialization = 1
  /// The order of images in an epoch.
  case dataOrder = 2
  /// One draw of binary pixels by seed, for good.
  case fixedBinarization = 3
  /// A new draw of binary pixels each epoch.
  case dynamicBinarization = 4
  /// Pixels of sampled images.
  case sampling = 5
  /// Which images a folder without splits holds out.
  case split = 6
  /// Images of a benchmark.
  case benchmark = 7
  /// Strokes of the images that the package draws.
  case drawing = 8
  /// Inputs of tests.
  case test = 9
  /// What dropout leaves out; the stream is the step.
  case dropout = 10
  /// Resamples of the bootstrap; the stream is the resample.
  case bootstrap = 11
  /// Which model of a mixture an image is drawn from, and on stream 1 in which order; the index is the image.
  case mixture = 12
  /// How an image of a batch is transformed; the stream is the step.
  case augmentation = 13
}

/// The counter-based generator Philox 4×32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3",
/// SC 2011). A value of this type names one stream; it never changes when numbers are read from it.
package struct Philox: Sendable {
  @usableFromInline let key: SIMD2<UInt32>
  @usableFromInline let stream: SIMD2<UInt32>

  /// The stream of `seed`, `purpose` and `stream` (an image, a step, an epoch: whatever tells two uses
  /// of one purpose apart).
  package init(seed: UInt64, purpose: RandomPurpose, stream: UInt64 = 0) {
    // The purpose goes into the key, spread by an odd constant so that neighbouring seeds stay apart.
    let mixed = seed &+ UInt64(purpose.rawValue) &* 0x9E37_79B9_7F4A_7C15
    key = SIMD2(UInt32(truncatingIfNeeded: mixed), UInt32(truncatingIfNeeded: mixed >> 32))
    self.stream = SIMD2(UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32))
  }

  /// The bare function of the paper: ten rounds of `counter` under `key`.
  package static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var c = counter
    var k = key
    for _ in 0..<10 {
      let (high0, low0) = c.x.multipliedFullWidth(by: 0xD251_1F53)
      let (high1, low1) = c.z.multipliedFullWidth(by: 0xCD9E_8D57)
      c = SIMD4(high1 ^ c.y ^ k.x, low1, high0 ^ c.w ^ k.y, low0)
      k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return c
  }

  /// Four 32-bit numbers at `index`.
  package func four(at index: UInt64) -> SIMD4<UInt32> {
    Self.block(
      counter: SIMD4(
        UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), stream.x, stream.y),
      key: key)
  }

  /// The four numbers at each of the indices `index`..<`index` + 8: lane i is `four(at: index + i)`.
  @inlinable
  package func eightFours(
    at index: UInt64
  ) -> (x: SIMD8<UInt32>, y: SIMD8<UInt32>, z: SIMD8<UInt32>, w: SIMD8<UInt32>) {
    let counters = SIMD8<UInt64>(0, 1, 2, 3, 4, 5, 6, 7) &+ index
    // Each word in 64 bits, the upper half zero, so that one multiplication gives both halves of a product.
    let low = SIMD8<UInt64>(repeating: 0xFFFF_FFFF)
    var (x, y) = (counters & low, counters &>> 32)
    var (z, w) = (SIMD8(repeating: UInt64(stream.x)), SIMD8(repeating: UInt64(stream.y)))
    var k = key
    for _ in 0..<10 {
      let (first, second) = (x &* 0xD251_1F53, z &* 0xCD9E_8D57)
      (x, y, z, w) = (
        (second &>> 32) ^ y ^ UInt64(k.x), second & low, (first &>> 32) ^ w ^ UInt64(k.y), first & low
      )
      k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return (
      SIMD8(truncatingIfNeeded: x), SIMD8(truncatingIfNeeded: y), SIMD8(truncatingIfNeeded: z),
      SIMD8(truncatingIfNeeded: w)
    )
  }

  /// One 32-bit number at `index`.
  package func bits(at index: UInt64) -> UInt32 { four(at: index >> 2)[Int(index & 3)] }

  /// A uniform number in [0, 1), a multiple of 2⁻²⁴, at `index`.
  package func uniform(at index: UInt64) -> Float { Self.uniform(bits(at: index)) }

  /// The uniform number in [0, 1) that 32 random bits stand for.
  @inlinable package static func uniform(_ bits: UInt32) -> Float { Float(bits >> 8) * 0x1p-24 }

  /// A whole number in 0..<`bound` at `index`, by the multiply-shift method; its bias is below bound / 2⁶⁴.
  package func below(_ bound: Int, at index: UInt64) -> Int {
    precondition(bound > 0, "below(_:at:) needs a positive bound")
    let four = four(at: index)
    let bits = UInt64(four.x) << 32 | UInt64(four.y)
    return Int(bits.multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A random order of 0..<`count` (Fisher and Yates), the same for the same stream.
  package func permutation(count: Int) -> [Int] {
    var order = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, below(i + 1, at: UInt64(i))) }
    return order
  }
}
