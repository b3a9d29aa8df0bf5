// From logits to nats: the loss, its gradient, and what is drawn from it.
import Core
import Kernels

/// A distribution over the levels of a pixel, given the network's outputs there.
package protocol Likelihood: Sendable {
  /// Whether the channels of a pixel are drawn one after the other, each from outputs of its own that see the channels
  /// before it; otherwise all come from one set of outputs.
  static var isChannelAutoregressive: Bool { get }
  /// L, the number of levels.
  var levels: Int { get }
  /// Outputs that the network needs for a pixel of `channels` channels.
  func outputs(channels: Int) -> Int
  /// How the weights begin of a linear product of the pixels about that is added to the outputs; the others at zero.
  func neighbourWeights(channels: Int) -> [WeightStart]
  /// −log p of `image` in nats, given its logits (H×W×outputs), summed in raster order in double precision.
  /// Where `gradient` is a map of the logits' shape, it gets ∂nats/∂logits.
  func nats(_ batch: ImageBatch, image: Int, logits: FeatureMap, gradient: FeatureMap?) -> Double
  /// log p of every level of channel `channel` of pixel (`y`, `x`), given the levels of its `earlier` channels, at
  /// `temperature`: proportional to p to the power of 1 / temperature.
  func logProbabilities(
    logits: FeatureMap, y: Int, x: Int, channel: Int, earlier: [UInt8], temperature: Float
  ) -> [Float]
  /// Draws channel `channel` of a pixel in several images. The n-th of `positions`, in row `y` of the logits, is image n;
  /// `levels` holds [image][channel], earlier channels drawn already; `uniforms` holds a number in [0, 1) for each image.
  /// The level drawn is the first whose cumulative probability, at `temperature`, exceeds the number.
  func draw(
    logits: FeatureMap, y: Int, positions: Range<Int>, channel: Int, temperature: Float, uniforms: [Float],
    into levels: inout [UInt8])
  /// −log p of the levels of that channel in nats, into `nats`, one for each image: what `nats` sums up, bit for bit.
  func costs(
    logits: FeatureMap, y: Int, positions: Range<Int>, channel: Int, levels: [UInt8], into nats: inout [Float])
}

extension Likelihood {
  /// The same, from the likeliest levels alone: the fewest whose probability comes to `topP` (Holtzman et al., "The Curious
  /// Case of Neural Text Degeneration", 2020). Of levels that are as likely the lower counts first. All of them at 1.
  package func draw(
    logits: FeatureMap, y: Int, positions: Range<Int>, channel: Int, temperature: Float, topP: Float,
    uniforms: [Float], into drawn: inout [UInt8]
  ) {
    guard topP < 1 else {
      return draw(
        logits: logits, y: y, positions: positions, channel: channel, temperature: temperature, uniforms: uniforms,
        into: &drawn)
    }
    let channels = drawn.count / positions.count
    for (image, x) in positions.enumerated() {
      let logs = logProbabilities(
        logits: logits, y: y, x: x, channel: channel,
        earlier: Array(drawn[image * channels..<image * channels + channel]), temperature: temperature)
      drawn[image * channels + channel] = Self.level(of: logs, topP: topP, uniform: uniforms[image])
    }
  }

  /// The first level whose cumulative probability among the likeliest exceeds `uniform`.
  static func level(of logs: [Float], topP: Float, uniform: Float) -> UInt8 {
    let shares = logs.map { exponential(FloatVector(repeating: $0))[0] }
    var kept = [Bool](repeating: false, count: shares.count)
    var sum: Float = 0
    for level in shares.indices.sorted(by: { (-shares[$0], $0) < (-shares[$1], $1) }) {
      kept[level] = true
      sum += shares[level]
      if sum >= topP { break }
    }
    var (cumulative, last): (Float, Int) = (0, 0)
    for level in shares.indices where kept[level] {
      (cumulative, last) = (cumulative + shares[level], level)
      if uniform * sum < cumulative { break }
    }
    return UInt8(last)
  }

  package func neighbourWeights(channels: Int) -> [WeightStart] { [] }

  /// The same where there is no earlier channel.
  package func logProbabilities(logits: FeatureMap, y: Int, x: Int, channel: Int, temperature: Float) -> [Float] {
    logProbabilities(logits: logits, y: y, x: x, channel: channel, earlier: [], temperature: temperature)
  }
}

/// The name of a likelihood in configurations and on the command line.
public enum LikelihoodKind: String, Sendable, Codable, CaseIterable {
  /// One logit a pixel; two levels.
  case bernoulli
  /// One logit a level.
  case categorical
  /// A few logistic distributions, cut into levels.
  case logisticMixture = "logistic-mixture"

  /// What is used where nothing is said.
  package static func standard(levels: Int) -> LikelihoodKind { levels == 2 ? .bernoulli : .categorical }
}

extension LikelihoodKind {
  /// The type of this name.
  package var type: any Likelihood.Type {
    switch self {
    case .bernoulli: Bernoulli.self
    case .categorical: Categorical.self
    case .logisticMixture: LogisticMixture.self
    }
  }
}

extension ModelConfiguration {
  /// The distribution of a pixel given the logits there.
  package var pixelLikelihood: any Likelihood {
    switch likelihood {
    case .bernoulli:
      precondition(levels == 2, "a Bernoulli pixel has 2 levels, not \(levels)")
      return Bernoulli()
    case .categorical: return Categorical(levels: levels)
    case .logisticMixture:
      return LogisticMixture(levels: levels, mixtures: mixtures ?? LogisticMixture.defaultMixtures)
    }
  }

  /// Outputs of the network for a pixel.
  var outputs: Int { pixelLikelihood.outputs(channels: shape.channels) }
}
