// Held-out images, scored a stretch at a time.
import ImageData
import Networks

extension Scorer {
  /// −log p in nats of the images of `set` at `indices`, in that order. Levels are made a thousand images at a time,
  /// so memory does not grow with the set; `progress` gets the number of images scored so far.
  package func nats(
    _ set: ImageSet, indices: [Int], _ quantization: Quantization, progress: (Int) -> Void = { _ in }
  ) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(indices.count)
    for start in stride(from: 0, to: indices.count, by: 1_000) {
      let part = indices[start..<min(start + 1_000, indices.count)]
      result += nats(quantization.batch(from: set, indices: part))
      progress(result.count)
    }
    return result
  }
}
