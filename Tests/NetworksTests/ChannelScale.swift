// An operation that no model of the library has, whole in one file: what adding one takes.
import Core
import Kernels
import Networks

/// y = γ ⊙ x, a learned factor for each channel: LayerScale of Touvron et al., "Going Deeper with Image Transformers"
/// (2021), section 3. Tensor: `name`.scale [channels].
struct ChannelScale: Operation {
  let layer: ChannelScaleLayer
  let outputOrder: ChannelLayout
  let title = "scale"
  var layers: [any ParameterLayer] { [layer] }

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    ScaleForward(layer: layer, input: maps.inputs[0], output: maps.output)
  }

  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    ScaleBackward(layer: layer, input: maps.inputs[0], given: gradients.output, target: gradients.inputs[0])
  }

  func costs(_ shape: ImageShape) -> [LayerCost] {
    let channels = outputOrder.channels
    return [
      LayerCost(
        name: layer.name, kind: title, parameterCount: channels, multiplyAdds: shape.pixels * channels,
        trainingSteps: 1,
        samplingSteps: shape.pixels, activationBytes: shape.pixels * outputOrder.stride * 4)
    ]
  }

  func jacobians(_ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape) -> OperationJacobians {
    let factors = parameters[layer.scale].map(Double.init)
    return OperationJacobians(inputs: [.diagonal((0..<shape.pixels).flatMap { _ in factors })])
  }
}

/// γ, which begins at 0.1.
struct ChannelScaleLayer: ParameterLayer {
  let name: String
  let scale: ParameterSlice
  private let packed: PackedMatrix

  init(_ name: String, channels: Int, stride: Int, layout: inout ParameterLayout, packing: inout PackingPlan) {
    self.name = name
    scale = layout.append(name + ".scale", shape: [channels])
    packed = packing.reserveForward(depth: 0, columns: stride)
  }

  func initialize(_ parameters: ParameterVector, _ initialization: Initialization, seed: UInt64) {
    for i in scale.range { parameters.storage[i] = 0.1 }
  }

  func pack(_ parameters: ParameterVector, into buffers: PackedParameters) {
    for i in 0..<scale.count { buffers.forward[position(i)] = parameters.storage[scale.offset + i] }
  }

  func unpackGradient(_ buffer: AlignedBuffer, into gradient: ParameterVector) {
    for i in 0..<scale.count { gradient.storage[scale.offset + i] = buffer[position(i)] }
  }

  /// Where the factor of a channel lies for the kernels.
  func position(_ channel: Int) -> Int { packed.offset + channel }
}

private struct ScaleForward: ForwardPass {
  let layer: ChannelScaleLayer
  let input: FeatureMap, output: FeatureMap

  func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    for y in region.rows {
      for x in region.columns {
        for c in 0..<output.channels { output[y, x, c] = packed.forward[layer.position(c)] * input[y, x, c] }
      }
    }
  }
}

private struct ScaleBackward: BackwardPass {
  let layer: ChannelScaleLayer
  let input: FeatureMap, given: FeatureMap
  let target: GradientTarget?

  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    for y in 0..<given.height {
      for x in 0..<given.width {
        for c in 0..<given.channels {
          gradient[layer.position(c)] += given[y, x, c] * input[y, x, c]
          guard let target else { continue }
          let own = packed.forward[layer.position(c)] * given[y, x, c]
          target.map[y, x, c] = y < target.firstAdded ? own : target.map[y, x, c] + own
        }
      }
    }
  }
}

extension Graph {
  /// `x` with each channel times a learned factor.
  mutating func scale(_ name: String, _ x: Value) -> Value {
    let order = order(x)
    let layer = ChannelScaleLayer(
      name, channels: order.channels, stride: order.stride, layout: &layout, packing: &packing)
    return add(ChannelScale(layer: layer, outputOrder: order), [x])
  }
}
