// The Gated PixelCNN once more, in double precision and plain loops, from the paper and the parameters' names alone: the
// vertical stack lies where it is computed, and is moved down one row when the horizontal one reads it.
import Core
import Kernels
import Networks

/// An independent Gated PixelCNN for checking values and, by finite differences, gradients.
package struct ReferenceGatedPixelCNN: ReferenceModel {
  /// What it is.
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

  /// Features of every pixel; what lies outside of the image is zero.
  private struct Stack {
    let height: Int, width: Int
    var features: [[Double]]
    let zero: [Double]

    init(_ height: Int, _ width: Int, _ features: [[Double]]) {
      (self.height, self.width, self.features) = (height, width, features)
      zero = [Double](repeating: 0, count: features[0].count)
    }

    subscript(y: Int, x: Int) -> [Double] {
      y >= 0 && y < height && x >= 0 && x < width ? features[y * width + x] : zero
    }
  }

  /// −log p of each pixel of an image in nats.
  package func costs(_ batch: ImageBatch, image: Int) -> [Double] {
    let (h, w) = (batch.shape.height, batch.shape.width)
    let condition = condition(batch, image: image)
    let pixels = pixels(batch, image: image)
    var vertical = Stack(h, w, pixels)
    var horizontal = vertical
    for layer in 0..<configuration.blocks {
      let name = "layers.\(layer)."
      let isLast = layer == configuration.blocks - 1
      // Rows y − 1 and y, columns x − 1 to x + 1. Row −1 sees nothing but zeros; the last row is read by nobody.
      var sums = (0..<h * w).map { p -> [Double] in
        let (y, x) = (p / w - 1, p % w)
        let patch = (y - 1...y).flatMap { sy in (x - 1...x + 1).map { vertical[sy, $0] } }
        return convolve(name + "vertical", patch, condition)
      }
      change(name + "vertical", &sums)
      record(name + "vertical", isLast ? sums : sums.map(gates))
      // The first layer must not see the pixel itself, but for a colour image's earlier channels (others have weights of
      // zero).
      let columns = layer > 0 ? [-1, 0] : configuration.isChannelAutoregressive ? [-2, -1, 0] : [-2, -1]
      var z = (0..<h * w).map { p -> [Double] in
        let (y, x) = (p / w, p % w)
        let left = convolve(name + "horizontal", columns.map { horizontal[y, x + $0] }, condition)
        return zip(left, convolve(name + "link", [sums[p]], nil)).map { $0 + $1 }
      }
      for part in ["link", "horizontal"] {
        change(name + part, &z)
        record(name + part, z.map(gates))
      }
      let kept = factors(layer, image, count: h * w * configuration.width)
      var outputs = z.indices.map { p -> [Double] in
        let unit = gate(z[p]).enumerated().map { $1 * kept[p * configuration.width + $0] }
        let output = convolve(name + "output", [unit], nil)
        return layer == 0 ? output : zip(horizontal[p / w, p % w], output).map { $0 + $1 }
      }
      change(name + "output", &outputs)
      record(name + "output", isLast ? outputs.map { $0.map { max($0, 0) } } : outputs)
      let unread = [Double](repeating: .nan, count: configuration.width)
      vertical = Stack(h, w, (0..<h * w).map { $0 + w < h * w ? gate(sums[$0 + w]) : unread })
      horizontal = Stack(h, w, outputs)
    }
    return headCosts(horizontal.features, pixels, batch, image: image)
  }

  /// weight [out, in, taps] · patch [taps][in] + bias.
  private func convolve(_ name: String, _ patch: [[Double]], _ condition: Condition?) -> [Double] {
    guard let weight = tensors[name + ".weight"], let outputs = tensors[name + ".bias"]?.count else {
      preconditionFailure("no tensor \(name)")
    }
    let inputs = patch[0].count
    return biases(name, outputs: outputs, condition).enumerated().map { o, bias in
      var sum = bias
      for i in 0..<inputs {
        for tap in patch.indices { sum += weight[(o * inputs + i) * patch.count + tap] * patch[tap][i] }
      }
      return sum
    }
  }

  /// tanh of the first half, σ of the second.
  private func gates(_ z: [Double]) -> [Double] {
    z.indices.map { $0 < z.count / 2 ? hyperbolicTangentOf(z[$0]) : 1 / (1 + exponentialOf(-z[$0])) }
  }

  private func gate(_ z: [Double]) -> [Double] {
    let gates = gates(z)
    return (0..<z.count / 2).map { gates[$0] * gates[z.count / 2 + $0] }
  }
}
