// `scanline benchmark cores`: what more cores would give, by measurement here and a model beyond.
import ArgumentParser
import Core
import Kernels
import Networks

struct CoresBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cores",
    abstract: "What 8, 32 or 64 cores would make of a training step.",
    discussion: """
      Measures a step on one thread and on all, packing and Adam on one thread, the addition of the shards, and \
      the memory's bandwidth. A step on P cores is then put together of:
        packing, unpacking and Adam, at the time of one thread (they are shared out too: a high estimate);
        shards / P shards, rounded up, each a shard's part of the rest on one thread;
        the addition of the shards, at P times the rate of one thread, at most at the memory's bandwidth;
      and, where the activations of P images do not fit in the caches, it takes no less than writing them once and \
      reading them once takes. (A core writes and reads some of them within its own cache: this is the worst case.)
      The bandwidth beyond the threads measured is --bandwidth, or else what all threads reach here: for a machine with \
      more cores that is a low estimate. The row of the measured number of threads tests the model.

      Example:
        scanline benchmark cores --model pixelcnn --width 32 --batch 64 \\
          --bandwidth 200
      """)
  @OptionGroup var options: BenchmarkOptions
  @Option(help: "Gigabytes a second that the memory of a larger machine gives (default: as measured here).")
  var bandwidth: Double?
  @Flag(help: "One JSON object instead of a table.") var json = false

  func validate() throws {
    guard bandwidth.map({ $0 > 0 && $0.isFinite }) ?? true else { throw ValidationError("--bandwidth is positive.") }
  }

  /// A step, in seconds on one thread and bytes.
  private struct Measured: Encodable {
    var threads: Int
    var batch: Int
    var shards: Int
    var secondsOneThread: Double
    var secondsAllThreads: Double
    var serialSeconds: Double
    var reductionSeconds: Double
    var reductionBytes: Int
    var activationBytes: Int
    /// Bytes a second.
    var bandwidthOneThread: Double
    var bandwidthAllThreads: Double
  }

  private struct Row: Encodable {
    var cores: Int
    var imagesPerSecond: Double
    var speedUp: Double
    /// Images a second at least, where activations go through memory.
    var imagesPerSecondThroughMemory: Double
  }

  private struct Report: Encodable {
    var measured: Measured
    var bandwidth: Double
    var rows: [Row]
  }

  func run() throws {
    let model = try options.makeModel()
    let measured = measure(model, options.makeBatch())
    let ceiling = bandwidth.map { $0 * 1e9 } ?? measured.bandwidthAllThreads
    let counts = Set([1, measured.threads, 8, 32, 64]).sorted()
    let rows = counts.map { row($0, measured, ceiling) }
    if json { return try printJSON(Report(measured: measured, bandwidth: ceiling, rows: rows)) }
    print(
      """
      measured on 1 and \(counted(measured.threads, "thread")), a batch of \(counted(measured.batch, "image")) in \(counted(measured.shards, "shard"))
      a step on 1 thread        \((measured.secondsOneThread * 1e3).text(2)) ms
      a step on \(counted(measured.threads, "thread"))       \((measured.secondsAllThreads * 1e3).text(2)) ms, \
      \((measured.secondsOneThread / measured.secondsAllThreads).text(2)) times as fast
      on one thread alone       \((measured.serialSeconds * 1e3).text(3)) ms, \
      \((100 * measured.serialSeconds / measured.secondsOneThread).text(2))% of a step
      adding up the shards      \((measured.reductionSeconds * 1e3).text(3)) ms, \
      \((Double(measured.reductionBytes) / 1e6).text(1)) MB read
      activations of a step     \((Double(measured.activationBytes) / 1e6).text(1)) MB
      memory's bandwidth        \((measured.bandwidthOneThread / 1e9).text(1)) GB/s on 1 thread, \
      \((measured.bandwidthAllThreads / 1e9).text(1)) on \(measured.threads); beyond: \((ceiling / 1e9).text(0))

      """)
    print(
      textTable(
        ["cores", "images/s", "times one", "of ideal", "if activations go through memory"],
        rows.map {
          [
            "\($0.cores)", $0.imagesPerSecond.text(0), $0.speedUp.text(2),
            (100 * $0.speedUp / Double($0.cores)).text(0) + "%", $0.imagesPerSecondThroughMemory.text(0),
          ]
        }))
  }

  private func measure(_ model: ImageModel, _ batch: ImageBatch) -> Measured {
    let work = StepWork(model, batch, threads: options.threadCount)
    let bandwidth = BandwidthTest()
    work.step(work.alone)
    let seconds = options.medians { time in
      time("one") { work.step(work.alone) }
      time("all") { work.step(work.together) }
      time("serial") { work.runSerialParts() }
      time("reduction") { work.run(.reduction) }
      time("unpacking") { work.unpack() }
      time("read on one") { bandwidth.run(threads: 1) }
      time("read on all") { bandwidth.run(threads: options.threadCount) }
    }
    let shards = work.alone.gradient.shards
    return Measured(
      threads: options.threadCount, batch: options.batch, shards: shards, secondsOneThread: seconds("one"),
      secondsAllThreads: seconds("all"), serialSeconds: seconds("serial") + seconds("unpacking"),
      reductionSeconds: seconds("reduction") - seconds("unpacking"),
      reductionBytes: (shards + 1) * model.makePackedGradient().count * MemoryLayout<Float>.stride,
      activationBytes: model.workspaceBytes(.training()) / model.imagesPerPass * options.batch,
      bandwidthOneThread: Double(bandwidth.byteCount) / seconds("read on one"),
      bandwidthAllThreads: Double(bandwidth.byteCount) / seconds("read on all"))
  }

  private func row(_ cores: Int, _ m: Measured, _ ceiling: Double) -> Row {
    let available = cores <= 1 ? m.bandwidthOneThread : min(ceiling, m.bandwidthOneThread * Double(cores))
    let shard = (m.secondsOneThread - m.serialSeconds - m.reductionSeconds) / Double(m.shards)
    let rounds = Double((m.shards + cores - 1) / cores)
    let reduction = max(m.reductionSeconds / Double(cores), Double(m.reductionBytes) / available)
    let seconds = m.serialSeconds + rounds * shard + min(reduction, m.reductionSeconds)
    let throughMemory = max(seconds, Double(2 * m.activationBytes) / available)
    return Row(
      cores: cores, imagesPerSecond: Double(m.batch) / seconds, speedUp: m.secondsOneThread / seconds,
      imagesPerSecondThroughMemory: Double(m.batch) / throughMemory)
  }
}

/// What adding up shards does, on more memory than a cache holds.
private struct BandwidthTest {
  private static let count = 8 << 20
  private static let slice = 16_384
  private let sources = (0..<8).map { _ in AlignedBuffer(count: Self.count) }
  private let target = AlignedBuffer(count: Self.count)

  /// Bytes that a run reads and writes.
  var byteCount: Int { (sources.count + 1) * Self.count * MemoryLayout<Float>.stride }

  func run(threads: Int) {
    parallelFor(Self.count / Self.slice, threads: threads) { index, _ in
      sum(sources, scaledBy: 1, into: target, range: index * Self.slice..<(index + 1) * Self.slice)
    }
  }
}
