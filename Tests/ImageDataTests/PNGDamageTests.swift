// Files that are not what they should be: errors that say so, never a crash, and never a large allocation.
import Core
import ImageData
import Testing

@Suite struct PNGDamageTests {
  private let sample = RawPNG(
    width: 5, height: 4, bitDepth: 8, colorType: 3, isInterlaced: true, samples: (0..<20).map { $0 % 3 },
    palette: [[1, 2, 3], [4, 5, 6], [7, 8, 9]], transparency: [255, 0, 128],
    extraChunks: [("gAMA", bigEndian(45_455)), ("tEXt", Array("Title\0x".utf8))])

  private func error(_ bytes: [UInt8], limits: PNGLimits = PNGLimits()) -> ScanlineError? {
    scanlineError {
      _ = try PNGImage(
        decoding: bytes, options: PNGReadOptions(background: [0], limits: limits), name: "x.png")
    }
  }

  @Test func cutShortAnywhereIsAnError() throws {
    let bytes = sample.bytes
    #expect(error(bytes) == nil)
    for length in 0..<bytes.count {
      let error = error(Array(bytes[..<length]))
      #expect(error?.kind == .badData, "\(length) of \(bytes.count) bytes")
      #expect(error?.path == "x.png")
    }
  }

  /// Every byte is covered by the signature or by a checksum, those of chunks that are not read included.
  @Test func anyChangedByteIsAnError() throws {
    let bytes = sample.bytes
    for position in bytes.indices {
      for change: UInt8 in [1, 0x20, 0x80] {
        var changed = bytes
        changed[position] ^= change
        #expect(error(changed)?.kind == .badData, "byte \(position) ^ \(change)")
      }
    }
  }

  /// Nonsense under a correct checksum must not crash the decoder, whatever it makes of it.
  @Test func nonsenseInsideChunksDoesNotCrash() throws {
    let random = Philox(seed: 1, purpose: .test)
    var refused = 0
    for round in 0..<2_000 {
      var body = RawPNG.zlib([0, 1, 2, 3, 0, 4, 5, 6])
      for change in 0..<3 {
        let at = UInt64(round * 8 + change)
        body[random.below(body.count, at: at)] = UInt8(truncatingIfNeeded: random.bits(at: at) >> 3)
      }
      var header = bigEndian(3) + bigEndian(2) + [8, 0, 0, 0, 0]
      if round % 2 == 1 {
        header[8 + round / 2 % 5] = UInt8(truncatingIfNeeded: random.bits(at: UInt64(round)))
      }
      let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      let file =
        signature + RawPNG.chunk("IHDR", header) + RawPNG.chunk("PLTE", [1, 2, 3])
        + RawPNG.chunk("IDAT", body)
        + RawPNG.chunk("IEND", [])
      if error(file) != nil { refused += 1 }
    }
    #expect(refused > 1_000)
  }

  @Test func hugeDimensionsAreRefusedByTheHeader() throws {
    // The pixels are not there; a decoder that allocated or read first would say something else.
    for (width, height) in [(0x7FFF_FFFF, 0x7FFF_FFFF), (20_000, 2), (2, 20_000)] {
      let png = RawPNG(width: width, height: height, bitDepth: 8, colorType: 0, samples: [])
      let file = Array(png.bytes(withoutPixels: true))
      #expect(error(file)?.found.contains("over the limit of 16384×16384") == true)
    }
    let wide = RawPNG(width: 16_384, height: 16_384, bitDepth: 1, colorType: 0, samples: [])
    #expect(
      error(wide.bytes(withoutPixels: true))?.found.contains("over the limit of 536870912 bytes") == true)
    let small = RawPNG(width: 3, height: 2, bitDepth: 8, colorType: 0, samples: [1, 2, 3, 4, 5, 6])
    #expect(error(small.bytes, limits: PNGLimits(width: 3, height: 2)) == nil)
    #expect(error(small.bytes, limits: PNGLimits(width: 2, height: 2))?.found.contains("3×2") == true)
    #expect(error(small.bytes, limits: PNGLimits(bytes: 23))?.found.contains("23 bytes") == true)
  }

  @Test func emptyImagesAreRefused() throws {
    for (width, height) in [(0, 3), (3, 0), (0, 0)] {
      let png = RawPNG(width: width, height: height, bitDepth: 8, colorType: 0, samples: [])
      #expect(error(png.bytes(withoutPixels: true))?.found == "a width or height of zero")
    }
  }

  @Test func impossibleHeadersAreRefused() throws {
    for (type, depth) in [(2, 4), (3, 16), (4, 2), (6, 1), (1, 8), (5, 8), (0, 3), (0, 0)] {
      let header = bigEndian(1) + bigEndian(1) + [UInt8(depth), UInt8(type), 0, 0, 0]
      let file =
        Array(sample.bytes[..<8]) + RawPNG.chunk("IHDR", header) + RawPNG.chunk("IDAT", RawPNG.zlib([0, 1]))
        + RawPNG.chunk("IEND", [])
      #expect(error(file)?.kind == .badData, "type \(type), \(depth) bits")
    }
  }

  @Test func otherFilesAreNamed() throws {
    #expect(error([])?.found == "an empty file")
    #expect(error([0xFF, 0xD8, 0xFF, 0xE0, 0, 0])?.found == "a JPEG file")
    #expect(error(Array("GIF89a..........".utf8))?.found == "a GIF file")
    #expect(error(Array("hello, world".utf8))?.found == "bytes that do not begin as a PNG does")
  }

  @Test func unreadableFilesAreNamed() throws {
    let folder = try TemporaryFolder()
    let missing = folder.path + "/missing.png"
    let error = scanlineError { _ = try PNGImage(contentsOf: missing) }
    #expect(error?.kind == .io)
    #expect(error?.path == missing)
    #expect(scanlineError { _ = try PNGImage(contentsOf: folder.path) }?.found == "not a file")
  }
}

extension RawPNG {
  /// The file with an empty IDAT, for headers whose pixels would not fit anywhere.
  func bytes(withoutPixels: Bool) -> [UInt8] {
    let header = bigEndian(width) + bigEndian(height) + [UInt8(bitDepth), UInt8(colorType), 0, 0, 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + RawPNG.chunk("IHDR", header)
      + RawPNG.chunk("IDAT", []) + RawPNG.chunk("IEND", [])
  }
}
