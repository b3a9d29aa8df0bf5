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

  @Test func threadsAreAvailable() { #expect(availableThreads() >= 1) }
}

private final class Counter: Sendable {
  private let number = Atomic<Int>(0)
  var value: Int { number.load(ordering: .relaxed) }
  @discardableResult func add(_ n: Int) -> Int { number.wrappingAdd(n, ordering: .relaxed).newValue }
}
