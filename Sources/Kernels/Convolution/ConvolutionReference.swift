// The convolution, written so that it can be checked by reading it. Tests hold the kernels against it; nothing
// else uses it.

/// The sums of `ConvolutionPass`, plainly: values in the order H×W×O. `weights` are [tap][input][output], taps in the
/// order of `window.offsets`. Each element is summed in the same order as in the kernel, with fused products, so
/// the two agree bit for bit.
package func convolveReference(
  _ input: FeatureMap, window: ConvolutionWindow, weights: [Float], bias: [Float]
) -> [Float] {
  let inputs = input.channels
  let outputs = bias.count
  var result = [Float](repeating: 0, count: input.height * input.width * outputs)
  for y in 0..<input.height {
    for x in 0..<input.width {
      for o in 0..<outputs {
        var sum = bias[o]
        for (tap, offset) in window.offsets.enumerated() {
          let (sy, sx) = (y + offset.dy, x + offset.dx)
          guard sy >= 0, sy < input.height, sx >= 0, sx < input.width else { continue }
          for i in 0..<inputs {
            sum.addProduct(input[sy, sx, i], weights[(tap * inputs + i) * outputs + o])
          }
        }
        result[(y * input.width + x) * outputs + o] = sum
      }
    }
  }
  return result
}

/// The sums of `WeightGradientPass` from zero, plainly: the weights' gradient [tap][input][output] and the
/// bias', in double precision.
package func weightGradientReference(
  _ input: FeatureMap, window: ConvolutionWindow, outputGradient: FeatureMap
) -> (weights: [Double], bias: [Double]) {
  let (inputs, outputs) = (input.channels, outputGradient.channels)
  var weights = [Double](repeating: 0, count: window.taps * inputs * outputs)
  var bias = [Double](repeating: 0, count: outputs)
  for y in 0..<input.height {
    for x in 0..<input.width {
      for o in 0..<outputs {
        let gradient = Double(outputGradient[y, x, o])
        bias[o] += gradient
        for (tap, offset) in window.offsets.enumerated() {
          let (sy, sx) = (y + offset.dy, x + offset.dx)
          guard sy >= 0, sy < input.height, sx >= 0, sx < input.width else { continue }
          for i in 0..<inputs {
            weights[(tap * inputs + i) * outputs + o] += Double(input[sy, sx, i]) * gradient
          }
        }
      }
    }
  }
  return (weights, bias)
}
