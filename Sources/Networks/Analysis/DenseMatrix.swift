// A small matrix in double precision: what Jacobians are written down in.
import Kernels

/// A dense rows × columns matrix, row by row, for analysis rather than speed.
package struct DenseMatrix: Sendable, Equatable {
  /// Rows, at least 1.
  package let rows: Int
  /// Columns, at least 1.
  package let columns: Int
  /// rows·columns values, row by row.
  package var values: [Double]

  /// A matrix of `values`, row by row; zeros where none are given.
  package init(rows: Int, columns: Int, values: [Double]? = nil) {
    precondition(rows > 0 && columns > 0, "a matrix needs rows and columns")
    let values = values ?? [Double](repeating: 0, count: rows * columns)
    precondition(values.count == rows * columns, "\(values.count) values for \(rows) × \(columns)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// The identity of size × size, times `scale`.
  package init(identity size: Int, scale: Double = 1) {
    self.init(rows: size, columns: size)
    for i in 0..<size { self[i, i] = scale }
  }

  /// The square matrix with `diagonal`.
  package init(diagonal: [Double]) {
    self.init(rows: diagonal.count, columns: diagonal.count)
    for i in diagonal.indices { self[i, i] = diagonal[i] }
  }

  /// The element in `row` and `column`.
  package subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  /// Columns as rows.
  package var transposed: DenseMatrix {
    var result = DenseMatrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns { result[column, row] = self[row, column] }
    }
    return result
  }

  /// The matrix product, each element summed in ascending order of the inner index.
  package static func * (left: DenseMatrix, right: DenseMatrix) -> DenseMatrix {
    precondition(left.columns == right.rows, "a product of \(left.columns) columns with \(right.rows) rows")
    var result = DenseMatrix(rows: left.rows, columns: right.columns)
    for row in 0..<left.rows {
      for inner in 0..<left.columns {
        let factor = left[row, inner]
        for column in 0..<right.columns {
          result.values[row * right.columns + column] += factor * right.values[inner * right.columns + column]
        }
      }
    }
    return result
  }

  /// Every element times `factor`.
  package static func * (factor: Double, matrix: DenseMatrix) -> DenseMatrix {
    DenseMatrix(rows: matrix.rows, columns: matrix.columns, values: matrix.values.map { factor * $0 })
  }

  /// The sum of two matrices of one shape.
  package static func + (left: DenseMatrix, right: DenseMatrix) -> DenseMatrix {
    precondition(left.rows == right.rows && left.columns == right.columns, "a sum of matrices of one shape")
    return DenseMatrix(rows: left.rows, columns: left.columns, values: zip(left.values, right.values).map { $0 + $1 })
  }

  /// Matrix × vector: `columns` values in, `rows` values out.
  package func product(_ vector: [Double]) -> [Double] {
    precondition(vector.count == columns, "\(vector.count) values for \(columns) columns")
    return (0..<rows).map { row in (0..<columns).reduce(0) { $0 + self[row, $1] * vector[$1] } }
  }

  /// Transposed matrix × vector: `rows` values in, `columns` values out.
  package func transposedProduct(_ vector: [Double]) -> [Double] {
    precondition(vector.count == rows, "\(vector.count) values for \(rows) rows")
    var result = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for column in 0..<columns { result[column] += self[row, column] * vector[row] }
    }
    return result
  }
}
