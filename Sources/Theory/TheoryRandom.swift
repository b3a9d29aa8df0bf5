// Random vectors and matrices with singular values as wanted.
import Core
import Networks

/// Numbers for one network: a function of its statement and number alone.
package struct TheoryRandom {
  private let random: Philox
  private var drawn: UInt64 = 0

  /// The numbers of `network` of a statement.
  package init(_ statement: TheoryStatement, network: Int) {
    // The statement's name in the high half keeps two statements' networks apart.
    let code = statement.rawValue.utf8.reduce(UInt64(5381)) { ($0 &* 33 &+ UInt64($1)) & 0xFFFF_FFFF }
    random = Philox(seed: UInt64(network), purpose: .initialization, stream: code << 32)
  }

  /// The next number, uniform in ±1.
  package mutating func next() -> Double {
    defer { drawn += 1 }
    return 2 * Double(random.uniform(at: drawn)) - 1
  }

  /// `count` numbers in ±`scale`.
  package mutating func vector(_ count: Int, scale: Double = 1) -> [Double] { (0..<count).map { _ in scale * next() } }

  /// A vector whose root mean square is `rms`.
  package mutating func vector(_ count: Int, rms: Double) -> [Double] {
    let vector = vector(count)
    let factor = rms / TheoryMap.rootMeanSquare(vector)
    return vector.map { factor * $0 }
  }

  /// A square matrix whose largest singular value is `largest`; the others are what chance makes them.
  package mutating func matrix(_ size: Int, largest: Double) -> DenseMatrix {
    let matrix = DenseMatrix(rows: size, columns: size, values: vector(size * size))
    return largest / matrix.singularValues()[0] * matrix
  }

  /// A square matrix all of whose singular values are `scale`: orthogonal rows, by Gram and Schmidt, twice.
  package mutating func orthogonal(_ size: Int, scale: Double = 1) -> DenseMatrix {
    var rows: [[Double]] = []
    while rows.count < size {
      var row = vector(size)
      for _ in 0..<2 {
        for other in rows {
          let along = zip(row, other).reduce(0) { $0 + $1.0 * $1.1 }
          for i in row.indices { row[i] -= along * other[i] }
        }
      }
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // A row that the others nearly contain would lose digits: draw another.
      if length > 0.01 { rows.append(row.map { $0 / length }) }
    }
    return scale * DenseMatrix(rows: size, columns: size, values: rows.flatMap { $0 })
  }
}
