// Operations that take each position of their inputs to the same position of their output: the image, activations, sums.
import Core
import Kernels

/// The image as the network reads it, H×W×C: the graph's first value.
struct ImageOperation: Operation {
  let title = "image"
  let outputOrder: ChannelLayout
  var savesInputs: Bool { false }

  func makeForward(_ maps: OperationMaps) -> any ForwardPass { MapPass(maps.output) { _ in } }
  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    BackwardPasses()
  }
  func jacobians(
    _ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) -> OperationJacobians { preconditionFailure("the image depends on nothing") }
}

/// φ(x).
struct ActivationOperation: Operation {
  let activation: Activation
  let outputOrder: ChannelLayout
  var title: String { activation == .relu ? "ReLU" : activation.rawValue }
  var savesInputs: Bool { false }
  var savesOutput: Bool { true }
  var runsInPlace: Bool { true }

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    let (source, target, activation) = (maps.inputs[0], maps.output, activation)
    return MapPass(target) { activate(source, by: activation, to: target, in: $0) }
  }

  /// φ′ follows from what φ gave.
  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    guard let target = gradients.inputs[0] else { return BackwardPasses() }
    let (given, saved, activation) = (gradients.output, maps.output, activation)
    return MapPass(target.map) { region in
      guard target.isWhole else {
        return multiplyBySlope(given, of: activation, saved: saved, to: target.map, in: region)
      }
      multiplyBySlope(given, of: activation, saved: saved, to: given, in: region)
      add(given, target.map, to: target.map, in: region)
    }
  }

  func jacobians(
    _ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) -> OperationJacobians {
    OperationJacobians(inputs: [.diagonal(activation.slopes(maps.output.values))])
  }
}

/// a + b: a residual connection, or two stacks put together.
struct SumOperation: Operation {
  let title = "+"
  let outputOrder: ChannelLayout
  var savesInputs: Bool { false }
  var runsInPlace: Bool { true }

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    let (a, b, target) = (maps.inputs[0], maps.inputs[1], maps.output)
    return MapPass(target) { add(a, b, to: target, in: $0) }
  }

  /// Nothing to do: both inputs have the output's gradient. See `BackwardPlanner`.
  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    BackwardPasses()
  }

  func jacobians(
    _ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) -> OperationJacobians {
    let identity = LinearOperator.identity(shape.pixels * outputOrder.channels)
    return OperationJacobians(inputs: [identity, identity])
  }
}

/// x dropped out while training; x itself otherwise.
struct DropoutOperation: Operation {
  let title = "dropout"
  let outputOrder: ChannelLayout
  var savesInputs: Bool { false }
  var runsInPlace: Bool { true }

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    guard let mask = maps.mask else { preconditionFailure("dropout without a mask") }
    let (source, target) = (maps.inputs[0], maps.output)
    return MapPass(target) { mask.apply(source, to: target, in: $0) }
  }

  /// The gradient of what was left out is zero.
  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    guard let mask = maps.mask, let target = gradients.inputs[0] else { return BackwardPasses() }
    let given = gradients.output
    return MapPass(target.map) { region in
      guard target.isWhole else { return mask.apply(given, to: target.map, in: region) }
      mask.apply(given, to: given, in: region)
      add(given, target.map, to: target.map, in: region)
    }
  }

  func jacobians(
    _ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape
  ) -> OperationJacobians { preconditionFailure("dropout has no part in a Jacobian") }
}
