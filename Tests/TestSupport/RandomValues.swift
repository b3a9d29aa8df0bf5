// Inputs of tests, the same every time.
import Core
import Networks

/// `count` numbers uniform in ±`scale`.
package func randomValues(_ count: Int, stream: UInt64, scale: Float = 1) -> [Float] {
  let random = Philox(seed: 42, purpose: .test, stream: stream)
  return (0..<count).map { (2 * random.uniform(at: UInt64($0)) - 1) * scale }
}

/// `count` whole numbers from −`bound` to `bound`: products and sums of a few thousand of them are exact floats.
package func randomIntegers(_ count: Int, stream: UInt64, bound: Int) -> [Float] {
  let random = Philox(seed: 43, purpose: .test, stream: stream)
  return (0..<count).map { Float(random.below(2 * bound + 1, at: UInt64($0)) - bound) }
}

/// `count` images of uniform levels.
package func randomBatch(_ shape: ImageShape, count: Int, levels: Int, stream: UInt64 = 0) -> ImageBatch {
  ImageBatch(
    noise: Philox(seed: 44, purpose: .test, stream: stream), shape: shape, count: count, levels: levels)
}

/// `count` images of uniform levels, of the classes of `configuration` in turn, from the last on, and as if its
/// transformations had made them, every seventh from the third on.
package func randomBatch(_ configuration: ModelConfiguration, count: Int, stream: UInt64 = 0) -> ImageBatch {
  var batch = randomBatch(configuration.shape, count: count, levels: configuration.levels, stream: stream)
  let classes = configuration.classCount
  if classes > 0 { batch.classes = (0..<count).map { classes - 1 - $0 % classes } }
  if let augmentation = configuration.augmentation {
    batch.transformations = (0..<count).map { (3 + 7 * $0) % augmentation.count }
  }
  return batch
}

/// Parameters of `model` with every live element uniform in ±`scale`.
package func randomParameters(_ model: ImageModel, scale: Float, stream: UInt64 = 1) -> ParameterVector {
  let parameters = ParameterVector(layout: model.layout)
  let values = randomValues(model.layout.count, stream: stream, scale: scale)
  for slice in model.layout.slices {
    for i in 0..<slice.count where slice.live?[i] ?? true {
      parameters.storage[slice.offset + i] = values[slice.offset + i]
    }
  }
  return parameters
}
