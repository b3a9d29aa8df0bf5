// The recurrent models once more, in double precision, raster order and plain loops, from the papers and the
// parameters' names alone: no diagonals, no interleaving, no code of the package's own.
import Kernels
import Networks

/// An independent MDRNN and Diagonal (Bi)LSTM for checking values and, by finite differences, gradients.
public struct ReferenceDiagonalNetwork: ReferenceModel {
  let configuration: ModelConfiguration
  /// Tensors by name, in the shapes of the checkpoint.
  public var tensors: [String: [Double]]

  /// The reference with the numbers of `parameters`.
  public init(_ configuration: ModelConfiguration, _ parameters: ParameterVector) {
    self.configuration = configuration
    tensors = Dictionary(
      uniqueKeysWithValues: parameters.layout.slices.map { ($0.name, parameters[$0].map(Double.init)) })
  }

  /// −log p of an image in nats.
  public func nats(_ batch: ImageBatch, image: Int) -> Double {
    let (h, w) = (batch.shape.height, batch.shape.width)
    let pixels = (0..<h * w).map { [Double(batch[image, $0 / w, $0 % w, 0]) / Double(configuration.levels - 1)] }
    let isLSTM = configuration.model == .diagonalLSTM
    let number = batch.classes?[image]
    var stream: [[Double]]
    if isLSTM {
      stream = firstConvolution(pixels.map { $0[0] }, h, w, number)
    } else {
      // The shifted input: the pixel to the left, the pixel above.
      stream = (0..<h * w).map { p in
        [p % w > 0 ? pixels[p - 1][0] : 0, p >= w ? pixels[p - w][0] : 0]
      }
    }
    for layer in 0..<configuration.blocks {
      var sum = direction("layers.\(layer).left", stream, h, w, mirrored: false, number)
      if configuration.recurrence?.directions == 2 {
        let right = direction("layers.\(layer).right", stream, h, w, mirrored: true, number)
        for p in w..<max(w, h * w) { sum[p] = zip(sum[p], right[p - w]).map { $0 + $1 } }
      }
      if isLSTM {
        let out = sum.map { affine("layers.\(layer).output", $0) }
        stream = zip(stream, out).map { zip($0, $1).map { $0 + $1 } }
      } else if configuration.recurrence?.isResidual == true && layer > 0 {
        stream = zip(stream, sum).map { zip($0, $1).map { $0 + $1 } }
      } else {
        stream = sum
      }
    }
    var total = 0.0
    for p in 0..<h * w {
      let hidden = affine("head.hidden", stream[p].map { max($0, 0) })
      let z = affine("head.logits", hidden.map { max($0, 0) })
      let logits = configuration.likelihood == .bernoulli ? [0, z[0]] : z
      let most = logits.max() ?? 0
      total += naturalLog(logits.reduce(0) { $0 + exponentialOf($1 - most) }) + most
      total -= logits[Int(batch[image, p / w, p % w, 0])]
    }
    return total
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

  private func firstConvolution(_ pixels: [Double], _ h: Int, _ w: Int, _ number: Int?) -> [[Double]] {
    (0..<h * w).map { p in
      var patch: [Double] = []
      for ky in -3...3 {
        for kx in -3...3 {
          let (y, x) = (p / w + ky, p % w + kx)
          let isBefore = ky < 0 || (ky == 0 && kx < 0)
          patch.append(isBefore && y >= 0 && x >= 0 && x < w ? pixels[y * w + x] : 0)
        }
      }
      return affine("input", patch, number)
    }
  }

  private func direction(
    _ name: String, _ input: [[Double]], _ h: Int, _ w: Int, mirrored: Bool, _ number: Int?
  ) -> [[Double]] {
    let isLSTM = configuration.model == .diagonalLSTM
    let features = isLSTM ? configuration.width / 2 : configuration.width
    let zero = [Double](repeating: 0, count: features)
    var output = [[Double]](repeating: zero, count: h * w)
    var state = output
    for y in 0..<h {
      for step in 0..<w {
        let x = mirrored ? w - 1 - step : step
        let beside = mirrored ? x + 1 : x - 1
        let p = y * w + x
        let left = step > 0 ? output[y * w + beside] : zero
        let above = y > 0 ? output[p - w] : zero
        let z = zip(affine(name + ".input", input[p], number), affine(name + ".state", left + above)).map { $0 + $1 }
        if isLSTM {
          let before = step > 0 ? state[y * w + beside] : zero
          for k in 0..<features {
            let (i, f, o) = (sigmoid(z[k]), sigmoid(z[features + k]), sigmoid(z[2 * features + k]))
            state[p][k] = f * before[k] + i * hyperbolicTangentOf(z[3 * features + k])
            output[p][k] = o * hyperbolicTangentOf(state[p][k])
          }
        } else {
          output[p] = z.map { value in
            switch configuration.recurrence?.activation ?? .tanh {
            case .tanh: hyperbolicTangentOf(value)
            case .sigmoid: sigmoid(value)
            case .relu: max(value, 0)
            }
          }
        }
      }
    }
    return output
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exponentialOf(-x)) }
}

/// A model written once more, to be checked against.
public protocol ReferenceModel {
  /// Tensors by name; finite differences change them.
  var tensors: [String: [Double]] { get set }
  /// −log p of an image in nats.
  func nats(_ batch: ImageBatch, image: Int) -> Double
}

/// The reference of `configuration`'s model.
public func referenceModel(
  _ configuration: ModelConfiguration, _ parameters: ParameterVector
) -> any ReferenceModel {
  switch configuration.model {
  case .pixelCNN: ReferencePixelCNN(configuration, parameters)
  case .gatedPixelCNN: ReferenceGatedPixelCNN(configuration, parameters)
  case .mdrnn, .diagonalLSTM: ReferenceDiagonalNetwork(configuration, parameters)
  }
}
