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

/// What the biases of an image depend on.
struct Condition {
  /// The number of its class.
  var classNumber: Int?
  /// The features of its transformation that are 1.
  var features: [Int] = []
}

extension ReferenceModel {
  // MARK: What families have in common

  /// What image `image` of `batch` is conditioned on. Its transformation's number has a digit for each part (two mirrors,
  /// the transposition, two shifts), the last part's the last one; a digit above 0 is a feature.
  func condition(_ batch: ImageBatch, image: Int) -> Condition {
    var condition = Condition(classNumber: batch.classes?[image])
    guard let augmentation = configuration.augmentation else { return condition }
    var (rest, first) = (batch.transformations?[image] ?? 0, 0)
    let mirrors = [augmentation.flip, augmentation.verticalFlip, augmentation.transpose].map { $0 ? 2 : 1 }
    let bases = mirrors + [Int](repeating: 2 * augmentation.shift + 1, count: 2)
    for number in bases.indices {
      let place = bases[(number + 1)...].reduce(1, *)
      let digit = rest / place
      rest -= digit * place
      if digit > 0 { condition.features.append(first + digit - 1) }
      first += bases[number] - 1
    }
    return condition
  }

  /// The bias of layer `name` with what the class and the transformation add; 0 where it has none.
  func biases(_ name: String, outputs: Int, _ condition: Condition?) -> [Double] {
    func column(_ part: String, _ output: Int, _ column: Int) -> Double {
      tensors["\(name).\(part).weight"].map { $0[output * ($0.count / outputs) + column] } ?? 0
    }
    return (0..<outputs).map { o in
      (tensors[name + ".bias"]?[o] ?? 0) + column("class", o, condition?.classNumber ?? 0)
        + (condition?.features ?? []).reduce(0) { $0 + column("augment", o, $1) }
    }
  }

  /// The levels of each pixel, 0 … 1.
  func pixels(_ batch: ImageBatch, image: Int) -> [[Double]] {
    let (w, c) = (batch.shape.width, batch.shape.channels)
    return (0..<batch.shape.pixels).map { p in
      (0..<c).map { Double(batch[image, p / w, p % w, $0]) / Double(configuration.levels - 1) }
    }
  }

  /// weight · x + bias.
  func affine(_ name: String, _ x: [Double], _ condition: Condition? = nil) -> [Double] {
    guard let weight = tensors[name + ".weight"] else { preconditionFailure("no tensor \(name)") }
    let outputs = weight.count / x.count
    return biases(name, outputs: outputs, condition).enumerated().map { o, bias in
      x.indices.reduce(bias) { $0 + weight[o * x.count + $1] * x[$1] }
    }
  }

  /// A masked convolution of the image over `size` × `size` pixels about each.
  func maskedConvolution(_ name: String, _ pixels: [[Double]], size: Int, _ condition: Condition? = nil) -> [[Double]] {
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
      return affine(name, patch, condition)
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
