// Muon: steps of hidden layers' matrices along orthogonal matrices.
import Core
import Kernels
import Networks

/// What moves the matrices of hidden layers.
public enum MatrixOptimizer: String, Sendable, Codable, CaseIterable {
  /// Adam, as all else.
  case adam
  /// Jordan et al., "Muon: An Optimizer for Hidden Layers in Neural Networks" (2024).
  case muon
}

/// The weights of hidden layers as matrices [output, input × live taps]. Biases, the first layer, the logits, and layers whose
/// masks are not the same for every output stay with Adam.
struct HiddenMatrices: Sendable {
  private struct Matrix: Sendable {
    let slice: ParameterSlice
    let rows: Int
    /// The live elements of an output's row.
    let columns: [Int]
  }

  private let matrices: [Matrix]

  /// Decay of the momentum, and the size of a step beside Adam's: the root mean square of an element's step is this times
  /// the learning rate (Liu et al., "Muon is Scalable for LLM Training", 2025).
  private static let (momentum, size): (Float, Float) = (0.95, 0.2)

  init(_ layout: ParameterLayout) {
    matrices = layout.slices.compactMap { slice in
      let isEdge =
        ["input.weight", "head.logits.weight"].contains(slice.name)
        || ["class.weight", "augment.weight"].contains(where: slice.name.hasSuffix)
      guard slice.shape.count > 1, !isEdge, slice.shape[0] > 1 else { return nil }
      let (rows, length) = (slice.shape[0], slice.count / slice.shape[0])
      let columns = (0..<length).filter { slice.live?[$0] ?? true }
      let isLikeFirst = (0..<slice.count).allSatisfy { slice.live?[$0] == slice.live?[$0 % length] }
      return columns.count > 1 && isLikeFirst ? Matrix(slice: slice, rows: rows, columns: columns) : nil
    }
  }

  /// What the matrices' weights, momentum and average were before a step: Adam moves them with all others, and they are then
  /// moved again, from here.
  func prepare(_ vectors: ParameterVector...) -> [[[Float]]] { matrices.map { m in vectors.map { $0[m.slice] } } }

  /// Moves the matrices from `before`.
  func update(
    _ adam: Adam, _ gradient: ParameterVector, from before: [[[Float]]], _ constants: AdamConstants, threads: Int
  ) {
    parallelFor(matrices.count, threads: threads) { number, _ in
      let (matrix, old) = (matrices[number], before[number])
      let (offset, length) = (matrix.slice.offset, matrix.slice.count / matrix.rows)
      var steps: [Float] = []
      var positions: [Int] = []
      for row in 0..<matrix.rows {
        for column in matrix.columns {
          let i = row * length + column
          let g = gradient.storage.pointer[offset + i] * constants.gradientScale
          let momentum = Self.momentum * old[1][i] + (1 - Self.momentum) * g
          adam.firstMoment.storage.pointer[offset + i] = momentum
          // Nesterov's: as if this gradient came once more.
          steps.append(Self.momentum * momentum + (1 - Self.momentum) * g)
          positions.append(i)
        }
      }
      Orthogonalizer(rows: matrix.rows, columns: matrix.columns.count)(&steps)
      let size = constants.learningRate * Self.size * Float(max(matrix.rows, matrix.columns.count)).squareRoot()
      for (i, step) in zip(positions, steps) {
        let updated = old[0][i] - size * step
        adam.parameters.storage.pointer[offset + i] = updated
        adam.secondMoment.storage.pointer[offset + i] = 0
        adam.average.storage.pointer[offset + i] = old[2][i] + (1 - constants.averageDecay) * (updated - old[2][i])
      }
    }
  }
}
