// The network of gated linear recurrences once more, in double precision and plain loops, from its formulas and the
// parameters' names alone.
import Core
import Kernels
import Networks

/// An independent linear RNN for checking values and, by finite differences, gradients.
package struct ReferenceLinearRNN: ReferenceModel {
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
    let (h, w) = (batch.shape.height, batch.shape.width)
    let condition = condition(batch, image: image)
    let pixels = pixels(batch, image: image)
    var stream = maskedConvolution("input", pixels, size: 7, condition)
    change("input", &stream)
    record("input", stream)
    addPosition(configuration, &stream)
    for layer in 0..<configuration.blocks {
      let name = "layers.\(layer)"
      let left = scan(name + ".left", stream.map { affine(name + ".left.input", $0, condition) }, h, w, flipped: false)
      // Row y of the direction from the right is about row y − 1, pixels included; there is none above the first.
      let above = zip(stream, pixels).map { features, pixel in
        zip(affine(name + ".right.input", features), affine(name + ".right.pixel", pixel)).map { $0 + $1 }
      }
      let sums = [[Double]](repeating: [Double](repeating: 0, count: above[0].count), count: w) + above.dropLast(w)
      let right = scan(name + ".right", sums, h, w, flipped: true)
      let kept = factors(layer, image, count: h * w * configuration.width)
      for p in stream.indices {
        let y = left[p].indices.map { (left[p][$0] + right[p][$0]) * kept[p * configuration.width + $0] }
        stream[p] = zip(stream[p], affine(name + ".output", y)).map { $0 + $1 }
      }
      change(name + ".output", &stream)
      record(name + ".output", stream)
      attend(configuration, after: layer, &stream, pixels)
    }
    return headCosts(stream, pixels, batch, image: image)
  }

  /// The recurrence over pre-activations `sums`; flipped, its first row is zero.
  private func scan(_ name: String, _ sums: [[Double]], _ h: Int, _ w: Int, flipped: Bool) -> [[Double]] {
    let features = sums[0].count / 4
    let zero = [Double](repeating: 0, count: features)
    var states = [[Double]](repeating: zero, count: h * w)
    var outputs = states
    for y in 0..<h {
      for step in 0..<w {
        let x = flipped ? w - 1 - step : step
        let p = y * w + x
        var z = sums[p]
        // The first product's outputs are those that are watched: all sums are in them.
        probe?.change(name + ".input", p * z.count, &z)
        let gates = z.enumerated().map { $0 < 3 * features ? sigmoid($1) : hyperbolicTangentOf($1) }
        let blank = flipped && y == 0
        probe?.record(name + ".input", blank ? [Double](repeating: 0, count: gates.count) : gates)
        if blank { continue }
        let beside = step > 0 ? states[flipped ? p + 1 : p - 1] : zero
        let above = y > 0 ? states[p - w] : zero
        for k in 0..<features {
          let (f, s, o) = (gates[k], gates[features + k], gates[2 * features + k])
          states[p][k] = f * (s * beside[k] + (1 - s) * above[k]) + (1 - f) * gates[3 * features + k]
          outputs[p][k] = o * states[p][k]
        }
      }
    }
    return outputs
  }
}
