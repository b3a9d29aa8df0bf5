// The nearest orthogonal matrix, as far as an optimizer needs it.
import CScanline

/// Makes matrices of one size nearly orthogonal: all singular values are brought into 0.7 … 1.2, their vectors kept. Five
/// steps of the Newton–Schulz iteration X ← aX + (bA + cA²)X, A = XXᵀ, with the coefficients of Jordan et al., "Muon: An
/// Optimizer for Hidden Layers in Neural Networks" (2024). Products alone, in a fixed order: the same bits everywhere.
package struct Orthogonalizer {
  /// Rows and columns, of which there are no fewer.
  private let rows: Int, columns: Int
  private let isTransposed: Bool
  /// [rows][columns], its transpose, and three of [rows][rows]; rows of whole vectors.
  private let x: AlignedBuffer, next: AlignedBuffer, transposed: AlignedBuffer
  private let square: AlignedBuffer, fourth: AlignedBuffer
  private let wide: Int, tall: Int

  /// For matrices of `rows` × `columns`.
  package init(rows: Int, columns: Int) {
    isTransposed = rows > columns
    self.rows = min(rows, columns)
    self.columns = max(rows, columns)
    (tall, wide) = (Lanes.roundUp(self.rows), Lanes.roundUp(self.columns))
    x = AlignedBuffer(count: tall * wide)
    next = AlignedBuffer(count: tall * wide)
    transposed = AlignedBuffer(count: wide * tall)
    square = AlignedBuffer(count: tall * tall)
    fourth = AlignedBuffer(count: tall * tall)
  }

  /// Replaces `matrix`, by rows, by the orthogonal matrix near it; one of zeros stays.
  package func callAsFunction(_ matrix: inout [Float]) {
    precondition(matrix.count == rows * columns, "\(matrix.count) elements of \(rows)×\(columns)")
    var squares = 0.0
    for value in matrix { squares += Double(value) * Double(value) }
    guard squares > 0 else { return }
    let scale = Float(1 / (squares.squareRoot() * 1.000_001))
    func index(_ i: Int, _ j: Int) -> Int { isTransposed ? j * rows + i : i * columns + j }
    for i in 0..<rows { for j in 0..<columns { x.pointer[i * wide + j] = matrix[index(i, j)] * scale } }
    for _ in 0..<5 {
      for i in 0..<rows { for j in 0..<columns { transposed.pointer[j * tall + i] = x.pointer[i * wide + j] } }
      multiply(x, wide, transposed, tall, to: square, steps: columns)
      multiply(square, tall, square, tall, to: fourth, steps: rows)
      combine(-4.7750, square, 2.0315, fourth, to: square)
      multiply(square, tall, x, wide, to: next, steps: rows)
      combine(3.4445, x, 1, next, to: x)
    }
    for i in 0..<rows { for j in 0..<columns { matrix[index(i, j)] = x.pointer[i * wide + j] } }
  }

  /// target = a·b for matrices of `tall` rows, which have `aWide` and `bWide` columns; `steps` of the former are read.
  private func multiply(
    _ a: AlignedBuffer, _ aWide: Int, _ b: AlignedBuffer, _ bWide: Int, to target: AlignedBuffer, steps: Int
  ) {
    for row in stride(from: 0, to: tall, by: 8) {
      for column in stride(from: 0, to: bWide, by: OneVector.features) {
        var tile = Rows8<OneVector>(repeating: .zero)
        tile.accumulate(
          a.pointer + row * aWide, rowStride: aWide, stepStride: 1, b.pointer + column, bStride: bWide, steps: steps)
        tile.forEachRow(from: row) { $1.store(target.pointer + $0 * bWide + column) }
      }
    }
  }

  /// target = p·a + q·b
  private func combine(_ p: Float, _ a: AlignedBuffer, _ q: Float, _ b: AlignedBuffer, to target: AlignedBuffer) {
    for i in stride(from: 0, to: target.count, by: Lanes.count) {
      store(load(a.pointer, i) * p + load(b.pointer, i) * q, target.pointer, i)
    }
  }
}
