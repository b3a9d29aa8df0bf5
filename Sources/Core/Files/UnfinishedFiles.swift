// Hidden files and folders under way to their names: a signal that ends the process removes them first.

/// The temporary files and folders of this process. A signal ends a process at any moment of a write, so this is the one
/// thing that all writers share with whoever handles signals.
package enum UnfinishedFiles {
  private static let paths = Locked<Set<String>>([])

  /// Registers `path`, which `make` creates. Throws what `make` throws; then nothing is registered.
  package static func begin<Result>(_ path: String, make: () throws -> Result) rethrows -> Result {
    try paths.withLock { paths in
      let result = try make()
      paths.insert(path)
      return result
    }
  }

  /// Calls `finish`, which gives `path` its own name or removes it; no signal ends the process in between. It is no longer
  /// registered afterwards, also where `finish` throws.
  package static func end<Result>(_ path: String, finish: () throws -> Result) rethrows -> Result {
    try paths.withLock { paths in
      defer { paths.remove(path) }
      return try finish()
    }
  }

  /// Removes all of them and ends the process. Writers that would begin or end another file wait for that end.
  package static func removeAll(exitCode: Int32) -> Never {
    paths.withLock { paths in
      for path in paths { try? DurableFiles.removeAll(path) }
      _exit(exitCode)
    }
  }

  /// Returns at once, unless a signal is ending the process: then never. An error that the removal itself caused is not
  /// to be reported.
  package static func waitForRemoval() { paths.withLock { _ in } }
}
