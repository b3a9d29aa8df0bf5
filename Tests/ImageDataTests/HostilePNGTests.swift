// PNG files made to harm: every truncation and random damage of files of all kinds, and bombs, which are small and
// say that they are large. `make torture-files` runs a hundred thousand rounds, and again under AddressSanitizer.
import Core
import Foundation
import ImageData
import Testing
import TestSupport

@Suite struct HostilePNGTests {
  /// Every colour type and depth, each with and without Adam7, with transparency where there may be some, and chunks
  /// that are skipped: thirty files.
  private static let files: [[UInt8]] = {
    let kinds = [
      (0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8),
      (6, 16),
    ]
    return kinds.flatMap { type, depth in
      [false, true].map { isInterlaced in
        let colors = type == 3 ? min(1 << depth, 5) : 1 << depth
        var png = RawPNG(
          width: 9, height: 6, bitDepth: depth, colorType: type, isInterlaced: isInterlaced, samples: [],
          extraChunks: [("gAMA", bigEndian(45_455)), ("tEXt", Array("Title\0x".utf8))])
        png.samples = (0..<54 * png.channels).map { $0 * 7919 % colors }
        switch type {
        case 0: png.transparency = isInterlaced ? [0, 1] : nil
        case 2: png.transparency = isInterlaced ? [0, 1, 0, 2, 0, 3] : nil
        case 3:
          png.palette = (0..<colors).map { [UInt8($0), 2, 3] }
          png.transparency = isInterlaced ? [9] : nil
        default: break
        }
        return png.bytes
      }
    }
  }()

  private static let tokens: [[UInt8]] =
    ["IHDR", "PLTE", "tRNS", "IDAT", "IEND", "zTXt", "iCCP", "sBIT", "acTL"].map { Array($0.utf8) } + [
      [0, 0, 0, 0], [0x7F, 0xFF, 0xFF, 0xFF], [0x80, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0x40, 0], [0, 0, 0, 1],
    ]

  private func read(_ bytes: [UInt8], channels: Int? = nil, limits: PNGLimits = PNGLimits()) throws -> PNGImage {
    try PNGImage(
      decoding: bytes, options: PNGReadOptions(background: [9, 8, 7], scalesSixteenBit: true, limits: limits),
      channels: channels, name: "x.png")
  }

  /// What reading throws: `badData` about this file, or nothing.
  private func error(_ bytes: [UInt8], _ location: SourceLocation = #_sourceLocation) -> ScanlineError? {
    do { _ = try read(bytes) } catch {
      let ours = error as? ScanlineError
      #expect(ours?.kind == .badData && ours?.path == "x.png", "\(error)", sourceLocation: location)
      return ours
    }
    return nil
  }

  @Test func everyTruncationOfThirtyFiles() {
    var count = 0
    for bytes in Self.files {
      #expect(error(bytes) == nil)
      for length in 0..<bytes.count {
        if error(Array(bytes[..<length])) == nil { Issue.record("\(length) of \(bytes.count) bytes were taken") }
        count += 1
      }
    }
    Torture.report("\(count) truncations of \(Self.files.count) PNG files, all refused")
  }

  /// One bit of one byte: always under a checksum, or in it.
  @Test func anyFlippedBitIsRefused() {
    let rounds = Torture.rounds(3_000, long: 100_000)
    for round in 0..<rounds {
      var random = Mutator(round: round)
      var bytes = Self.files[round % Self.files.count]
      let position = random.below(bytes.count)
      bytes[position] ^= 1 << UInt8(random.below(8))
      if error(bytes) == nil { Issue.record("round \(round): byte \(position) was changed and the file taken") }
    }
    Torture.report("\(rounds) flipped bits in PNG files, all refused")
  }

