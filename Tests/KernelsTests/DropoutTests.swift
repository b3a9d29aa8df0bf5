import Core
import Kernels
import Testing

@Suite struct DropoutMaskTests {
  private static func dropped(_ share: Double, stream: UInt64 = 0, image: Int = 0, of images: Int = 1) -> FeatureMap {
    let ones = FeatureMap(height: 40, width: 50 * images, channels: 48)
    ones.fill([Float](repeating: 1, count: 40 * 50 * images * 48))
    let mask = DropoutMask(like: ones, rate: share)
    mask.draw(Philox(seed: 1, purpose: .dropout, stream: stream), start: 77, image: image, of: images)
    mask.apply(ones, to: ones, in: MapRegion(allOf: ones))
    return ones.image(image, of: images)
  }

  /// 96,000 features: the share that is dropped has a standard deviation of √(p(1 − p)/96,000), five of which are
  /// allowed. Whole pixels and vectors are dropped out as evenly.
  @Test(arguments: [0.1, 0.5, 0.9]) func theShareIsDroppedAndTheRestScaled(share: Double) {
    let values = Self.dropped(share).values
    let kept = values.filter { $0 != 0 }
    let deviation = (share * (1 - share) / Double(values.count)).squareRoot()
    #expect(abs(1 - Double(kept.count) / Double(values.count) - share) < 5 * deviation)
    #expect(kept.allSatisfy { abs(Double($0) * (1 - share) - 1) < 2e-5 / (1 - share) })
    for channel in 0..<48 {
      let column = stride(from: channel, to: values.count, by: 48).map { values[$0] }
      let dropped = Double(column.count { $0 == 0 }) / Double(column.count)
      #expect(abs(dropped - share) < 5 * (share * (1 - share) / Double(column.count)).squareRoot())
    }
  }

  @Test func aDrawIsAFunctionOfItsStream() {
    #expect(Self.dropped(0.5).values == Self.dropped(0.5).values)
    #expect(Self.dropped(0.5).values != Self.dropped(0.5, stream: 1).values)
  }

  /// Feature 16v + i of an image is dropped by 16 bits of `four(at: start + 8·(v / 4) + i mod 8)[v mod 4]`, the lower for
  /// i < 8.
  @Test func theDrawIsAsDocumented() {
    let random = Philox(seed: 1, purpose: .dropout)
    let values = Self.dropped(0.25).values
    for feature in 0..<960 {
      let (vector, lane) = feature.quotientAndRemainder(dividingBy: 16)
      let word = random.four(at: 77 + UInt64(vector / 4 * 8 + lane % 8))[vector % 4]
      #expect((lane < 8 ? word & 0xFFFF : word >> 16) < 16_384 ? values[feature] == 0 : values[feature] > 1)
    }
  }

  /// An image beside others loses what it loses alone.
  @Test func interleavedImagesAreThinnedAlike() {
    #expect(Self.dropped(0.3).values == Self.dropped(0.3, image: 2, of: 4).values)
  }

  /// The halves of a gated unit share the unit's mask.
  @Test func halvesShareAMask() {
    let unit = FeatureMap(height: 3, width: 5, channels: 32)
    let halves = FeatureMap(height: 3, width: 5, channels: 64)
    unit.fill([Float](repeating: 1, count: 3 * 5 * 32))
    halves.fill([Float](repeating: 1, count: 3 * 5 * 64))
    let mask = DropoutMask(like: unit, rate: 0.5)
    mask.draw(Philox(seed: 1, purpose: .dropout), start: 0, image: 0, of: 1)
    for map in [unit, halves] { mask.apply(map, to: map, in: MapRegion(allOf: map)) }
    for y in 0..<3 {
      for x in 0..<5 {
        for feature in 0..<32 {
          // A vector of one half, then that of the other.
          let position = feature / 16 * 32 + feature % 16
          #expect(halves[y, x, position] == unit[y, x, feature])
          #expect(halves[y, x, position + 16] == unit[y, x, feature])
        }
      }
    }
    #expect(unit.values.contains(0) && unit.values.contains(2))
  }
}
