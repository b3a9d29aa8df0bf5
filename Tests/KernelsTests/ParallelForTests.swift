import Core
import Foundation
import Kernels
import Synchronization
import Testing

@Suite struct ParallelForTests {
  @Test(arguments: [1, 2, 3, 8, 50]) func everyItemOnceAndWorkersApart(threads: Int) {
    let counts = (0..<37).map { _ in Counter() }
    let busy = (0..<threads).map { _ in Counter() }
    let clashes = Counter()
    parallelFor(37, threads: threads) { item, worker in
      if busy[worker].add(1) != 1 { clashes.add(1) }
      counts[item].add(1)
      busy[worker].add(-1)
    }
    #expect(counts.allSatisfy { $0.value == 1 })
    #expect(clashes.value == 0)
  }

  @Test func nothingToDo() {
    parallelFor(0, threads: 4) { _, _ in Issue.record("there is no item") }
  }

  #if os(Linux)
    private typealias Affinity = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32

    /// Glibc's module leaves out what is GNU's own.
    private func affinity(_ name: String) throws -> Affinity {
      unsafeBitCast(try #require(dlsym(nil, name)), to: Affinity.self)
    }

    /// Those of the calling thread's affinity, the one thing that can be changed from here; it is put back.
    @Test func threadsAreThoseOfTheAffinity() throws {
      let (get, set) = try (affinity("sched_getaffinity"), affinity("sched_setaffinity"))
      // A bit for each of 1024 processors.
      var former = [UInt8](repeating: 0, count: 128)
      #expect(get(0, former.count, &former) >= 0)
      defer { #expect(set(0, former.count, &former) == 0) }
      let allowed = (0..<1024).filter { former[$0 / 8] >> ($0 % 8) & 1 == 1 }
      // A control group may grant fewer than the affinity.
      let all = availableThreads()
      #expect((1...allowed.count).contains(all))
      for count in 1...allowed.count {
        var fewer = [UInt8](repeating: 0, count: 128)
        for processor in allowed.prefix(count) { fewer[processor / 8] |= 1 << (processor % 8) }
        #expect(set(0, fewer.count, &fewer) == 0)
        #expect(availableThreads() == min(count, all), "\(count) of \(allowed.count)")
      }
      let quota = try? String(contentsOfFile: "/sys/fs/cgroup/cpu.max", encoding: .utf8)
      if quota?.hasPrefix("max") == true { #expect(all == allowed.count) }
    }
  #endif
}

private final class Counter: Sendable {
  private let number = Atomic<Int>(0)
  var value: Int { number.load(ordering: .relaxed) }
  @discardableResult func add(_ n: Int) -> Int { number.wrappingAdd(n, ordering: .relaxed).newValue }
}
