// What a model is, apart from its weights: enough to build it again.
import Kernels

/// The families of models.
public enum ModelKind: String, Sendable, Codable, CaseIterable {
  /// van den Oord et al., "Pixel Recurrent Neural Networks" (2016): masked convolutions.
  case pixelCNN = "pixelcnn"
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

  /// A configuration; `likelihood` nil takes the standard one for the levels.
  public init(
    model: ModelKind = .pixelCNN, width: Int, blocks: Int, shape: ImageShape, levels: Int,
    likelihood: LikelihoodKind? = nil
  ) {
    self.model = model
    self.width = width
    self.blocks = blocks
    self.shape = shape
    self.levels = levels
    self.likelihood = likelihood ?? .standard(levels: levels)
  }

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
    try require(
      likelihood != .bernoulli || levels == 2, "2 levels for a Bernoulli likelihood", "\(levels)")
  }

  /// Builds the model. The configuration must be valid.
  public func makeModel() -> any ImageModel {
    switch model {
    case .pixelCNN: PixelCNN(self)
    }
  }
}
