// The Gated PixelCNN once more, in double precision and plain loops, from the paper and the parameters' names alone: the
// vertical stack lies where it is computed, and is moved down one row when the horizontal one reads it.
import Kernels
import Networks

/// An independent Gated PixelCNN for checking values and, by finite differences, gradients.
public struct ReferenceGatedPixelCNN: ReferenceModel {
  let configuration: ModelConfiguration
  /// Tensors by name, in the shapes of the checkpoint.
  public var tensors: [String: [Double]]

  /// The reference with the numbers of `parameters`.
  public init(_ configuration: ModelConfiguration, _ parameters: ParameterVector) {
    self.configuration = configuration
    tensors = Dictionary(
      uniqueKeysWithValues: parameters.layout.slices.map { ($0.name, parameters[$0].map(Double.init)) })
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

  /// −log p of an image in nats.
  public func nats(_ batch: ImageBatch, image: Int) -> Double {
    let (h, w, c) = (batch.shape.height, batch.shape.width, batch.shape.channels)
    let number = batch.classes?[image]
    let pixels = (0..<h * w).map { p in
      (0..<c).map { Double(batch[image, p / w, p % w, $0]) / Double(configuration.levels - 1) }
    }
    var vertical = Stack(h, w, pixels)
    var horizontal = vertical
    for layer in 0..<configuration.blocks {
      let name = "layers.\(layer)."
      // Rows y − 1 and y, columns x − 1 to x + 1; row −1 sees nothing but zeros.
      func sums(_ y: Int, _ x: Int) -> [Double] {
        let patch = (y - 1...y).flatMap { sy in (x - 1...x + 1).map { vertical[sy, $0] } }
        return convolve(name + "vertical", patch, number)
      }
      // The first layer must not see the pixel itself.
      let last = layer == 0 ? -1 : 0
      let outputs = (0..<h * w).map { p -> [Double] in
        let (y, x) = (p / w, p % w)
        let left = convolve(name + "horizontal", [horizontal[y, x + last - 1], horizontal[y, x + last]], number)
        let above = convolve(name + "link", [sums(y - 1, x)], nil)
        let output = convolve(name + "output", [gate(zip(left, above).map { $0 + $1 })], nil)
        return layer == 0 ? output : zip(horizontal[y, x], output).map { $0 + $1 }
      }
      let next = (0..<h * w).map { gate(sums($0 / w, $0 % w)) }
      vertical = Stack(h, w, next)
      horizontal = Stack(h, w, outputs)
    }
    var total = 0.0
    for p in 0..<h * w {
      let hidden = convolve("head.hidden", [horizontal[p / w, p % w].map { max($0, 0) }], nil)
      let z = convolve("head.logits", [hidden.map { max($0, 0) }], nil)
      total += referenceNats(
        configuration, outputs: z, levels: (0..<c).map { Int(batch[image, p / w, p % w, $0]) })
    }
    return total
  }

  /// weight [out, in, taps] · patch [taps][in] + bias.
  private func convolve(_ name: String, _ patch: [[Double]], _ number: Int?) -> [Double] {
    guard let weight = tensors[name + ".weight"], let bias = tensors[name + ".bias"] else {
      preconditionFailure("no tensor \(name)")
    }
    let ofClasses = tensors[name + ".class.weight"]
    let classes = (ofClasses?.count ?? 0) / bias.count
    let inputs = patch[0].count
    return bias.indices.map { o in
      var sum = bias[o] + (ofClasses?[o * classes + (number ?? 0)] ?? 0)
      for i in 0..<inputs {
        for tap in patch.indices { sum += weight[(o * inputs + i) * patch.count + tap] * patch[tap][i] }
      }
      return sum
    }
  }

  private func gate(_ z: [Double]) -> [Double] {
    let half = z.count / 2
    return (0..<half).map { hyperbolicTangentOf(z[$0]) / (1 + exponentialOf(-z[half + $0])) }
  }
}
