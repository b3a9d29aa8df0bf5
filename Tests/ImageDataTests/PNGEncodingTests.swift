// Writing PNG files.
import Core
import Foundation
import ImageData
import Testing

@Suite struct PNGEncodingTests {
  private func image(channels: Int) -> PNGImage {
    let shape = ImageShape(height: 5, width: 7, channels: channels)
    return PNGImage(shape: shape, values: (0..<shape.dimensions).map { UInt8(truncatingIfNeeded: $0 * 37) })
  }

  @Test(arguments: [1, 3], [PNGImage.Filter.none, .adaptive])
  func whatIsWrittenReadsBack(channels: Int, filter: PNGImage.Filter) throws {
    let image = image(channels: channels)
    let bytes = try image.encoded(text: ["Software": "scanline"], filter: filter)
    #expect(try PNGImage(decoding: bytes) == image)
    #expect(try image.encoded(text: ["Software": "scanline"], filter: filter) == bytes)
  }

  @Test func textsAreChunksInOrder() throws {
    let bytes = try image(channels: 1).encoded(text: ["Seed": "7", "Title": "Größe 20×20"])
    let latin = RawPNG.chunk("tEXt", Array("Seed\u{0}7".utf8))
    let international = RawPNG.chunk("iTXt", Array("Title\u{0}\u{0}\u{0}\u{0}\u{0}Größe 20×20".utf8))
    let first = try #require(bytes.range(of: latin))
    let second = try #require(bytes.range(of: international))
    #expect(first.upperBound <= second.lowerBound)
    #expect(throws: ScanlineError.self) { try image(channels: 1).encoded(text: ["": "no key"]) }
  }

  @Test func textsReadBack() throws {
    var text: PNGText = ["Seed": "7", "Title": "Größe 20×20", "Step": "1"]
    text["Seed"] = "8"
    text["Step"] = nil
    text["Empty"] = ""
    #expect(text.entries.map(\.key) == ["Seed", "Title", "Empty"])
    let bytes = try image(channels: 3).encoded(text: text)
    #expect(PNGText(parsing: bytes) == text)
    #expect(PNGText(parsing: bytes)["Title"] == "Größe 20×20" && PNGText(parsing: bytes)["Step"] == nil)
    // Cut short anywhere, what is left is read and nothing beyond it.
    for count in 0..<bytes.count {
      #expect(PNGText(parsing: Array(bytes.prefix(count))).entries.count <= 3)
    }
    var odd = Array(bytes.prefix(8))
    let bodies: [[UInt8]] = [
      [], [65], [65, 0], [65, 0, 0], [65, 0, 1, 0, 0, 0], [65, 0, 0, 0, 0], [65, 0, 0, 0, 66, 0],
    ]
    for body in bodies {
      odd += RawPNG.chunk("iTXt", body)
    }
    #expect(PNGText(parsing: odd).entries.isEmpty)
    #expect(PNGText(parsing: odd + RawPNG.chunk("tEXt", [0xC4, 0, 0xE9]))["Ä"] == "é")
  }

  @Test func filesAppearWholeAndLeaveNoTemporary() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/out.png"
    try image(channels: 3).write(to: path)
    try image(channels: 1).write(to: path)
    #expect(try PNGImage(contentsOf: path) == image(channels: 1))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out.png"])
    let error = scanlineError { try image(channels: 1).write(to: folder.path + "/none/out.png") }
    #expect(error?.kind == .cannotCreate)
    // A folder in the way: the rename fails, and the temporary file goes.
    try folder.writeGrey(["taken.png/a.png"])
    #expect(scanlineError { try image(channels: 1).write(to: folder.path + "/taken.png") }?.kind == .io)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["out.png", "taken.png"])
  }
}

extension [UInt8] {
  fileprivate func range(of part: [UInt8]) -> Range<Int>? {
    indices.first { starts(with: part, at: $0) }.map { $0..<$0 + part.count }
  }
  private func starts(with part: [UInt8], at position: Int) -> Bool { self[position...].starts(with: part) }
}
