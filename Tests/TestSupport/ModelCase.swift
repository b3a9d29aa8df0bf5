// One list of models: every family with every choice that changes what it computes. A new model is tested by standing here.
import Core
import Kernels
import Networks
import Testing

/// A model of the list.
package struct ModelCase: Sendable, CustomTestStringConvertible {
  /// "pixelcnn relu pre 1 grey2 plain".
  package let name: String
  /// What it is: width 12, two blocks or layers, on images of 5×7.
  package let configuration: ModelConfiguration

  /// The name.
  package var testDescription: String { name }

  /// H×W, not square, so that a swap of the sides would show.
  private static let (height, width) = (5, 7)

  /// Images: their channels, levels and likelihood.
  private static let images: [(name: String, channels: Int, levels: Int, likelihood: LikelihoodKind?)] = [
    ("grey2", 1, 2, nil), ("grey4", 1, 4, nil), ("grey16-mixture", 1, 16, .logisticMixture),
    ("colour2", 3, 2, nil), ("colour4", 3, 4, nil), ("colour256-mixture", 3, 256, .logisticMixture),
  ]

  /// What tells the members of a family apart.
  private typealias Member = (
    kind: ModelKind, activation: Activation, residual: ResidualOrder, directions: Int, cell: CellKind?
  )

  private static let members: [Member] =
    Activation.allCases.flatMap { activation in
      ResidualOrder.allCases.map { (.pixelCNN, activation, $0, 1, nil) }
    }
    + [(.gatedPixelCNN, .tanh, .pre, 1, nil)]
    + Activation.allCases.flatMap { activation in
      [ResidualOrder.off, .pre].flatMap { residual in (1...2).map { (.mdrnn, activation, residual, $0, nil) } }
    }
    + (1...2).map { (.diagonalLSTM, .tanh, .pre, $0, nil) }
    + [(.linearRNN, .tanh, .pre, 2, nil), (.pixelSNAIL, .relu, .pre, 1, nil)]
    + [ResidualOrder.off, .pre].flatMap { residual in (1...2).map { (.mdrnn, .tanh, residual, $0, .gru) } }

  /// All of them.
  package static let all: [ModelCase] = members.flatMap { kind, activation, residual, directions, cell in
    images.flatMap { image in
      [false, true].map { isConditional in
        let words = [
          kind.rawValue, cell?.rawValue ?? activation.rawValue, residual.rawValue, "\(directions)", image.name,
          isConditional ? "classes" : "plain",
        ]
        return ModelCase(
          name: words.joined(separator: " "),
          configuration: ModelConfiguration(
            model: kind, width: 12, blocks: 2,
            shape: ImageShape(height: height, width: width, channels: image.channels), levels: image.levels,
            likelihood: image.likelihood, mixtures: image.likelihood == nil ? nil : 3, activation: activation,
            residual: residual, directions: directions, cell: cell, classNames: isConditional ? ["a", "b"] : nil))
      }
    }
  }
}
