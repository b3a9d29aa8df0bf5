// The convolutional layer: a descriptor that knows its slices of the parameters, forward and backward.
import Core
import Kernels

/// Where a weight begins: that of `input` at an offset from the pixel.
package struct WeightStart: Sendable {
  let output: Int, input: Int, dy: Int, dx: Int, weight: Float
}

/// A layer whose output is a sum over a few neighbouring positions: a masked or 1×1 convolution, or the recurrent product
/// over the two positions that a cell of a two-dimensional recurrence goes on from. Masked taps are zero in the flat
/// parameters and do not exist in the packed ones, so nothing is ever multiplied by them and their gradient is zero by
/// construction.
package struct Convolution: Sendable {
  /// The layer's name in the checkpoint.
  package let name: String
  /// Features in, at one position.
  package let inputChannels: Int
  /// Features out; of a gated layer, those of all gates.
  package let outputChannels: Int
  /// The live taps.
  package let window: ConvolutionWindow
  /// The taps through which other pixels are seen.
  let earlierWindow: ConvolutionWindow
  /// How inputs and outputs lie in their maps.
  let inputOrder: ChannelLayout, outputOrder: ChannelLayout
  let weight: ParameterSlice
  let bias: ParameterSlice?
  /// The weights that begin above or below zero, where all others begin there; nil: all are drawn.
  var start: [WeightStart]?
  /// Vᵀ: what is added to the bias for each class, [output, class]; nil where the layer depends on none.
  let classWeight: ParameterSlice?
  /// What is added to the bias for each feature of a transformation, [output, feature]; nil where it depends on none.
  let augmentWeight: ParameterSlice?
  /// The sets of biases that images choose from.
  private let biases: BiasTable
  private var readsImage: Bool { inputOrder.grouping == .none(padded: false) }
  /// Where a weight lies in its slice: output · outputStep + input · inputStep + tapPositions[tap].
  private let outputStep: Int
  private let inputStep: Int
  private let tapPositions: [Int]
  /// Whether a live tap may have weights that are masked: colours, and gates that do not read the input.
  private let masksFeatures: Bool
  /// Outputs that read the input at all.
  private let liveOutputs: Int
  /// Where the weights lie in `PackedParameters.forward`, and their gradient in a packed gradient.
  private let forwardMatrix: PackedMatrix
  /// Where the transposed weights lie in `PackedParameters.transposed`.
  private let transposedMatrix: PackedMatrix

  /// A k×k convolution, masked or 1×1: weight [output, input, k, k], bias [output]. It adds `name`.weight and
  /// `name`.bias to `layout` and its matrices to `packing`. `readsImage` is for a first layer, whose input has no
  /// padding between pixels. Features come in groups of `colours`.
  ///
  /// Where `biases` are conditional, `name`.class.weight [output, K] adds Vᵀc to the bias, c one-hot (van den Oord et
  /// al., "Conditional Image Generation with PixelCNN Decoders", 2016, section 2.3), and `name`.augment.weight
  /// [output, F] likewise a column for each feature of an image's transformation.
  init(
    _ name: String, inputChannels: Int, outputChannels: Int, kernelSize: Int = 1, mask: Mask? = nil,
    gateCount: Int = 1, readsImage: Bool = false, biases: BiasTable = .single, colours: ChannelGroups,
    liveGates: [Bool] = [], layout: inout ParameterLayout, packing: inout PackingPlan
  ) {
    precondition(mask != nil || kernelSize == 1, "a convolution wider than one pixel needs a mask")
    let earlier = mask.map { ConvolutionWindow(size: kernelSize, mask: $0) } ?? .pointwise
    let window = mask.map { ConvolutionWindow(size: kernelSize, mask: colours.groups > 1 ? .b : $0) } ?? .pointwise
    let reach = kernelSize / 2
    let tapCount = kernelSize * kernelSize
    let tapPositions = window.offsets.map { ($0.dy + reach) * kernelSize + $0.dx + reach }
    let taps = Set(tapPositions)
    let (from, to) = Self.orders(inputChannels, outputChannels, gateCount, readsImage)
    let live = (0..<(layout.countsOnly ? 0 : outputChannels * inputChannels * tapCount)).map { i in
      let (pair, tap) = i.quotientAndRemainder(dividingBy: tapCount)
      guard Self.isLive(pair / inputChannels, to, liveGates) else { return false }
      guard taps.contains(tap), colours.groups > 1, tap == reach * kernelSize + reach else { return taps.contains(tap) }
      return colours.allows(pair % inputChannels, of: from, to: pair / inputChannels, of: to, mask ?? .b)
    }
    self.init(
      name, from: from, to: to, window: window, earlierWindow: earlier, colours: colours,
      shape: [outputChannels, inputChannels, kernelSize, kernelSize],
      live: live.allSatisfy { $0 } ? nil : live, liveGates: liveGates, hasBias: true, biases: biases,
      steps: (inputChannels * tapCount, tapCount), tapPositions: tapPositions, layout: &layout, packing: &packing)
  }

  /// The product with what lies in the position beside and the position above: weight [output, 2·input], the position
  /// beside first. Beside is left, or right where `flipped`. A recurrence has no bias of its own; a first layer that reads
  /// the image this way (the shifted input) has one, and its weight the shape [output, 2·input, 1, 1]. With features that
  /// come in groups of `colours` a first layer also sees the pixel itself, through mask A, and its weight is
  /// [output, 3·input, 1, 1].
  init(
    neighbours name: String, inputChannels: Int, outputChannels: Int, gateCount: Int = 1, flipped: Bool = false,
    readsImage: Bool = false, biases: BiasTable = .single, colours: ChannelGroups, liveGates: [Bool] = [],
    layout: inout ParameterLayout, packing: inout PackingPlan
  ) {
    let runs: [ConvolutionWindow.Run] = [
      .init(dy: 0, dx: flipped ? 1 : -1, count: 1), .init(dy: -1, dx: 0, count: 1),
    ]
    let seesItself = readsImage && colours.groups > 1
    let taps = seesItself ? 3 : 2
    let (from, to) = Self.orders(inputChannels, outputChannels, gateCount, readsImage)
    let live = (0..<(layout.countsOnly ? 0 : outputChannels * taps * inputChannels)).map { i in
      let (output, input) = i.quotientAndRemainder(dividingBy: taps * inputChannels)
      guard Self.isLive(output, to, liveGates) else { return false }
      return input < 2 * inputChannels
        || colours.allows(input - 2 * inputChannels, of: from, to: output, of: to, .a)
    }
    self.init(
      name, from: from, to: to,
      window: ConvolutionWindow(runs: runs + (seesItself ? [.init(dy: 0, dx: 0, count: 1)] : [])),
      earlierWindow: ConvolutionWindow(runs: runs), colours: colours,
      shape: [outputChannels, taps * inputChannels] + (readsImage ? [1, 1] : []),
      live: live.allSatisfy { $0 } ? nil : live,
      liveGates: liveGates, hasBias: readsImage, biases: biases, steps: (taps * inputChannels, 1),
      tapPositions: (0..<taps).map { $0 * inputChannels }, layout: &layout, packing: &packing)
  }

  /// Whether output `output` belongs to a gate that reads the input at all; without `liveGates` all do.
  private static func isLive(_ output: Int, _ order: ChannelLayout, _ liveGates: [Bool]) -> Bool {
    liveGates.isEmpty || liveGates[output / (order.channels / order.groups)]
  }

  private static func orders(
    _ inputs: Int, _ outputs: Int, _ gateCount: Int, _ readsImage: Bool
  ) -> (from: ChannelLayout, to: ChannelLayout) {
    (
      ChannelLayout(inputs, .none(padded: !readsImage)),
      ChannelLayout(outputs, gateCount == 1 ? .none(padded: true) : .apart(gateCount))
    )
  }

  /// A kernel of `rows` × `columns` taps about the output's pixel, none of them masked but, by `mask`, features of the
  /// pixel itself where there are `colours`: weight [output, input, rows, columns], bias [output]. Inputs and outputs lie
  /// in their maps as `from` and `to` say.
  init(
    _ name: String, rows: ClosedRange<Int>, columns: ClosedRange<Int>, from: ChannelLayout, to: ChannelLayout,
    biases: BiasTable = .single, colours: ChannelGroups = .none, mask: Mask = .b, layout: inout ParameterLayout,
    packing: inout PackingPlan
  ) {
    let taps = rows.count * columns.count
    let masks = colours.groups > 1 && rows.contains(0) && columns.contains(0)
    let itself = -rows.lowerBound * columns.count - columns.lowerBound
    let live = (0..<(layout.countsOnly ? 0 : to.channels * from.channels * taps)).map { i in
      let (pair, tap) = i.quotientAndRemainder(dividingBy: taps)
      return tap != itself || colours.allows(pair % from.channels, of: from, to: pair / from.channels, of: to, mask)
    }
    let window = ConvolutionWindow(
      runs: rows.map { .init(dy: $0, dx: columns.lowerBound, count: columns.count) })
    let hidesItself = masks && mask == .a
    let earlier = ConvolutionWindow(
      runs: rows.map {
        .init(dy: $0, dx: columns.lowerBound, count: columns.count - (hidesItself && $0 == 0 ? 1 : 0))
      })
    self.init(
      name, from: from, to: to, window: window, earlierWindow: earlier, colours: masks ? colours : .none,
      shape: [to.channels, from.channels, rows.count, columns.count], live: masks && !layout.countsOnly ? live : nil,
      hasBias: true, biases: biases,
      steps: (from.channels * taps, taps), tapPositions: Array(0..<taps), layout: &layout, packing: &packing)
  }

  private init(
    _ name: String, from inputOrder: ChannelLayout, to outputOrder: ChannelLayout, window: ConvolutionWindow,
    earlierWindow: ConvolutionWindow, colours: ChannelGroups, shape: [Int], live: [Bool]?, liveGates: [Bool] = [],
    hasBias: Bool, biases: BiasTable,
    steps: (output: Int, input: Int), tapPositions: [Int],
    layout: inout ParameterLayout, packing: inout PackingPlan
  ) {
    self.name = name
    inputChannels = inputOrder.channels
    outputChannels = outputOrder.channels
    self.inputOrder = inputOrder
    self.outputOrder = outputOrder
    self.window = window
    self.earlierWindow = earlierWindow
    masksFeatures = colours.groups > 1 || liveGates.contains(false)
    liveOutputs =
      liveGates.isEmpty ? outputOrder.channels : outputOrder.channels / liveGates.count * liveGates.count { $0 }
    (outputStep, inputStep) = steps
    self.tapPositions = tapPositions
    weight = layout.append(name + ".weight", shape: shape, live: live)
    precondition(hasBias || !biases.isConditional, "classes and transformations act through the bias")
    self.biases = biases
    func append(_ part: String, _ width: Int) -> ParameterSlice? {
      width > 0 ? layout.append("\(name).\(part).weight", shape: [outputOrder.channels, width]) : nil
    }
    bias = hasBias ? layout.append(name + ".bias", shape: [outputChannels]) : nil
    classWeight = append("class", biases.classes)
    augmentWeight = append("augment", biases.featureCount)
    forwardMatrix = packing.reserveForward(
      depth: window.depth(pixelStride: inputOrder.stride), columns: outputOrder.stride, biasCount: biases.count)
    // A gradient of the image itself is never wanted.
    let readsImage = inputOrder.grouping == .none(padded: false)
    transposedMatrix = packing.reserveTransposed(
      depth: readsImage ? 0 : window.depth(pixelStride: outputOrder.stride),
      columns: readsImage ? Lanes.count : inputOrder.stride)
  }

  /// Features of the output map: the gates, each rounded up to whole vectors where there are several.
  var mapChannels: Int { gateCount == 1 ? outputChannels : forwardMatrix.columns }
  /// Groups that the outputs come in, each rounded up to whole vectors: the gates of a recurrent cell.
  var gateCount: Int { outputOrder.groups }

  // MARK: Passes between given maps

  /// The layer itself, on maps of `images` interleaved images that take `biases`.
  func forward(
    _ input: FeatureMap, to output: ConvolutionOutput, images: Int = 1, biases: BiasSelector? = nil
  ) -> ConvolutionPass {
    ConvolutionPass(
      input, window: window.dilated(by: images), matrix: forwardMatrix, to: output,
      biases: self.biases.isConditional ? biases : nil)
  }

  /// From the gradient of the output to that of the input.
  func inputGradient(
    _ outputGradient: FeatureMap, to output: ConvolutionOutput, images: Int = 1
  ) -> ConvolutionPass {
    ConvolutionPass(
      outputGradient, window: window.flipped.dilated(by: images), matrix: transposedMatrix, to: output)
  }

  /// From input and gradient of the output to the gradient of weight and bias.
  func weightGradient(
    _ input: FeatureMap, _ outputGradient: FeatureMap, images: Int = 1, biases: BiasSelector? = nil
  ) -> WeightGradientPass {
    WeightGradientPass(
      input, window: window.dilated(by: images), outputGradient: outputGradient, matrix: forwardMatrix,
      biases: self.biases.isConditional ? biases : nil)
  }

  // MARK: Packing

  /// Copies the layer's parameters into both packed orders.
  package func pack(_ parameters: ParameterVector, into packed: PackedParameters) {
    let readsImage = readsImage
    forEachWeight { tap, input, column, flat, matrix in
      let value = parameters.storage[flat]
      packed.forward[matrix] = value
      if !readsImage {
        // The flipped window meets the taps in the opposite order; its rows are outputs, its columns inputs.
        let row = (window.taps - 1 - tap) * forwardMatrix.columns + column
        packed.transposed[transposedMatrix.offset + row * transposedMatrix.columns + input] = value
      }
    }
    forEachBias { output, flat, matrix in
      let bias = parameters.storage[flat]
      guard biases.isConditional else {
        packed.forward[matrix] = bias
        return
      }
      for number in 0..<max(1, biases.classes) {
        let ofClass =
          classWeight.map { bias + parameters.storage[$0.offset + output * biases.classes + number] } ?? bias
        for (transformation, features) in biases.features.enumerated() {
          var sum = ofClass
          if let augmentWeight {
            let first = augmentWeight.offset + output * biases.featureCount
            for feature in features { sum += parameters.storage[first + feature] }
          }
          packed.forward[matrix + biases.set(class: number, transformation) * forwardMatrix.columns] = sum
        }
      }
    }
  }

  /// Copies the layer's gradient from the packed order into the flat one; masked taps are not touched.
  package func unpackGradient(_ packed: AlignedBuffer, into gradient: ParameterVector) {
    forEachWeight { _, _, _, flat, matrix in gradient.storage[flat] = packed[matrix] }
    forEachBias { output, flat, matrix in
      guard biases.isConditional else {
        gradient.storage[flat] = packed[matrix]
        return
      }
      let ofFeatures = augmentWeight.map { $0.offset + output * biases.featureCount }
      if let ofFeatures { for feature in 0..<biases.featureCount { gradient.storage[ofFeatures + feature] = 0 } }
      var sum: Float = 0
      for number in 0..<max(1, biases.classes) {
        var ofClass: Float = 0
        for (transformation, features) in biases.features.enumerated() {
          let own = packed[matrix + biases.set(class: number, transformation) * forwardMatrix.columns]
          ofClass = transformation == 0 ? own : ofClass + own
          if let ofFeatures { for feature in features { gradient.storage[ofFeatures + feature] += own } }
        }
        if let classWeight { gradient.storage[classWeight.offset + output * biases.classes + number] = ofClass }
        sum = number == 0 ? ofClass : sum + ofClass
      }
      gradient.storage[flat] = sum
    }
  }

  /// The layer without bias, in double precision, on images of `shape`: outputs in the order of the checkpoint.
  func doubleStencil(_ parameters: ParameterVector, _ shape: ImageShape) -> DoubleStencil {
    var weights = [Double](repeating: 0, count: window.taps * inputChannels * outputChannels)
    for (tap, position) in tapPositions.enumerated() {
      for input in 0..<inputChannels {
        for output in 0..<outputChannels {
          weights[(tap * inputChannels + input) * outputChannels + output] = Double(
            parameters.storage[weight.offset + output * outputStep + input * inputStep + position])
        }
      }
    }
    return DoubleStencil(
      height: shape.height, width: shape.width, inputs: inputChannels, outputs: outputChannels,
      offsets: window.offsets, weights: weights)
  }

  /// Every live weight: tap, the input's position in its pixel, column of the matrix, and its positions in the flat and in
  /// the packed order.
  @inline(__always)
  private func forEachWeight(
    _ body: (_ tap: Int, _ input: Int, _ column: Int, _ flat: Int, _ matrix: Int) -> Void
  ) {
    let inputStride = inputOrder.stride
    let columns = (0..<outputChannels).map(outputOrder.position)
    for (tap, position) in tapPositions.enumerated() {
      for input in 0..<inputChannels {
        let inputPosition = inputOrder.position(input)
        for (output, column) in columns.enumerated() {
          let element = output * outputStep + input * inputStep + position
          if masksFeatures, let live = weight.live, !live[element] { continue }
          body(
            tap, inputPosition, column, weight.offset + element,
            forwardMatrix.offset + (tap * inputStride + inputPosition) * forwardMatrix.columns + column)
        }
      }
    }
  }

  /// Every output, its bias's position in the flat order, and that of the first set's in the packed one.
  @inline(__always)
  private func forEachBias(_ body: (_ output: Int, _ flat: Int, _ matrix: Int) -> Void) {
    guard let bias else { return }
    for o in 0..<outputChannels {
      body(o, bias.offset + o, forwardMatrix.biasOffset + outputOrder.position(o))
    }
  }

  /// Gives the parameters their first values, a function of `seed` and the layer's position. Counted are live taps only.
  /// Classes and transformations begin alike, at zero. The recurrent product is uniform within ±1/√(2k) in any case: paths
  /// through the image multiply.
  package func initialize(_ parameters: ParameterVector, _ initialization: Initialization, seed: UInt64) {
    if let start {
      for first in start {
        guard let tap = window.offsets.firstIndex(where: { $0.dy == first.dy && $0.dx == first.dx }) else { continue }
        parameters.storage[
          weight.offset + first.output * outputStep + first.input * inputStep + tapPositions[tap]] = first.weight
      }
      return
    }
    let inputs = Float(weight.liveCount) / Float(liveOutputs)
    let outputs = Float(outputChannels / gateCount * window.taps)
    let isRecurrent = bias == nil
    let bound =
      switch isRecurrent ? .uniform : initialization {
      case .uniform: 1 / inputs.squareRoot()
      case .he: (6 / inputs).squareRoot()
      case .glorot: (6 / (inputs + outputs)).squareRoot()
      }
    let random = Philox(seed: seed, purpose: .initialization, stream: UInt64(weight.offset))
    for i in 0..<weight.count where weight.live?[i] ?? true {
      parameters.storage[weight.offset + i] = (2 * random.uniform(at: UInt64(i)) - 1) * bound
    }
    guard let bias, initialization == .uniform else { return }
    for i in 0..<bias.count {
      parameters.storage[bias.offset + i] = (2 * random.uniform(at: UInt64(weight.count + i)) - 1) * bound
    }
  }
}
