// One image in memory, read from a PNG and written as one.
import Core
import CScanline

/// An image of 8-bit values, H×W×C, rows from the top, as stored in a PNG: no gamma, no colour profile.
public struct PNGImage: Sendable, Equatable {
  /// Height, width, and 1 (grey) or 3 (RGB) channels.
  public let shape: ImageShape
  /// H×W×C values.
  public var values: [UInt8]

  /// An image of `values`, H×W×C of them; 1 or 3 channels.
  public init(shape: ImageShape, values: [UInt8]) {
    precondition(values.count == shape.dimensions, "an image has height × width × channels values")
    precondition(shape.channels == 1 || shape.channels == 3, "a PNG image has 1 or 3 channels")
    self.shape = shape
    self.values = values
  }

  /// Reads the PNG file at `path`. `channels` 1 or 3 asks for grey (of colours, the ITU-R 601 luma) or RGB (grey
  /// replicated); nil takes what is stored.
  ///
  /// - Throws: `ScanlineError` naming the file: `io` where it cannot be read, `badData` where it is no PNG, is
  ///   damaged, is over the limits, or needs a choice that `options` does not make.
  public init(contentsOf path: String, options: PNGReadOptions = PNGReadOptions(), channels: Int? = nil)
    throws
  {
    let decoder = PNGDecoder()
    do {
      let header = try decoder.open(path: path, limits: options.limits)
      try self.init(decoder, header, options, channels)
    } catch { throw error.error(path: path) }
  }

  /// Reads a PNG in memory; `name` stands for its path in errors, which are those of `init(contentsOf:)`.
  public init(
    decoding bytes: [UInt8], options: PNGReadOptions = PNGReadOptions(), channels: Int? = nil,
    name: String = "PNG in memory"
  ) throws {
    let decoder = PNGDecoder()
    do {
      let header = try decoder.open(bytes: bytes, limits: options.limits)
      try self.init(decoder, header, options, channels)
    } catch { throw error.error(path: name) }
  }

  /// The image that `decoder` has open.
  init(
    _ decoder: PNGDecoder, _ header: PNGHeader, _ options: PNGReadOptions, _ channels: Int?
  ) throws(PNGProblem) {
    let channels = channels ?? header.channels(over: options.background)
    precondition(channels == 1 || channels == 3, "an image is read as 1 or 3 channels")
    var values = [UInt8](repeating: 0, count: header.width * header.height * channels)
    let problem: PNGProblem? = values.withUnsafeMutableBufferPointer { output in
      do throws(PNGProblem) {
        try decoder.decode(header, options: options, channels: channels, into: output)
        return nil
      } catch { return error }
    }
    if let problem { throw problem }
    self.init(
      shape: ImageShape(height: header.height, width: header.width, channels: channels), values: values)
  }

  /// How rows are filtered before compression: `adaptive` suits photographs and grids, `none` is smaller for
  /// small drawings.
  public enum Filter: Int32, Sendable {
    /// Rows as they are.
    case none = 0
    /// libpng's choice for each row.
    case adaptive = 1
  }

  /// The image as a PNG of `bitDepth` bits a value, 8, or of grey values also 1, 2 or 4, which they must then fit in (a
  /// reader spreads them over 0 to 255): the same bytes for the same image and `text`, which becomes one text chunk per
  /// pair, in order (tEXt where the value is ASCII, otherwise iTXt in UTF-8).
  ///
  /// - Throws: `ScanlineError` (`inner`) where libpng refuses, as for a key that is not 1 to 79 Latin-1
  ///   characters.
  public func encoded(
    text: PNGText = [:], filter: Filter = .adaptive, bitDepth: Int = 8
  ) throws -> [UInt8] {
    precondition(
      bitDepth == 8 || shape.channels == 1 && [1, 2, 4].contains(bitDepth), "no PNG has such a bit depth")
    precondition(bitDepth == 8 || values.allSatisfy { $0 < 1 << bitDepth }, "a value does not fit in the bit depth")
    let keys = text.entries.map { Array($0.key.utf8CString) }
    let strings = text.entries.map { Array($0.value.withBytesEscaped.utf8CString) }
    var output: UnsafeMutablePointer<UInt8>?
    var size = 0
    var reason = [CChar](repeating: 0, count: 256)
    let status = withPointers(keys) { keys in
      withPointers(strings) { strings in
        scanline_png_encode(
          values, UInt32(shape.width), UInt32(shape.height), Int32(shape.channels), Int32(bitDepth), filter.rawValue,
          keys,
          strings, Int32(text.entries.count), &output, &size, &reason, reason.count)
      }
    }
    defer { free(output) }
    guard status == 0, let output else {
      let found = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw ScanlineError(
        .internal, path: "PNG encoder", expected: "an image and texts it can hold", found: found)
    }
    return Array(UnsafeBufferPointer(start: output, count: size))
  }

  /// Writes the image to `path` whole or not at all (see `DurableFiles`).
  ///
  /// - Throws: `ScanlineError`: `cannotCreate` or `io` naming the path.
  public func write(to path: String, text: PNGText = [:]) throws {
    try DurableFiles.replace(path, with: encoded(text: text))
  }

  /// Calls `body` with an array of C strings that live as long as the call.
  private func withPointers<R>(
    _ strings: [[CChar]], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> R
  ) -> R {
    let joined = strings.flatMap { $0 }
    return joined.withUnsafeBufferPointer { base in
      var offset = 0
      let pointers = strings.map { string in
        defer { offset += string.count }
        return base.baseAddress.map { $0 + offset }
      }
      return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }
  }
}
