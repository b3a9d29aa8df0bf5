// The parameters as the kernels read them, and the models that are made of layers that know how to bring them there.
import Kernels

/// The parameters of a model in the order that the kernels read: forward and transposed matrices. Made anew from
/// the flat parameters after each update, then only read.
public struct PackedParameters: Sendable {
  let forward: AlignedBuffer
  let transposed: AlignedBuffer
}

/// Where the packed matrices of a model lie. Layers reserve their place while the model is built.
public struct PackingPlan: Sendable {
  private var forwardCount = 0
  private var transposedCount = 0

  mutating func reserveForward(depth: Int, columns: Int, biasCount: Int = 1) -> PackedMatrix {
    let matrix = PackedMatrix(offset: forwardCount, depth: depth, columns: columns, biasCount: biasCount)
    forwardCount += matrix.count
    return matrix
  }

  mutating func reserveTransposed(depth: Int, columns: Int) -> PackedMatrix {
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

/// A model all of whose parameters belong to `Convolution` layers: what it does with its parameters is what they do.
protocol ConvolutionalModel: ImageModel {
  /// The layers in the order of the forward pass.
  var convolutions: [Convolution] { get }
  /// Where their matrices lie.
  var packing: PackingPlan { get }
}

extension ConvolutionalModel {
  /// See `ImageModel`.
  public func initialParameters(seed: UInt64) -> ParameterVector {
    let parameters = ParameterVector(layout: layout)
    for convolution in convolutions { convolution.initialize(parameters, configuration.initialization, seed: seed) }
    return parameters
  }

  /// See `ImageModel`.
  public func makePackedParameters() -> PackedParameters { packing.makeParameters() }
  /// See `ImageModel`.
  public func makePackedGradient() -> AlignedBuffer { packing.makeGradient() }

  /// See `ImageModel`.
  public func pack(_ parameters: ParameterVector, into packed: PackedParameters, threads: Int) {
    // A model puts the list together whenever it is asked: once is enough.
    let layers = convolutions
    parallelFor(layers.count, threads: threads) { number, _ in
      layers[number].pack(parameters, into: packed)
    }
  }

  /// See `ImageModel`.
  public func unpackGradient(_ packed: AlignedBuffer, into gradient: ParameterVector, threads: Int) {
    let layers = convolutions
    parallelFor(layers.count, threads: threads) { number, _ in
      layers[number].unpackGradient(packed, into: gradient)
    }
  }
}
