// Bands of rows, and the passes that run through them together.
import Kernels

/// Passes that a band of rows runs through one after the other before the next band begins, so that what lies
/// between them is still in the first cache.
struct ForwardStage {
  let passes: [ConvolutionPass]
  let bandHeight: Int

  func run(_ rows: Range<Int>, _ packed: PackedParameters) {
    for band in Bands(rows, height: bandHeight) {
      for pass in passes { pass.run(band, weights: packed.forward) }
    }
  }
}

/// The backward passes of a stage. Bands run upward, since a pixel's gradient comes from the rows below it.
struct BackwardStage {
  /// A step backward through one layer.
  enum Step {
    case weights(WeightGradientPass)
    case input(ConvolutionPass)
  }

  let steps: [Step]
  let bandHeight: Int

  func run(_ rows: Range<Int>, _ packed: PackedParameters, into gradient: AlignedBuffer) {
    for band in Bands(rows, height: bandHeight).reversed() {
      for step in steps {
        switch step {
        case .weights(let pass): pass.run(band, into: gradient)
        case .input(let pass): pass.run(band, weights: packed.transposed)
        }
      }
    }
  }
}

/// A range of rows cut into bands of `height` rows, the last one possibly lower.
struct Bands: RandomAccessCollection {
  private let rows: Range<Int>
  private let height: Int

  init(_ rows: Range<Int>, height: Int) {
    self.rows = rows
    self.height = height
  }

  var startIndex: Int { 0 }
  var endIndex: Int { (rows.count + height - 1) / height }
  subscript(index: Int) -> Range<Int> {
    let start = rows.lowerBound + index * height
    return start..<Swift.min(start + height, rows.upperBound)
  }
}
