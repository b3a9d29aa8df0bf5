// What a run will take: memory and disk, before it takes them.
import Core
import ImageData
import Networks

/// The cost of a run on this machine, counted from its configuration.
package struct ResourceEstimate: Sendable {
  /// Learned parameters.
  package let weights: Int
  /// Bytes of the weights, their average, Adam's moments and the gradient.
  package let parameterBytes: Int
  /// Bytes of what a step works with: activations of each worker, gradients of each shard, packed weights.
  package let stepBytes: Int
  /// Bytes that come and go: the most that an evaluation, a save, a record of the gradient, a grid of samples or a
  /// plot takes.
  package let passingBytes: Int
  /// Bytes of one checkpoint on disk.
  package let checkpointBytes: Int
  /// Bytes of the checkpoints when most of them are there: those kept, the best, and the one that is being written.
  package let diskBytes: Int

  /// The system's own needs as a run goes on: stacks of threads, buffers of files, text, and what the allocator keeps of
  /// what has passed. Of 40 runs measured (`Tests/Torture/memory.sh`) most took 4 to 6 MiB.
  private static let overhead = 6 << 20
  /// A plot of 2300×900 pixels: its values, and the file that is made of them.
  private static let plotBytes = 8 << 20

  /// Counts the cost of a run of `state` on `threads` threads that `drawsPlots` or does not. Its weights must fit into
  /// memory: ``requireRoom(for:threads:drawsPlots:isLoaded:in:path:)`` sees to that.
  package init(_ state: RunState, threads: Int, drawsPlots: Bool = false) {
    let options = state.training ?? TrainingOptions()
    let model = state.model.makeModel()
    weights = model.layout.liveCount
    let vector = model.layout.count * MemoryLayout<Float>.stride
    let dimensions = state.model.shape.dimensions
    let batch = min(options.batchSize, state.data?.trainImages ?? options.batchSize)
    parameterBytes = 5 * vector
    stepBytes =
      BatchGradient.byteCount(model: model, batchSize: batch, threads: threads, dropout: options.dropout)
      + batch * dimensions
    let scored = min(1_000, state.data?.validImages ?? 0)
    let evaluation = scored == 0 ? 0 : Scorer.byteCount(model: model, threads: threads) + scored * dimensions
    // All four files at once, and the values of the moments, the last of them, twice; the contents of the training images
    // as bytes, as text, and as text in the state, copied twice.
    let contents = ContentHashSet.byteCount(state.data?.trainedImages?.count ?? 0)
    let saving = 6 * vector + 5 * contents
    let recording = options.gradientInterval > 0 ? vector : 0
    let sampling =
      options.samples == 0
      ? 0 : Sampler.byteCount(of: model, count: options.samples, threads: threads) + options.samples * dimensions
    passingBytes = max(evaluation, saving, recording, sampling, drawsPlots ? Self.plotBytes : 0)
    // 16 KiB or so of state and manifest, and some hundred bytes for each tensor's name and shape.
    checkpointBytes = 4 * vector + 4 * model.layout.slices.count * 120 + 4096 + contents
    diskBytes = (options.checkpointsKept + 2) * checkpointBytes
  }

  /// Bytes that a run will yet take, over what is resident when its images are read. `isLoaded` where its weights and
  /// moments are in memory already.
  package func growth(isLoaded: Bool = false) -> Int {
    (isLoaded ? parameterBytes / 5 : parameterBytes) + stepBytes + passingBytes + Self.overhead
  }

  /// Throws `usage` where a run of `state` needs more memory than there is, before anything of its size is made: first for
  /// its weights alone, then for all of it. Its images are read by now; `path` names who asked.
  package static func requireRoom(
    for state: RunState, threads: Int, drawsPlots: Bool = false, isLoaded: Bool = false,
    in memory: AvailableMemory = AvailableMemory(), path: String
  ) throws {
    // Five vectors, and packed weights and shards' gradients beside.
    try demand(state.model.parameterCount * 5 * MemoryLayout<Float>.stride, in: memory, state, threads, path)
    let forecast = ResourceEstimate(state, threads: threads, drawsPlots: drawsPlots)
    try demand(forecast.growth(isLoaded: isLoaded), in: memory, state, threads, path)
  }

  private static func demand(
    _ bytes: Int, in memory: AvailableMemory, _ state: RunState, _ threads: Int, _ path: String
  ) throws {
    guard let available = memory.bytes, bytes > available else { return }
    throw ScanlineError(
      .usage, path: path,
      expected: "a run that fits the \(mebibytes(available)) MiB of memory that are available",
      found: "one that takes \(mebibytes(bytes)) MiB more: width \(state.model.width), \(state.model.blocks) blocks, "
        + "\(counted(threads, "thread")), images of \(state.model.shape); smaller ones (`resizing`) take less")
  }

  /// Bytes as mebibytes, rounded up.
  package static func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }
}
