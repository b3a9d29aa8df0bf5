// The recurrent models once more, in double precision, raster order and plain loops, from the papers and the
// parameters' names alone: no diagonals, no interleaving, no code of the package's own.
import Core
import Kernels
import Networks

/// An independent MDRNN and Diagonal (Bi)LSTM for checking values and, by finite differences, gradients.
package struct ReferenceDiagonalNetwork: ReferenceModel {
  let configuration: ModelConfiguration
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
    let (h, w, c) = (batch.shape.height, batch.shape.width, batch.shape.channels)
    let pixels = (0..<h * w).map { p in
      (0..<c).map { Double(batch[image, p / w, p % w, $0]) / Double(configuration.levels - 1) }
    }
    let black = [Double](repeating: 0, count: c)
    let isLSTM = configuration.model == .diagonalLSTM
    let number = batch.classes?[image]
    var stream: [[Double]]
    if isLSTM {
      stream = firstConvolution(pixels, h, w, number)
      change("input", &stream)
      probe?.record("input", stream.flatMap { $0 })
      addPosition(configuration, &stream)
    } else {
      // The shifted input: the pixel to the left, the pixel above.
      stream = (0..<h * w).map { p in
        (p % w > 0 ? pixels[p - 1] : black) + (p >= w ? pixels[p - w] : black)
          + (configuration.isChannelAutoregressive ? pixels[p] : [])
      }
    }
    for layer in 0..<configuration.blocks {
      var sum = direction("layers.\(layer).left", stream, nil, h, w, flipped: false, number)
      if configuration.family.choices.directions == 2 {
        let right = direction("layers.\(layer).right", stream, pixels, h, w, flipped: true, number)
        for p in w..<max(w, h * w) { sum[p] = zip(sum[p], right[p - w]).map { $0 + $1 } }
      }
      let features = sum[0].count
      let kept = factors(layer, image, count: h * w * features)
      sum = sum.enumerated().map { p, values in values.enumerated().map { $1 * kept[p * features + $0] } }
      if isLSTM {
        let out = sum.map { affine("layers.\(layer).output", $0) }
        stream = zip(stream, out).map { zip($0, $1).map { $0 + $1 } }
        change("layers.\(layer).output", &stream)
        probe?.record("layers.\(layer).output", stream.flatMap { $0 })
        attend(configuration, after: layer, &stream, pixels)
      } else if configuration.family.choices.residual == .pre && layer > 0 {
        stream = zip(stream, sum).map { zip($0, $1).map { $0 + $1 } }
      } else {
        stream = sum
      }
    }
    var costs: [Double] = []
    for p in 0..<h * w {
      var hidden = affine("head.hidden", stream[p].map { max($0, 0) })
      probe?.change("head.hidden", p * hidden.count, &hidden)
      probe?.record("head.hidden", hidden.map { max($0, 0) })
      var z = affine("head.logits", hidden.map { max($0, 0) })
      probe?.change("head.logits", p * z.count, &z)
      probe?.record("head.logits", z)
      costs.append(
        referenceNats(configuration, outputs: z, levels: (0..<c).map { Int(batch[image, p / w, p % w, $0]) }))
    }
    return costs
  }

  private func change(_ layer: String, _ stream: inout [[Double]]) {
    for p in stream.indices { probe?.change(layer, p * stream[p].count, &stream[p]) }
  }

  /// weight · x + bias, the bias where there is one.
  private func affine(_ name: String, _ x: [Double], _ number: Int? = nil) -> [Double] {
    guard let weight = tensors[name + ".weight"] else { preconditionFailure("no tensor \(name)") }
    let outputs = weight.count / x.count
    let ofClasses = tensors[name + ".class.weight"]
    let classes = (ofClasses?.count ?? 0) / outputs
    return (0..<outputs).map { o in
      let bias = (tensors[name + ".bias"]?[o] ?? 0) + (ofClasses?[o * classes + (number ?? 0)] ?? 0)
      return x.indices.reduce(bias) { $0 + weight[o * x.count + $1] * x[$1] }
    }
  }

  private func firstConvolution(_ pixels: [[Double]], _ h: Int, _ w: Int, _ number: Int?) -> [[Double]] {
    (0..<h * w).map { p in
      var patch: [Double] = []
      for c in pixels[0].indices {
        for ky in -3...3 {
          for kx in -3...3 {
            let (y, x) = (p / w + ky, p % w + kx)
            // Of a colour image the pixel itself too: what is masked has weights of zero.
            let isBefore = ky < 0 || (ky == 0 && (kx < 0 || (kx == 0 && configuration.isChannelAutoregressive)))
            patch.append(isBefore && y >= 0 && x >= 0 && x < w ? pixels[y * w + x][c] : 0)
          }
        }
      }
      return affine("input", patch, number)
    }
  }

  private func direction(
    _ name: String, _ input: [[Double]], _ pixels: [[Double]]?, _ h: Int, _ w: Int, flipped: Bool, _ number: Int?
  ) -> [[Double]] {
    let isLSTM = configuration.model == .diagonalLSTM
    let features = isLSTM ? configuration.width / 2 : configuration.width
    let zero = [Double](repeating: 0, count: features)
    var output = [[Double]](repeating: zero, count: h * w)
    var state = output
    for y in 0..<h {
      for step in 0..<w {
        let x = flipped ? w - 1 - step : step
        let beside = flipped ? x + 1 : x - 1
        let p = y * w + x
        let left = step > 0 ? output[y * w + beside] : zero
        let above = y > 0 ? output[p - w] : zero
        var z = zip(affine(name + ".input", input[p], number), affine(name + ".state", left + above)).map { $0 + $1 }
        if let pixels, tensors[name + ".pixel.weight"] != nil {
          z = zip(z, affine(name + ".pixel", pixels[p])).map { $0 + $1 }
        }
        probe?.change(name + ".input", p * z.count, &z)
        if isLSTM {
          let before = step > 0 ? state[y * w + beside] : zero
          for k in 0..<features {
            let (i, f, o) = (sigmoid(z[k]), sigmoid(z[features + k]), sigmoid(z[2 * features + k]))
            state[p][k] = f * before[k] + i * hyperbolicTangentOf(z[3 * features + k])
            output[p][k] = o * hyperbolicTangentOf(state[p][k])
          }
          probe?.record(
            name + ".input",
            z.enumerated().map { $0 < 3 * features ? sigmoid($1) : hyperbolicTangentOf($1) })
        } else if configuration.family.choices.cell == .gru {
          let before = step > 0 ? output[y * w + beside] : zero
          for k in 0..<features {
            let (r, u) = (sigmoid(z[k]), z[3 * features + k])
            let keep = sigmoid(z[features + k])
            let candidate = hyperbolicTangentOf(z[2 * features + k] + r * u)
            output[p][k] = (1 - keep) * candidate + keep * before[k]
            (z[k], z[features + k], z[2 * features + k]) = (r, keep, candidate)
          }
          probe?.record(name + ".input", z)
        } else {
          probe?.record(name + ".input", z)
          output[p] = z.map { value in
            switch configuration.family.choices.activation ?? .tanh {
            case .tanh: hyperbolicTangentOf(value)
            case .sigmoid: sigmoid(value)
            case .relu: max(value, 0)
            }
          }
        }
        probe?.change(name + ".state", p * features, &output[p])
        probe?.record(name + ".state", output[p])
      }
    }
    return output
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exponentialOf(-x)) }
}

