// The largest and the smallest singular value of an operator that is known by its products only.
import Core

/// A linear map that is known by what it does to vectors: a layer's Jacobian J, by J·v and Jᵀ·u.
package struct LinearOperator {
  /// Length of J·v.
  package let rows: Int
  /// Length of v.
  package let columns: Int
  /// J·v: `columns` values in, `rows` values out.
  package let product: ([Double]) -> [Double]
  /// Jᵀ·u: `rows` values in, `columns` values out.
  package let transposedProduct: ([Double]) -> [Double]

  /// An operator; the two closures must be each other's transpose.
  package init(
    rows: Int, columns: Int, product: @escaping ([Double]) -> [Double],
    transposedProduct: @escaping ([Double]) -> [Double]
  ) {
    precondition(rows > 0 && columns > 0, "an operator needs rows and columns")
    self.rows = rows
    self.columns = columns
    self.product = product
    self.transposedProduct = transposedProduct
  }

  /// The operator of a matrix.
  package init(_ matrix: DenseMatrix) {
    self.init(
      rows: matrix.rows, columns: matrix.columns, product: matrix.product,
      transposedProduct: matrix.transposedProduct)
  }

  var transposed: LinearOperator {
    LinearOperator(rows: columns, columns: rows, product: transposedProduct, transposedProduct: product)
  }
}

/// The ends of an operator's spectrum, with what is known of their errors.
package struct ExtremeSingularValues: Sendable, Equatable {
  /// σ_max, approached from below: never more than the true one (but for rounding).
  package let largest: Double
  /// The smallest of the min(rows, columns) singular values, approached from above: never less than the true one.
  package let smallest: Double
  /// Some singular value lies within this distance of `largest`.
  package let largestError: Double
  /// Some singular value lies within this distance of `smallest`.
  package let smallestError: Double
  /// Products with J, and as many with Jᵀ, that it took.
  package let steps: Int
  /// Whether the errors met the tolerance: relative to the value itself, or down to rounding at `largest`.
  package let hasLargest: Bool, hasSmallest: Bool
}

extension LinearOperator {
  /// σ_max and σ_min by Golub–Kahan–Lanczos bidiagonalisation (Golub and Kahan, "Calculating the singular values and
  /// pseudo-inverse of a matrix", SIAM J. Numer. Anal. 2, 1965) with every vector orthogonalised twice against all
  /// before it, so that rounding brings no false copies.
  ///
  /// It stops where both (σ_max alone with `needsSmallest` false) have an error below `tolerance` times themselves,
  /// or below the rounding of σ_max; or after `maximumSteps`; or after min(rows, columns) steps, when the values are
  /// those of the operator up to rounding, whatever the spectrum.
  ///
  /// What to expect: σ_max comes in tens of steps at any size. σ_min comes before the last step only where it
  /// stands apart from its neighbours on the scale of the whole spectrum. With min(rows, columns) up to a few hundred
  /// simply let it run to the end; far beyond, read `hasSmallest`, and where it is false take `smallest` as the
  /// upper bound that it is. Values below rounding · σ_max (2·10⁻¹⁶; about 10⁻⁷ where the products are computed in
  /// `Float`) cannot be told from 0. Memory: steps · (rows + columns) doubles.
  ///
  /// - Parameters:
  ///   - tolerance: relative error; 10⁻⁸ is enough for four printed digits of anything.
  ///   - maximumSteps: nil for min(rows, columns).
  ///   - seed: of the start vector. Another one changes the result within its error.
  package func extremeSingularValues(
    tolerance: Double = 1e-8, maximumSteps: Int? = nil, needsSmallest: Bool = true, seed: UInt64 = 1
  ) -> ExtremeSingularValues {
    // From the shorter side, whose vectors run out first: the bidiagonal matrix is then square, and no value is lost.
    guard rows >= columns else {
      return transposed.extremeSingularValues(
        tolerance: tolerance, maximumSteps: maximumSteps, needsSmallest: needsSmallest, seed: seed)
    }
    var lanczos = Bidiagonalization(self, seed: seed)
    let limit = max(1, min(maximumSteps ?? columns, columns))
    var nextTest = 8
    while true {
      lanczos.step()
      let steps = lanczos.diagonal.count
      // Each test costs steps³: testing at every third more keeps the sum of them near the last one.
      guard steps >= nextTest || steps == limit || lanczos.isInvariant else { continue }
      nextTest = steps + max(1, steps / 3)
      let result = lanczos.extremes(tolerance: tolerance)
      if steps == limit || (result.hasLargest && (result.hasSmallest || !needsSmallest)) { return result }
    }
  }
}