  /// Damage under checksums that are right again, so that it reaches the decoder: it may be read as some image, of the
  /// size that the header says, or refused.
  @Test func damageUnderTrueChecksumsDoesNotCrash() throws {
    let rounds = Torture.rounds(3_000, long: 300_000)
    let limits = PNGLimits(width: 4_000, height: 4_000, bytes: 1 << 22)
    var refused = 0
    for round in 0..<rounds {
      var random = Mutator(round: round)
      let sound = Self.files[random.below(Self.files.count)]
      let bytes = RawPNG.withTrueChecksums(random.damaged(sound, header: sound.count, tokens: Self.tokens))
      do {
        let image = try read(bytes, channels: [nil, 1, 3][round % 3], limits: limits)
        #expect(image.shape.width * 4 * image.shape.height <= limits.bytes)
        let again = try PNGImage(decoding: image.encoded(), channels: image.shape.channels)
        if again != image { Issue.record("round \(round): the image does not survive being written") }
      } catch {
        let ours = error as? ScanlineError
        #expect(ours?.kind == .badData && ours?.path == "x.png", "\(error)")
        refused += 1
      }
      _ = PNGText(parsing: bytes)
    }
    #expect(refused > rounds / 4 && refused < rounds)
    Torture.report("\(rounds) PNG files damaged under true checksums, \(refused) refused, the others read")
  }

  // MARK: - Bombs

  private func header(_ width: Int, _ height: Int, depth: Int = 8, type: Int = 0, interlaced: Bool = false) -> [UInt8] {
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + RawPNG.chunk(
        "IHDR", bigEndian(width) + bigEndian(height) + [UInt8(depth), UInt8(type), 0, 0, interlaced ? 1 : 0])
  }

