// Where a pixel lies, told to the network.
import Core
import Kernels

/// y[i, j] = x[i, j] + R[i] + C[j]: learned vectors of the row and of the column, after the axial embeddings of Ho et al.,
/// "Axial Attention in Multidimensional Transformers" (2019). Tensors: `name`.rows [H, channels], `name`.columns
/// [W, channels], both zero at first.
struct PositionEmbedding: Operation {
  let layer: PositionEmbeddingLayer
  let outputOrder: ChannelLayout
  let title = "+ position"
  var layers: [any ParameterLayer] { [layer] }
  var savesInputs: Bool { false }
  var runsInPlace: Bool { true }

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    PositionForward(layer: layer, input: maps.inputs[0], output: maps.output, images: maps.images)
  }

  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    PositionBackward(layer: layer, given: gradients.output, target: gradients.inputs[0], images: maps.images)
  }

  func costs(_ shape: ImageShape) -> [LayerCost] {
    [
      LayerCost(
        name: layer.name, kind: "vectors of rows and columns", parameterCount: layer.rows.count + layer.columns.count,
        multiplyAdds: 0, trainingSteps: 0, samplingSteps: 0, activationBytes: 0)
    ]
  }

  func jacobians(_ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape) -> OperationJacobians {
    OperationJacobians(inputs: [.identity(shape.pixels * outputOrder.channels)])
  }
}

/// R and C.
struct PositionEmbeddingLayer: ParameterLayer {
  let name: String
  let rows: ParameterSlice, columns: ParameterSlice
  private let packed: PackedMatrix
  private let channels: Int

  init(
    _ name: String, _ shape: ImageShape, channels: Int, stride: Int, layout: inout ParameterLayout,
    packing: inout PackingPlan
  ) {
    self.name = name
    self.channels = channels
    rows = layout.append(name + ".rows", shape: [shape.height, channels])
    columns = layout.append(name + ".columns", shape: [shape.width, channels])
    // The last vector lies where a matrix has its bias.
    packed = packing.reserveForward(depth: shape.height + shape.width - 1, columns: stride)
  }

  func initialize(_ parameters: ParameterVector, _ initialization: Initialization, seed: UInt64) {}

  func pack(_ parameters: ParameterVector, into buffers: PackedParameters) {
    forEachElement { buffers.forward[$1] = parameters.storage[$0] }
  }

  func unpackGradient(_ buffer: AlignedBuffer, into gradient: ParameterVector) {
    forEachElement { gradient.storage[$0] = buffer[$1] }
  }

  /// Where the vector of row `y`, or of column `x`, lies for the kernels.
  func row(_ y: Int) -> Int { packed.offset + y * packed.columns }
  func column(_ x: Int) -> Int { row(rows.shape[0] + x) }

  private func forEachElement(_ body: (_ flat: Int, _ packed: Int) -> Void) {
    for (slice, first) in [(rows, row(0)), (columns, column(0))] {
      for i in 0..<slice.count { body(slice.offset + i, first + i / channels * packed.columns + i % channels) }
    }
  }
}

private struct PositionForward: ForwardPass {
  let layer: PositionEmbeddingLayer
  let input: FeatureMap, output: FeatureMap
  let images: Int

  func run(_ region: MapRegion, firstRow: Int, _ packed: PackedParameters) {
    for y in region.rows {
      let row = packed.forward.pointer + layer.row(y - firstRow)
      for x in region.columns {
        let column = packed.forward.pointer + layer.column(x / images)
        addVectors(row, column, to: input.pixel(y, x), into: output.pixel(y, x), count: output.pixelStride)
      }
    }
  }
}

private struct PositionBackward: BackwardPass {
  let layer: PositionEmbeddingLayer
  let given: FeatureMap
  let target: GradientTarget?
  let images: Int

  func run(_ packed: PackedParameters, into gradient: AlignedBuffer) {
    for y in 0..<given.height {
      for x in 0..<given.width {
        addVector(given.pixel(y, x), to: gradient.pointer + layer.row(y), count: given.pixelStride)
        addVector(given.pixel(y, x), to: gradient.pointer + layer.column(x / images), count: given.pixelStride)
      }
    }
    guard let target, target.map.identity != given.identity else { return }
    let columns = 0..<given.width
    copy(
      given, to: target.map,
      in: MapRegion(rows: target.firstAdded > 0 ? 0..<target.firstAdded : 0..<0, columns: columns))
    add(
      given, target.map, to: target.map,
      in: MapRegion(rows: target.firstAdded..<given.height, columns: columns))
  }
}
