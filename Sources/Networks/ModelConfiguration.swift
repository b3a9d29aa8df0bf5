// What a model is, apart from its weights: enough to build it again.
import Kernels

/// The families of models.
public enum ModelKind: String, Sendable, Codable, CaseIterable {
  /// van den Oord et al., "Pixel Recurrent Neural Networks" (2016): masked convolutions.
  case pixelCNN = "pixelcnn"
  /// van den Oord et al., "Conditional Image Generation with PixelCNN Decoders" (2016): two stacks of gated
  /// convolutions.
  case gatedPixelCNN = "gated-pixelcnn"
  /// Graves, Fernández and Schmidhuber, "Multi-Dimensional Recurrent Neural Networks" (2007): plain recurrences.
  case mdrnn
  /// van den Oord et al. (2016): the Diagonal LSTM and BiLSTM of PixelRNN.
  case diagonalLSTM = "diagonal-lstm"

  /// Layers or blocks where nothing is said.
  public var standardBlocks: Int {
    switch self {
    case .pixelCNN: 15
    case .gatedPixelCNN: 8
    case .mdrnn: 1
    case .diagonalLSTM: 7
    }
  }

  /// Whether its layers are recurrences.
  public var isRecurrent: Bool { self == .mdrnn || self == .diagonalLSTM }
}

/// What is particular to recurrent models.
public struct Recurrence: Sendable, Codable, Equatable {
  /// φ of the plain cell.
  public var activation: PlainCell.Activation
  /// 1: from the left; 2: from the right too, moved down one row.
  public var directions: Int
  /// Whether plain layers after the first add to their input.
  public var isResidual: Bool

  /// The usual recurrence of `model`: tanh from one side, or the BiLSTM.
  public init(model: ModelKind) {
    self.init(activation: .tanh, directions: model == .diagonalLSTM ? 2 : 1, isResidual: false)
  }

  /// A recurrence; see the properties.
  public init(activation: PlainCell.Activation, directions: Int, isResidual: Bool) {
    self.activation = activation
    self.directions = directions
    self.isResidual = isResidual
  }
}

/// Everything that decides a model's tensors and what its likelihood means.
public struct ModelConfiguration: Sendable, Codable, Equatable {
  /// The family.
  public var model: ModelKind
  /// Features of the residual stream.
  public var width: Int
  /// Residual blocks.
  public var blocks: Int
  /// The shape of the images.
  public var shape: ImageShape
  /// L: levels of a pixel.
  public var levels: Int
  /// The distribution of a pixel given those before it.
  public var likelihood: LikelihoodKind
  /// nil for models that have none.
  public var recurrence: Recurrence?
  /// The classes that images are conditioned on, in the order of their numbers; nil where they are not.
  public var classNames: [String]?

  /// A configuration; `likelihood` nil takes the standard one for the levels, `recurrence` nil that of the model.
  public init(
    model: ModelKind = .pixelCNN, width: Int, blocks: Int, shape: ImageShape, levels: Int,
    likelihood: LikelihoodKind? = nil, recurrence: Recurrence? = nil, classNames: [String]? = nil
  ) {
    self.model = model
    self.width = width
    self.blocks = blocks
    self.shape = shape
    self.levels = levels
    self.likelihood = likelihood ?? .standard(levels: levels)
    self.recurrence = model.isRecurrent ? recurrence ?? Recurrence(model: model) : nil
    self.classNames = classNames
  }

  /// K, the number of classes; 0 where images are not conditioned.
  public var classCount: Int { classNames?.count ?? 0 }

  /// Throws a usage error where no model can have this configuration; `path` names who asked.
  public func validate(path: String) throws {
    func require(_ condition: Bool, _ expected: String, _ found: String) throws {
      guard condition else { throw ScanlineError(.usage, path: path, expected: expected, found: found) }
    }
    try require((2...4096).contains(width) && width % 2 == 0, "an even width from 2 to 4096", "\(width)")
    try require((0...1000).contains(blocks), "0 to 1000 blocks", "\(blocks)")
    try require((2...256).contains(levels), "2 to 256 levels", "\(levels)")
    try require(
      shape.channels == 1, "grey images, since there are no colour models yet (--channels 1 reads colour as grey)",
      "\(shape.channels) channels")
    try require(model == .pixelCNN || blocks > 0, "1 layer or more of a \(model.rawValue)", "\(blocks)")
    try require((1...2).contains(recurrence?.directions ?? 1), "1 or 2 directions", "\(recurrence?.directions ?? 1)")
    try require(
      classNames.map { !$0.isEmpty && Set($0).count == $0.count } ?? true, "one class or more, each name once",
      (classNames ?? []).joined(separator: ", "))
    try require(
      likelihood != .bernoulli || levels == 2, "2 levels for a Bernoulli likelihood", "\(levels)")
  }

  /// Builds the model. The configuration must be valid.
  public func makeModel() -> any ImageModel {
    switch model {
    case .pixelCNN: PixelCNN(self)
    case .gatedPixelCNN: GatedPixelCNN(self)
    case .mdrnn, .diagonalLSTM: DiagonalNetwork(self)
    }
  }
}
