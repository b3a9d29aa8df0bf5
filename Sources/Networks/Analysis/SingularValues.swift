// All singular values of a small dense matrix, by one-sided Jacobi rotations.

extension DenseMatrix {
  /// The min(rows, columns) singular values, largest first.
  ///
  /// One-sided Jacobi (Hestenes, "Inversion of matrices by biorthogonalization and related results", J. SIAM 6, 1958):
  /// pairs of columns are turned until all are orthogonal; their lengths are then the singular values. It is the
  /// most accurate of the usual methods (Demmel and Veselić, SIAM J. Matrix Anal. Appl. 13, 1992): each value has an
  /// error of a few roundings of the largest one, and small values that come from small columns are right relative to
  /// themselves. Work grows as rows · columns² · (6 to 12 sweeps): for matrices of up to a few hundred columns.
  ///
  /// Elements must be finite. Values of any size are fine: the matrix is scaled by a power of two first.
  package func singularValues() -> [Double] {
    // The shorter side gives the columns; each is stored in one piece.
    var columns = JacobiColumns(rows >= self.columns ? transposed : self)
    columns.orthogonalize()
    return columns.lengths.sorted(by: >)
  }
}

/// Columns that are turned in pairs until they are orthogonal.
struct JacobiColumns {
  /// Columns, and elements of each.
  let count: Int, length: Int
  /// Column after column.
  private var elements: [Double]
  /// What the elements were divided by.
  private let scale: Double
  /// A row vector that the same rotations are applied to: count values. Of the product's right factor W in
  /// columns · W it becomes row · W.
  private(set) var follower: [Double]

  /// The rows of `matrix` as columns; `follower` has one value for each, zero where none is given.
  init(_ matrix: DenseMatrix, follower: [Double]? = nil) {
    count = matrix.rows
    length = matrix.columns
    precondition(matrix.values.allSatisfy(\.isFinite), "singular values of a matrix that is not finite")
    // A power of two: dividing by it rounds nothing, and squares then neither overflow nor vanish.
    let largest = matrix.values.reduce(0) { max($0, abs($1)) }
    scale = largest > 0 ? largest.binade : 1
    let factor = scale
    elements = matrix.values.map { $0 / factor }
    self.follower = follower ?? [Double](repeating: 0, count: matrix.rows)
  }

  /// The columns' lengths: once they are orthogonal, the singular values, in no order.
  var lengths: [Double] {
    (0..<count).map { column in
      let part = elements[column * length..<(column + 1) * length]
      return part.reduce(0) { $0 + $1 * $1 }.squareRoot() * scale
    }
  }

  /// Sweeps over all pairs until none is left whose cosine exceeds a few roundings.
  mutating func orthogonalize() {
    let tolerance = Double.ulpOfOne * Double(length).squareRoot()
    // Convergence is quadratic: 6 to 12 sweeps. The limit only guards against a loop on the edge of the tolerance.
    for _ in 0..<40 {
      var isDone = true
      for first in 0..<max(count - 1, 0) {
        for second in first + 1..<count where rotate(first, second, tolerance) { isDone = false }
      }
      if isDone { return }
    }
  }

  /// Makes two columns orthogonal; false where they were.
  private mutating func rotate(_ first: Int, _ second: Int, _ tolerance: Double) -> Bool {
    let (length, p, q) = (length, first * length, second * length)
    return elements.withUnsafeMutableBufferPointer { e in
      var (a, b, c) = (0.0, 0.0, 0.0)
      for i in 0..<length {
        a += e[p + i] * e[p + i]
        b += e[q + i] * e[q + i]
        c += e[p + i] * e[q + i]
      }
      guard abs(c) > tolerance * a.squareRoot() * b.squareRoot() else { return false }
      // The smaller of the two angles that make them orthogonal: tan of it.
      let zeta = (b - a) / (2 * c)
      let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
      let cosine = 1 / (1 + tangent * tangent).squareRoot()
      let sine = cosine * tangent
      for i in 0..<length {
        let (x, y) = (e[p + i], e[q + i])
        e[p + i] = cosine * x - sine * y
        e[q + i] = sine * x + cosine * y
      }
      let (x, y) = (follower[first], follower[second])
      follower[first] = cosine * x - sine * y
      follower[second] = sine * x + cosine * y
      return true
    }
  }
}
