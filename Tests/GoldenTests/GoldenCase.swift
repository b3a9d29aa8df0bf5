// The models whose results are frozen: every family with every choice that changes what it computes.
import ImageData
import Kernels
import Networks

/// One model, trained for 20 steps on ten small images.
struct GoldenCase: Sendable {
  /// "pixelcnn relu pre 1 grey2 plain": what a row of the golden file is called.
  let name: String
  let configuration: ModelConfiguration
  let dropout: Double

  /// H×W, not square, so that a swap of the sides would show.
  private static let (height, width) = (5, 7)

  /// Images: their channels, levels and likelihood.
  private static let images: [(name: String, channels: Int, levels: Int, likelihood: LikelihoodKind?)] = [
    ("grey2", 1, 2, nil), ("grey4", 1, 4, nil), ("grey16-mixture", 1, 16, .logisticMixture),
    ("colour2", 3, 2, nil), ("colour4", 3, 4, nil), ("colour256-mixture", 3, 256, .logisticMixture),
  ]

  /// What tells the members of a family apart.
  private static let members: [(ModelKind, Activation, ResidualOrder, directions: Int)] =
    Activation.allCases.flatMap { activation in
      ResidualOrder.allCases.map { (.pixelCNN, activation, $0, 1) }
    }
    + [(.gatedPixelCNN, .tanh, .pre, 1)]
    + Activation.allCases.flatMap { activation in
      [ResidualOrder.off, .pre].flatMap { residual in (1...2).map { (.mdrnn, activation, residual, $0) } }
    }
    + (1...2).map { (.diagonalLSTM, .tanh, .pre, $0) }

  /// All of them.
  static let all: [GoldenCase] = members.flatMap { kind, activation, residual, directions in
    images.flatMap { image in
      [false, true].flatMap { isConditional in
        [0, 0.25].map { dropout in
          let words = [
            kind.rawValue, activation.rawValue, residual.rawValue, "\(directions)", image.name,
            isConditional ? "classes" : "plain", dropout > 0 ? "dropout" : "whole",
          ]
          return GoldenCase(
            name: words.joined(separator: " "),
            configuration: ModelConfiguration(
              model: kind, width: 12, blocks: 2,
              shape: ImageShape(height: height, width: width, channels: image.channels), levels: image.levels,
              likelihood: image.likelihood, mixtures: image.likelihood == nil ? nil : 3, activation: activation,
              residual: residual, directions: directions, classNames: isConditional ? ["a", "b"] : nil),
            dropout: dropout)
        }
      }
    }
  }
}
