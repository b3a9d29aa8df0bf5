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
  private struct Member {
    let kind: ModelKind
    var activation = Activation.tanh, residual = ResidualOrder.pre, directions = 1
    var cell: CellKind?, attention: Int?, wholeRows = false, order = RasterOrder.rows, skip: Int?
    var augmentation: Augmentation?
  }

  private static let members: [Member] =
    Activation.allCases.flatMap { activation in
      ResidualOrder.allCases.map { Member(kind: .pixelCNN, activation: activation, residual: $0) }
    }
    + [Member(kind: .gatedPixelCNN)]
    + Activation.allCases.flatMap { activation in
      [ResidualOrder.off, .pre].flatMap { residual in
        (1...2).map { Member(kind: .mdrnn, activation: activation, residual: residual, directions: $0) }
      }
    }
    + (1...2).map { Member(kind: .diagonalLSTM, directions: $0) }
    + [ResidualOrder.off, .pre].flatMap { residual in
      (1...2).map { Member(kind: .mdrnn, residual: residual, directions: $0, cell: .gru) }
    }
    + [
      Member(kind: .linearRNN, directions: 2), Member(kind: .linearRNN, directions: 2, attention: 2),
      Member(kind: .diagonalLSTM, directions: 2, attention: 1, wholeRows: true, order: .upward),
      Member(kind: .pixelSNAIL, activation: .relu),
      Member(kind: .diagonalLSTM, directions: 2, skip: 5), Member(kind: .pixelCNN, activation: .relu, skip: 3),
      Member(kind: .gatedPixelCNN, augmentation: Augmentation(flip: true, verticalFlip: true, shift: 1)),
      Member(kind: .diagonalLSTM, directions: 2, order: .reversed, augmentation: Augmentation(flip: true)),
    ]

  /// All of them.
  package static let all: [ModelCase] = members.flatMap { member in
    images.flatMap { image in
      [false, true].map { isConditional in
        let words =
          [
            member.kind.rawValue, member.cell?.rawValue ?? member.activation.rawValue, member.residual.rawValue,
            "\(member.directions)", image.name, isConditional ? "classes" : "plain",
          ] + (member.attention.map { ["attention \($0)"] } ?? []) + (member.skip.map { ["skip \($0)"] } ?? [])
          // A colon ends a name in the golden file.
          + (member.augmentation.map { ["augment " + $0.description.replacing(":", with: " ")] } ?? [])
        return ModelCase(
          name: words.joined(separator: " "),
          configuration: ModelConfiguration(
            model: member.kind, width: 12, blocks: 2,
            shape: ImageShape(height: height, width: width, channels: image.channels), levels: image.levels,
            likelihood: image.likelihood, mixtures: image.likelihood == nil ? nil : 3,
            activation: member.activation, residual: member.residual, directions: member.directions,
            cell: member.cell, attention: member.attention, wholeRows: member.wholeRows,
            order: member.order, skip: member.skip, augmentation: member.augmentation,
            classNames: isConditional ? ["a", "b"] : nil))
      }
    }
  }
}