/// J·V = U·B and Jᵀ·U = V·Bᵀ + β·(one more vector), B upper bidiagonal; rows ≥ columns.
private struct Bidiagonalization {
  private let target: LinearOperator
  private let seed: UInt64
  private var left: [[Double]] = []
  private var right: [[Double]]
  /// B's diagonal, and beside it.
  private(set) var diagonal: [Double] = []
  private(set) var beside: [Double] = []
  /// The largest element so far: what rounding is measured by.
  private var scale = 0.0
  private var drawn: UInt64 = 0

  init(_ target: LinearOperator, seed: UInt64) {
    self.target = target
    self.seed = seed
    right = []
    right = [fresh(target.columns, orthogonalTo: [])]
  }

  /// Whether the vectors so far span a part of the space that J keeps to itself.
  var isInvariant: Bool { beside.last == 0 }

  mutating func step() {
    let (u, alpha) = direction(target.product(right[right.count - 1]), left)
    left.append(u)
    diagonal.append(alpha)
    let next = target.transposedProduct(u)
    guard right.count < target.columns else {
      beside.append(0)
      return
    }
    let (v, beta) = direction(next, right)
    right.append(v)
    beside.append(beta)
  }

  /// `vector` without its parts along `others`, and how long it then is. Where nothing is left, 0 and any direction that
  /// is orthogonal to the others: both relations above still hold, and what the start vector missed is found.
  private mutating func direction(_ vector: [Double], _ others: [[Double]]) -> ([Double], Double) {
    var vector = vector
    scale = max(scale, norm(vector))
    for _ in 0..<2 { orthogonalize(&vector, others) }
    let length = norm(vector)
    if length <= 1e-14 * scale { return (fresh(vector.count, orthogonalTo: others), 0) }
    return (vector.map { $0 / length }, length)
  }

  private mutating func fresh(_ count: Int, orthogonalTo others: [[Double]]) -> [Double] {
    while true {
      let random = Philox(seed: seed, purpose: .test, stream: drawn)
      drawn += 1
      var vector = (0..<count).map { 2 * Double(random.uniform(at: UInt64($0))) - 1 }
      let before = norm(vector)
      for _ in 0..<2 { orthogonalize(&vector, others) }
      let length = norm(vector)
      if length > 1e-8 * before { return vector.map { $0 / length } }
    }
  }

  private func orthogonalize(_ vector: inout [Double], _ others: [[Double]]) {
    for other in others {
      let along = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
      for i in vector.indices { vector[i] -= along * other[i] }
    }
  }

  private func norm(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// The ends of B's spectrum. For a left singular vector p of B, the residual of its value is β·|last element of p|.
  func extremes(tolerance: Double) -> ExtremeSingularValues {
    let count = diagonal.count
    var matrix = DenseMatrix(rows: count, columns: count)
    for i in 0..<count {
      matrix[i, i] = diagonal[i]
      if i + 1 < count { matrix[i, i + 1] = beside[i] }
    }
    // Bᵀ·W has orthogonal columns, so W holds the left singular vectors of B; its last row is followed.
    var last = [Double](repeating: 0, count: count)
    last[count - 1] = 1
    var columns = JacobiColumns(matrix, follower: last)
    columns.orthogonalize()
    let values = columns.lengths
    var (low, high) = (0, 0)
    for i in 1..<max(count, 1) {
      if values[i] > values[high] { high = i }
      if values[i] < values[low] { low = i }
    }
    let rounding = Double.ulpOfOne * Double(count).squareRoot() * values[high]
    func error(_ i: Int) -> Double { abs(columns.follower[i]) * beside[count - 1] + rounding }
    func isMet(_ i: Int) -> Bool { error(i) <= max(tolerance * values[i], 2 * rounding) }
    return ExtremeSingularValues(
      largest: values[high], smallest: values[low], largestError: error(high), smallestError: error(low), steps: count,
      hasLargest: isMet(high), hasSmallest: isMet(low))
  }
}
