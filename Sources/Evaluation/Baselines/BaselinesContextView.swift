// What a context model counts, and in what contexts.
import Core

/// How a value and those before it become a symbol, 0..<L, and up to four context values.
package struct ContextView: Sendable {
  /// Levels suit drawings, differences photographs.
  package enum Kind: Sendable, CaseIterable {
    /// The level itself, given the earlier channels of the pixel, the levels to the left and above and, of grey images of
    /// at most 16 levels, above and to the left.
    case levels
    /// The level minus a prediction, modulo L, given how far the pixels to the left and above (and of colour the pixel's
    /// earlier channel) are from their prediction, and the prediction itself.
    case differences
  }

  let kind: Kind
  let shape: ImageShape
  let levels: Int

  init(_ kind: Kind, shape: ImageShape, levels: Int) {
    precondition(shape.channels <= 3, "contexts of at most 3 channels")
    (self.kind, self.shape, self.levels) = (kind, shape, levels)
  }

  var inWords: String { kind == .levels ? "levels" : "differences from a prediction" }
  /// Context values lie below it.
  var range: Int { 4 * levels }

  /// How many context values channel `c` has.
  func slots(_ c: Int) -> Int {
    switch kind {
    case .levels: c + 2 + (shape.channels == 1 && levels <= 16 ? 1 : 0)
    case .differences: c == 0 ? 3 : 4
    }
  }

  /// The values around one value. Beyond the left edge is what is above, beyond the upper edge what is to the left, beyond
  /// both 0.
  private func around(_ values: [UInt8], _ position: Int, y: Int, x: Int) -> (left: Int, upper: Int, corner: Int) {
    let (step, row) = (shape.channels, shape.width * shape.channels)
    if y == 0 {
      let left = x > 0 ? Int(values[position - step]) : 0
      return (left, left, left)
    }
    let upper = Int(values[position - row])
    guard x > 0 else { return (upper, upper, upper) }
    return (Int(values[position - step]), upper, Int(values[position - row - step]))
  }

  /// Symbol and context of channel `c` of pixel (`y`, `x`) of image number `image` among `values`, N×H×W×C. The context
  /// depends on earlier values alone.
  func read(_ values: [UInt8], image: Int, y: Int, x: Int, c: Int) -> (symbol: Int, context: SIMD4<Int>) {
    let position = ((image * shape.height + y) * shape.width + x) * shape.channels + c
    let near = around(values, position, y: y, x: x)
    let level = Int(values[position])
    var context = SIMD4<Int>()
    switch kind {
    case .levels:
      for earlier in 0..<c { context[earlier] = Int(values[position - 1 - earlier]) }
      context[c] = near.left
      context[c + 1] = near.upper
      if slots(c) > c + 2 { context[c + 2] = near.corner }
      return (level, context)
    case .differences:
      let prediction = predict(values, position, near, y: y, x: x, c: c)
      context = SIMD4(near.left - prediction + levels, near.upper - prediction + levels, prediction, 0)
      if c > 0 {
        let before = predict(values, position - 1, around(values, position - 1, y: y, x: x), y: y, x: x, c: c - 1)
        context[3] = Int(values[position - 1]) - before + levels
      }
      return ((level - prediction + levels) % levels, context)
    }
  }

  /// The median edge detector of JPEG-LS (Weinberger, Seroussi and Sapiro, "The LOCO-I lossless image compression
  /// algorithm", 2000), of a later channel on its differences from the channel before.
  private func predict(
    _ values: [UInt8], _ position: Int, _ near: (left: Int, upper: Int, corner: Int), y: Int, x: Int, c: Int
  ) -> Int {
    func median(_ left: Int, _ upper: Int, _ corner: Int) -> Int {
      corner >= max(left, upper)
        ? min(left, upper) : corner <= min(left, upper) ? max(left, upper) : left + upper - corner
    }
    guard c > 0 else { return median(near.left, near.upper, near.corner) }
    let base = around(values, position - 1, y: y, x: x)
    let difference = median(near.left - base.left, near.upper - base.upper, near.corner - base.corner)
    return min(max(Int(values[position - 1]) + difference, 0), levels - 1)
  }

  /// Calls `body` with symbol and context of every value of channel `channel` of `images`.
  func forEach(_ batch: ImageBatch, images: [Int], channel: Int, _ body: (Int, SIMD4<Int>) -> Void) {
    for image in images {
      for y in 0..<shape.height {
        for x in 0..<shape.width {
          let seen = read(batch.levels, image: image, y: y, x: x, c: channel)
          body(seen.symbol, seen.context)
        }
      }
    }
  }
}
