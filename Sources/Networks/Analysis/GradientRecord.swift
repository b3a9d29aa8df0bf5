// What is known of the gradient at one step: the line that a run keeps in gradients.jsonl.
import Kernels

/// The gradient flow of one step, layer by layer in the order of the forward pass, before anything was clipped.
public struct GradientRecord: Sendable, Codable, Equatable {
  /// Root mean square, mean magnitude and largest magnitude of some numbers.
  public struct Figures: Sendable, Codable, Equatable {
    /// √(Σx²/n)
    public var rms: Double
    /// Σ|x|/n
    public var mean: Double
    /// max |x|
    public var max: Double

    /// Of what `sums` were taken over.
    package init(_ sums: MagnitudeSums) {
      (rms, mean, max) = (sums.rootMeanSquare, sums.mean, Double(sums.maximum))
    }
  }

  /// One layer.
  public struct Layer: Sendable, Codable, Equatable {
    /// Its name in the checkpoint.
    public var name: String
    /// What its outputs are.
    public var units: OutputNonlinearity
    /// ∂(mean nats)/∂(its weights and biases), masked taps left out.
    public var gradient: Figures
    /// Its weights and biases before the step.
    public var weight: Figures
    /// RMS of what the step added to them over their RMS; 0 where they were all zero.
    public var updateRatio: Double
    /// Its outputs after the activation.
    public var output: Figures
    /// ∂(an image's nats)/∂(its outputs before the activation): the flow itself.
    public var flow: Figures
    /// The share of outputs that are zero.
    public var zero: Double
    /// The share of outputs whose slope is below a twentieth of the largest possible.
    public var saturated: Double
    /// The share of units that are zero, or saturated on one side, for every pixel of every image.
    public var dead: Double

    /// A layer; see the properties.
    package init(
      name: String, units: OutputNonlinearity, gradient: Figures, weight: Figures, updateRatio: Double, output: Figures,
      flow: Figures, zero: Double, saturated: Double, dead: Double
    ) {
      self.name = name
      self.units = units
      self.gradient = gradient
      self.weight = weight
      self.updateRatio = updateRatio
      self.output = output
      self.flow = flow
      self.zero = zero
      self.saturated = saturated
      self.dead = dead
    }
  }

  /// A recurrence: gradient by diagonals.
  public struct Diagonal: Sendable, Codable, Equatable {
    /// The layer's direction.
    public var name: String
    /// At k: RMS of ∂(nats of the corner pixel)/∂h over the cells k diagonals before it.
    public var rms: [Double]
  }

  /// Steps taken, this one included.
  public var step: Int
  /// Mean nats of an image over the batch.
  public var natsPerImage: Double
  /// The layers.
  public var layers: [Layer]
  /// The recurrences; empty for other models.
  public var diagonals: [Diagonal]
  /// What is wrong, in order of the layers.
  public var flags: [GradientWarning]

  /// The layer of this name; nil where the model has none.
  public subscript(name: String) -> Layer? { layers.first { $0.name == name } }

  /// A record; see the properties.
  package init(step: Int, natsPerImage: Double, layers: [Layer], diagonals: [Diagonal], flags: [GradientWarning]) {
    self.step = step
    self.natsPerImage = natsPerImage
    self.layers = layers
    self.diagonals = diagonals
    self.flags = flags
  }
}

/// Takes a record of a step: begun before the update, ended after it.
public struct GradientTracker {
  private let model: ImageModel
  /// Gathers the flow of the step.
  public let observer: StatisticsCollector

  /// A tracker of one step of `model`.
  public init(_ model: ImageModel) {
    self.model = model
    observer = StatisticsCollector(model)
  }

  /// The record of the step that took `before` to `after` along `gradient` (not yet clipped).
  public func record(
    step: Int, natsPerImage: Double, gradient: ParameterVector, before: ParameterVector, after: ParameterVector
  ) -> GradientRecord {
    let layout = model.layout
    let layers = observer.layers.map { flow in
      let slices = Self.slices(of: flow.layer, layout)
      let weight = Self.sums(before, slices)
      let update = Self.sums(after, slices, minus: before)
      return GradientRecord.Layer(
        name: flow.layer.name, units: flow.layer.units, gradient: .init(Self.sums(gradient, slices)),
        weight: .init(weight),
        updateRatio: weight.rootMeanSquare > 0 ? update.rootMeanSquare / weight.rootMeanSquare : 0,
        output: .init(flow.outputs?.sums ?? MagnitudeSums()), flow: .init(flow.gradients), zero: flow.zeroShare,
        saturated: flow.saturatedShare, dead: flow.deadShare)
    }
    return GradientRecord(
      step: step, natsPerImage: natsPerImage, layers: layers,
      diagonals: observer.diagonals.map { .init(name: $0.name, rms: $0.rootMeanSquares) },
      flags: GradientWarning.flags(of: layers))
  }

  /// How the elements of each layer's `gradient` (not yet clipped) are spread.
  public func histograms(step: Int, gradient: ParameterVector) -> GradientHistograms {
    GradientHistograms(
      step: step,
      layers: observer.layers.map { flow in
        var histogram = Histogram()
        for slice in Self.slices(of: flow.layer, model.layout) {
          let values = gradient[slice]
          for i in values.indices where slice.live?[i] ?? true { histogram.add(values[i]) }
        }
        return (flow.layer.name, histogram)
      })
  }

  private static func slices(of layer: ObservedLayer, _ layout: ParameterLayout) -> [ParameterSlice] {
    layout.slices.filter { $0.name.hasPrefix(layer.name + ".") }
  }

  /// The live elements of `slices`, or what they differ by.
  private static func sums(
    _ values: ParameterVector, _ slices: [ParameterSlice], minus other: ParameterVector? = nil
  ) -> MagnitudeSums {
    var sums = MagnitudeSums()
    for slice in slices {
      let (a, b) = (values[slice], other?[slice])
      for i in a.indices where slice.live?[i] ?? true { sums.add(a[i] - (b?[i] ?? 0)) }
    }
    return sums
  }
}
