// The parameters as the kernels read them.
import Kernels

/// The parameters of a model in the order that the kernels read: forward and transposed matrices. Made anew from
/// the flat parameters after each update, then only read.
package struct PackedParameters: Sendable {
  package let forward: AlignedBuffer
  package let transposed: AlignedBuffer
}

/// Where the packed matrices of a model lie. Layers reserve their place while the model is built.
package struct PackingPlan: Sendable {
  private var forwardCount = 0
  private var transposedCount = 0

  /// Room for a matrix that is read forward, and for its gradient.
  package mutating func reserveForward(depth: Int, columns: Int, biasCount: Int = 1) -> PackedMatrix {
    let matrix = PackedMatrix(offset: forwardCount, depth: depth, columns: columns, biasCount: biasCount)
    forwardCount += matrix.count
    return matrix
  }

  /// Room for a transposed matrix.
  package mutating func reserveTransposed(depth: Int, columns: Int) -> PackedMatrix {
    let matrix = PackedMatrix(offset: transposedCount, depth: depth, columns: columns)
    transposedCount += matrix.count
    return matrix
  }

  func makeParameters() -> PackedParameters {
    PackedParameters(
      forward: AlignedBuffer(count: forwardCount), transposed: AlignedBuffer(count: transposedCount))
  }

  /// A gradient in the order of the forward matrices, zero.
  func makeGradient() -> AlignedBuffer { AlignedBuffer(count: forwardCount) }
}
