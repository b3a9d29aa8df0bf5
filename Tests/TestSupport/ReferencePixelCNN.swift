// The PixelCNN once more, in double precision and plain loops, from the paper and the parameters' names alone: it
// shares no code with the package's own.
import Core
import Kernels
import Networks

/// An independent PixelCNN for checking values and, by finite differences, gradients.
package struct ReferencePixelCNN: ReferenceModel {
  /// Width of the stream, blocks, levels.
  package let configuration: ModelConfiguration
  /// Tensors by name, in the shapes of the checkpoint.
  package var tensors: [String: [Double]]
  /// Sees every layer's outputs, and may change one.
  package var probe: LayerProbe?
  /// Leaves features out.
  package var thinning: Dropping?

  /// The reference with the numbers of `parameters`.
  package init(_ configuration: ModelConfiguration, _ parameters: ParameterVector) {
    self.configuration = configuration
    tensors = parameters.tensorsByName
  }

  /// −log p of each pixel of an image in nats.
  package func costs(_ batch: ImageBatch, image: Int) -> [Double] {
    let shape = batch.shape
    let (h, w, c) = (shape.height, shape.width, shape.channels)
    let pixels = pixels(batch, image: image)
    let input = pixels.flatMap { $0 }
    let condition = condition(batch, image: image)
    func convolve(
      _ input: [Double], _ inputs: Int, _ name: String, size: Int, includeCentre: Bool, _ h: Int, _ w: Int
    ) -> [Double] {
      var sums = self.convolve(input, inputs, name, size: size, includeCentre: includeCentre, h, w, condition)
      probe?.change(name, 0, &sums)
      return sums
    }
    let phi: (Double) -> Double = { [activation = configuration.family.choices.activation ?? .relu] z in
      switch activation {
      case .relu: max(z, 0)
      case .tanh: hyperbolicTangentOf(z)
      case .sigmoid: 1 / (1 + exponentialOf(-z))
      }
    }
    var x = convolve(input, c, "input", size: 7, includeCentre: configuration.isChannelAutoregressive, h, w)
    let isSNAIL = configuration.model == .pixelSNAIL
    probe?.record("input", isSNAIL ? x : x.map(phi))
    let width = configuration.width
    // Of a PixelSNAIL: pixel by pixel, the position and the layers of attention.
    func changeByPixel(_ body: (inout [[Double]]) -> Void) {
      var stream = (0..<h * w).map { Array(x[$0 * width..<($0 + 1) * width]) }
      body(&stream)
      x = stream.flatMap { $0 }
    }
    if isSNAIL { changeByPixel { addPosition(configuration, &$0) } }
    for b in 0..<configuration.blocks {
      var r = convolve(x.map(phi), width, "blocks.\(b).reduce", size: 1, includeCentre: true, h, w)
      probe?.record("blocks.\(b).reduce", r.map(phi))
      r = convolve(r.map(phi), width / 2, "blocks.\(b).conv", size: 3, includeCentre: true, h, w)
      probe?.record("blocks.\(b).conv", r.map(phi))
      r = zip(r.map(phi), factors(b, image, count: r.count)).map { $0 * $1 }
      r = convolve(r, width / 2, "blocks.\(b).expand", size: 1, includeCentre: true, h, w)
      switch configuration.family.choices.residual ?? .pre {
      case .off: x = r
      case .pre: x = zip(x, r).map { $0 + $1 }
      case .post: x = zip(x.map(phi), r).map { $0 + $1 }  // x is kept before its activation
      }
      // The layer of attention that may follow reads the sum itself.
      let isRead = isSNAIL && isFollowedByAttention(configuration, b)
      probe?.record("blocks.\(b).expand", isRead ? x : x.map(phi))
      if isRead { changeByPixel { attend(configuration, after: b, &$0, pixels) } }
    }
    let stream = (0..<h * w).map { Array(x[$0 * width..<($0 + 1) * width]) }
    return headCosts(stream, pixels, batch, image: image, phi)
  }

  private func convolve(
    _ input: [Double], _ inputs: Int, _ name: String, size: Int, includeCentre: Bool, _ h: Int, _ w: Int,
    _ condition: Condition?
  ) -> [Double] {
    guard let weight = tensors[name + ".weight"], let outputs = tensors[name + ".bias"]?.count else {
      preconditionFailure("no tensor \(name)")
    }
    let biases = biases(name, outputs: outputs, condition)
    let reach = size / 2
    var result = [Double](repeating: 0, count: h * w * outputs)
    for y in 0..<h {
      for x in 0..<w {
        for o in 0..<outputs {
          var sum = biases[o]
          for ky in 0..<size {
            for kx in 0..<size {
              let before = ky < reach || (ky == reach && kx < reach)
              guard before || (ky == reach && kx == reach && includeCentre) else { continue }
              let (sy, sx) = (y + ky - reach, x + kx - reach)
              guard sy >= 0, sy < h, sx >= 0, sx < w else { continue }
              for i in 0..<inputs {
                sum += input[(sy * w + sx) * inputs + i] * weight[((o * inputs + i) * size + ky) * size + kx]
              }
            }
          }
          result[(y * w + x) * outputs + o] = sum
        }
      }
    }
    return result
  }
}
