// What the graph knows of an operation: everything that follows from one is derived from these members.
import Core
import Kernels

/// One operation of a model's graph: from the maps of its inputs to the map of its output.
///
/// An operation is a description, shared by all threads. Its passes between given maps are made once for each
/// workspace. The incremental step of sampling is the forward pass over one pixel's region.
package protocol Operation: Sendable {
  /// What it does, in a few words: "3×3 mask B".
  var title: String { get }
  /// The layers that own its tensors, in the order of the checkpoint.
  var layers: [any ParameterLayer] { get }
  /// How the output's channels lie in its map.
  var outputOrder: ChannelLayout { get }

  /// The positions of input `index` that the forward pass reads for one position of the output.
  func window(ofInput index: Int) -> ConvolutionWindow
  /// How layer `layer` of `layers` widens what is seen of the image; of an operation without layers, layer 0.
  func reach(ofLayer layer: Int) -> Reach
  /// The same by way of input `index`, where inputs differ.
  func reach(ofLayer layer: Int, input index: Int) -> Reach
  /// Whether the output is read again at other positions while it is computed: it needs this border, in positions of one
  /// image.
  var ownBorder: FeatureMap.Border? { get }
  /// Whether it reads the inputs' rows again when all their pixels are known.
  var readsWholeRows: Bool { get }
  /// Whether a row is computed whole, against raster order: from the rows above alone.
  var scansWholeRows: Bool { get }
  /// Whether several images run together, interleaved pixel by pixel, faster than one by one.
  var prefersInterleavedImages: Bool { get }

  /// Whether the backward pass reads the inputs; the output.
  var savesInputs: Bool { get }
  var savesOutput: Bool { get }
  /// Whether the output may take the place of input 0, pixel by pixel; and, backward, the gradient of the input that of
  /// the output.
  var runsInPlace: Bool { get }
  /// Whether the backward pass has read all of the output's gradient before it changes that of an input.
  var readsGradientFirst: Bool { get }
  /// Other maps that the forward pass computes, and those that the backward pass needs for gradients.
  func internalMaps(images: Int) -> [InternalMap]
  func internalGradients(images: Int) -> [InternalMap]
  /// The border that the gradient of the output must have for the backward pass.
  func gradientBorder(images: Int) -> FeatureMap.Border

  /// The passes between given maps.
  func makeForward(_ maps: OperationMaps) -> any ForwardPass
  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass

  /// The layers' costs on images of `shape`, as far as the operation alone decides them.
  func costs(_ shape: ImageShape) -> [LayerCost]
  /// What is watched of it while training, where that does not follow from the graph: each layer with the maps of its
  /// outputs and of their gradient.
  func observations(_ maps: OperationMaps, _ gradients: OperationGradients) -> [Observation]
  /// The layers that are watched so.
  var observedLayers: [ObservedLayer] { get }

  /// Its Jacobians where the forward pass left `maps`.
  func jacobians(_ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape) -> OperationJacobians
}

extension Operation {
  package var layers: [any ParameterLayer] { [] }
  package func window(ofInput index: Int) -> ConvolutionWindow { .pointwise }
  package func reach(ofLayer layer: Int) -> Reach { .window(.pointwise) }
  package func reach(ofLayer layer: Int, input index: Int) -> Reach { reach(ofLayer: layer) }
  package var ownBorder: FeatureMap.Border? { nil }
  package var readsWholeRows: Bool { false }
  package var scansWholeRows: Bool { false }
  package var prefersInterleavedImages: Bool { false }
  package var savesInputs: Bool { true }
  package var savesOutput: Bool { false }
  package var runsInPlace: Bool { false }
  package var readsGradientFirst: Bool { false }
  package func internalMaps(images: Int) -> [InternalMap] { [] }
  package func internalGradients(images: Int) -> [InternalMap] { [] }
  package func gradientBorder(images: Int) -> FeatureMap.Border { .init() }
  package func costs(_ shape: ImageShape) -> [LayerCost] { [] }
  package func observations(_ maps: OperationMaps, _ gradients: OperationGradients) -> [Observation] { [] }
  package var observedLayers: [ObservedLayer] { [] }
}

/// The Jacobians of one operation at one image.
package struct OperationJacobians {
  /// ∂output/∂input of each input.
  package let inputs: [LinearOperator]
  /// Parts of it that are listed on their own.
  package var parts: [LinearizedLayer] = []

  /// ∂output/∂input of each of `inputs`, and `parts`.
  package init(inputs: [LinearOperator], parts: [LinearizedLayer] = []) { (self.inputs, self.parts) = (inputs, parts) }
}

