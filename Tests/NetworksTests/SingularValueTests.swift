// Singular values: known matrices, the two methods against each other, and values that NumPy gave.
import Networks
import Testing
import TestSupport

@Suite struct SingularValueTests {
  private func random(_ rows: Int, _ columns: Int, stream: UInt64) -> DenseMatrix {
    DenseMatrix(
      rows: rows, columns: columns, values: randomValues(rows * columns, stream: stream).map { Double($0) })
  }

  @Test func knownMatrices() {
    // [[3, 0], [4, 5]]: σ² are the roots of s² − 50s + 225, 45 and 5.
    let values = DenseMatrix(rows: 2, columns: 2, values: [3, 0, 4, 5]).singularValues()
    #expect(abs(values[0] - 45.0.squareRoot()) < 1e-14 && abs(values[1] - 5.0.squareRoot()) < 1e-14)
    #expect(DenseMatrix(diagonal: [2, -7, 0, 1]).singularValues() == [7, 2, 1, 0])
    #expect(DenseMatrix(rows: 1, columns: 3, values: [2, 3, 6]).singularValues() == [7])
    #expect(DenseMatrix(rows: 3, columns: 1, values: [2, 3, 6]).singularValues() == [7])
    #expect(DenseMatrix(rows: 2, columns: 3).singularValues() == [0, 0])
    // All ones: one value √(rows·columns), the others 0.
    let ones = DenseMatrix(rows: 4, columns: 9, values: [Double](repeating: 1, count: 36)).singularValues()
    #expect(abs(ones[0] - 6) < 1e-14 && ones.dropFirst().allSatisfy { $0 < 1e-15 })
  }

  /// Scales that overflow or vanish when squared, and columns of very different lengths, whose values one-sided Jacobi
  /// finds relative to themselves.
  @Test func sizesOfAllKinds() {
    for scale in [1e-200, 1e200] {
      let values = (scale * DenseMatrix(rows: 2, columns: 2, values: [3, 0, 4, 5])).singularValues()
      #expect(abs(values[0] / scale - 45.0.squareRoot()) < 1e-13)
    }
    let graded = random(5, 5, stream: 1) * DenseMatrix(diagonal: [1, 1e-6, 1e-12, 1e-18, 1e-24])
    let values = graded.singularValues()
    // Each is near the length of its column, less what lies along the larger ones.
    for i in 0..<5 {
      let ratio = values[i] / [1, 1e-6, 1e-12, 1e-18, 1e-24][i]
      #expect(ratio > 0.01 && ratio < 3, "σ\(i) is \(values[i])")
    }
  }

  /// The product of all values is |det|, the sum of their squares that of the elements.
  @Test(arguments: [1, 2, 5, 12, 30]) func invariants(size: Int) {
    let matrix = random(size, size + 3, stream: UInt64(size))
    let values = matrix.singularValues()
    let squares = matrix.values.reduce(0) { $0 + $1 * $1 }
    #expect(abs(values.reduce(0) { $0 + $1 * $1 } - squares) < 1e-13 * squares)
    #expect(values == values.sorted(by: >) && values.count == size)
    let turned = matrix.transposed.singularValues()
    #expect(zip(values, turned).allSatisfy { abs($0 - $1) < 1e-14 * values[0] })
  }