/// A model written once more, to be checked against.
package protocol ReferenceModel {
  /// Tensors by name; finite differences change them.
  var tensors: [String: [Double]] { get set }
  /// Sees every layer's outputs, and may change one.
  var probe: LayerProbe? { get set }
  /// Leaves features out.
  var thinning: Dropping? { get set }
  /// −log p of each pixel of an image in nats.
  func costs(_ batch: ImageBatch, image: Int) -> [Double]
}

/// What dropout multiplies the features by that a layer's branch hands to its last step, H×W×features, given the number
/// of the layer and that of the image.
package typealias Dropping = (_ layer: Int, _ image: Int) -> [Double]

extension ParameterVector {
  /// The numbers of every tensor, in the shapes of the checkpoint.
  var tensorsByName: [String: [Double]] {
    Dictionary(uniqueKeysWithValues: layout.slices.map { ($0.name, self[$0].map(Double.init)) })
  }
}

extension ReferenceModel {
  func factors(_ layer: Int, _ image: Int, count: Int) -> [Double] {
    thinning?(layer, image) ?? [Double](repeating: 1, count: count)
  }
  /// −log p of an image in nats.
  package func nats(_ batch: ImageBatch, image: Int) -> Double { costs(batch, image: image).reduce(0, +) }
  /// −log p of one pixel in nats.
  package func cost(_ batch: ImageBatch, image: Int, pixel: Int) -> Double { costs(batch, image: image)[pixel] }
}

/// Looks at the outputs of a reference's layers, and moves one of them: derivatives with respect to outputs.
package final class LayerProbe {
  /// The layer of which an output is moved, before its activation; its position in the order H×W×channels; by how much.
  package var layer = "", position = 0, amount = 0.0
  /// What each layer gave out, after the activation, images one after the other.
  package var outputs: [String: [Double]] = [:]

  /// A probe that only looks.
  package init() {}

  func change(_ layer: String, _ first: Int, _ values: inout [Double]) {
    if layer == self.layer, amount != 0, values.indices.contains(position - first) {
      values[position - first] += amount
    }
  }

  func record(_ layer: String, _ values: [Double]) { outputs[layer, default: []] += values }
}

/// The reference of `configuration`'s model.
package func referenceModel(
  _ configuration: ModelConfiguration, _ parameters: ParameterVector
) -> any ReferenceModel {
  switch configuration.model {
  case .pixelCNN, .pixelSNAIL: ReferencePixelCNN(configuration, parameters)
  case .gatedPixelCNN: ReferenceGatedPixelCNN(configuration, parameters)
  case .mdrnn, .diagonalLSTM: ReferenceDiagonalNetwork(configuration, parameters)
  case .linearRNN: ReferenceLinearRNN(configuration, parameters)
  }
}