/// A layer that owns tensors: how they begin, and how they lie for the kernels.
package protocol ParameterLayer: Sendable {
  /// The layer's name in the checkpoint.
  var name: String { get }
  /// Gives the parameters their first values, a function of `seed` and the layer's offset.
  func initialize(_ parameters: ParameterVector, _ initialization: Initialization, seed: UInt64)
  /// Copies the layer's parameters into the order of the kernels.
  func pack(_ parameters: ParameterVector, into packed: PackedParameters)
  /// Copies the layer's gradient from the order of the kernels; masked elements are not touched.
  func unpackGradient(_ packed: AlignedBuffer, into gradient: ParameterVector)
}

/// A map that an operation needs besides its inputs and its output.
package struct InternalMap {
  /// How long its contents are needed.
  package enum Use {
    /// While the operation runs.
    case scratch
    /// By the backward pass too.
    case saved
    /// By the backward pass, and by later positions of the image: where pixels come one by one, it stays from row to row.
    case rows
    /// The same within a row.
    case row
    /// By the backward pass, and by all later positions of the image: one row holds `positions` of every image, also where
    /// pixels come one by one.
    case image(positions: Int)
  }
  package let channels: Int
  /// In positions of the map.
  package var border = FeatureMap.Border()
  package let use: Use
  /// Maps whose unused positions must stay zero are shared with none of another tag.
  package var tag = 0

  /// A map of `channels` features a position.
  package init(channels: Int, border: FeatureMap.Border = FeatureMap.Border(), use: Use, tag: Int = 0) {
    (self.channels, self.border, self.use, self.tag) = (channels, border, use, tag)
  }
}

/// The maps of one operation in one workspace.
package struct OperationMaps {
  package let inputs: [FeatureMap]
  package let output: FeatureMap
  package let internals: [FeatureMap]
  /// Images interleaved in the maps.
  package let images: Int
  /// Which biases each image takes; nil where the model depends on no class and no transformation.
  package let biases: BiasSelector?
  /// What dropout leaves out, of the operation that does.
  package let mask: DropoutMask?
  /// Whether the input of a gated unit holds tanh and σ of the pre-activations.
  package var holdsGates = false
}

/// Where the gradients of one operation lie.
package struct OperationGradients {
  package let output: FeatureMap
  /// nil where the gradient of an input is not wanted.
  package let inputs: [GradientTarget?]
  package let internals: [FeatureMap]
}

/// Where the gradient of an input goes: rows from `firstAdded` on hold what other operations gave, the others nothing yet.
package struct GradientTarget {
  package let map: FeatureMap
  package let firstAdded: Int

  /// Whether nothing is there yet.
  package var isNew: Bool { firstAdded >= map.height }
  /// Whether all rows hold something already.
  package var isWhole: Bool { firstAdded == 0 }
}

/// A forward pass between given maps.
package protocol ForwardPass {
  /// Computes the output in `region`. `firstRow` is the row of the maps in which the image begins, or would begin if they had
  /// all its rows: row y of the maps is the image's row y − `firstRow`.
  func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters)
  /// Computes the whole output: the same bits.
  func runAll(_ all: MapRegion, _ packed: PackedParameters)
  /// Where pixels come one by one: what can be computed only when the whole `row` is known.
  func finish(row: Int, firstRow: Int, _ packed: PackedParameters)
}

extension ForwardPass {
  package func runAll(_ all: MapRegion, _ packed: PackedParameters) { run(all, firstRow: all.rows.lowerBound, packed) }
  package func finish(row: Int, firstRow: Int, _ packed: PackedParameters) {}
}

/// A backward pass between given maps; adds to the packed gradient of the parameters.
package protocol BackwardPass {
  func run(_ packed: PackedParameters, into gradient: AlignedBuffer)
}

/// A pass over maps that needs no parameters.
package struct MapPass: ForwardPass, BackwardPass {
  private let all: MapRegion
  private let body: (MapRegion) -> Void

  package init(_ map: FeatureMap, _ body: @escaping (MapRegion) -> Void) {
    all = MapRegion(allOf: map)
    self.body = body
  }

  package func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) { body(region) }
  package func run(_ packed: PackedParameters, into gradient: AlignedBuffer) { body(all) }
}

/// Several backward passes in their order.
package struct BackwardPasses: BackwardPass {
  package let passes: [any BackwardPass]

  /// `passes` one after the other; none where nothing is to be done.
  package init(_ passes: [any BackwardPass] = []) { self.passes = passes }

  package func run(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    for pass in passes { pass.run(packed, into: gradient) }
  }
}

/// A layer's outputs and the gradient with respect to them before the activation.
package struct Observation {
  package let layer: String
  package let outputs: FeatureMap
  package let gradient: FeatureMap
}
