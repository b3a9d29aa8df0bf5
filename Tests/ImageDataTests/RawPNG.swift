// A PNG writer for tests, by hand from the specification, so that the decoder is not tested by its own library:
// every colour type and depth, Adam7, uncompressed deflate blocks.
import Core
import ImageData

/// The parts of a PNG file. `samples` holds H×W×C values as stored (palette: indices).
struct RawPNG {
  var width: Int
  var height: Int
  var bitDepth: Int
  /// 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
  var colorType: Int
  var isInterlaced = false
  var samples: [Int]
  var palette: [[UInt8]] = []
  /// The body of a tRNS chunk.
  var transparency: [UInt8]?
  /// Chunks between IHDR and PLTE.
  var extraChunks: [(type: String, body: [UInt8])] = []

  var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colorType]! }

  /// The file.
  var bytes: [UInt8] {
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    let header =
      bigEndian(width) + bigEndian(height)
      + [bitDepth, colorType, 0, 0, isInterlaced ? 1 : 0].map(UInt8.init)
    file += Self.chunk("IHDR", header)
    for (type, body) in extraChunks { file += Self.chunk(type, body) }
    if !palette.isEmpty { file += Self.chunk("PLTE", palette.flatMap { $0 }) }
    if let transparency { file += Self.chunk("tRNS", transparency) }
    file += Self.chunk("IDAT", Self.zlib(rows))
    return file + Self.chunk("IEND", [])
  }

  /// Filter bytes and packed samples, pass by pass.
  private var rows: [UInt8] {
    // Adam7: first column, first row, step across, step down.
    let adam7 = [
      (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ]
    var result: [UInt8] = []
    for (x0, y0, dx, dy) in isInterlaced ? adam7 : [(0, 0, 1, 1)] {
      guard x0 < width else { continue }
      for y in stride(from: y0, to: height, by: dy) {
        var bits: [Int] = []
        for x in stride(from: x0, to: width, by: dx) {
          for c in 0..<channels {
            let sample = samples[(y * width + x) * channels + c]
            bits += (0..<bitDepth).reversed().map { sample >> $0 & 1 }
          }
        }
        while bits.count % 8 != 0 { bits.append(0) }
        result.append(0)
        result += stride(from: 0, to: bits.count, by: 8).map {
          UInt8(bits[$0..<$0 + 8].reduce(0) { 2 * $0 + $1 })
        }
      }
    }
    return result
  }

  static func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
    let content = Array(type.utf8) + body
    return bigEndian(body.count) + content + bigEndian(Int(Checksum.crc32(content)))
  }

  /// A zlib stream of stored blocks.
  static func zlib(_ data: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    var start = 0
    repeat {
      let end = min(start + 65_535, data.count)
      let length = end - start
      stream += [end == data.count ? 1 : 0, UInt8(length & 255), UInt8(length >> 8)]
      stream += [UInt8(~length & 255), UInt8(~length >> 8 & 255)]
      stream += data[start..<end]
      start = end
    } while start < data.count
    var a = 1
    var b = 0
    for byte in data {
      a = (a + Int(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return stream + bigEndian(b << 16 | a)
  }
}

func bigEndian(_ value: Int) -> [UInt8] {
  (0..<4).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
