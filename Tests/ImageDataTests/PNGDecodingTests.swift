// PNG of every kind, decoded to values written down by hand.
import Core
import ImageData
import Testing

@Suite struct PNGDecodingTests {
  private func decode(_ png: RawPNG, background: [UInt8]? = nil, channels: Int? = nil) throws -> PNGImage {
    try PNGImage(
      decoding: png.bytes, options: PNGReadOptions(background: background, scalesSixteenBit: true),
      channels: channels)
  }

  @Test(arguments: [false, true]) func greyOfEveryDepth(isInterlaced: Bool) throws {
    let cases: [(depth: Int, samples: [Int], values: [UInt8])] = [
      (1, [0, 1, 1, 1, 0, 0], [0, 255, 255, 255, 0, 0]),
      (2, [0, 1, 2, 3, 2, 1], [0, 85, 170, 255, 170, 85]),
      (4, [0, 1, 7, 8, 14, 15], [0, 17, 119, 136, 238, 255]),
      (8, [0, 1, 127, 128, 254, 255], [0, 1, 127, 128, 254, 255]),
      // v·255/65535 to the nearest: 128 gives 0.498, 129 gives 0.502, 0x80FF gives 128.496.
      (16, [0, 128, 129, 0x8080, 0x80FF, 0xFFFF], [0, 0, 1, 128, 128, 255]),
    ]
    for (depth, samples, values) in cases {
      let png = RawPNG(
        width: 3, height: 2, bitDepth: depth, colorType: 0, isInterlaced: isInterlaced, samples: samples)
      let image = try decode(png)
      #expect(image.shape == ImageShape(height: 2, width: 3, channels: 1))
      #expect(image.values == values, "\(depth) bits")
    }
  }

  @Test(arguments: [false, true]) func rgbOfEveryDepth(isInterlaced: Bool) throws {
    var png = RawPNG(
      width: 2, height: 1, bitDepth: 8, colorType: 2, isInterlaced: isInterlaced,
      samples: [1, 2, 3, 253, 254, 255])
    #expect(try decode(png).values == [1, 2, 3, 253, 254, 255])
    png.bitDepth = 16
    png.samples = [0, 0x0101, 0x8080, 0xFFFF, 0x7F7F, 0x0081]
    let image = try decode(png)
    #expect(image.shape.channels == 3)
    #expect(image.values == [0, 1, 128, 255, 127, 1])
  }

  @Test(arguments: [false, true]) func paletteOfEveryDepth(isInterlaced: Bool) throws {
    let colors: [[UInt8]] = [[10, 20, 30], [200, 100, 0], [1, 2, 3], [255, 255, 255]]
    for depth in [1, 2, 4, 8] {
      let used = depth == 1 ? 2 : 4
      let indices = [0, 1, used - 1, 1, 0]
      let png = RawPNG(
        width: 5, height: 1, bitDepth: depth, colorType: 3, isInterlaced: isInterlaced, samples: indices,
        palette: Array(colors.prefix(used)))
      let image = try decode(png)
      #expect(image.shape == ImageShape(height: 1, width: 5, channels: 3))
      #expect(image.values == indices.flatMap { colors[$0] }, "\(depth) bits")
    }
  }

  @Test func paletteOfGreysIsGrey() throws {
    let png = RawPNG(
      width: 3, height: 1, bitDepth: 2, colorType: 3, samples: [2, 0, 1],
      palette: [[0, 0, 0], [90, 90, 90], [255, 255, 255]])
    let image = try decode(png)
    #expect(image.shape.channels == 1)
    #expect(image.values == [255, 0, 90])
    #expect(try decode(png, channels: 3).values == [255, 255, 255, 0, 0, 0, 90, 90, 90])
  }

  @Test func paletteIndexBeyondThePaletteIsAnError() throws {
    let png = RawPNG(
      width: 2, height: 1, bitDepth: 2, colorType: 3, samples: [0, 3], palette: [[1, 1, 1], [2, 3, 4]])
    #expect(scanlineError { _ = try decode(png) }?.found.contains("palette") == true)
  }

