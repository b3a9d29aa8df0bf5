import Core
import Testing

@Suite struct PhiloxTests {
  /// The known answers that come with Random123, the authors' own library (kat_vectors).
  @Test func matchesPublishedVectors() {
    let ones = UInt32.max
    #expect(
      Philox.block(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      Philox.block(counter: SIMD4(repeating: ones), key: SIMD2(repeating: ones))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Philox.block(
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        key: SIMD2(0xa409_3822, 0x299f_31d0))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func uniformNumbersFillTheInterval() {
    let random = Philox(seed: 7, purpose: .test)
    let numbers = (0..<100_000).map { random.uniform(at: UInt64($0)) }
    #expect(numbers.allSatisfy { $0 >= 0 && $0 < 1 })
    // The mean of 100,000 uniform numbers has a standard deviation of 0.0009: five of them.
    #expect(abs(numbers.reduce(0) { $0 + Double($1) } / 100_000 - 0.5) < 0.0046)
  }

  @Test func purposesAndStreamsDiffer() {
    let a = Philox(seed: 1, purpose: .sampling, stream: 1).four(at: 0)
    #expect(a != Philox(seed: 1, purpose: .test, stream: 1).four(at: 0))
    #expect(a != Philox(seed: 1, purpose: .sampling, stream: 2).four(at: 0))
    #expect(a != Philox(seed: 2, purpose: .sampling, stream: 1).four(at: 0))
  }

  @Test(arguments: [1, 2, 17, 1000]) func permutationHoldsEachOnce(count: Int) {
    #expect(Philox(seed: 3, purpose: .dataOrder).permutation(count: count).sorted() == Array(0..<count))
  }
}
