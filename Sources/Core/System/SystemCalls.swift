// System calls under names of their own, for types that have methods of the system's names.

/// read(2).
func systemRead(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
  read(file, buffer.baseAddress, buffer.count)
}

/// write(2).
func systemWrite(_ file: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
  write(file, buffer.baseAddress, buffer.count)
}

/// open(2); a new file is for everybody that the process's mask lets.
func systemOpen(_ path: UnsafePointer<CChar>, _ flags: Int32) -> Int32 { open(path, flags, 0o666) }

/// rename(2).
func systemRename(_ source: UnsafePointer<CChar>, _ target: UnsafePointer<CChar>) -> Int32 { rename(source, target) }

/// Writes `text` to standard error, as much as it takes: nobody may be listening any more, or its disk be full, and
/// that ends no run.
package func writeToStandardError(_ text: String) {
  try? DurableFiles.append(Array(text.utf8), to: STDERR_FILENO, path: "standard error")
}

/// The file that this process runs, the links to it followed; on other systems than Linux and macOS as it was called.
package var executablePath: String {
  #if canImport(Darwin)
    Bundle.main.executableURL?.resolvingSymlinksInPath().path ?? CommandLine.arguments[0]
  #else
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
  #endif
}