  @Test(arguments: [false, true]) func alphaIsLaidOverTheBackground(isInterlaced: Bool) throws {
    // Opaque, clear, half: (200·128 + 100·127)/255 = 150.196; over 101 it is 150.694, to the nearest 151.
    let greyAlpha = RawPNG(
      width: 3, height: 1, bitDepth: 8, colorType: 4, isInterlaced: isInterlaced,
      samples: [200, 255, 200, 0, 200, 128])
    #expect(try decode(greyAlpha, background: [100]).values == [200, 100, 150])
    #expect(try decode(greyAlpha, background: [101]).values == [200, 101, 151])
    // Over a colour a grey image is RGB: (200·128 + 10·127)/255 = 105.37, with 20: 110.35, with 30: 115.33.
    #expect(
      try decode(greyAlpha, background: [10, 20, 30]).values == [200, 200, 200, 10, 20, 30, 105, 110, 115])
    let rgbAlpha = RawPNG(
      width: 2, height: 1, bitDepth: 8, colorType: 6, isInterlaced: isInterlaced,
      samples: [0, 100, 255, 51, 9, 8, 7, 255])
    // 51/255 is one fifth: over 255 that is 204, 224, 255.
    #expect(try decode(rgbAlpha, background: [255]).values == [204, 224, 255, 9, 8, 7])
    var sixteen = greyAlpha
    sixteen.bitDepth = 16
    sixteen.samples = [0xC8C8, 0xFFFF, 0xC8C8, 0, 0xC8C8, 0x8080]
    #expect(try decode(sixteen, background: [100]).values == [200, 100, 150])
    var sixteenColor = rgbAlpha
    sixteenColor.bitDepth = 16
    sixteenColor.samples = rgbAlpha.samples.map { $0 * 257 }
    #expect(try decode(sixteenColor, background: [255, 255, 255]).values == [204, 224, 255, 9, 8, 7])
  }

  @Test(arguments: [false, true]) func transparentColoursAreLaidOverTheBackground(isInterlaced: Bool) throws {
    for (depth, value) in [(1, 1), (2, 3), (4, 15), (8, 255), (16, 0xFFFF)] {
      let png = RawPNG(
        width: 3, height: 1, bitDepth: depth, colorType: 0, isInterlaced: isInterlaced,
        samples: [0, value, 0],
        transparency: [UInt8(value >> 8), UInt8(value & 255)])
      #expect(try decode(png, background: [9]).values == [0, 9, 0], "\(depth) bits")
    }
    let rgb = RawPNG(
      width: 2, height: 1, bitDepth: 8, colorType: 2, isInterlaced: isInterlaced,
      samples: [1, 2, 3, 1, 2, 4],
      transparency: [0, 1, 0, 2, 0, 3])
    #expect(try decode(rgb, background: [50, 60, 70]).values == [50, 60, 70, 1, 2, 4])
    // All sixteen bits are compared, not the eight that remain.
    let sixteen = RawPNG(
      width: 2, height: 1, bitDepth: 16, colorType: 2, isInterlaced: isInterlaced,
      samples: [0x0101, 0x0101, 0x0101, 0x0102, 0x0101, 0x0101], transparency: [1, 1, 1, 1, 1, 1])
    #expect(try decode(sixteen, background: [50]).values == [50, 50, 50, 1, 1, 1])
    let palette = RawPNG(
      width: 3, height: 1, bitDepth: 2, colorType: 3, isInterlaced: isInterlaced, samples: [0, 1, 2],
      palette: [[10, 10, 10], [20, 30, 40], [5, 6, 7]], transparency: [0, 255])
    #expect(try decode(palette, background: [99]).values == [99, 99, 99, 20, 30, 40, 5, 6, 7])
  }

  @Test func transparencyWithoutABackgroundIsRefused() throws {
    let opaque = RawPNG(width: 1, height: 1, bitDepth: 8, colorType: 6, samples: [1, 2, 3, 255])
    let keyed = RawPNG(width: 1, height: 1, bitDepth: 8, colorType: 0, samples: [1], transparency: [0, 9])
    for png in [opaque, keyed] {
      let error = scanlineError { _ = try decode(png) }
      #expect(error?.kind == .badData)
      #expect(error?.expected.contains("`background`") == true)
    }
  }

  @Test(arguments: [0, 2, 4, 6]) func sixteenBitWithoutScalingIsRefused(colorType: Int) throws {
    var png = RawPNG(width: 1, height: 1, bitDepth: 16, colorType: colorType, samples: [])
    png.samples = [Int](repeating: 0x1234, count: png.channels)
    let error = scanlineError {
      _ = try PNGImage(decoding: png.bytes, options: PNGReadOptions(background: [0]), name: "a.png")
    }
    #expect(error?.kind == .badData)
    #expect(error?.path == "a.png")
    #expect(error?.expected.contains("`scalesSixteenBit`") == true)
  }

  @Test func gammaAndProfilesChangeNothing() throws {
    let values = Array(0..<256)
    let plain = RawPNG(width: 16, height: 16, bitDepth: 8, colorType: 0, samples: values)
    var tagged = plain
    tagged.extraChunks = [
      ("gAMA", bigEndian(100_000)), ("sRGB", [0]), ("sBIT", [3]), ("bKGD", [0, 200]), ("cHRM", [1, 2]),
      ("iCCP", Array("broken".utf8)), ("tEXt", Array("a\0b".utf8)),
    ]
    #expect(try decode(tagged).values == values.map(UInt8.init))
    #expect(try decode(tagged) == decode(plain))
  }

  @Test func colourToGreyIsLuma() throws {
    let png = RawPNG(
      width: 4, height: 1, bitDepth: 8, colorType: 2, samples: [255, 0, 0, 0, 255, 0, 0, 0, 255, 77, 77, 77])
    // 0.299, 0.587 and 0.114 of 255: 76.245, 149.685, 29.07.
    #expect(try decode(png, channels: 1).values == [76, 150, 29, 77])
  }

  /// Adam7 on sizes whose passes are empty or ragged, against the same samples without it.
  @Test func interlacedEqualsPlainAtEverySize() throws {
    for (type, depth) in [(0, 1), (0, 2), (0, 8), (2, 8), (6, 16), (4, 8)] {
      for width in 1...9 {
        for height in [1, 2, 3, 5, 8, 9] {
          var png = RawPNG(width: width, height: height, bitDepth: depth, colorType: type, samples: [])
          png.samples = (0..<width * height * png.channels).map { $0 &* 40_503 % (1 << depth) }
          let plain = try decode(png, background: [30])
          png.isInterlaced = true
          #expect(try decode(png, background: [30]) == plain, "type \(type), \(width)×\(height)")
        }
      }
    }
  }
}
