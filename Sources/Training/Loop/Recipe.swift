// What to train where nobody named a model: the best that the lab book knows.
import Core
import Networks

/// A model and how to train it, chosen by what the images are and how long there is: the rows of the lab book (the page
/// "Recipes") in a few rules. Two runs of the same images, length and seed choose alike, on any machine, but for the batch of a
/// run by the clock on many threads.
public struct Recipe: Sendable, Equatable {
  /// The family that the lab book has found best of all images tried: BiLSTMs.
  public static let model = ModelKind.diagonalLSTM

  /// Features of the residual stream.
  public let width: Int
  /// Layers.
  public let blocks = 2
  /// The distribution of a pixel.
  public let likelihood: LikelihoodKind
  /// The kernel size of the masked convolution from the image to the logits; nil: none.
  public let skip: Int?
  /// Images in a step.
  public let batchSize: Int
  /// The learning rate after warm-up.
  public let learningRate: Float = 0.004
  /// What moves the matrices of hidden layers.
  public let optimizer = MatrixOptimizer.muon
  /// The share of features that a step leaves out.
  public let dropout: Double
  /// The decay of the moving average: the schedule goes down to zero, and a long memory would lag behind it.
  public let averageDecay: Float = 0.995
  /// Images that training goes through, an estimate where the clock ends it.
  public let passes: Double

  /// Positions, images times pixels, that a thread trains a BiLSTM of width 64 and two layers on in a second: of the machine
  /// that the lab book's figures are from.
  private static let positionsPerSecond = 110_000.0

  /// Below so many images in training a network of half the width is the better one.
  private static let fewPasses = 120_000.0
  /// Epochs above which dropout pays.
  private static let manyEpochs = 60.0

  /// The recipe for `count` images of `shape` and `levels`, trained for `length` on `threads` threads; `likelihood`
  /// and `batchSize` are those of a user who chose them.
  public init(
    shape: ImageShape, levels: Int, count: Int, length: TrainingOptions.Length, likelihood: LikelihoodKind?,
    batchSize: Int?, threads: Int
  ) {
    // By the clock no two runs are alike anyway: there a step has work for every thread, four images for each.
    let isTimed = if case .minutes = length { true } else { false }
    // Images of many values are learned sooner from more and smaller steps.
    let isSmooth = levels > 16 || shape.channels > 1 && levels > 2
    self.batchSize = batchSize ?? max(isSmooth ? 8 : 16, isTimed ? 4 * threads : 0)
    passes =
      switch length {
      case .steps(let steps): Double(steps * self.batchSize)
      case .epochs(let epochs): epochs * Double(count)
      case .minutes(let minutes):
        minutes * 60 * Double(threads) * Self.positionsPerSecond / Double(max(1, shape.pixels))
      }
    self.likelihood = likelihood ?? (isSmooth ? .logisticMixture : .standard(levels: levels))
    skip = self.likelihood == .logisticMixture ? 5 : nil
    // In a short run a narrow network sees three times as many images, and wins. (Features are split by colours where the
    // channels of a pixel are drawn one after the other: the width is then divisible by 6.)
    let isSplit = shape.channels > 1 && self.likelihood.type.isChannelAutoregressive
    width = passes < Self.fewPasses ? (isSplit ? 36 : 32) : (isSplit ? 66 : 64)
    // Images that are seen so often are learned by heart.
    dropout = passes / Double(max(1, count)) > Self.manyEpochs ? 0.2 : 0
  }

  /// What is chosen and why, in a line.
  public func inWords(shape: ImageShape, levels: Int) -> String {
    let images = "\(shape.channels == 1 ? "grey" : "colour") images of \(shape.width)×\(shape.height)"
    return """
      No --model: \(Self.model.rawValue), width \(width), \(counted(blocks, "layer")), \(likelihood.rawValue)\
      \(skip.map { " with skip \($0)" } ?? ""), batches of \(batchSize), \(optimizer.rawValue) at \(learningRate)\
      \(dropout > 0 ? ", dropout \(dropout)" : ""): the best known for \(images), \(levels) levels, and about \
      \(rounded(passes)) images in training
      """
  }

  private func rounded(_ x: Double) -> String {
    let unit = x < 1_000 ? 1.0 : x < 100_000 ? 100 : 10_000
    return "\(Int((x / unit).rounded() * unit))"
  }
}
