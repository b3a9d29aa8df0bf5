// The search for nearest images against a plain double loop.
import Core
import Evaluation
import Kernels
import Testing

@Suite struct NearestImagesTests {
  private func values(_ count: Int, stream: UInt64, below limit: Int = 256) -> [UInt8] {
    let random = Philox(seed: 5, purpose: .test, stream: stream)
    return (0..<count).map { UInt8(random.below(limit, at: UInt64($0))) }
  }

  /// Every distance, sorted; of equals the earlier first.
  private func reference(_ images: [UInt8], _ set: [UInt8], _ dimensions: Int, _ count: Int) -> [[NearestImage]] {
    stride(from: 0, to: images.count, by: dimensions).map { image in
      let distances = stride(from: 0, to: set.count, by: dimensions).map { other in
        let sum = (0..<dimensions).reduce(0.0) { sum, k in
          let difference = Double(images[image + k]) - Double(set[other + k])
          return sum + difference * difference
        }
        return (sum / Double(dimensions)).squareRoot()
      }
      let order = distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
      return order.prefix(count).map { NearestImage(index: $0, distance: distances[$0]) }
    }
  }

  /// Sizes that do and do not fill vectors; few values, so that there are ties; more images than one block has.
  @Test(arguments: [1, 7, 63, 64, 784], [1, 3, 50]) func isThatOfADoubleLoop(dimensions: Int, count: Int) {
    for limit in [2, 4, 256] {
      let images = values(37 * dimensions, stream: 1, below: limit)
      let set = values(41 * dimensions, stream: 2, below: limit)
      // Sums of whole numbers below 2⁵³ are exact in either form, and so is what is made of them.
      let expected = reference(images, set, dimensions, count)
      for threads in [1, 2, 5] {
        let found = NearestImage.search(
          for: images, in: set, dimensions: dimensions, count: count, threads: threads)
        #expect(found == expected, "\(limit) values, \(threads) threads")
      }
    }
    #expect(reference(values(dimensions, stream: 1), [], dimensions, count) == [[]])
  }

  /// Black against white, at sizes where the sum passes 31 bits.
  @Test(arguments: [32_768, 32_769, 70_001]) func largeImagesDoNotOverflow(dimensions: Int) {
    let black = [UInt8](repeating: 0, count: dimensions)
    let white = [UInt8](repeating: 255, count: dimensions)
    let found = NearestImage.search(
      for: black + white, in: white + black, dimensions: dimensions, count: 2, threads: 2)
    #expect(found[0] == [NearestImage(index: 1, distance: 0), NearestImage(index: 0, distance: 255)])
    #expect(found[1] == [NearestImage(index: 0, distance: 0), NearestImage(index: 1, distance: 255)])
  }

  @Test func nothingToSearchFor() {
    #expect(NearestImage.search(for: [], in: [1, 2], dimensions: 1, count: 1, threads: 2).isEmpty)
    #expect(NearestImage.search(for: [1], in: [], dimensions: 1, count: 1, threads: 2) == [[]])
  }

  @Test func summaryByHand() {
    let summary = NearestSummary([3, 0, 1, 6])
    #expect(summary?.images == 4 && summary?.median == 2 && summary?.minimum == 0 && summary?.copies == 1)
    #expect(NearestSummary([5, 1, 2])?.median == 2)
    #expect(NearestSummary([]) == nil)
  }
}
