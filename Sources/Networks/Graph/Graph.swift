// A model as a graph: operations in the order they were built, and the words that models are written in.
import Kernels

/// What one operation of a graph gives.
package struct Value: Hashable, Sendable {
  fileprivate(set) var node: Int
}

/// The operations of a model and how they hang together: a list in which each reads only earlier ones. Families of models
/// write themselves with it (`PixelCNN` and others); everything else about a model is derived from it.
package struct Graph: Sendable {
  /// One operation with its inputs.
  package struct Node: Sendable {
    package let operation: any Operation
    package let inputs: [Int]
    /// The stage that it belongs to: an index of `stages`.
    package let stage: Int
  }

  /// A stretch of the graph whose Jacobian is a link of the chain from the image to the logits: "blocks.3".
  package struct Stage: Sendable {
    package let name: String
    package let kind: LinearizedLayer.Kind
    /// Whether the Jacobians of its parts are listed too.
    package let listsParts: Bool
  }

  package let configuration: ModelConfiguration
  package private(set) var nodes: [Node] = []
  package private(set) var stages: [Stage] = []
  package var layout: ParameterLayout
  package var packing = PackingPlan()
  /// PyTorch's names of layers, by ours, where they differ.
  package private(set) var pyTorchModules: [String: String] = [:]
  /// The node that gives the logits.
  package private(set) var output = 0
  private let channelGroups: ChannelGroups
  /// The biases of layers that are conditioned.
  let biasTable: BiasTable

  /// The image that the model reads.
  package let image = Value(node: 0)

  /// The graph that `build` writes, or else the family; it returns the logits. With `countsOnly` its layout counts
  /// parameters and no more, so that a model which is far too large can be refused at once.
  package init(
    _ configuration: ModelConfiguration, countsOnly: Bool = false, _ build: ((inout Graph) -> Value)? = nil
  ) {
    self.configuration = configuration
    layout = ParameterLayout(countsOnly: countsOnly)
    channelGroups = ChannelGroups(configuration)
    biasTable = BiasTable(classes: configuration.classCount, configuration.augmentation)
    nodes.append(
      Node(
        operation: ImageOperation(outputOrder: ChannelLayout(configuration.shape.channels, .none(padded: false))),
        inputs: [], stage: 0))
    let logits = if let build { build(&self) } else { configuration.family.build(&self, configuration) }
    output = logits.node
  }

  /// Appends `operation` on `inputs`.
  package mutating func add(_ operation: any Operation, _ inputs: [Value]) -> Value {
    precondition(inputs.allSatisfy { $0.node < nodes.count }, "an operation reads earlier ones")
    precondition(!stages.isEmpty, "an operation belongs to a stage")
    nodes.append(Node(operation: operation, inputs: inputs.map(\.node), stage: stages.count - 1))
    return Value(node: nodes.count - 1)
  }

  /// How the channels of `value` lie.
  package func order(_ value: Value) -> ChannelLayout { nodes[value.node].operation.outputOrder }

  /// What `build` appends is a stage of the chain of Jacobians.
  package mutating func stage<Result>(
    _ name: String, _ kind: LinearizedLayer.Kind, listsParts: Bool = false, _ build: (inout Graph) -> Result
  ) -> Result {
    stages.append(Stage(name: name, kind: kind, listsParts: listsParts))
    return build(&self)
  }

  // MARK: Convolutions

  /// A masked k×k convolution of the image or of features, or with a kernel size of 1 a 1×1 convolution: tensors
  /// `name`.weight [to, from, k, k] and `name`.bias, and where `conditional` also `name`.class.weight and
  /// `name`.augment.weight, of a model that depends on classes or transformations.
  package mutating func convolution(
    _ name: String, _ input: Value, to outputs: Int, kernelSize: Int = 1, mask: Mask? = nil, conditional: Bool = false,
    keptMaps: Int = 1, belongsToStream: Bool = false, start: [WeightStart]? = nil, pyTorch: String
  ) -> Value {
    pyTorchModules[name] = pyTorch
    var layer = Convolution(
      name, inputChannels: order(input).channels, outputChannels: outputs, kernelSize: kernelSize, mask: mask,
      readsImage: input == image, biases: conditional ? biasTable : .single, colours: channelGroups,
      layout: &layout, packing: &packing)
    layer.start = start
    let kind = "\(kernelSize)×\(kernelSize)" + (mask.map { " mask \($0.rawValue.uppercased())" } ?? "")
    return add(
      ConvolutionOperation(
        convolution: layer, kind: kind, keptMaps: keptMaps, belongsToStream: belongsToStream),
      [input])
  }

  /// A convolution over `rows` × `columns` about each pixel, to the 2k pre-activations of k gated units. `masked` says which
  /// features of the pixel itself are seen where there are groups of channels; nil: none are masked.
  package mutating func gatedConvolution(
    _ name: String, _ input: Value, units: Int, rows: ClosedRange<Int>, columns: ClosedRange<Int>, masked: Mask? = nil,
    conditional: Bool = false, kind: String, pyTorch: String
  ) -> Value {
    pyTorchModules[name] = pyTorch
    let layer = Convolution(
      name, rows: rows, columns: columns, from: order(input), to: ChannelLayout(2 * units, .interleaved(2)),
      biases: conditional ? biasTable : .single, colours: masked == nil ? .none : channelGroups,
      mask: masked ?? .b, layout: &layout, packing: &packing)
    return add(ConvolutionOperation(convolution: layer, kind: kind), [input])
  }

  /// Whether the channels of a pixel are seen one after the other, so that the image's own pixel is read too.
  package var readsOwnPixel: Bool { channelGroups.groups > 1 }

  // MARK: Recurrences

  /// A two-dimensional recurrence of `features` cells a position and direction, by `cell`; with `readsImage` over the
  /// shifted input. Tensors: `name`.left.input, `name`.left.state, and the same on the right where there are two
  /// directions; with `readsPixels` also `name`.right.pixel: the row that the right direction runs over is known whole when
  /// it is read, its last pixel too.
  package mutating func recurrence(
    _ name: String, _ input: Value, features: Int, cell: any RecurrentCell, directions: Int, readsPixels: Bool = false,
    conditional: Bool, pyTorch: String
  ) -> Value {
    let biases = conditional ? biasTable : .single
    let gates = cell.gateCount * features
    let both = (0..<directions).map { direction in
      let side = direction == 0 ? "left" : "right"
      let own = "\(name).\(side)."
      // One direction of an MDRNN needs no module of its own.
      let module = pyTorch + (directions == 1 && cell.gateCount == 1 ? "" : direction == 0 ? "l." : "r.")
      (pyTorchModules[own + "input"], pyTorchModules[own + "state"]) = (module + "i", module + "rec")
      return RecurrentDirection(
        inputToState: input == image
          ? Convolution(
            neighbours: own + "input", inputChannels: order(input).channels, outputChannels: gates,
            gateCount: cell.gateCount, readsImage: true, biases: biases, colours: channelGroups,
            liveGates: cell.inputGates, layout: &layout, packing: &packing)
          : Convolution(
            own + "input", inputChannels: order(input).channels, outputChannels: gates, gateCount: cell.gateCount,
            biases: biases, colours: channelGroups, liveGates: cell.inputGates, layout: &layout, packing: &packing),
        stateToState: Convolution(
          neighbours: own + "state", inputChannels: features, outputChannels: gates, gateCount: cell.gateCount,
          flipped: direction == 1, colours: .none, liveGates: cell.stateGates, layout: &layout, packing: &packing),
        pixelToState: readsPixels && direction == 1 ? pixelProduct(own + "pixel", gates, cell, module) : nil,
        cell: cell, flipped: direction == 1)
    }
    return add(DiagonalRecurrence(name: name, directions: both), readsPixels ? [input, image] : [input])
  }

  private mutating func pixelProduct(
    _ name: String, _ outputs: Int, _ cell: any RecurrentCell, _ module: String
  ) -> Convolution {
    pyTorchModules[name] = module + "pixel"
    return Convolution(
      name, rows: 0...0, columns: 0...0, from: order(image), to: ChannelLayout(outputs, .apart(cell.gateCount)),
      layout: &layout, packing: &packing)
  }

  /// A gated linear recurrence of `features` a position from the left, `name`.left, and one from the right, `name`.right,
  /// over the rows above: the features of `input` and the pixels themselves, which are all known there. Their sum.
  package mutating func linearRecurrences(
    _ name: String, _ input: Value, features: Int, conditional: Bool, pyTorch: String
  ) -> Value {
    let gates = ChannelLayout(4 * features, .apart(4))
    let biases = conditional ? biasTable : .single
    func module(_ own: String, _ module: String) -> String {
      pyTorchModules[own] = pyTorch + module
      return own
    }
    let left = Convolution(
      module(name + ".left.input", "l"), inputChannels: order(input).channels, outputChannels: gates.channels,
      gateCount: 4, biases: biases, colours: channelGroups, layout: &layout, packing: &packing)
    let right = [("input", input), ("pixel", image)].map { own, value in
      Convolution(
        module(name + ".right." + own, "r." + own), rows: -1...(-1), columns: 0...0, from: order(value), to: gates,
        layout: &layout, packing: &packing)
    }
    let both = [
      add(LinearRecurrence(name: name + ".left", products: [left], flipped: false), [input]),
      add(LinearRecurrence(name: name + ".right", products: right, flipped: true), [input, image]),
    ]
    return sum(both[0], both[1])
  }

  // MARK: Positions and attention

  /// `x` and learned vectors of its row and its column: `name`.rows, `name`.columns.
  package mutating func position(_ name: String, _ x: Value, pyTorch: String) -> Value {
    pyTorchModules[name] = pyTorch
    let layer = PositionEmbeddingLayer(
      name, configuration.shape, channels: order(x).channels, stride: order(x).stride, layout: &layout,
      packing: &packing)
    return add(PositionEmbedding(layer: layer, outputOrder: order(x)), [x])
  }

  /// Causal attention of `heads` heads, each of `key` features of keys and `value` of values: `name`.query, `name`.memory,
  /// `name`.pixel.
  package mutating func attention(
    _ name: String, _ input: Value, heads: Int, key: Int, value: Int, pyTorch: String
  ) -> Value {
    let size = AttentionSize(heads: heads, key: key, value: value, positions: configuration.shape.pixels)
    for part in ["query", "memory", "pixel"] { pyTorchModules["\(name).\(part)"] = "\(pyTorch).\(part)" }
    let query = Convolution(
      name + ".query", inputChannels: order(input).channels, outputChannels: size.keys, colours: channelGroups,
      layout: &layout, packing: &packing)
    let memory = [("memory", input), ("pixel", image)].map { part, value in
      Convolution(
        "\(name).\(part)", rows: 0...0, columns: 0...0, from: order(value),
        to: ChannelLayout(size.keys + size.values, .none(padded: true)), layout: &layout, packing: &packing)
    }
    return add(CausalAttentionOperation(query: query, memory: memory, size: size), [input, image])
  }

  // MARK: Without tensors

  /// φ(x)
  package mutating func activate(_ x: Value, _ activation: Activation) -> Value {
    add(ActivationOperation(activation: activation, outputOrder: order(x)), [x])
  }

  /// a + b, of which b was built last.
  package mutating func sum(_ a: Value, _ b: Value) -> Value {
    precondition(order(a) == order(b), "a sum of \(order(a)) and \(order(b))")
    return add(SumOperation(outputOrder: order(a)), [a, b])
  }

  /// tanh ⊙ σ of 2k pre-activations.
  package mutating func gate(_ x: Value, blanksFirstRow: Bool = false) -> Value {
    add(
      GatedUnitOperation(
        outputOrder: ChannelLayout(order(x).channels / 2, .none(padded: true)), blanksFirstRow: blanksFirstRow), [x])
  }

  /// x, of which training leaves out a share.
  package mutating func dropout(_ x: Value) -> Value { add(DropoutOperation(outputOrder: order(x)), [x]) }

  /// The end of all families: φ, 1×1 → width, φ, 1×1 → logits.
  package mutating func head(_ x: Value, _ activation: Activation = .relu, pyTorch: String) -> Value {
    stage("head", .head) { g in
      let hidden = g.convolution(
        "head.hidden", g.activate(x, activation), to: g.configuration.width, pyTorch: pyTorch + ".1")
      let logits = g.convolution(
        "head.logits", g.activate(hidden, activation), to: g.configuration.outputs, pyTorch: pyTorch + ".3")
      guard let kernelSize = g.configuration.skip else { return logits }
      let skip = g.convolution(
        "head.skip", g.image, to: g.configuration.outputs, kernelSize: kernelSize, mask: .a, belongsToStream: true,
        start: g.configuration.pixelLikelihood.neighbourWeights(channels: g.configuration.shape.channels),
        pyTorch: "skip")
      return g.sum(logits, skip)
    }
  }
}

