// The largest block that a piece of code asks the allocator for. Only under AddressSanitizer, whose runtime tells of
// every allocation: `make torture-files` runs the tests that way.
import Foundation
import Kernels
import Synchronization

/// Counts the allocations of one thread at a time.
package enum AllocationMeter {
  /// Who is measured; 0 where nobody is. The hook runs on all threads, and leaves the others alone.
  private static let thread = Atomic<UInt>(0)
  private static let largest = Atomic<Int>(0)
  private static let lock = NSLock()

  private typealias Hook = @convention(c) (UnsafeRawPointer?, Int) -> Void
  private typealias FreeHook = @convention(c) (UnsafeRawPointer?) -> Void

  private static var thisThread: UInt { withUnsafeBytes(of: pthread_self()) { $0.load(as: UInt.self) } }

  /// Whether the runtime has the hooks, and they are in.
  private static let isInstalled: Bool = {
    guard dlsym(nil, "__asan_init") != nil, let symbol = dlsym(nil, "__sanitizer_install_malloc_and_free_hooks") else {
      return false
    }
    typealias Install = @convention(c) (Hook, FreeHook) -> Int32
    let install = unsafeBitCast(symbol, to: Install.self)
    // Before the hook needs them: to make them may allocate.
    thread.store(0, ordering: .relaxed)
    largest.store(0, ordering: .relaxed)
    return install(
      { _, size in
        guard AllocationMeter.thread.load(ordering: .relaxed) == AllocationMeter.thisThread else { return }
        AllocationMeter.largest.max(size, ordering: .relaxed)
      }, { _ in }) != 0
  }()

  /// Runs `body` and gives the bytes of the largest block that it asked for; nil where nobody counts.
  package static func largest(_ body: () throws -> Void) rethrows -> Int? {
    guard isInstalled else {
      try body()
      return nil
    }
    lock.lock()
    defer {
      thread.store(0, ordering: .relaxed)
      lock.unlock()
    }
    largest.store(0, ordering: .relaxed)
    thread.store(thisThread, ordering: .relaxed)
    try body()
    thread.store(0, ordering: .relaxed)
    return largest.load(ordering: .relaxed)
  }
}
