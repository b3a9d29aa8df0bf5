// What a layer costs, counted from its shape.
import Kernels

/// The cost of one layer on one image of H×W pixels, counted, not measured.
public struct LayerCost: Sendable, Codable, Equatable {
  /// The layer's name in the checkpoint.
  public let name: String
  /// What it is, in a few words.
  public let kind: String
  /// Parameters that are learned, biases included.
  public let weights: Int
  /// Multiply-adds of one forward pass, zero borders included.
  public let connections: Int
  /// Steps that must follow one another when all pixels are known: 1 where every pixel is computed at once, W + H − 1
  /// where they go by diagonals. Layers that run side by side (two directions) count once, under the first.
  public let trainingSteps: Int
  /// Steps of this layer when each pixel must be drawn before the next: W·H, or 0 for one that runs beside another.
  public let samplingSteps: Int
  /// Bytes that training keeps of its outputs for one image.
  public let activationBytes: Int
}

extension Convolution {
  /// The layer as `kind`, on images of `shape`.
  func cost(_ kind: String, _ shape: ImageShape, steps: Int = 1, keptMaps: Int = 1) -> LayerCost {
    LayerCost(
      name: name, kind: kind, weights: weight.liveCount + (bias?.count ?? 0) + (classWeight?.count ?? 0),
      connections: shape.pixels * weight.liveCount, trainingSteps: steps,
      samplingSteps: steps > 0 ? shape.pixels : 0,
      activationBytes: keptMaps * shape.pixels * gateCount * Lanes.roundUp(outputChannels / gateCount) * 4)
  }
}

extension PixelCNN {
  /// See `ImageModel`.
  public var layerCosts: [LayerCost] {
    let shape = configuration.shape
    let phi = configuration.activation == .relu ? "ReLU" : configuration.activation.rawValue
    let sum = configuration.residual == .off ? "" : ", added to the stream"
    return [input.cost("7×7 mask A", shape, keptMaps: 2)]
      + blocks.flatMap {
        [
          $0.reduce.cost("1×1, \(phi)", shape), $0.conv.cost("3×3 mask B, \(phi)", shape),
          $0.expand.cost("1×1\(sum)", shape),
        ]
      } + head.costs(shape, phi: phi)
  }

  /// See `ImageModel`.
  public var sequentialSteps: SequentialSteps {
    let depth = layerCosts.count
    return SequentialSteps(
      training: depth, pipelined: depth, trainingFormula: "d", sampling: layerCosts.reduce(0) { $0 + $1.samplingSteps },
      samplingFormula: "d·W·H")
  }
}

extension DiagonalNetwork {
  /// See `ImageModel`.
  public var layerCosts: [LayerCost] {
    let shape = configuration.shape
    let diagonals = shape.width + shape.height - 1
    var costs = input.map { [$0.cost("7×7 mask A", shape)] } ?? []
    for layer in layers {
      for (index, direction) in layer.directions.enumerated() {
        // Besides the gates, each cell keeps its output and, where it has one, its state and the state's tanh.
        costs.append(direction.inputToState.cost("input to state", shape, steps: index == 0 ? 1 : 0))
        let features = Lanes.roundUp(direction.stateToState.inputChannels)
        let kept = (direction.cell.hasState ? 3 : 1) * shape.pixels * features * 4
        let product = direction.stateToState.cost(
          index == 0 ? "state to state" : "state to state, from the right", shape, steps: index == 0 ? diagonals : 0,
          keptMaps: 0)
        costs.append(product.keeping(bytes: kept))
      }
      if let output = layer.output { costs.append(output.cost("1×1, added to the stream", shape)) }
    }
    return costs + head.costs(shape)
  }

  /// See `ImageModel`.
  public var sequentialSteps: SequentialSteps {
    let shape = configuration.shape
    let diagonals = shape.width + shape.height - 1
    let others = layerCosts.reduce(0) { $0 + ($1.trainingSteps == 1 ? 1 : 0) }
    return SequentialSteps(
      training: others + layers.count * diagonals, pipelined: others + diagonals + layers.count - 1,
      trainingFormula: "d·(W+H−1), pipelined W+H+d−2",
      sampling: layerCosts.reduce(0) { $0 + $1.samplingSteps },
      samplingFormula: "d·W·H")
  }
}

extension LayerCost {
  fileprivate func keeping(bytes: Int) -> LayerCost {
    LayerCost(
      name: name, kind: kind, weights: weights, connections: connections, trainingSteps: trainingSteps,
      samplingSteps: samplingSteps, activationBytes: bytes)
  }
}

/// Steps of a whole network that must follow one another, however many processors there are.
public struct SequentialSteps: Sendable, Codable, Equatable {
  /// When all pixels are known, layer after layer.
  public let training: Int
  /// The same with each layer beginning as soon as the one before has its first diagonal.
  public let pipelined: Int
  /// The count in W, H and d layers of the kind that dominates.
  public let trainingFormula: String
  /// When each pixel must be drawn before the next.
  public let sampling: Int
  /// Its formula.
  public let samplingFormula: String
}