// MARK: - How it hangs together

extension Graph {
  /// What a convolution leads on to: the sum of which it is the last part, and the activation or gated unit behind.
  package struct Chain {
    package var sum: Int?
    package var ending: Int?
  }

  /// The nodes that read each node; dropout passes on what it reads where it `isOff`. With `living`, only nodes that the
  /// logits depend on.
  package func consumers(living: Set<Int>? = nil, dropoutIsOff isOff: Bool = true) -> [[Int]] {
    var result = [[Int]](repeating: [], count: nodes.count)
    for (number, node) in nodes.enumerated() where living?.contains(number) ?? true {
      if isOff, node.operation is DropoutOperation { continue }
      for input in node.inputs { result[source(input, dropoutIsOff: isOff)].append(number) }
    }
    return result
  }

  /// The node whose value `node` passes on.
  package func source(_ node: Int, dropoutIsOff isOff: Bool = true) -> Int {
    isOff && nodes[node].operation is DropoutOperation ? source(nodes[node].inputs[0]) : node
  }

  /// The nodes that the logits depend on.
  package var living: Set<Int> {
    var result: Set<Int> = [output]
    for number in nodes.indices.reversed() where result.contains(number) { result.formUnion(nodes[number].inputs) }
    return result
  }

  /// The sum that reads node `number`, where nobody else does.
  package func onlySum(behind number: Int, _ consumers: [[Int]]) -> Int? {
    guard consumers[number].count == 1, nodes[consumers[number][0]].operation is SumOperation else { return nil }
    return consumers[number][0]
  }

  /// The chain behind node `number`.
  package func chain(_ number: Int, _ consumers: [[Int]]) -> Chain {
    var chain = Chain()
    var last = number
    if let sum = onlySum(behind: number, consumers), nodes[sum].inputs[1] == number {
      chain.sum = sum
      last = sum
    }
    chain.ending = consumers[last].first {
      nodes[$0].operation is ActivationOperation || nodes[$0].operation is GatedUnitOperation
    }
    return chain
  }
}
