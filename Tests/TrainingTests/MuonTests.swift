import Core
import Kernels
import Networks
import TestSupport
import Testing
import Training

@Suite struct MuonTests {
  /// The iteration written once more in double precision, on matrices upright, lying, square, and of one row.
  @Test(arguments: [(5, 9), (9, 5), (16, 16), (64, 32), (20, 200), (1, 7)])
  func orthogonalizationFollowsTheIteration(rows: Int, columns: Int) {
    let start = randomValues(rows * columns, stream: 3, scale: 0.01)
    var found = start
    Orthogonalizer(rows: rows, columns: columns)(&found)
    let expected = Self.iterate(start.map(Double.init), rows, columns)
    // Five steps amplify a rounding of 2⁻²⁴ at most some 3.4⁵ = 460 times where singular values are small.
    for (a, b) in zip(found, expected) { #expect(abs(Double(a) - b) < 1e-4) }
    let values = DenseMatrix(rows: rows, columns: columns, values: found.map(Double.init)).singularValues()
    #expect((values.max() ?? 0) < 1.3)
    // Random matrices that are far from square have no small singular values.
    if max(rows, columns) >= 2 * min(rows, columns) { #expect((values.min() ?? 0) > 0.6) }
  }

  private static func iterate(_ matrix: [Double], _ rows: Int, _ columns: Int) -> [Double] {
    if rows > columns {
      let turned = iterate(transpose(matrix, rows, columns), columns, rows)
      return transpose(turned, columns, rows)
    }
    let norm = matrix.reduce(0) { $0 + $1 * $1 }.squareRoot()
    var x = matrix.map { $0 / norm }
    for _ in 0..<5 {
      let a = product(x, transpose(x, rows, columns), rows, columns, rows)
      let b = zip(a, product(a, a, rows, rows, rows)).map { -4.7750 * $0 + 2.0315 * $1 }
      x = zip(x, product(b, x, rows, rows, columns)).map { 3.4445 * $0 + $1 }
    }
    return x
  }

  private static func transpose(_ a: [Double], _ rows: Int, _ columns: Int) -> [Double] {
    (0..<columns).flatMap { j in (0..<rows).map { a[$0 * columns + j] } }
  }

  private static func product(_ a: [Double], _ b: [Double], _ rows: Int, _ inner: Int, _ columns: Int) -> [Double] {
    (0..<rows).flatMap { i in
      (0..<columns).map { j in (0..<inner).reduce(0) { $0 + a[i * inner + $1] * b[$1 * columns + j] } }
    }
  }

  @Test func aMatrixOfZerosStays() {
    var zeros = [Float](repeating: 0, count: 12)
    Orthogonalizer(rows: 3, columns: 4)(&zeros)
    #expect(zeros == [Float](repeating: 0, count: 12))
  }

  /// Three steps: hidden matrices move along orthogonal ones, masked taps stay zero, and all else is Adam's, bit for bit.
  @Test func hiddenMatricesAloneMoveOtherwise() {
    let model = ModelConfiguration(
      width: 8, blocks: 1, shape: ImageShape(height: 4, width: 4, channels: 1), levels: 2
    ).makeModel()
    let start = randomParameters(model, scale: 0.3)
    var options = AdamOptions()
    var plain = Adam(parameters: start.copy(), options: options)
    options.matrices = .muon
    var muon = Adam(parameters: start.copy(), options: options)
    var last = start
    for step in 0..<3 {
      let gradient = randomParameters(model, scale: 1, stream: UInt64(20 + step))
      last = muon.parameters.copy()
      plain.update(gradient, norm: 1, learningRate: 0.01)
      muon.update(gradient, norm: 1, learningRate: 0.01, threads: 2)
    }
    let hidden = ["blocks.0.reduce.weight", "blocks.0.conv.weight", "blocks.0.expand.weight", "head.hidden.weight"]
    for slice in model.layout.slices {
      let (a, b) = (plain.parameters[slice], muon.parameters[slice])
      guard hidden.contains(slice.name) else {
        #expect(a == b && plain.average[slice] == muon.average[slice], "\(slice.name)")
        continue
      }
      #expect(a != b, "\(slice.name)")
      #expect(muon.secondMoment[slice].allSatisfy { $0 == 0 })
      let moved = zip(b, last[slice]).map { Double($0) - Double($1) }
      let live = slice.live ?? [Bool](repeating: true, count: slice.count)
      for (i, isLive) in live.enumerated() where !isLive { #expect(b[i] == 0) }
      // Nearly orthogonal, of the size that is stated: the root mean square of an element is about 0.2 learning rates
      // where all singular values are 1.
      let columns = live.prefix(slice.count / slice.shape[0]).count { $0 }
      let steps = DenseMatrix(
        rows: slice.shape[0], columns: columns, values: zip(moved, live).filter(\.1).map(\.0)
      ).singularValues().map { $0 / (0.01 * 0.2 * Double(max(slice.shape[0], columns)).squareRoot()) }
      #expect(steps.allSatisfy { $0 < 1.3 } && (steps.max() ?? 0) > 0.6, "\(slice.name): \(steps)")
    }
  }
}
