// What each layer gives out and what gradient comes back to it: gathered during a step, layer by layer.
import Kernels

/// What a layer's outputs are, so far as it tells when a unit does nothing.
public enum OutputNonlinearity: String, Sendable, Codable {
  /// No activation.
  case linear
  /// Zero is off; always zero is dead.
  case relu
  /// Saturated towards −1 and 1.
  case tanh
  /// Saturated towards 0 and 1.
  case sigmoid
  /// The gates of a recurrent cell, each a sigmoid, a tanh or neither.
  case gates
  /// The halves of a gated unit, tanh and sigmoid.
  case gated

  init(_ activation: Activation) {
    switch activation {
    case .relu: self = .relu
    case .tanh: self = .tanh
    case .sigmoid: self = .sigmoid
    }
  }

  /// Where the slope has fallen to a twentieth of its largest, for each of `channels` channels: 1 − h² = 1/20 of a tanh,
  /// h(1 − h) = 1/80 of a sigmoid. nil where nothing saturates.
  func limits(channels: Int) -> [ClosedRange<Float>]? {
    let tanh: ClosedRange<Float> = -0.974_679_4...0.974_679_4
    let sigmoid: ClosedRange<Float> = 0.012_660_3...0.987_339_7
    switch self {
    case .linear, .relu: return nil
    case .tanh: return [ClosedRange<Float>](repeating: tanh, count: channels)
    case .sigmoid: return [ClosedRange<Float>](repeating: sigmoid, count: channels)
    case .gates: return nil
    case .gated: return (0..<channels).map { $0 < channels / 2 ? tanh : sigmoid }
    }
  }
}

/// One layer of a network whose flow is watched.
public struct ObservedLayer: Sendable, Equatable {
  /// The layer's name in the checkpoint.
  public let name: String
  /// What its outputs are.
  public let units: OutputNonlinearity
  /// Outputs.
  public let channels: Int
  /// How they lie in their map.
  let order: ChannelLayout
  /// What each gate is, of a recurrent cell's.
  private let gates: [Activation?]

  /// The pre-activations of a recurrent cell, of which it makes `gates`.
  init(_ convolution: Convolution, gates: [Activation?]) {
    name = convolution.name
    units = gates == [nil] ? .linear : .gates
    channels = convolution.outputChannels
    order = convolution.outputOrder
    self.gates = gates
  }

  /// Where the slope of each channel has fallen to a twentieth of its largest; nil where nothing saturates.
  var limits: [ClosedRange<Float>]? {
    guard units == .gates else { return units.limits(channels: channels) }
    let perGate = channels / gates.count
    let never = -Float.infinity...Float.infinity
    return gates.flatMap { gate in
      gate.flatMap { OutputNonlinearity($0).limits(channels: perGate) }
        ?? [ClosedRange<Float>](repeating: never, count: perGate)
    }
  }

  /// The layer of `convolution`, or `channels` outputs of its cell.
  init(_ convolution: Convolution, _ units: OutputNonlinearity, channels: Int? = nil) {
    name = convolution.name
    self.units = units
    self.channels = channels ?? convolution.outputChannels
    order = channels.map { ChannelLayout($0, .none(padded: true)) } ?? convolution.outputOrder
    gates = []
  }
}

/// What one layer gave out and got back, over the images of a step.
public struct LayerStatistics: Sendable, Equatable {
  /// The layer.
  public let layer: ObservedLayer
  /// Its outputs, after the activation.
  package internal(set) var outputs: MapStatistics?
  /// ∂(an image's nats)/∂(its outputs before the activation): the flow itself.
  package internal(set) var gradients: MagnitudeSums

  init(_ layer: ObservedLayer) {
    self.layer = layer
    gradients = MagnitudeSums()
  }

  /// The share of outputs that are zero.
  public var zeroShare: Double { share(outputs?.zeros) }
  /// The share of outputs whose slope is below a twentieth of the largest possible.
  public var saturatedShare: Double { share(outputs.map { $0.low + $0.high }) }

  /// The share of units that were zero for every pixel of every image (ReLU), or saturated on one side for all of them.
  public var deadShare: Double {
    guard let outputs, outputs.sums.count > 0 else { return 0 }
    let channels = outputs.minima.count
    let limits = layer.limits
    let dead = (0..<channels).count { c in
      if layer.units == .relu { return outputs.minima[c] == 0 && outputs.maxima[c] == 0 }
      guard let limits else { return false }
      return outputs.maxima[c] <= limits[c].lowerBound || outputs.minima[c] >= limits[c].upperBound
    }
    return Double(dead) / Double(channels)
  }

  private func share(_ count: Int?) -> Double {
    guard let count, let outputs, outputs.sums.count > 0 else { return 0 }
    return Double(count) / Double(outputs.sums.count)
  }

  mutating func add(_ other: LayerStatistics) {
    if let theirs = other.outputs {
      if outputs == nil { outputs = theirs } else { outputs?.add(theirs) }
    }
    gradients.add(other.gradients)
  }
}

/// Gathers the flow while a model runs forward and backward. Models report each layer's maps when they are whole.
public final class StatisticsCollector {
  /// One for each of the model's `observedLayers`.
  public private(set) var layers: [LayerStatistics]
  /// For each recurrence, the gradient of its outputs by the distance, in diagonals, from the output that was probed.
  public private(set) var diagonals: [DiagonalFlow] = []

  /// An observer of `model`.
  public init(_ model: ImageModel) { layers = model.observedLayers.map(LayerStatistics.init) }

  /// Takes what a layer gave and got: the first `images` of `interleaved` images.
  func record(_ observation: Observation, images: Int, of interleaved: Int) {
    guard let index = layers.firstIndex(where: { $0.layer.name == observation.layer }) else {
      preconditionFailure("\(observation.layer) is not watched")
    }
    let layer = layers[index].layer
    var outputs = layers[index].outputs ?? MapStatistics(channels: layer.channels)
    outputs.add(
      observation.outputs, images: images, interleaved: interleaved, order: layer.order,
      limits: layer.limits)
    layers[index].outputs = outputs
    var gradients = MapStatistics(channels: layer.channels)
    gradients.add(observation.gradient, images: images, interleaved: interleaved, order: layer.order)
    layers[index].gradients.add(gradients.sums)
  }

  func add(_ flow: DiagonalFlow) { diagonals.append(flow) }

  /// Adds what another observer of the same model has gathered; its diagonals are not taken.
  func add(_ other: StatisticsCollector) {
    for index in layers.indices { layers[index].add(other.layers[index]) }
  }
}

/// How much gradient arrives in a recurrence from an output k diagonals away.
public struct DiagonalFlow: Sendable, Equatable {
  /// The direction of the layer: "layers.0.left".
  public let name: String
  /// At k: root mean square of ∂(nats of the pixel in the last corner)/∂h over the cells k diagonals before it.
  public let rootMeanSquares: [Double]
}
