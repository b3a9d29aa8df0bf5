// The drawn data set: the same pixels on every machine.
import Core
import Foundation
import ImageData
import Testing

@Suite struct GlyphTests {
  @Test func drawingsArePinned() throws {
    let drawing = GlyphDrawing(seed: 1, side: 20)
    let sums = (0..<10).map { Checksum.crc32(drawing.image(number: $0).values) }
    #expect(
      sums == [
        1_386_617_087, 3_120_244_626, 136_838_485, 3_516_549_551, 1_995_266_567, 896_519_237, 2_798_011_121,
        2_056_414_375, 40_179_374, 3_573_611_252,
      ])
    #expect(drawing.image(number: 3) == drawing.image(number: 3))
    #expect(drawing.image(number: 3) != drawing.image(number: 13))
    #expect(GlyphDrawing(seed: 2, side: 20).image(number: 3) != drawing.image(number: 3))
  }

  /// The folder that ships is what the command draws.
  @Test func theShippedFolderIsWhatIsDrawn() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let folder = try ImageFolder(scanning: root.deletingLastPathComponent().path + "/Data/glyphs")
    let set = try ImageSet(loading: folder, threads: 2)
    #expect(set.count == 2_000)
    #expect(set.classNames == Glyph.allCases.map(\.rawValue))
    let drawing = GlyphDrawing(seed: 1, side: 20)
    for number in stride(from: 0, to: 2_000, by: 97) {
      let position = number % 10 * 200 + number / 10
      #expect(set.image(at: position) == drawing.image(number: number), "image \(number)")
      #expect(set.classes?[position] == number % 10)
    }
  }

  @Test func foldersAreDrawnOnceAndNeverOver() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/new/glyphs"
    try GlyphDrawing(seed: 4, side: 16).write(count: 25, to: path, threads: 2)
    let set = try ImageSet(loading: ImageFolder(scanning: path))
    #expect(set.count == 25)
    #expect(set.shape == ImageShape(height: 16, width: 16, channels: 1))
    #expect(set.classNames.count == 10)
    let error = scanlineError { try GlyphDrawing(seed: 4, side: 16).write(count: 25, to: path) }
    #expect(error?.kind == .cannotCreate)
    #expect(error?.path == path)
  }
}
