// Dropout: which features of a map are left out of a step, and what is made of the others.
import Core

/// Which features of a map of H×W·N positions (N interleaved images) are kept: each with probability 1 − p, apart from all
/// others, and then multiplied by 1/(1 − p), so that the mean stays (Srivastava et al., "Dropout: A Simple Way to
/// Prevent Neural Networks from Overfitting", JMLR 2014, in the form that scales while training). A byte a feature.
package final class DropoutMask {
  private let height: Int, width: Int, stride: Int
  private let kept: UnsafeMutablePointer<UInt8>
  /// Features are dropped where 16 random bits are below this: p to 2⁻¹⁷.
  private let threshold: UInt32
  private let scale: Float

  /// A mask for maps of the size of `map` that keeps everything until it is drawn. `rate` is p, from 0 to below 1.
  package init(like map: FeatureMap, rate: Double) {
    precondition((0..<1).contains(rate), "a rate of \(rate)")
    precondition(map.pixelStride % Lanes.count == 0, "masks are drawn for whole vectors")
    (height, width, stride) = (map.height, map.width, map.pixelStride)
    kept = .allocate(capacity: height * width * stride)
    kept.initialize(repeating: 1, count: height * width * stride)
    threshold = UInt32(min(65_535, (rate * 65_536).rounded()))
    scale = Float(1 / (1 - Double(threshold) / 65_536))
  }

  deinit { kept.deallocate() }

  /// Bytes held.
  package var byteCount: Int { height * width * stride }

  /// Draws the mask of image `image` of `images` from `random`'s counters `start`..<`start` + `countersPerImage`.
  package func draw(_ random: Philox, start: UInt64, image: Int, of images: Int) {
    let vectors = stride / Lanes.count
    let total = vectorsPerImage(of: images)
    func draw(_ vector: Int, _ word: SIMD8<UInt32>) {
      guard vector < total else { return }
      let (pixel, part) = vector.quotientAndRemainder(dividingBy: vectors)
      let bits = SIMD16(lowHalf: word & 0xFFFF, highHalf: word &>> 16)
      let isKept = SIMD16<UInt32>(repeating: 1).replacing(with: 0, where: bits .< threshold)
      UnsafeMutableRawPointer(kept + (pixel * images + image) * stride + part * Lanes.count)
        .storeBytes(of: SIMD16<UInt8>(truncatingIfNeeded: isKept), as: SIMD16<UInt8>.self)
    }
    for vector in Swift.stride(from: 0, to: total, by: 4) {
      let words = random.eightFours(at: start &+ UInt64(vector) &* 2)
      draw(vector, words.x)
      draw(vector + 1, words.y)
      draw(vector + 2, words.z)
      draw(vector + 3, words.w)
    }
  }

  /// Counters that `draw` reads for one of `images`.
  package func countersPerImage(of images: Int) -> UInt64 { UInt64((vectorsPerImage(of: images) + 3) / 4 * 8) }

  private func vectorsPerImage(of images: Int) -> Int { height * (width / images) * stride / Lanes.count }

  /// target = source ⊙ mask / (1 − p) in `region`; the two may be one map. So too the gradient goes back. A map of twice
  /// as many features is that of the halves of gated units, vector by vector: both halves share the unit's mask.
  package func apply(_ source: FeatureMap, to target: FeatureMap, in region: MapRegion) {
    let copies = source.pixelStride / stride
    precondition(
      (source.height, source.width, source.pixelStride) == (height, width, stride * copies),
      "a mask for maps of another size")
    checkSizes(source, source, target, region)
    let (first, count) = (region.columns.lowerBound, region.columns.count * stride)
    for y in region.rows {
      let (p, t) = (source.pixel(y, first), target.pixel(y, first))
      let row = UnsafeRawPointer(kept + (y * width + first) * stride)
      for i in Swift.stride(from: 0, to: count, by: Lanes.count) {
        let factors = FloatVector(row.loadUnaligned(fromByteOffset: i, as: SIMD16<UInt8>.self)) * scale
        for position in Swift.stride(from: i &* copies, to: (i &+ Lanes.count) &* copies, by: Lanes.count) {
          store(load(p, position) * factors, t, position)
        }
      }
    }
  }
}
