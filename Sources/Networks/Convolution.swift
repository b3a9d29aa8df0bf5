// The convolutional layer: a descriptor that knows its slices of the parameters, forward and backward.
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

  mutating func reserveForward(depth: Int, columns: Int) -> PackedMatrix {
    let matrix = PackedMatrix(offset: forwardCount, depth: depth, columns: columns)
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

/// A k×k convolution, masked or 1×1, with a bias. Weight [output, input, k, k], bias [output]; masked taps are zero
/// in the flat parameters and do not exist in the packed ones, so nothing is ever multiplied by them and their
/// gradient is zero by construction.
public struct Convolution: Sendable {
  /// The layer's name in the checkpoint.
  public let name: String
  /// Features in.
  public let inputChannels: Int
  /// Features out.
  public let outputChannels: Int
  /// k
  public let kernelSize: Int
  /// The live taps.
  public let window: ConvolutionWindow
  let weight: ParameterSlice
  let bias: ParameterSlice
  private let readsImage: Bool
  /// Where the weights lie in `PackedParameters.forward`, and their gradient in a packed gradient.
  private let forwardMatrix: PackedMatrix
  /// Where the transposed weights lie in `PackedParameters.transposed`.
  private let transposedMatrix: PackedMatrix

  /// Adds the layer's tensors `name`.weight and `name`.bias to `layout` and its matrices to `packing`.
  /// `readsImage` is for a first layer, whose input has no padding between pixels.
  public init(
    _ name: String, inputChannels: Int, outputChannels: Int, kernelSize: Int = 1, mask: Mask? = nil,
    readsImage: Bool = false, layout: inout ParameterLayout, packing: inout PackingPlan
  ) {
    precondition(mask != nil || kernelSize == 1, "a convolution wider than one pixel needs a mask")
    self.name = name
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.kernelSize = kernelSize
    self.readsImage = readsImage
    window = mask.map { ConvolutionWindow(size: kernelSize, mask: $0) } ?? .pointwise
    let taps = Set(window.offsets.map { ($0.dy + kernelSize / 2) * kernelSize + $0.dx + kernelSize / 2 })
    let tapCount = kernelSize * kernelSize
    let live = (0..<outputChannels * inputChannels * tapCount).map { taps.contains($0 % tapCount) }
    weight = layout.append(
      name + ".weight", shape: [outputChannels, inputChannels, kernelSize, kernelSize],
      live: live.allSatisfy { $0 } ? nil : live)
    bias = layout.append(name + ".bias", shape: [outputChannels])
    let inputStride = readsImage ? inputChannels : Lanes.roundUp(inputChannels)
    let outputStride = Lanes.roundUp(outputChannels)
    forwardMatrix = packing.reserveForward(depth: window.depth(pixelStride: inputStride), columns: outputStride)
    transposedMatrix = packing.reserveTransposed(
      depth: readsImage ? 0 : window.depth(pixelStride: outputStride), columns: Lanes.roundUp(inputChannels))
  }

  // MARK: Passes between given maps

  /// The layer itself.
  func forward(_ input: FeatureMap, to output: ConvolutionOutput) -> ConvolutionPass {
    ConvolutionPass(input, window: window, matrix: forwardMatrix, to: output)
  }

  /// From the gradient of the output to that of the input.
  func inputGradient(_ outputGradient: FeatureMap, to output: ConvolutionOutput) -> ConvolutionPass {
    ConvolutionPass(outputGradient, window: window.mirrored, matrix: transposedMatrix, to: output)
  }

  /// From input and gradient of the output to the gradient of weight and bias.
  func weightGradient(_ input: FeatureMap, _ outputGradient: FeatureMap) -> WeightGradientPass {
    WeightGradientPass(input, window: window, outputGradient: outputGradient, matrix: forwardMatrix)
  }

  // MARK: Packing

  /// Copies the layer's parameters into both packed orders.
  func pack(_ parameters: ParameterVector, into packed: PackedParameters) {
    forEachWeight { tap, input, output, flat, matrix in
      let value = parameters.storage[flat]
      packed.forward[matrix] = value
      if !readsImage {
        // The mirrored window meets the taps in the opposite order; its rows are outputs, its columns inputs.
        let row = (window.taps - 1 - tap) * forwardMatrix.columns + output
        packed.transposed[transposedMatrix.offset + row * transposedMatrix.columns + input] = value
      }
    }
    for o in 0..<outputChannels {
      packed.forward[forwardMatrix.biasOffset + o] = parameters.storage[bias.offset + o]
    }
  }

  /// Copies the layer's gradient from the packed order into the flat one; masked taps are not touched.
  func unpackGradient(_ packed: AlignedBuffer, into gradient: ParameterVector) {
    forEachWeight { _, _, _, flat, matrix in gradient.storage[flat] = packed[matrix] }
    for o in 0..<outputChannels { gradient.storage[bias.offset + o] = packed[forwardMatrix.biasOffset + o] }
  }

  /// Every live weight with its places in the flat and in the packed order.
  @inline(__always)
  private func forEachWeight(
    _ body: (_ tap: Int, _ input: Int, _ output: Int, _ flat: Int, _ matrix: Int) -> Void
  ) {
    let reach = kernelSize / 2
    let inputStride = forwardMatrix.depth / window.taps
    for (tap, offset) in window.offsets.enumerated() {
      let place = (offset.dy + reach) * kernelSize + offset.dx + reach
      for input in 0..<inputChannels {
        for output in 0..<outputChannels {
          body(
            tap, input, output,
            weight.offset + (output * inputChannels + input) * kernelSize * kernelSize + place,
            forwardMatrix.offset + (tap * inputStride + input) * forwardMatrix.columns + output)
        }
      }
    }
  }

  /// Uniform within ±1/√(inputs × live taps), weights and biases: He's bound for a layer in front of which half
  /// the units are off, as PyTorch initialises, but counting live taps only.
  func initialize(_ parameters: ParameterVector, seed: UInt64) {
    let bound = 1 / Float(inputChannels * window.taps).squareRoot()
    let random = Philox(seed: seed, purpose: .initialization, stream: UInt64(weight.offset))
    for i in 0..<weight.count where weight.live?[i] ?? true {
      parameters.storage[weight.offset + i] = (2 * random.uniform(at: UInt64(i)) - 1) * bound
    }
    for i in 0..<bias.count {
      parameters.storage[bias.offset + i] = (2 * random.uniform(at: UInt64(weight.count + i)) - 1) * bound
    }
  }
}
