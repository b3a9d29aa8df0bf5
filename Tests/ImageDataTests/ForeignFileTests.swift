// Files that are called .png and hold something else: the error says what, and what to do.
import Core
import ImageData
import Testing

@Suite struct ForeignFileTests {
  private let png = RawPNG(width: 5, height: 4, bitDepth: 8, colorType: 0, samples: (0..<20).map { $0 * 9 }).bytes

  private func error(_ bytes: [UInt8]) -> ScanlineError? {
    scanlineError { _ = try PNGImage(decoding: bytes, name: "x.png") }
  }

  private static let pointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    + "\nsize 12345\n"

  @Test(
    arguments: [
      ("TIFF", [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0]), ("TIFF", [0x4D, 0x4D, 0, 0x2A, 0, 0, 0, 8]),
      ("TIFF", [0x49, 0x49, 0x2B, 0, 8, 0, 0, 0]),
      ("AVIF", [0, 0, 0, 0x20] + Array("ftypavif\0\0\0\0avifmif1".utf8)),
      ("AVIF", [0, 0, 0, 0x20] + Array("ftypmif1\0\0\0\0mif1avif".utf8)),
      ("HEIC", [0, 0, 0, 0x18] + Array("ftypheic\0\0\0\0mif1heic".utf8)),
      ("JPEG XL", [0xFF, 0x0A, 1, 2, 3, 4, 5, 6]), ("JPEG 2000", [0, 0, 0, 12] + Array("jP  \r\n".utf8) + [0x87, 10]),
      ("WebP", Array("RIFF\u{10}\0\0\0WEBPVP8 ".utf8)), ("BMP", Array("BM123456789".utf8)),
      ("HTML", Array("<!DOCTYPE html>\n<html>".utf8)), ("HTML", Array("\n\n  <HTML lang=en>".utf8)),
      ("HTML", [0xEF, 0xBB, 0xBF] + Array("<!doctype html>".utf8)), ("SVG", Array("<svg xmlns=''>".utf8)),
      ("XML", Array("<?xml version='1.0'?><Error>".utf8)), ("Git LFS", Array(pointer.utf8)),
      ("PDF", Array("%PDF-1.7\n".utf8)), ("ZIP", [0x50, 0x4B, 3, 4, 20, 0, 0, 0]),
      ("gzip", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]),
      ("Photoshop", Array("8BPS\0\u{1}".utf8)), ("NetPBM", Array("P6\n3 4\n255\n".utf8)),
      ("zeros", [UInt8](repeating: 0, count: 4096)), ("icon", [0, 0, 1, 0, 1, 0, 16, 16]),
      ("NumPy", [0x93] + Array("NUMPY".utf8) + [1, 0]), ("JPEG", [0xFF, 0xD8, 0xFF, 0xDB]),
      ("GIF", Array("GIF87a".utf8)),
    ] as [(String, [UInt8])]) func otherFilesAreNamed(name: String, bytes: [UInt8])
  {
    #expect(error(bytes)?.found.contains(name) == true, "\(error(bytes)?.description ?? "none")")
  }

  @Test func damageOfTransferIsNamed() {
    let body = png.dropFirst(8)
    let damages: [(String, [UInt8])] = [
      ("line ends", [0x89, 0x50, 0x4E, 0x47, 0x0A, 0x1A, 0x0A]),
      ("line ends", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0D, 0x0A, 0x1A, 0x0D, 0x0A]),
      ("line ends", [0x89, 0x50, 0x4E, 0x47, 0x0A, 0x0A, 0x1A, 0x0A]),
      ("line ends", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x1A, 0x0D]),
      ("eighth bit", [0x09, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
      ("text", [0xC2, 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
      ("text", [0xEF, 0xBF, 0xBD, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
      ("text", [0xEF, 0xBB, 0xBF, 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
    ]
    for (word, signature) in damages {
      let found = error(signature + body)?.found ?? "none"
      #expect(found.contains("PNG") && found.contains(word), "\(signature): \(found)")
    }
    // Apple's own format: PNG in all but name.
    let apple = Array(png.prefix(8)) + RawPNG.chunk("CgBI", [0x50, 0, 0x20, 2]) + body
    #expect(error(apple)?.found.contains("CgBI") == true, "\(error(apple)?.found ?? "none")")
  }

  /// From a folder, the way on is in the message; where it was taken, the file is passed over and the reason kept.
  @Test func aFolderSaysHowToGoOn() throws {
    let folder = try TemporaryFolder()
    try folder.writeGrey(["a.png", "c.png"])
    try folder.write(Array(Self.pointer.utf8), to: "b.png")
    func load(_ options: ImageLoadingOptions) throws -> ImageSet {
      try ImageSet(loading: ImageFolder(scanning: folder.path, heldOutShare: 0), options: options, threads: 1)
    }
    for first in [false, true] {
      // Of the first file, which decides the shape, and of another.
      if first { try folder.write(Array(Self.pointer.utf8), to: "a.png") }
      let error = scanlineError { _ = try load(ImageLoadingOptions()) }
      #expect(error?.path.hasSuffix(first ? "a.png" : "b.png") == true)
      #expect(error?.expected.contains("`skipsBad`") == true && error?.found.contains("Git LFS") == true)
    }
    let skipped = try load(ImageLoadingOptions(skipsBad: true)).skipped
    #expect(skipped.count == 2 && skipped.allSatisfy { $0.reason.contains("Git LFS") })
    // What is not the file's fault, or is one file alone, has no such way.
    #expect(error(Array(Self.pointer.utf8))?.expected == "a PNG image")
  }

  /// The other importers know the same files.
  @Test func importersNameThemToo() throws {
    let folder = try TemporaryFolder()
    for (name, bytes) in [
      ("Git LFS", Array(Self.pointer.utf8)), ("HTML", Array("<!DOCTYPE html>\n<html>".utf8)),
      ("ZIP", [0x50, 0x4B, 3, 4, 20, 0, 0, 0]), ("PNG", png), ("pickle", [0x80, 2, 0x7D, 0x71, 1, 0x28, 0x55, 4]),
    ] as [(String, [UInt8])] {
      try folder.write(bytes, to: "file")
      let path = folder.path + "/file"
      let idx = scanlineError { _ = try IDXFile(path, dimensions: 3, what: "images") }
      #expect(idx?.found.contains(name) == true, "\(idx?.description ?? "none")")
      let cifar = scanlineError { _ = try CIFARFiles([path]).kind(nil) }
      #expect(cifar?.found.contains(name) == true, "\(cifar?.description ?? "none")")
    }
  }
}