  /// numpy.linalg.svd of the 6×4 matrix whose element in row i, column j is ((7i + 5j) mod 11) − 5 + ij/10, and of the
  /// Hilbert matrix of 8×8, gave these. The tolerance is what NumPy prints.
  @Test func valuesOfNumPy() {
    var matrix = DenseMatrix(rows: 6, columns: 4)
    var hilbert = DenseMatrix(rows: 8, columns: 8)
    for i in 0..<8 {
      for j in 0..<8 {
        hilbert[i, j] = 1 / Double(i + j + 1)
        if i < 6, j < 4 { matrix[i, j] = Double((7 * i + 5 * j) % 11 - 5) + Double(i * j) / 10 }
      }
    }
    for (ours, theirs) in zip(matrix.singularValues(), numPySmall) { #expect(abs(ours - theirs) < 1e-13) }
    for (ours, theirs) in zip(hilbert.singularValues(), numPyHilbert) { #expect(abs(ours - theirs) < 1e-15) }
  }

  // MARK: By products only

  /// Run to the end, it gives the dense values' ends up to rounding, on either side of square.
  @Test(arguments: [(1, 1), (1, 7), (7, 1), (8, 8), (40, 25), (25, 40), (90, 90)])
  func endsOfTheDenseValues(size: (Int, Int)) {
    let matrix = random(size.0, size.1, stream: 77)
    let dense = matrix.singularValues()
    let ends = LinearOperator(matrix).extremeSingularValues(tolerance: 1e-12)
    #expect(abs(ends.largest - dense[0]) < 1e-12 * dense[0], "\(ends)")
    #expect(abs(ends.smallest - dense[dense.count - 1]) < 1e-12 * dense[0], "\(ends)")
    #expect(ends.hasLargest && ends.hasSmallest && ends.steps <= min(size.0, size.1))
  }

  /// Repeated values, zero values, a start that sees nothing new: the identity, a projection, zero.
  @Test func degenerateOperators() {
    for (diagonal, largest, smallest): ([Double], Double, Double) in [
      ([1, 1, 1, 1, 1, 1], 1, 1), ([3, 3, 3, 0, 0], 3, 0), ([0, 0, 0], 0, 0), ([2, 2, 2, 2, 5], 5, 2),
    ] {
      let ends = LinearOperator(DenseMatrix(diagonal: diagonal)).extremeSingularValues()
      #expect(abs(ends.largest - largest) < 1e-13 && abs(ends.smallest - smallest) < 1e-13, "\(diagonal): \(ends)")
    }
  }

  /// Of 400 columns, σ_max takes a small part of the steps; σ_min, with neighbours close by, all of them, and before that
  /// it is an upper bound and says that it has not arrived.
  @Test func largestComesFirst() {
    let values = (1...400).map { Double($0) }
    let map = LinearOperator(DenseMatrix(diagonal: values))
    let first = map.extremeSingularValues(needsSmallest: false)
    #expect(abs(first.largest - 400) < 1e-5 && first.hasLargest && first.steps < 150, "\(first)")
    let early = map.extremeSingularValues(maximumSteps: 40)
    #expect(!early.hasSmallest && early.smallest >= 1 && early.largest <= 400 + 1e-9 && early.steps == 40, "\(early)")
    // Some value lies within the stated error.
    #expect(values.contains { abs($0 - early.largest) <= early.largestError })
    #expect(values.contains { abs($0 - early.smallest) <= early.smallestError })
    let last = map.extremeSingularValues()
    #expect(last.hasSmallest && abs(last.smallest - 1) < 1e-7, "\(last)")
  }

  /// Single precision inside, as in the package's layers: seven digits of σ_max remain.
  @Test func productsInSinglePrecision() {
    let matrix = random(30, 20, stream: 5)
    func rounded(_ vector: [Double]) -> [Double] { vector.map { Double(Float($0)) } }
    let map = LinearOperator(
      rows: 30, columns: 20, product: { rounded(matrix.product($0)) },
      transposedProduct: { rounded(matrix.transposedProduct($0)) })
    let dense = matrix.singularValues()
    let ends = map.extremeSingularValues()
    #expect(abs(ends.largest - dense[0]) < 1e-6 * dense[0] && abs(ends.smallest - dense[19]) < 1e-6 * dense[0])
  }

  @Test func theSeedChangesLittleAndNothingElseDoes() {
    let map = LinearOperator(random(60, 50, stream: 9))
    let ends = map.extremeSingularValues()
    #expect(ends == map.extremeSingularValues())
    let other = map.extremeSingularValues(seed: 2)
    #expect(other != ends && abs(other.largest - ends.largest) <= ends.largestError + other.largestError)
  }
}

private let numPySmall: [Double] = [11.191038319584557, 8.16950454942025, 6.938735943598197, 4.579716175879272]
private let numPyHilbert: [Double] = [
  1.6959389969219496, 0.2981252113169307, 0.026212843578119035, 0.0014676881177418427, 5.436943369749979e-05,
  1.2943320918688685e-06, 1.798873745949071e-08, 1.1115389812040764e-10,
]
