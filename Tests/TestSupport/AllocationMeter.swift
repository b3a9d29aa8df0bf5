// The largest block that a piece of code asks the allocator for. Only under AddressSanitizer, whose runtime tells of
// every allocation: `make torture-files` runs the tests that way.
import Foundation

/// Counts the allocations of one thread.
public enum AllocationMeter {
  /// Set while `largest` measures; the hook leaves other threads alone.
  nonisolated(unsafe) private static var thread: pthread_t? = nil
  nonisolated(unsafe) private static var largest = 0
  private static let lock = NSLock()

  private typealias Hook = @convention(c) (UnsafeRawPointer?, Int) -> Void
  private typealias FreeHook = @convention(c) (UnsafeRawPointer?) -> Void

  /// Whether the runtime has the hooks, and they are in.
  private static let isInstalled: Bool = {
    let name = "__sanitizer_install_malloc_and_free_hooks"
    guard let symbol = dlsym(nil, name) else { return false }
    typealias Install = @convention(c) (Hook, FreeHook) -> Int32
    let install = unsafeBitCast(symbol, to: Install.self)
    return install(
      { _, size in
        guard let thread = AllocationMeter.thread, pthread_equal(thread, pthread_self()) != 0 else { return }
        AllocationMeter.largest = max(AllocationMeter.largest, size)
      }, { _ in }) != 0
  }()

  /// Runs `body` and gives the bytes of the largest block that it asked for; nil where nobody counts.
  public static func largest(_ body: () throws -> Void) rethrows -> Int? {
    guard isInstalled else {
      try body()
      return nil
    }
    lock.lock()
    defer {
      thread = nil
      lock.unlock()
    }
    largest = 0
    thread = pthread_self()
    try body()
    return largest
  }
}
