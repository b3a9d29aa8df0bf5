// The recurrent models once more, in double precision, raster order and plain loops, from the papers and the
// parameters' names alone: no diagonals, no interleaving, no code of the package's own.
import Core
import Kernels
import Networks

/// An independent MDRNN and Diagonal (Bi)LSTM for checking values and, by finite differences, gradients.
package struct ReferenceDiagonalNetwork: ReferenceModel {
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

  /// −log p of each pixel of an image in nats.
  package func costs(_ batch: ImageBatch, image: Int) -> [Double] {
    let (h, w, c) = (batch.shape.height, batch.shape.width, batch.shape.channels)
    let pixels = pixels(batch, image: image)
    let black = [Double](repeating: 0, count: c)
    let isLSTM = configuration.model == .diagonalLSTM
    let condition = condition(batch, image: image)
    var stream: [[Double]]
    if isLSTM {
      stream = maskedConvolution("input", pixels, size: 7, condition)
      change("input", &stream)
      record("input", stream)
      addPosition(configuration, &stream)
    } else {
      // The shifted input: the pixel to the left, the pixel above.
      stream = (0..<h * w).map { p in
        (p % w > 0 ? pixels[p - 1] : black) + (p >= w ? pixels[p - w] : black)
          + (configuration.isChannelAutoregressive ? pixels[p] : [])
      }
    }
    for layer in 0..<configuration.blocks {
      var sum = direction("layers.\(layer).left", stream, nil, h, w, flipped: false, condition)
      if configuration.family.choices.directions == 2 {
        let right = direction("layers.\(layer).right", stream, pixels, h, w, flipped: true, condition)
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
    return headCosts(stream, pixels, batch, image: image)
  }

  private func direction(
    _ name: String, _ input: [[Double]], _ pixels: [[Double]]?, _ h: Int, _ w: Int, flipped: Bool,
    _ condition: Condition?
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
        var z = zip(affine(name + ".input", input[p], condition), affine(name + ".state", left + above)).map { $0 + $1 }
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
}
