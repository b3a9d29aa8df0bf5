// Fuzzes the PNG decoder. An input is a file; whatever it holds, it must be read or refused with an error about it.
import AllocationCount
import Core
import ImageData

/// Small, so that a run is thousands of files a second; a file within them may take this much and no more.
let limits = PNGLimits(width: 2_000, height: 2_000, bytes: 1 << 20)

/// CRC-32 of every whole chunk put right: otherwise no damage would get past the checksums.
func withTrueChecksums(_ file: [UInt8]) -> [UInt8] {
  var file = file
  var position = 8
  while position <= file.count - 12 {
    let length = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= file.count - position - 12 else { break }
    let end = position + 8 + length
    let checksum = Checksum.crc32(Array(file[position + 4..<end]))
    for i in 0..<4 { file[end + i] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * UInt32(i))) }
    position = end + 4
  }
  return file
}

/// Reads `bytes`; nil where they are refused. Every other outcome is a finding.
func read(_ bytes: [UInt8], channels: Int?) -> PNGImage? {
  _ = fuzz_largest_block()
  defer {
    // The pixels at their widest, the file, zlib's and libpng's own state.
    precondition(fuzz_largest_block() <= max(limits.bytes, 2 * bytes.count) + 65_536, "a block over the limits")
  }
  do {
    return try PNGImage(
      decoding: bytes, options: PNGReadOptions(background: [9, 8, 7], scalesSixteenBit: true, limits: limits),
      channels: channels, name: "input")
  } catch {
    guard let error = error as? ScanlineError, error.kind == .badData, error.path == "input" else {
      fatalError("another error: \(error)")
    }
    return nil
  }
}

/// What libFuzzer calls with every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ pointer: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: pointer, count: count))
  _ = PNGText(parsing: bytes)
  _ = read(bytes, channels: nil)
  let sound = withTrueChecksums(bytes)
  for channels in [1, 3] {
    guard let image = read(sound, channels: channels) else { continue }
    let again = try? PNGImage(decoding: image.encoded(), channels: channels)
    precondition(again == image, "an image that does not survive being written")
  }
  return 0
}
