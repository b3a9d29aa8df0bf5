// A graph made ready for a purpose: which passes run in which order, and in which maps.
import Kernels

/// What a plan, or the workspace made from it, is for.
package enum WorkspacePurpose: Sendable {
  /// What the backward pass reads is kept; `dropout` is the share of features left out, from 0 to below 1.
  case training(dropout: Double = 0)
  /// Nothing is kept that no later operation reads.
  case evaluation
  /// Pixels come one by one: what later pixels read is kept, for as many rows as they reach.
  case sampling

  var isTraining: Bool { if case .training = self { true } else { false } }
  var isSampling: Bool { if case .sampling = self { true } else { false } }
  /// The share of features left out.
  var dropout: Double { if case .training(let share) = self { share } else { 0 } }
}

/// Passes and maps of one graph for one purpose, made once for each workspace. A plan allocates nothing, so the bytes of a
/// workspace are known without it.
///
/// - Fusion: a convolution, the sum behind it and the activation or gated unit behind that become one pass, where the
///   kernels have such an ending and no other operation needs what lies between.
/// - Memory: a map is used again as soon as nobody needs its contents; values that the backward pass or later pixels read
///   keep theirs.
/// - Order: that in which the graph was built; where pixels come one by one, what the rows above decide runs before a row.
struct Plan {
  /// A map of the plan.
  struct Map: Hashable {
    let channels: Int
    let border: FeatureMap.Border
    var isPadded = true
    /// Whether all its rows are the same memory: only while pixels come one by one.
    var sharesRows = false
    /// Maps share memory only with those of the same tag.
    var tag = 0
    /// Of a map of one row: its positions, of all images; nil: it has the image's rows and columns.
    var positions: Int?
  }

  /// When a pass runs where pixels come one by one.
  enum Phase {
    /// Once for a row, before its first pixel: it depends on the rows above alone.
    case beforeRow
    case atPixel
  }

  struct ForwardOperation {
    let phase: Phase
    let make: (PlanMemory) -> any ForwardPass
  }

  struct BackwardOperation {
    let make: (PlanMemory) -> any BackwardPass
    /// What can be watched once the pass has run.
    var observations: (PlanMemory) -> [Observation] = { _ in [] }
  }

  let graph: Graph
  let purpose: WorkspacePurpose
  /// Images interleaved in the maps.
  let images: Int
  let maps: [Map]
  let forward: [ForwardOperation]
  /// Empty unless the plan is for training.
  let backward: [BackwardOperation]
  /// The maps that masks of dropout are for, in the order of the graph.
  let masks: [Int]
  /// The maps of image, logits and the logits' gradient.
  let input: Int, logits: Int
  let logitGradient: Int?
  /// The maps of each operation.
  let positions: [Int: OperationPositions]

  /// A plan of `graph` for `images` interleaved images. Without `fuses` each operation is a pass of its own: the same bits.
  init(_ graph: Graph, _ purpose: WorkspacePurpose, images: Int, fuses: Bool = true) {
    var forward = ForwardPlanner(graph, purpose, images: images, fuses: fuses)
    forward.plan()
    self.graph = graph
    self.purpose = purpose
    self.images = images
    self.forward = forward.steps
    masks = forward.masks
    input = forward.slots[graph.image.node] ?? 0
    logits = forward.slots[graph.output] ?? 0
    positions = forward.positions
    guard purpose.isTraining else {
      maps = forward.memory.maps
      (backward, logitGradient) = ([], nil)
      return
    }
    var backward = BackwardPlanner(forward)
    backward.plan()
    maps = backward.memory.maps
    self.backward = backward.steps
    logitGradient = backward.logitGradient
  }

  /// Bytes of all maps and masks, for images of the graph's shape.
  var byteCount: Int {
    let shape = graph.configuration.shape
    let height = purpose.isSampling ? ActivationAllocator.slidingRows(shape) : shape.height
    func bytes(_ map: Map) -> Int {
      if let positions = map.positions { return positions * stride(map) * MemoryLayout<Float>.stride }
      let border = map.border
      let rows = map.sharesRows ? 1 : border.top + height + border.bottom
      return rows * (border.left + shape.width * images + border.right) * stride(map) * MemoryLayout<Float>.stride
    }
    func stride(_ map: Map) -> Int { map.isPadded ? Lanes.roundUp(map.channels) : map.channels }
    return maps.reduce(0) { $0 + bytes($1) }
      + masks.reduce(0) { $0 + height * shape.width * images * stride(maps[$1]) }
  }
}

/// The maps of one operation, by their numbers in the plan.
struct OperationPositions {
  var inputs: [Int]
  var output: Int
  var internals: [Int] = []
  /// The number of its mask, of dropout.
  var mask: Int?
  /// Whether a gated unit's input holds tanh and σ of the pre-activations.
  var holdsGates = false
}

/// The memory of a plan, allocated.
final class PlanMemory {
  let maps: [FeatureMap]
  let masks: [DropoutMask]
  let maker: ActivationAllocator
  /// What the images choose of biases; nil where the model depends on no class and no transformation.
  let conditioning: Conditioning?
  private let images: Int

  init(_ plan: Plan) {
    let configuration = plan.graph.configuration
    let maker =
      plan.purpose.isSampling
      ? ActivationAllocator(lastRowsOf: configuration.shape, images: plan.images, expectedBytes: plan.byteCount)
      : ActivationAllocator(configuration.shape, images: plan.images, expectedBytes: plan.byteCount)
    let maps = plan.maps.map { map in
      if let positions = map.positions { return maker.line(map.channels, positions: positions) }
      return map.sharesRows
        ? maker.rowScratch(map.channels, border: map.border)
        : maker.map(map.channels, border: map.border, padded: map.isPadded)
    }
    self.maps = maps
    self.maker = maker
    masks = plan.masks.map { DropoutMask(like: maps[$0], rate: plan.purpose.dropout) }
    for mask in masks { maker.count(bytes: mask.byteCount) }
    conditioning = Conditioning(plan.graph, images: plan.images)
    images = plan.images
  }

  /// The maps of the operation at `positions`.
  func operationMaps(_ positions: OperationPositions) -> OperationMaps {
    OperationMaps(
      inputs: positions.inputs.map { maps[$0] }, output: maps[positions.output],
      internals: positions.internals.map { maps[$0] },
      images: images, biases: conditioning?.biases, mask: positions.mask.map { masks[$0] },
      holdsGates: positions.holdsGates)
  }
}

/// Which maps of a plan are in use: a map whose contents nobody needs is given to the next value that fits.
struct PlanAllocator {
  private(set) var maps: [Plan.Map] = []
  private var free: [Plan.Map: [Int]] = [:]

  /// A map like `map`; `isFresh` one that no other value has or gets.
  mutating func allocate(_ map: Plan.Map, isFresh: Bool = false) -> Int {
    if !isFresh, let last = free[map]?.popLast() { return last }
    maps.append(map)
    return maps.count - 1
  }

  /// A map of as many channels as map `number` that nobody needs now, to be used at once.
  mutating func scratch(like number: Int) -> Int {
    let channels = maps[number].channels
    if let found = free.filter({ $0.key.channels == channels && $0.key.tag == 0 }).values.compactMap(\.last).min() {
      return found
    }
    let new = allocate(Plan.Map(channels: channels, border: .init()))
    release(new)
    return new
  }

  /// Gives map `number` back.
  mutating func release(_ number: Int) { free[maps[number], default: []].append(number) }
}
