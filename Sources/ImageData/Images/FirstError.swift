// Errors out of parallel work: the one of the lowest item is thrown, whichever thread met it first.
import Core

/// Collects what items of a `parallelFor` throw.
final class FirstError: Sendable {
  private let first = Locked<(item: Int, error: any Error)?>(nil)

  /// Runs `body` for `item` and keeps its error if no lower item has one.
  func record(at item: Int, _ body: () throws -> Void) {
    do { try body() } catch {
      first.withLock { if item < $0?.item ?? .max { $0 = (item, error) } }
    }
  }

  /// Throws the error of the lowest item, if there was one.
  func rethrow() throws {
    if let error = first.withLock({ $0?.error }) { throw error }
  }
}
