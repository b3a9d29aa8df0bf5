// Families of models: their names, what each leaves open, and what each has to say of itself.
import Kernels

/// The families of models.
public enum ModelKind: String, Sendable, Codable, CaseIterable {
  /// van den Oord et al., "Pixel Recurrent Neural Networks" (2016): masked convolutions.
  case pixelCNN = "pixelcnn"
  /// van den Oord et al., "Conditional Image Generation with PixelCNN Decoders" (2016): stacks of gated convolutions.
  case gatedPixelCNN = "gated-pixelcnn"
  /// Graves, Fernández and Schmidhuber, "Multi-Dimensional Recurrent Neural Networks" (2007): plain recurrences.
  case mdrnn
  /// van den Oord et al. (2016): the Diagonal LSTM and BiLSTM of PixelRNN.
  case diagonalLSTM = "diagonal-lstm"
  /// Gated linear recurrences in two dimensions: see `LinearRecurrence`.
  case linearRNN = "linear-rnn"
  /// Chen et al., "PixelSNAIL: An Improved Autoregressive Generative Model" (2018): convolutions and causal attention.
  case pixelSNAIL = "pixelsnail"

  /// The family of this name.
  package var type: any Architecture.Type {
    switch self {
    case .pixelCNN: PixelCNN.self
    case .gatedPixelCNN: GatedPixelCNN.self
    case .mdrnn: MDRNN.self
    case .diagonalLSTM: DiagonalLSTM.self
    case .linearRNN: LinearRNN.self
    case .pixelSNAIL: PixelSNAIL.self
    }
  }
}

/// A family of models. A value holds what sets a model apart from others of its family, width and depth aside.
package protocol Architecture: Sendable {
  /// The default number of blocks or layers, and the fewest allowed.
  static var blocks: (standard: Int, fewest: Int) { get }
  /// Whether its narrowest layers have half the width.
  static var halvesWidth: Bool { get }
  /// Takes from `choices` what the family leaves open; nil is what is usual.
  init(_ choices: LayerChoices)
  /// What the model has of all choices, those too that the family does not leave open: checkpoints say them as well.
  var choices: LayerChoices { get }
  /// Calls `require` with what must hold among the family's own choices, what is expected and what was found.
  func validate(_ require: (Bool, String, String) throws -> Void) throws
  /// Appends the operations of `configuration`'s model; returns the logits.
  func build(_ graph: inout Graph, _ configuration: ModelConfiguration) -> Value
}

extension Architecture {
  package static var halvesWidth: Bool { false }
  package func validate(_ require: (Bool, String, String) throws -> Void) throws {}

  /// The choices that are not the family's usual ones.
  package var unusual: [(name: String, value: String)] { choices.said(unlike: Self(LayerChoices()).choices) }
}

/// How a block combines its input and its output.
public enum ResidualOrder: String, Sendable, Codable, CaseIterable {
  /// z ← F(φ(z)): nothing; every path goes through every layer.
  case off = "none"
  /// z ← z + F(φ(z)), pre-activation: a path "1 + …" leads through any depth (He et al., "Identity Mappings in Deep
  /// Residual Networks", 2016).
  case pre
  /// z ← φ(z + F(z)), activation after the sum: every path is multiplied by φ′ at every layer.
  case post
}

/// What some families leave open, under the names that options and checkpoints have for it; nil: nothing is said.
package struct LayerChoices: Sendable, Codable, Equatable {
  package var activation: Activation?, residual: ResidualOrder?, directions: Int?, cell: CellKind?, attention: Int?
  package var wholeRows: Bool?

  /// What is said, by name.
  package var said: [(name: String, value: String)] {
    [
      ("activation", activation?.rawValue), ("residual", residual?.rawValue),
      ("directions", directions.map(String.init)), ("cell", cell?.rawValue),
      ("attention", attention.map(String.init)), ("whole-rows", wholeRows.map(String.init)),
    ].compactMap { name, value in value.map { (name, $0) } }
  }

  /// What is said here and not in `other`.
  func said(unlike other: LayerChoices) -> [(name: String, value: String)] {
    said.filter { own in !other.said.contains { $0 == own } }
  }
}
