// The head that all families end in: from the last layer's features to the logits.
import Kernels

/// φ, 1×1 → width, φ, 1×1 → logits; φ is a ReLU except in a PixelCNN of another activation. Tensors: `head.hidden`,
/// `head.logits`, each with `.weight` and `.bias`.
struct Head: Sendable {
  let hidden: Convolution
  let logits: Convolution

  /// The head of `configuration`'s model; its features come in groups of `colours`.
  init(
    _ configuration: ModelConfiguration, _ colours: ColourOrder, layout: inout ParameterLayout,
    packing: inout PackingPlan
  ) {
    let width = configuration.width
    hidden = Convolution(
      "head.hidden", inputChannels: width, outputChannels: width, colours: colours, layout: &layout, packing: &packing)
    logits = Convolution(
      "head.logits", inputChannels: width, outputChannels: configuration.outputs, colours: colours, layout: &layout,
      packing: &packing)
  }

  /// The layers in the order of the forward pass.
  var convolutions: [Convolution] { [hidden, logits] }

  /// Their costs on images of `shape`; `phi` names the activation.
  func costs(_ shape: ImageShape, phi: String = "ReLU") -> [LayerCost] {
    [hidden.cost("1×1, \(phi)", shape), logits.cost("1×1", shape)]
  }

  /// What is watched of them.
  func flowLayers(_ units: UnitKind = .relu) -> [FlowLayer] {
    [FlowLayer(hidden, units), FlowLayer(logits, .linear)]
  }

  // MARK: With ReLUs, which the kernels apply on the way

  /// The rectified features, the hidden layer and the logits; or the gradients with respect to them, those of the features
  /// and of the hidden layer before the ReLU.
  struct Maps {
    let features: FeatureMap, hidden: FeatureMap, logits: FeatureMap
  }

  /// From the features to the logits, on maps of `images` interleaved images.
  func forward(_ maps: Maps, images: Int) -> [ConvolutionPass] {
    [
      hidden.forward(maps.features, to: .rectified(maps.hidden), images: images),
      logits.forward(maps.hidden, to: .store(maps.logits), images: images),
    ]
  }

  /// From the logits' gradient to the features'.
  func backward(_ saved: Maps, _ gradients: Maps, images: Int = 1) -> [BackwardStep] {
    [
      .weights(logits.weightGradient(saved.hidden, gradients.logits, images: images)),
      .input(
        logits.inputGradient(gradients.logits, to: .masked(gradients.hidden, saved: saved.hidden), images: images)),
      .weights(hidden.weightGradient(saved.features, gradients.hidden, images: images)),
      .input(
        hidden.inputGradient(gradients.hidden, to: .masked(gradients.features, saved: saved.features), images: images)),
    ]
  }

  // MARK: Jacobian

  /// The last link of a model's chain, where φ gave `features` and `hiddenMap`.
  func linearized(
    _ features: FeatureMap, _ hiddenMap: FeatureMap, _ activation: Activation, _ parameters: ParameterVector,
    _ shape: ImageShape
  ) -> LinearizedLayer {
    LinearizedLayer(
      name: "head", kind: .head, isLink: true,
      jacobian: .chain([
        .diagonal(activation.slopes(features.values)), hidden.stencil(parameters, shape),
        .diagonal(activation.slopes(hiddenMap.values)), logits.stencil(parameters, shape),
      ]))
  }
}
