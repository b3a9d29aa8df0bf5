// What a model is, apart from its weights: enough to build it again.
import Core
import Kernels

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
public struct ModelConfiguration: Sendable {
  /// The family.
  public let model: ModelKind
  /// The same with its own choices.
  package let family: any Architecture
  /// What was asked of it: `validate` refuses what it does not have.
  private let asked: LayerChoices
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
  /// How weights begin.
  public var initialization: Initialization
  /// The order in which it goes through an image.
  public var order: RasterOrder
  /// The kernel size of a masked convolution of the image that is added to the logits; nil: there is none.
  public var skip: Int?
  /// How training images are transformed, which the network is told; nil: they are not.
  public var augmentation: Augmentation?
  /// The classes that images are conditioned on, in the order of their numbers; nil where they are not.
  public var classNames: [String]?

  /// A configuration; what is nil takes what is usual for the model and the levels.
  public init(
    model: ModelKind = .pixelCNN, width: Int, blocks: Int, shape: ImageShape, levels: Int,
    likelihood: LikelihoodKind? = nil, mixtures: Int? = nil, activation: Activation? = nil,
    residual: ResidualOrder? = nil, directions: Int? = nil, cell: CellKind? = nil, attention: Int? = nil,
    wholeRows: Bool = false,
    initialization: Initialization = .uniform, order: RasterOrder = .rows, skip: Int? = nil,
    augmentation: Augmentation? = nil, classNames: [String]? = nil
  ) {
    self.model = model
    // A run from before there were other cells, or attention, says nothing either.
    asked = LayerChoices(
      activation: activation, residual: residual, directions: directions, cell: cell == .plain ? nil : cell,
      attention: attention == 0 ? nil : attention, wholeRows: wholeRows ? true : nil)
    family = model.type.init(asked)
    self.width = width
    self.blocks = blocks
    self.shape = shape
    self.levels = levels
    self.likelihood = likelihood ?? .standard(levels: levels)
    self.mixtures = likelihood == .logisticMixture ? mixtures ?? LogisticMixture.defaultMixtures : mixtures
    self.initialization = initialization
    self.order = order
    self.skip = skip == 0 ? nil : skip
    self.augmentation = augmentation == Augmentation() ? nil : augmentation
    self.classNames = classNames
  }

  /// Whether the channels of a pixel are drawn one after the other, each seeing those before it: see `ChannelGroups`.
  public var isChannelAutoregressive: Bool { shape.channels > 1 && likelihood.type.isChannelAutoregressive }

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
    if isChannelAutoregressive {
      let parts = model.type.halvesWidth ? 6 : 3
      try require(width % parts == 0, "a width divisible by \(parts), since features are split by colours", "\(width)")
    }
    try require((1...256).contains(mixtures ?? 1), "1 to 256 mixtures", "\(mixtures ?? 1)")
    try require(
      likelihood == .logisticMixture || mixtures == nil, "a logistic-mixture, where there are `mixtures`",
      likelihood.rawValue)
    try require(blocks >= model.type.blocks.fewest, "1 layer or more of a \(model.rawValue)", "\(blocks)")
    try require((1...2).contains(asked.directions ?? 1), "1 or 2 directions", "\(asked.directions ?? 1)")
    try require(
      (0...blocks).contains(asked.attention ?? 0), "no more layers of attention than the \(blocks) of others",
      "\(asked.attention ?? 0)")
    for (name, value) in asked.said(unlike: family.choices) {
      let own = family.choices.said.first { $0.name == name }.map { "`\(name)` \($0.value)" } ?? "no `\(name)`"
      try require(false, "\(own) of a \(model.rawValue)", "`\(name)` \(value)")
    }
    try family.validate(require)
    try require(
      order != .columns || shape.height == shape.width, "square images for the order `columns`",
      "\(shape.width)×\(shape.height)")
    try require(
      skip.map { $0 % 2 == 1 && (3...63).contains($0) } ?? true,
      "an odd kernel size from 3 to 63 of `skip`, or 0: none",
      "\(skip ?? 0)")
    try augmentation?.validate(shape, classes: classCount, require)
    try require(classNames?.isEmpty != true, "one class or more, each name once", "none")
    try ClassNames.validate(classNames ?? [], .usage, path: path)
    try require(likelihood != .bernoulli || levels == 2, "2 levels for a Bernoulli likelihood", "\(levels)")
    // A model beyond all measure would take minutes to lay out and then all memory.
    let weights = parameterCount
    try require(weights <= 1 << 28, "a model of at most 2²⁸ weights", "\(weights): width \(width), \(blocks) blocks")
  }

  /// Builds the model. The configuration must be valid.
  public func makeModel() -> ImageModel { ImageModel(self) }
}

// MARK: - In checkpoints

extension ModelConfiguration: Codable, Equatable {
  /// What models of all families have. The choices stand beside it.
  private struct Shared: Codable, Equatable {
    let model: ModelKind, width: Int, blocks: Int, shape: ImageShape, levels: Int
    let likelihood: LikelihoodKind, mixtures: Int?, initialization: Initialization, classNames: [String]?
    /// Not written where it is the usual one: states from before there were others read as they did.
    let order: RasterOrder?
    let skip: Int?
    let augmentation: Augmentation?
  }

  private var shared: Shared {
    Shared(
      model: model, width: width, blocks: blocks, shape: shape, levels: levels, likelihood: likelihood,
      mixtures: mixtures, initialization: initialization, classNames: classNames, order: order == .rows ? nil : order,
      skip: skip, augmentation: augmentation)
  }

  /// Reads a configuration that says all choices of its family.
  public init(from decoder: any Decoder) throws {
    let (c, asked) = (try Shared(from: decoder), try LayerChoices(from: decoder))
    self.init(
      model: c.model, width: c.width, blocks: c.blocks, shape: c.shape, levels: c.levels, likelihood: c.likelihood,
      mixtures: c.mixtures, activation: asked.activation, residual: asked.residual, directions: asked.directions,
      cell: asked.cell, attention: asked.attention, wholeRows: asked.wholeRows ?? false,
      initialization: c.initialization, order: c.order ?? .rows, skip: c.skip, augmentation: c.augmentation,
      classNames: c.classNames)
    guard asked.said.count >= family.choices.said.count else {
      let (own, found) = (family.choices.said.map(\.name), asked.said.map(\.name))
      throw ScanlineError(.badData, path: "model", expected: "all of \(own)", found: "\(found)")
    }
  }

  /// Writes both.
  public func encode(to encoder: any Encoder) throws {
    try shared.encode(to: encoder)
    try family.choices.encode(to: encoder)
  }

  /// Whether both are equal.
  public static func == (a: Self, b: Self) -> Bool { a.shared == b.shared && a.family.choices == b.family.choices }
}
