// Fuzzes the safetensors reader, and the strict JSON reader under it. An input is a file; whatever it holds, it must be
// read or refused with an error about it, and no block of memory is out of proportion to it.
import AllocationCount
import Core
import Networks
import Safetensors

/// Calls `body`, which reads `bytes`; nil where it refuses them. Every other outcome is a finding.
func read<Result>(_ bytes: [UInt8], _ body: () throws -> Result) -> Result? {
  _ = fuzz_largest_block()
  // Half-width values double; names become table entries of fixed size, and messages have some length of their own.
  defer { precondition(fuzz_largest_block() <= 8 * bytes.count + 4_096, "a block out of proportion to the file") }
  do { return try body() } catch {
    guard let error = error as? ScanlineError, error.kind == .badData, error.path == "input" else {
      fatalError("another error: \(error)")
    }
    return nil
  }
}

func checkArchive(_ bytes: [UInt8]) {
  guard let archive = read(bytes, { try TensorArchive(parsing: bytes, path: "input") }) else { return }
  let values = archive.tensors.reduce(0) { $0 + $1.values.count }
  precondition(2 * values <= bytes.count, "more values than the file has room for")
  guard let again = try? TensorArchive(parsing: archive.serialized(), path: "again") else {
    fatalError("an archive that cannot be read after it was written")
  }
  // NaN is not equal to itself: shapes and metadata stand for the rest, and the bytes for the values.
  precondition(again.serialized() == archive.serialized(), "an archive that does not survive being written")
}

/// What libFuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ pointer: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var bytes = Array(UnsafeBufferPointer(start: pointer, count: count))
  checkArchive(bytes)
  _ = read(bytes) { try StrictJSON.parse(bytes, path: "input") }
  // Again with a header length that fits: otherwise most damage would be noticed by that alone.
  guard let brace = bytes.lastIndex(of: UInt8(ascii: "}")), brace >= 8 else { return 0 }
  bytes.replaceSubrange(0..<8, with: withUnsafeBytes(of: UInt64(brace - 7).littleEndian, Array.init))
  checkArchive(bytes)
  let header = Array(bytes[8...brace])
  _ = read(header) { try StrictJSON.parse(header, path: "input") }
  return 0
}
