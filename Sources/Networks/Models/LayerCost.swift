// What a layer costs, counted from its shape.
import Core
import Kernels

/// The cost of one layer on one image of H×W pixels, counted, not measured.
package struct LayerCost: Sendable, Codable, Equatable {
  /// The layer's name in the checkpoint.
  package let name: String
  /// What it is, in a few words.
  package let kind: String
  /// Parameters that are learned, biases included.
  package let parameterCount: Int
  /// Multiply-adds of one forward pass, zero borders included.
  package let multiplyAdds: Int
  /// Steps that must follow one another when all pixels are known: 1 where every pixel is computed at once, W + H − 1
  /// where they go by diagonals. Layers that run side by side (two directions) count once, under the first.
  package let trainingSteps: Int
  /// Steps of this layer when each pixel must be drawn before the next: W·H, or 0 for one that runs beside another.
  package let samplingSteps: Int
  /// Bytes that training keeps of its outputs for one image.
  package let activationBytes: Int

  /// In JSON the counts keep the names that they have had since version 0.1.
  private enum CodingKeys: String, CodingKey {
    case name, kind, trainingSteps, samplingSteps, activationBytes
    case parameterCount = "weights", multiplyAdds = "connections"
  }

  /// A cost, its members in their order.
  package init(
    name: String, kind: String, parameterCount: Int, multiplyAdds: Int, trainingSteps: Int, samplingSteps: Int,
    activationBytes: Int
  ) {
    (self.name, self.kind, self.parameterCount, self.multiplyAdds) = (name, kind, parameterCount, multiplyAdds)
    (self.trainingSteps, self.samplingSteps, self.activationBytes) = (trainingSteps, samplingSteps, activationBytes)
  }
}

extension Convolution {
  /// The layer as `kind`, on images of `shape`.
  func cost(_ kind: String, _ shape: ImageShape, steps: Int = 1, keptMaps: Int = 1) -> LayerCost {
    LayerCost(
      name: name, kind: kind,
      parameterCount: weight.liveCount + [bias, classWeight, augmentWeight].reduce(0) { $0 + ($1?.count ?? 0) },
      multiplyAdds: shape.pixels * weight.liveCount, trainingSteps: steps,
      samplingSteps: steps > 0 ? shape.pixels : 0,
      activationBytes: keptMaps * shape.pixels * gateCount * Lanes.roundUp(outputChannels / gateCount) * 4)
  }
}

extension LayerCost {
  /// The same but for what is given.
  func with(
    kind: String? = nil, trainingSteps: Int? = nil, samplingSteps: Int? = nil, activationBytes: Int? = nil
  ) -> LayerCost {
    LayerCost(
      name: name, kind: kind ?? self.kind, parameterCount: parameterCount, multiplyAdds: multiplyAdds,
      trainingSteps: trainingSteps ?? self.trainingSteps, samplingSteps: samplingSteps ?? self.samplingSteps,
      activationBytes: activationBytes ?? self.activationBytes)
  }
}

/// Steps of a whole network that must follow one another, however many processors there are.
package struct SequentialSteps: Sendable, Codable, Equatable {
  /// When all pixels are known, layer after layer.
  package let training: Int
  /// The same with each layer beginning as soon as the one before has its first diagonal.
  package let pipelined: Int
  /// The count in W, H and d layers of the kind that dominates.
  package let trainingFormula: String
  /// When each pixel must be drawn before the next.
  package let sampling: Int
  /// Its formula.
  package let samplingFormula: String
}
