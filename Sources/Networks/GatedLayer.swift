// One layer of a Gated PixelCNN on its way forward: its maps and the passes between them.
import Kernels

/// What a layer of k features computes on the way forward.
struct GatedMaps {
  /// The vertical stack's pre-activations, 2k.
  let sums: FeatureMap
  /// Its output, k, zero in the image's first row and bordered, since the next layer's 2×3 reads it.
  let above: FeatureMap
  /// What the link gives, then tanh and σ of the horizontal stack's pre-activations, 2k.
  let gates: FeatureMap
  /// Their product, k.
  let gated: FeatureMap
  /// What `output` reads of it.
  let thinned: Dropout.Layer
  /// The horizontal stack's output, k.
  let stream: FeatureMap

  /// `scratch` lends its maps of what no other pixel reads.
  init(_ model: GatedPixelCNN, _ maker: MapMaker, scratch: GatedMaps?, dropout: Dropout?) {
    let width = model.configuration.width
    let halves = ChannelOrder(2 * width, .interleaved(2)).stride
    let beside = maker.beside
    // Where a pixel is run once for each of its channels, its link is too.
    let keepsSums = model.configuration.drawsChannelsApart
    sums = (keepsSums ? nil : scratch?.sums) ?? maker.passingMap(halves)
    above = maker.map(width, border: .init(top: 1, left: beside, right: beside))
    gates = maker.passingMap(halves)
    gated = scratch?.gated ?? maker.passingMap(width)
    thinned = dropout.layer(gated, maker)
    stream = maker.passingMap(width, border: .init(left: beside))
  }
}

/// One layer between given maps.
final class GatedRunner {
  let maps: GatedMaps
  /// What the two stacks read.
  let sources: (vertical: FeatureMap, horizontal: FeatureMap)
  private let isLast: Bool
  private let sumsPass: ConvolutionPass
  private let verticalPass: ConvolutionPass
  private let linkPass: ConvolutionPass
  private let horizontalPass: ConvolutionPass
  private let outputSteps: [ForwardStep]

  /// The last layer leaves its output in `rectified`, after the head's ReLU.
  init(
    _ layer: GatedPixelCNN.Layer, from sources: (vertical: FeatureMap, horizontal: FeatureMap), maps: GatedMaps,
    isFirst: Bool, rectified: FeatureMap?, images: Int, classes: BiasChoice?
  ) {
    self.maps = maps
    self.sources = sources
    isLast = rectified != nil
    sumsPass = layer.vertical.forward(sources.vertical, to: .store(maps.sums), images: images, classes: classes)
    verticalPass = layer.vertical.forward(
      sources.vertical, to: .gated(sums: maps.sums, output: maps.above), images: images, classes: classes)
    linkPass = layer.link.forward(maps.sums, to: .store(maps.gates), images: images)
    horizontalPass = layer.horizontal.forward(
      sources.horizontal, to: .addGated(gates: maps.gates, output: maps.gated), images: images, classes: classes)
    let ending: ConvolutionOutput =
      switch (isFirst, rectified) {
      case (true, nil): .store(maps.stream)
      case (false, nil): .plus(sources.horizontal, to: maps.stream)
      case (true, let target?): .rectified(target)
      case (false, let target?): .plusRectified(sources.horizontal, to: target)
      }
    outputSteps =
      maps.thinned.forward
      + [.convolution(layer.output.forward(maps.thinned.target, to: ending, images: images))]
  }

  /// The vertical stack and its link in whole rows. Row `firstRow` is the image's first: there it gives the bias to the
  /// horizontal stack, and nothing to its own next layer.
  func runVertical(_ rows: Range<Int>, firstRow: Int?, _ packed: PackedParameters) {
    var gatedRows = isLast ? rows.upperBound..<rows.upperBound : rows
    if rows.lowerBound == firstRow && !isLast {
      gatedRows = rows.lowerBound + 1..<rows.upperBound
      clear(maps.above, in: MapRegion(row: rows.lowerBound, columns: 0..<maps.above.width))
    }
    sumsPass.run(rows.lowerBound..<gatedRows.lowerBound, weights: packed.forward)
    verticalPass.run(gatedRows, weights: packed.forward)
    linkPass.run(rows, weights: packed.forward)
  }

  /// The link alone, once more: the horizontal stack adds to what it gives.
  func runLink(_ region: MapRegion, _ packed: PackedParameters) { linkPass.run(region, weights: packed.forward) }

  /// The horizontal stack where the vertical one has been run.
  func runHorizontal(_ region: MapRegion, _ packed: PackedParameters) {
    horizontalPass.run(region, weights: packed.forward)
    for step in outputSteps { step.run(region, packed) }
  }
}
