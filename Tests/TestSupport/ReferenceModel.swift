// What the models written once more have in common: no code of the package's own, plain loops, double precision.
import Core
import Kernels
import Networks

/// A model written once more, to be checked against.
package protocol ReferenceModel {
  /// What the model is.
  var configuration: ModelConfiguration { get }
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
  // MARK: What families have in common

  /// The levels of each pixel, 0 … 1.
  func pixels(_ batch: ImageBatch, image: Int) -> [[Double]] {
    let (w, c) = (batch.shape.width, batch.shape.channels)
    return (0..<batch.shape.pixels).map { p in
      (0..<c).map { Double(batch[image, p / w, p % w, $0]) / Double(configuration.levels - 1) }
    }
  }

  /// weight · x + bias, and the bias of class `number`; the bias where there is one.
  func affine(_ name: String, _ x: [Double], _ number: Int? = nil) -> [Double] {
    guard let weight = tensors[name + ".weight"] else { preconditionFailure("no tensor \(name)") }
    let outputs = weight.count / x.count
    let ofClasses = tensors[name + ".class.weight"]
    let classes = (ofClasses?.count ?? 0) / outputs
    return (0..<outputs).map { o in
      let bias = (tensors[name + ".bias"]?[o] ?? 0) + (ofClasses?[o * classes + (number ?? 0)] ?? 0)
      return x.indices.reduce(bias) { $0 + weight[o * x.count + $1] * x[$1] }
    }
  }

  /// A masked convolution of the image over `size` × `size` pixels about each.
  func maskedConvolution(_ name: String, _ pixels: [[Double]], size: Int, _ number: Int? = nil) -> [[Double]] {
    let (w, reach) = (configuration.shape.width, size / 2)
    return pixels.indices.map { p in
      var patch: [Double] = []
      for c in pixels[0].indices {
        for ky in -reach...reach {
          for kx in -reach...reach {
            let (y, x) = (p / w + ky, p % w + kx)
            // Of a colour image the pixel itself too: what is masked has weights of zero.
            let isBefore = ky < 0 || (ky == 0 && (kx < 0 || (kx == 0 && configuration.isChannelAutoregressive)))
            patch.append(isBefore && y >= 0 && x >= 0 && x < w ? pixels[y * w + x][c] : 0)
          }
        }
      }
      return affine(name, patch, number)
    }
  }

  /// From the features of the last block to −log p of each pixel: the head, φ its activation.
  func headCosts(
    _ stream: [[Double]], _ pixels: [[Double]], _ batch: ImageBatch, image: Int,
    _ phi: (Double) -> Double = { max($0, 0) }
  ) -> [Double] {
    var hidden = stream.map { affine("head.hidden", $0.map(phi)) }
    change("head.hidden", &hidden)
    hidden = hidden.map { $0.map(phi) }
    record("head.hidden", hidden)
    var logits = hidden.map { affine("head.logits", $0) }
    change("head.logits", &logits)
    if let size = configuration.skip {
      let skip = maskedConvolution("head.skip", pixels, size: size)
      logits = zip(logits, skip).map { zip($0, $1).map { $0 + $1 } }
      change("head.skip", &logits)
      record("head.skip", logits)
    }
    // Both are watched where their sum lies.
    record("head.logits", logits)
    let (w, c) = (batch.shape.width, batch.shape.channels)
    return logits.indices.map { p in
      referenceNats(configuration, outputs: logits[p], levels: (0..<c).map { Int(batch[image, p / w, p % w, $0]) })
    }
  }

  func change(_ layer: String, _ values: inout [[Double]]) {
    for p in values.indices { probe?.change(layer, p * values[p].count, &values[p]) }
  }

  func record(_ layer: String, _ values: [[Double]]) { probe?.record(layer, values.flatMap { $0 }) }

  func sigmoid(_ x: Double) -> Double { 1 / (1 + exponentialOf(-x)) }

  // MARK: What they are asked for

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
