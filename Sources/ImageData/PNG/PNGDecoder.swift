// The boundary to the C decoder: one object per worker, and the reasons for which a file is not an image.
import Core
import CScanline

/// Why a file did not become an image.
package enum PNGProblem: Error, Sendable, Equatable {
  /// The system refused to open or read it.
  case system(Int32)
  /// Not a PNG, damaged, or over the limits.
  case bad(String)
  /// It has transparency and no background was chosen.
  case needsBackground(String)
  /// It has 16-bit samples and no scaling was chosen.
  case needsScaling(String)
  /// Scanline wrote it, so it is no data.
  case own
  /// There is no memory left.
  case memory

  /// Whether `--skip-bad` may pass over the file: the file itself is at fault, not the want of a choice.
  package var isFileAtFault: Bool {
    switch self {
    case .system, .bad: true
    case .needsBackground, .needsScaling, .own, .memory: false
    }
  }

  /// What was found, in words.
  package var reason: String {
    switch self {
    case .system(let code): String(cString: strerror(code))
    case .bad(let reason): reason
    case .needsBackground(let mode), .needsScaling(let mode): withArticle("\(mode) image")
    case .own: OwnOutput.pictureReason
    case .memory: "no memory left"
    }
  }

  /// The error to throw about the file at `path`; where it is one of many, with the way to go on without it.
  package func error(path: String, isOneOfMany: Bool = false) -> ScanlineError {
    let way = isOneOfMany ? " (or `skipsBad`, to pass over the files that are none)" : ""
    return switch self {
    case .system: ScanlineError(.io, path: path, expected: "a readable file" + way, found: reason)
    case .bad: ScanlineError(.badData, path: path, expected: "a PNG image" + way, found: reason)
    case .own: ScanlineError(.badData, path: path, expected: "a PNG image", found: reason)
    case .needsBackground:
      ScanlineError(
        .badData, path: path,
        expected: "pixels without transparency, or a colour to lay them over (`background` 255, or R,G,B)",
        found: reason)
    case .needsScaling:
      ScanlineError(
        .badData, path: path,
        expected: "at most 8 bits a sample, or leave to scale them (`scalesSixteenBit`)", found: reason)
    case .memory: ScanlineError(.io, path: path, expected: "memory to decode into", found: reason)
    }
  }
}

/// A decoder that keeps its buffers from file to file. One thread at a time may use it.
package final class PNGDecoder {
  private let reader: OpaquePointer

  package init() {
    guard let reader = scanline_png_reader_create() else { fatalError("no memory for a PNG decoder") }
    self.reader = reader
  }

  deinit { scanline_png_reader_destroy(reader) }

  /// Reads the file at `path` and its header, and leaves it open for `decode`.
  package func open(path: String, limits: PNGLimits) throws(PNGProblem) -> PNGHeader {
    var header = scanline_png_header()
    let status = path.withQuickFileSystemPath { scanline_png_open_file(reader, $0, limits.c, &header) }
    try check(status, Self.beginning(of: path))
    return PNGHeader(header)
  }

  /// Reads the header of a PNG in memory, and leaves it open for `decode`.
  package func open(bytes: [UInt8], limits: PNGLimits) throws(PNGProblem) -> PNGHeader {
    var header = scanline_png_header()
    let status = bytes.withUnsafeBufferPointer {
      scanline_png_open_bytes(reader, $0.baseAddress, $0.count, limits.c, &header)
    }
    try check(status, bytes)
    return PNGHeader(header)
  }

  /// Decodes the open image into `output`, width × height × `channels` bytes.
  package func decode(
    _ header: PNGHeader, options: PNGReadOptions, channels: Int,
    into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(PNGProblem) {
    precondition(output.count == header.width * header.height * channels, "the output has the image's size")
    if header.hasAlpha && options.background == nil { throw .needsBackground(header.mode) }
    if header.bitDepth == 16 && !options.scalesSixteenBit { throw .needsScaling(header.mode) }
    let colour = options.background ?? [0]
    let request = scanline_png_request(
      channels: UInt8(channels), background: (colour[0], colour[colour.count / 2], colour[colour.count - 1]))
    try check(scanline_png_decode(reader, request, output.baseAddress))
  }

  /// The first bytes of the file at `path`; none where it is a folder, or can no longer be read.
  private static func beginning(of path: String) -> [UInt8] {
    guard let file = path.withFileSystemPath({ fopen($0, "rbe") }) else { return [] }
    defer { fclose(file) }
    return [UInt8](unsafeUninitializedCapacity: FileSignature.length) { buffer, count in
      count = fread(buffer.baseAddress, 1, buffer.count, file)
    }
  }

  /// libpng's first warning about the image last opened.
  package var warning: String? {
    let text = String(cString: scanline_png_warning(reader))
    return text.isEmpty ? nil : text
  }

  /// Throws what `status` means. Of a file that is no PNG its first bytes, `start`, say what it is instead.
  private func check(_ status: Int32, _ start: @autoclosure () -> [UInt8] = []) throws(PNGProblem) {
    switch scanline_png_status(UInt32(status)) {
    case SCANLINE_PNG_OK: return
    case SCANLINE_PNG_FOREIGN:
      let reason = String(cString: scanline_png_reason(reader))
      let start = start()
      throw .bad(start.isEmpty ? reason : FileSignature.name(start) ?? reason)
    case SCANLINE_PNG_IO: throw .system(scanline_png_system_error(reader))
    case SCANLINE_PNG_MEMORY: throw .memory
    default: throw .bad(String(cString: scanline_png_reason(reader)))
    }
  }
}
