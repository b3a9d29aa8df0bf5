// The one way in which this package runs on several threads.
import CScanline
import Dispatch
import Synchronization

/// Runs `body(item, worker)` for every item in 0..<`count` on `threads` Dispatch workers and returns when all
/// are done. Items are handed out one by one in order, so uneven ones balance; which worker gets which is not
/// fixed, so a result may depend on `item` but never on `worker`, which only names scratch memory:
/// worker < min(threads, count).
package func parallelFor(_ count: Int, threads: Int, _ body: (_ item: Int, _ worker: Int) -> Void) {
  precondition(threads > 0, "parallelFor needs at least one thread")
  let workers = min(threads, count)
  guard workers > 1 else {
    for item in 0..<count { body(item, 0) }
    return
  }
  let next = Atomic<Int>(0)
  // The closure runs on other threads only while this call waits, and what it writes is kept apart by item.
  nonisolated(unsafe) let body = body
  DispatchQueue.concurrentPerform(iterations: workers) { worker in
    while true {
      let item = next.wrappingAdd(1, ordering: .relaxed).oldValue
      if item >= count { return }
      body(item, worker)
    }
  }
}

/// How many threads this process may use: the processors its affinity allows, no more than the quota of
/// its control group rounded up.
public func availableThreads() -> Int {
  #if os(Linux)
    let allowed = max(1, Int(scanline_affinity_count()))
    return max(1, min(allowed, controlGroupQuota() ?? allowed))
  #else
    return max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  #endif
}

#if os(Linux)
  /// Processors granted by the control group (version 2's cpu.max, or version 1's pair), nil where unlimited.
  private func controlGroupQuota() -> Int? {
    func words(_ path: String) -> [Int]? {
      let words = AvailableMemory.text(path).split(whereSeparator: \.isWhitespace)
      return words.isEmpty ? nil : words.map { Int($0) ?? -1 }
    }
    let base = "/sys/fs/cgroup/"
    let quota =
      words(base + "cpu.max")
      ?? (words(base + "cpu/cpu.cfs_quota_us") ?? []) + (words(base + "cpu/cpu.cfs_period_us") ?? [])
    guard quota.count == 2, quota[0] > 0, quota[1] > 0 else { return nil }
    return (quota[0] + quota[1] - 1) / quota[1]
  }
#endif
