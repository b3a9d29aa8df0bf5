// What a model is, apart from its weights: enough to build it again.
import Core
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

  /// φ where nothing is said.
  public var standardActivation: Activation { self == .pixelCNN ? .relu : .tanh }
  /// Residual connections where nothing is said.
  public var standardResidual: ResidualOrder { self == .mdrnn ? .off : .pre }
  /// Directions where nothing is said.
  public var standardDirections: Int { self == .diagonalLSTM ? 2 : 1 }
}

/// The cells of an MDRNN: another stands here and in a file of its own.
public enum CellKind: String, Sendable, Codable, CaseIterable {
  /// h = φ(z): see `PlainCell`.
  case plain
  /// See `GRUCell`.
  case gru

  /// The cell; `activation` is the plain one's.
  func makeCell(_ activation: Activation) -> any RecurrentCell {
    switch self {
    case .plain: PlainCell(activation)
    case .gru: GRUCell()
    }
  }
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

/// How weights begin.
public enum Initialization: String, Sendable, Codable, CaseIterable {
  /// Uniform within ±1/√n, n inputs times live taps; biases too. What PyTorch does.
  case uniform
  /// Uniform within ±√(6/n): keeps the variance through ReLUs (He et al., 2015). Biases zero.
  case he
  /// Uniform within ±√(6/(n + m)), m outputs times live taps: for tanh and sigmoid (Glorot and Bengio, 2010). Biases
  /// zero.
  case glorot
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
  /// Of a logistic mixture, how many logistics; nil for other likelihoods.
  public var mixtures: Int?
  /// φ between layers, or of the plain recurrent cell.
  public var activation: Activation
  /// Whether a block or layer adds to its input, and where φ stands.
  public var residual: ResidualOrder
  /// Of a recurrent model 1: from the left; or 2: from the right too, moved down one row.
  public var directions: Int
  /// Of an MDRNN, its cell; nil: the plain one.
  public var cell: CellKind?
  /// How weights begin.
  public var initialization: Initialization
  /// The classes that images are conditioned on, in the order of their numbers; nil where they are not.
  public var classNames: [String]?

  /// A configuration; what is nil takes what is usual for the model and the levels.
  public init(
    model: ModelKind = .pixelCNN, width: Int, blocks: Int, shape: ImageShape, levels: Int,
    likelihood: LikelihoodKind? = nil, mixtures: Int? = nil, activation: Activation? = nil,
    residual: ResidualOrder? = nil,
    directions: Int? = nil, cell: CellKind? = nil, initialization: Initialization = .uniform,
    classNames: [String]? = nil
  ) {
    self.model = model
    self.width = width
    self.blocks = blocks
    self.shape = shape
    self.levels = levels
    self.likelihood = likelihood ?? .standard(levels: levels)
    self.mixtures = likelihood == .logisticMixture ? mixtures ?? LogisticMixture.standardMixtures : mixtures
    self.activation = activation ?? model.standardActivation
    self.residual = residual ?? model.standardResidual
    self.directions = directions ?? model.standardDirections
    // A run from before there were others says nothing either.
    self.cell = cell == .plain ? nil : cell
    self.initialization = initialization
    self.classNames = classNames
  }

  /// Whether the channels of a pixel are drawn one after the other, each seeing those before it: see `ColourOrder`.
  public var drawsChannelsApart: Bool { shape.channels > 1 && likelihood.type.drawsChannelsApart }

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
    try require([1, 3].contains(shape.channels), "images of 1 or 3 channels", "\(shape.channels)")
    if drawsChannelsApart {
      // The narrowest layers hold half the width, or all of it.
      let parts = model == .pixelCNN || model == .diagonalLSTM ? 6 : 3
      try require(width % parts == 0, "a width divisible by \(parts), since features are split by colours", "\(width)")
    }
    try require((1...256).contains(mixtures ?? 1), "1 to 256 mixtures", "\(mixtures ?? 1)")
    try require(
      likelihood == .logisticMixture || mixtures == nil, "a logistic-mixture, where there are `mixtures`",
      likelihood.rawValue)
    try require(model == .pixelCNN || blocks > 0, "1 layer or more of a \(model.rawValue)", "\(blocks)")
    try require((1...2).contains(directions), "1 or 2 directions", "\(directions)")
    try require(model.isRecurrent || directions == 1, "1 direction of a \(model.rawValue)", "\(directions)")
    try require(
      model == .pixelCNN || model == .mdrnn || activation == .tanh, "tanh, which the gates of a \(model.rawValue) have",
      "`activation` \(activation.rawValue)")
    try require(
      model == .pixelCNN || model == .mdrnn || residual == .pre, "residual layers of a \(model.rawValue)",
      "`residual` \(residual.rawValue)")
    try require(
      model == .mdrnn || cell == nil, "no other cell in a \(model.rawValue)", "`cell` \(cell?.rawValue ?? "")")
    try require(
      cell == nil || activation == model.standardActivation, "no activation besides those of a \(cell?.rawValue ?? "")",
      "`activation` \(activation.rawValue)")
    try require(model != .mdrnn || residual != .post, "`residual` none or pre of an mdrnn", residual.rawValue)
    try require(classNames?.isEmpty != true, "one class or more, each name once", "none")
    try ClassNames.validate(classNames ?? [], .usage, path: path)
    try require(
      likelihood != .bernoulli || levels == 2, "2 levels for a Bernoulli likelihood", "\(levels)")
    // A model beyond all measure would take minutes to lay out and then all memory.
    let weights = parameterCount
    try require(weights <= 1 << 28, "a model of at most 2²⁸ weights", "\(weights): width \(width), \(blocks) blocks")
  }

  /// Builds the model. The configuration must be valid.
  public func makeModel() -> ImageModel { ImageModel(self) }
}
