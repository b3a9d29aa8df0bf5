// A masked or 1×1 convolution in a graph.
import Core
import Kernels

/// output = bias + Σ weights · input over the window; see `Convolution`. In a plan it is fused with the sum, the
/// activation or the gated unit that follows, where its kernels know how to end so.
struct ConvolutionOperation: Operation {
  let convolution: Convolution
  /// What it is, in a few words, without what follows it: "3×3 mask B".
  let kind: String
  /// Maps of its output's size that training keeps.
  var keptMaps = 1
  /// Whether its outputs are those of the stream that it is added to: watched before the activation that follows, and no
  /// part of its own in the list of Jacobians.
  var belongsToStream = false

  var title: String { kind }
  var layers: [any ParameterLayer] { [convolution] }
  var outputOrder: ChannelLayout { convolution.outputOrder }
  func window(ofInput index: Int) -> ConvolutionWindow { convolution.window }
  func reach(ofLayer layer: Int) -> Reach { .window(convolution.earlierWindow) }
  func gradientBorder(images: Int) -> FeatureMap.Border { convolution.window.flipped.dilated(by: images).border }

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    ConvolutionForward(makePass(maps, to: .store(maps.output)))
  }

  /// The pass that ends as `output` says.
  func makePass(_ maps: OperationMaps, to output: ConvolutionOutput) -> ConvolutionPass {
    convolution.forward(maps.inputs[0], to: output, images: maps.images, biases: maps.biases)
  }

  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    var passes: [any BackwardPass] = [makeWeightGradient(maps, gradients.output)]
    if let target = gradients.inputs[0] {
      passes += convolution.inputGradientPasses(gradients.output, to: target, images: maps.images)
    }
    return BackwardPasses(passes)
  }

  func makeWeightGradient(_ maps: OperationMaps, _ gradient: FeatureMap) -> any BackwardPass {
    WeightsBackward(
      pass: convolution.weightGradient(maps.inputs[0], gradient, images: maps.images, biases: maps.biases))
  }

  func costs(_ shape: ImageShape) -> [LayerCost] { [convolution.cost(kind, shape, keptMaps: keptMaps)] }

  func jacobians(
    _ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) -> OperationJacobians {
    OperationJacobians(inputs: [.stencil(convolution.doubleStencil(parameters, shape))])
  }
}

extension Convolution: ParameterLayer {
  /// From the gradient of the output to that of the input: stores where nothing is yet, and adds elsewhere.
  func inputGradientPasses(
    _ gradient: FeatureMap, to target: GradientTarget, images: Int
  ) -> [any BackwardPass] {
    let rows = 0..<target.map.height
    var passes: [any BackwardPass] = []
    if target.firstAdded > 0 {
      passes.append(
        InputBackward(
          inputGradient(gradient, to: .store(target.map), images: images), rows: 0..<target.firstAdded))
    }
    if target.firstAdded < rows.upperBound {
      passes.append(
        InputBackward(
          inputGradient(gradient, to: .add(target.map), images: images),
          rows: target.firstAdded..<rows.upperBound))
    }
    return passes
  }
}

/// A convolution forward.
struct ConvolutionForward: ForwardPass {
  private let pass: ConvolutionPass

  init(_ pass: ConvolutionPass) { self.pass = pass }

  func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    pass.run(region, weights: packed.forward)
  }
}

/// A layer's weight gradient.
struct WeightsBackward: BackwardPass {
  let pass: WeightGradientPass

  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) { pass.run(into: gradient) }
}

/// From the gradient of a layer's output to that of its input, in some rows.
struct InputBackward: BackwardPass {
  private let pass: ConvolutionPass
  private let rows: Range<Int>

  init(_ pass: ConvolutionPass, rows: Range<Int>) {
    self.pass = pass
    self.rows = rows
  }

  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) { pass.run(rows, weights: packed.transposed) }
}
