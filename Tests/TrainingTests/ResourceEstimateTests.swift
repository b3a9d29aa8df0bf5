// What a run will take, counted beforehand, against what it takes.
import Core
import Foundation
import ImageData
import Networks
import Testing
import Training

@Suite struct ResourceEstimateTests {
  private func configuration(
    _ kind: ModelKind, width: Int, blocks: Int, height: Int, columns: Int, channels: Int = 1
  ) -> ModelConfiguration {
    ModelConfiguration(
      model: kind, width: width, blocks: blocks, shape: ImageShape(height: height, width: columns, channels: channels),
      levels: 4)
  }

  /// Memory is counted from tiny models, exactly.
  @Test(arguments: ModelKind.allCases) func countsAreThoseOfTheRealThing(kind: ModelKind) throws {
    for (width, blocks, height, columns, channels) in [(6, 1, 5, 9, 1), (20, 3, 12, 7, 1), (36, 2, 8, 8, 3)] {
      var real = configuration(kind, width: width, blocks: blocks, height: height, columns: columns, channels: channels)
      if channels == 3 { real.classNames = ["a", "b", "c"] }
      try real.validate(path: "test")
      let model = real.makeModel()
      #expect(real.parameterCount == model.layout.count)
      for purpose in [WorkspacePurpose.training(), .training(dropout: 0.5), .evaluation] {
        #expect(model.workspaceBytes(purpose) == model.makeWorkspace(purpose).byteCount, "\(purpose)")
      }
      // The engine's own count leaves the packed weights out.
      let engine = BatchGradient(model: model, batchSize: 9, threads: 3)
      let packed = BatchGradient.byteCount(model: model, batchSize: 9, threads: 3) - engine.byteCount
      #expect(packed > 0 && packed < 16 * 4 * (model.layout.count + 64 * model.layout.slices.count), "\(packed)")
    }
    // Beyond all measure: counted at once, and refused.
    let large = configuration(kind, width: 4096, blocks: 1000, height: 28, columns: 28)
    let clock = ContinuousClock()
    let time = clock.measure { #expect(large.parameterCount > 1 << 34) }
    #expect(time < .seconds(1))
    let error = failure { try large.validate(path: "test") }
    #expect(error?.kind == .usage && error?.expected == "a model of at most 2²⁸ weights")
  }

  @Test func aRunThatDoesNotFitIsRefused() throws {
    let run = TinyRun()
    let state = try run.state()
    let forecast = ResourceEstimate(state, threads: 2)
    let trainer = try run.trainer()
    #expect(forecast.weights == trainer.adam.parameters.layout.liveCount)
    #expect(forecast.growth() == forecast.growth(isLoaded: true) + forecast.parameterBytes / 5 * 4)

    let scratch = Scratch()
    let needed = (forecast.growth() + 1023) / 1024
    for (free, fits) in [(needed, true), (needed - 1, false)] {
      try system(scratch, ["proc/meminfo": "MemTotal: 99 kB\nMemAvailable:  \(free) kB\n"])
      let memory = AvailableMemory(root: scratch.path)
      #if os(Linux)
        #expect(memory.bytes == free * 1024 && memory.resident > 0)
        if fits {
          try ResourceEstimate.requireRoom(for: state, threads: 2, in: memory, path: "train")
        } else {
          let error = failure { try ResourceEstimate.requireRoom(for: state, threads: 2, in: memory, path: "train") }
          #expect(error?.kind == .usage && error?.expected.contains("MiB of memory that are available") == true)
        }
      #endif
    }
  }

  #if os(Linux)
    /// The least of what the system, the group and the groups above it leave.
    @Test func theControlGroupCounts() throws {
      let scratch = Scratch()
      let meminfo = "MemAvailable:   1000000 kB\n"
      try system(
        scratch,
        [
          "proc/meminfo": meminfo, "proc/self/cgroup": "0::/outer/inner\n",
          "sys/fs/cgroup/outer/memory.max": "500000000\n", "sys/fs/cgroup/outer/memory.current": "450000000\n",
          "sys/fs/cgroup/outer/memory.stat": "anon 400000000\nfile 30000000\n",
          "sys/fs/cgroup/outer/inner/memory.max": "max\n", "sys/fs/cgroup/outer/inner/memory.current": "7\n",
        ])
      #expect(AvailableMemory(root: scratch.path).bytes == 80_000_000)
      let other = Scratch()
      try system(
        other,
        [
          "proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/a\n3:cpu:/b\n0::/\n",
          "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "900000\n",
          "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "600000\n",
          "sys/fs/cgroup/memory/a/memory.stat": "cache 1\ntotal_cache 50000\n",
          "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
          "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
        ])
      #expect(AvailableMemory(root: other.path).bytes == 350_000)
      #expect(AvailableMemory(root: scratch.path + "/none").bytes == nil)
      #expect((AvailableMemory().bytes ?? 0) > 1 << 20)
    }

    /// A group without a limit has one next to the largest integer in version 1, and use and cache are read one after the
    /// other: more can be cached than is in use. What the files say is taken for what it means, however large.
    @Test(arguments: [
      ("1000", "9000000"), ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "1"),
    ])
    func aGroupWithoutALimitMayCacheMoreThanItUses(use: String, cache: String) throws {
      let scratch = Scratch()
      var files = [
        "proc/meminfo": "MemAvailable:   1000 kB\n", "proc/self/cgroup": "4:memory:/\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": use + "\n",
        "sys/fs/cgroup/memory/memory.stat": "total_cache \(cache)\n",
      ]
      try system(scratch, files)
      #expect(AvailableMemory(root: scratch.path).bytes == 1_024_000)
      files["sys/fs/cgroup/memory/memory.limit_in_bytes"] = "500000\n"
      files["sys/fs/cgroup/memory/memory.usage_in_bytes"] = "600000\n"
      files["sys/fs/cgroup/memory/memory.stat"] = "total_cache 200000\n"
      try system(scratch, files)
      #expect(AvailableMemory(root: scratch.path).bytes == 100_000)
      files["proc/meminfo"] = "MemAvailable:   9223372036854775807 kB\n"
      try system(scratch, files)
      #expect(AvailableMemory(root: scratch.path).bytes == 100_000)
    }
  #endif

  /// Files of a system that is not there.
  private func system(_ scratch: Scratch, _ files: [String: String]) throws {
    for (path, text) in files {
      let url = URL(fileURLWithPath: scratch.path + "/" + path)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
  }
}
