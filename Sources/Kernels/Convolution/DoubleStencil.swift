// A convolution in double precision: for analysis, where a product is taken a few hundred times and every digit counts.

/// y[p, o] = Σ over taps and inputs of x[p + tap, i] · w[tap, i, o], positions outside of the image counting as zero, and
/// its transpose. Vectors have the order H×W×features.
package struct DoubleStencil: Sendable {
  /// Rows and columns of positions.
  package let height: Int, width: Int
  /// Features of a position, in and out.
  package let inputs: Int, outputs: Int
  private let offsets: [(dy: Int, dx: Int)]
  /// [tap][input][output], and the same as [tap][output][input].
  private let weights: [Double]
  private let turned: [Double]

  /// A stencil of the taps at `offsets`; `weights` are [tap][input][output].
  package init(height: Int, width: Int, inputs: Int, outputs: Int, offsets: [(dy: Int, dx: Int)], weights: [Double]) {
    precondition(weights.count == offsets.count * inputs * outputs, "\(weights.count) weights")
    (self.height, self.width, self.inputs, self.outputs) = (height, width, inputs, outputs)
    (self.offsets, self.weights) = (offsets, weights)
    var turned = [Double](repeating: 0, count: weights.count)
    for t in offsets.indices {
      for i in 0..<inputs {
        for o in 0..<outputs { turned[(t * outputs + o) * inputs + i] = weights[(t * inputs + i) * outputs + o] }
      }
    }
    self.turned = turned
  }

  /// y of x.
  package func product(_ x: [Double]) -> [Double] {
    precondition(x.count == height * width * inputs, "\(x.count) values")
    var y = [Double](repeating: 0, count: height * width * outputs)
    forEachTap { tap, here, there in
      Self.add(x, there * inputs, inputs, weights, tap * inputs * outputs, outputs, &y, here * outputs)
    }
    return y
  }

  /// The transpose's x of y.
  package func transposedProduct(_ y: [Double]) -> [Double] {
    precondition(y.count == height * width * outputs, "\(y.count) values")
    var x = [Double](repeating: 0, count: height * width * inputs)
    forEachTap { tap, here, there in
      Self.add(y, here * outputs, outputs, turned, tap * inputs * outputs, inputs, &x, there * inputs)
    }
    return x
  }

  /// What tap `tap` adds at one position: y[first…] += x[start…] · w. For recurrences, which go position by position.
  package func add(tap: Int, of x: [Double], at start: Int, to y: inout [Double], at first: Int) {
    Self.add(x, start, inputs, weights, tap * inputs * outputs, outputs, &y, first)
  }

  /// The transpose at one position: x[first…] += y[start…] · wᵀ.
  package func addTransposed(tap: Int, of y: [Double], at start: Int, to x: inout [Double], at first: Int) {
    Self.add(y, start, outputs, turned, tap * inputs * outputs, inputs, &x, first)
  }

  private func forEachTap(_ body: (_ tap: Int, _ here: Int, _ there: Int) -> Void) {
    for y in 0..<height {
      for x in 0..<width {
        for (tap, offset) in offsets.enumerated() {
          let (sy, sx) = (y + offset.dy, x + offset.dx)
          guard sy >= 0, sy < height, sx >= 0, sx < width else { continue }
          body(tap, y * width + x, sy * width + sx)
        }
      }
    }
  }

  private static func add(
    _ source: [Double], _ start: Int, _ count: Int, _ matrix: [Double], _ matrixStart: Int, _ columns: Int,
    _ target: inout [Double], _ first: Int
  ) {
    precondition(start >= 0 && start + count <= source.count && first >= 0 && first + columns <= target.count)
    precondition(matrixStart >= 0 && matrixStart + count * columns <= matrix.count)
    source.withUnsafeBufferPointer { s in
      matrix.withUnsafeBufferPointer { m in
        target.withUnsafeMutableBufferPointer { t in
          for i in 0..<count {
            let value = s[start &+ i]
            if value == 0 { continue }
            let row = matrixStart &+ i &* columns
            for o in 0..<columns { t[first &+ o] += value * m[row &+ o] }
          }
        }
      }
    }
  }
}