  /// Reads a bomb; gives the error, and demands that it was quick and that memory stayed flat.
  private func defuse(
    _ name: String, _ bytes: [UInt8], seconds: Double = 2, megabytes: Int = 32,
    _ location: SourceLocation = #_sourceLocation
  ) -> ScanlineError? {
    PeakMemory.reset()
    let before = PeakMemory.bytes
    var result: ScanlineError?
    let time = processorSeconds { result = error(bytes, location) }
    let rise = (PeakMemory.bytes - before) >> 20
    #expect(time < seconds, "\(name) took \(time) s", sourceLocation: location)
    // Other tests run beside the short version, and its memory is theirs too.
    if Torture.isOn { #expect(rise <= megabytes, "\(name) took \(rise) MiB", sourceLocation: location) }
    Torture.report("\(name): \(bytes.count) bytes, \(time) s, \(rise) MiB more; \(result?.found ?? "read")")
    return result
  }

  @Test func bombsAreDefused() {
    let zeros = RawPNG.zlib(zeros: Torture.rounds(20_000_000, long: 2_000_000_000))
    let pixel = RawPNG.chunk("IDAT", RawPNG.zlib([0, 7])), end = RawPNG.chunk("IEND", [])
    // Gigabytes behind the header of one pixel, in one pass or seven: refused before they are unpacked.
    for interlaced in [false, true] {
      let surplus = header(1, 1, interlaced: interlaced) + RawPNG.chunk("IDAT", zeros) + end
      #expect(defuse("surplus pixels", surplus)?.found.hasPrefix("more compressed data than the pixels need") == true)
    }
    // Texts and profiles that unpack to gigabytes are never unpacked.
    for (type, start) in [("zTXt", "k\0\0"), ("iCCP", "k\0\0"), ("iTXt", "k\0\u{1}\0\0\0")] {
      let chunk = RawPNG.chunk(type, Array(start.utf8) + zeros)
      #expect(defuse("a compressed \(type)", header(1, 1) + chunk + pixel + end) == nil)
    }
    // Chunks that say they are longer than the file, or than any chunk may be.
    for length in [0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] {
      for type in ["IDAT", "PLTE", "tRNS", "zTXt", "teXT"] {
        let bytes = header(1, 1) + bigEndian(length) + Array(type.utf8) + [UInt8](repeating: 0, count: 100)
        #expect(defuse("a \(type) of \(length) bytes", bytes) != nil)
      }
    }
    // Large chunks, and many small ones.
    let large = RawPNG.chunk("teXT", [UInt8](repeating: 1, count: Torture.rounds(2_000_000, long: 200_000_000)))
    #expect(defuse("a large unknown chunk", header(1, 1) + large + pixel + end, megabytes: 256) == nil)
    let count = Torture.rounds(20_000, long: 1_000_000)
    for type in ["tEXt", "sPLT", "IDAT"] {
      let many = [[UInt8]](repeating: RawPNG.chunk(type, type == "IDAT" ? [] : [0x6B, 0, 8]), count: count)
      let result = defuse("many \(type) chunks", header(1, 1) + many.joined() + pixel + end, megabytes: 64)
      // An empty one is legal; so many before a pixel are not what anybody writes.
      #expect((result == nil) == (type != "IDAT"))
    }
    #expect(defuse("a wide empty image", header(0x7FFF_FFFF, 1) + pixel + end) != nil)
    #expect(defuse("an image of no width", header(0, 1) + pixel + end) != nil)
    #expect(defuse("an image of no height", header(1, 0) + pixel + end) != nil)
    // The header is within the limits, the pixels cannot be there: no memory is taken for them.
    let missing = header(16_384, 8_192, type: 6, interlaced: true) + pixel + end
    #expect(defuse("pixels that are missing", missing)?.found == "70 bytes, too few for 16384×8192 pixels")
  }

  /// The most that one file can cost: as large as the limits allow, in the layout that needs most, all there.
  @Test(.enabled(if: Torture.isOn)) func theLargestImageAllowed() {
    // RGBA in seven passes: 16,384 × 8,192 × 4 bytes, and a filter byte for each row of each pass.
    let passes = [(8, 8), (8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2)]
    let size = passes.reduce(0) { $0 + 8_192 / $1.1 * (16_384 / $1.0 * 4 + 1) }
    let bytes =
      header(16_384, 8_192, type: 6, interlaced: true) + RawPNG.chunk("IDAT", RawPNG.zlib(zeros: size))
      + RawPNG.chunk("IEND", [])
    // Rows (512 MiB), the RGB result (384 MiB), and the file.
    #expect(defuse("the largest image allowed", bytes, seconds: 60, megabytes: 920) == nil)
  }
}

extension RawPNG {
  /// The file with the checksum of every whole chunk put right.
  static func withTrueChecksums(_ file: [UInt8]) -> [UInt8] {
    var file = file
    var position = 8
    while position <= file.count - 12 {
      let length = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= file.count - position - 12 else { break }
      let end = position + 8 + length
      file.replaceSubrange(end..<end + 4, with: bigEndian(Int(Checksum.crc32(Array(file[position + 4..<end])))))
      position = end + 4
    }
    return file
  }

  /// A zlib stream of `count` zeros, 159 times shorter than they: one block of fixed codes, a literal zero and then
  /// "258 bytes from one back" again and again.
  static func zlib(zeros count: Int) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    var bits: UInt64 = 0
    var held = 0
    /// Appends the lowest `length` bits of `value`, the first bit lowest.
    func put(_ value: UInt64, _ length: Int) {
      bits |= value << UInt64(held)
      held += length
      while held >= 8 {
        stream.append(UInt8(truncatingIfNeeded: bits))
        bits >>= 8
        held -= 8
      }
    }
    // Last block, fixed codes. Huffman codes come highest bit first: literal 0 is 00110000, length 258 is 11000101,
    // distance 1 is 00000.
    put(0b011, 3)
    let runs = max(0, count - 1) / 258
    for _ in 0..<count - runs * 258 { put(0b0000_1100, 8) }
    for _ in 0..<runs { put(0b1010_0011, 13) }
    put(0, 7)
    put(0, 7)
    // Adler-32 of zeros: the first sum stays 1, the second counts.
    return stream + bigEndian((count % 65_521) << 16 | 1)
  }
}
