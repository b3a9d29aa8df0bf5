// Which pixels an output really sees: found by perturbation, not from a formula.
import Core
import ImageData
import Networks

/// The receptive field of one output of a network with given weights: every earlier pixel is changed, one at a time, and
/// the output compared bit for bit.
package struct ContextMap: Sendable {
  /// The pixel whose output is watched, (row, column).
  package let output: [Int]
  /// For each pixel, row by row, by how much the output's logits moved at most; 0: not seen.
  package let response: [Float]
  private let shape: ImageShape

  /// Probes `model` with `parameters` at the output of row `y`, column `x`. One image may keep a unit shut that another
  /// opens, so `images` random ones are tried, and the largest response of each pixel counts.
  package init(_ model: ImageModel, parameters: ParameterVector, y: Int, x: Int, images: Int = 4) {
    let shape = model.configuration.shape
    let levels = model.configuration.levels
    let packed = model.packed(parameters)
    let workspace = model.makeWorkspace(.evaluation)
    var response = [Float](repeating: 0, count: shape.pixels)
    for image in 0..<images {
      let base = model.noise(Philox(seed: 1, purpose: .test, stream: UInt64(image)), count: 1)
      // The image itself, and one for each pixel that is changed.
      let all = ImageBatch(
        shape: shape, count: 1 + shape.pixels,
        levels: base.levels + (0..<shape.pixels).flatMap { base.changing(pixel: $0, levels: levels).levels },
        classes: base.classes.map { [Int](repeating: $0[0], count: 1 + shape.pixels) })
      var reference: [Float] = []
      for first in stride(from: 0, to: all.count, by: model.imagesPerPass) {
        let group = first..<min(first + model.imagesPerPass, all.count)
        workspace.forward(all, images: group, packed: packed)
        for (position, number) in group.enumerated() {
          let logits = workspace.logits[position].features(y, x)
          if number == 0 { reference = logits }
          let moved = zip(logits, reference).reduce(0) { max($0, abs($1.0 - $1.1)) }
          // Of a colour pixel the later channels see the earlier ones; that is no context.
          if number > 0 && number - 1 != y * shape.width + x { response[number - 1] = max(response[number - 1], moved) }
        }
      }
    }
    self.response = response
    output = [y, x]
    self.shape = shape
  }

  /// Pixels that the output sees.
  package var seen: Int { response.count { $0 > 0 } }
  /// Pixels before the output in raster order.
  package var before: Int { output[0] * shape.width + output[1] }

  /// A picture, `scale` times enlarged: seen pixels from grey to white by their response, unseen ones before the output
  /// red, those after it dark, the output itself green.
  package func picture(scale: Int = 8) -> PNGImage {
    let most = response.max() ?? 0
    let size = ImageShape(height: shape.height * scale, width: shape.width * scale, channels: 3)
    var values = [UInt8](repeating: 0, count: size.dimensions)
    for y in 0..<size.height {
      for x in 0..<size.width {
        let pixel = y / scale * shape.width + x / scale
        let color: [UInt8]
        if pixel == before {
          color = [40, 200, 80]
        } else if response[pixel] > 0 {
          // The square root lifts what is faint, so that seen and unseen stay apart.
          let grey = UInt8(96 + 159 * (response[pixel] / most).squareRoot())
          color = [grey, grey, grey]
        } else {
          color = pixel < before ? [190, 50, 40] : [24, 24, 28]
        }
        for c in 0..<3 { values[(y * size.width + x) * 3 + c] = color[c] }
      }
    }
    return PNGImage(shape: size, values: values)
  }
}
