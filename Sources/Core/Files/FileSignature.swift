// What a file is that is not what it was taken for: a page in place of a download, a picture under another name, a PNG that
// was damaged on the way. An error that says so saves its reader a look at the bytes.

/// Kinds of files, by the bytes that they begin with.
package enum FileSignature {
  /// As many first bytes as are looked at.
  package static let length = 512

  /// What the file that begins with these bytes is, as it stands behind "found" in an error; nil where no kind is known.
  package static func name(_ bytes: some Collection<UInt8>) -> String? {
    let bytes = Array(bytes.prefix(length))
    if bytes.isEmpty { return "an empty file" }
    for (start, offset, name) in fixed where bytes.dropFirst(offset).starts(with: start) { return name }
    return container(bytes) ?? damagedPNG(bytes) ?? markup(bytes)
      ?? (isPickle(bytes) ? "a Python pickle" : nil)
      ?? (bytes.count >= 8 && bytes.allSatisfy { $0 == 0 } ? "zeros, as a broken download or copy leaves them" : nil)
  }

  /// Whether these bytes begin a file as `torch.save` writes them: a ZIP archive, or a pickle.
  package static func isTorch(_ bytes: some Collection<UInt8>) -> Bool {
    let bytes = Array(bytes.prefix(length))
    return bytes.starts(with: zip) || isPickle(bytes)
  }

  /// What a file of text is: JSON, or text by its first line; nil where these bytes are no text. Not part of `name`, since
  /// text has no signature: only where the format that was expected has other bytes in front, this is of use.
  package static func textName(_ bytes: some Collection<UInt8>) -> String? {
    let bytes = Array(bytes.prefix(length))
    guard !bytes.isEmpty, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || (9...13).contains($0) }) else { return nil }
    let text = trimmed(bytes)
    if let first = text.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return "JSON text" }
    let line = String(decoding: text.prefix { $0 != 10 && $0 != 13 }, as: UTF8.self)
    return "text (\"\(line.prefix(40))\(line.count > 40 ? "…" : "")\")"
  }

  // MARK: - Parts

  private static let zip: [UInt8] = [0x50, 0x4B, 3, 4]

  /// Bytes at an offset, and what they mean.
  private static let fixed: [(start: [UInt8], offset: Int, name: String)] = [
    ([0xFF, 0xD8, 0xFF], 0, "a JPEG file"), (Array("GIF8".utf8), 0, "a GIF file"), (Array("BM".utf8), 0, "a BMP file"),
    ([0x49, 0x49, 0x2A, 0], 0, "a TIFF file"), ([0x4D, 0x4D, 0, 0x2A], 0, "a TIFF file"),
    ([0x49, 0x49, 0x2B, 0], 0, "a TIFF file"), ([0x4D, 0x4D, 0, 0x2B], 0, "a TIFF file"),
    ([0xFF, 0x0A], 0, "a JPEG XL file"), ([0, 0, 0, 12] + Array("JXL ".utf8), 0, "a JPEG XL file"),
    ([0, 0, 0, 12] + Array("jP  ".utf8), 0, "a JPEG 2000 file"), ([0xFF, 0x4F, 0xFF, 0x51], 0, "a JPEG 2000 file"),
    (Array("8BPS".utf8), 0, "a Photoshop file"), (Array("qoif".utf8), 0, "a QOI file"),
    ([0, 0, 1, 0], 0, "a Windows icon"), (Array("%PDF".utf8), 0, "a PDF file"),
    ([0x8A] + Array("MNG\r\n".utf8), 0, "an MNG file"), ([0x8B] + Array("JNG\r\n".utf8), 0, "a JNG file"),
    ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], 0, "a PNG file"),
    ([0x1F, 0x8B, 8], 0, "gzip data (unpack them first)"), (Array("BZh".utf8), 0, "bzip2 data (unpack them first)"),
    ([0xFD] + Array("7zXZ\0".utf8), 0, "xz data (unpack them first)"),
    ([0x28, 0xB5, 0x2F, 0xFD], 0, "Zstandard data (unpack them first)"),
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], 0, "a 7-Zip archive"), (Array("Rar!".utf8), 0, "a RAR archive"),
    (Array("ustar".utf8), 257, "a tar archive"), (zip, 0, "a ZIP archive"),
    ([0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A], 0, "an HDF5 file"),
    ([0x93] + Array("NUMPY".utf8), 0, "a NumPy array"), (Array("GGUF".utf8), 0, "a GGUF file"),
    (Array("version https://git-lfs".utf8), 0, "a Git LFS pointer (get the file itself with git lfs pull)"),
    (Array("version https://hawser".utf8), 0, "a Git LFS pointer (get the file itself with git lfs pull)"),
  ]

  /// RIFF, ISO media (ISO/IEC 14496-12) and NetPBM: what is inside stands further on.
  private static func container(_ bytes: [UInt8]) -> String? {
    if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) { return "a WebP file" }
    if bytes.dropFirst(4).starts(with: "ftyp".utf8) {
      let size = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
      let brands = String(decoding: bytes.prefix(min(max(size, 12), 64)).dropFirst(8), as: UTF8.self)
      if brands.contains("avi") { return "an AVIF file" }
      return ["hei", "hev", "mif1", "msf1"].contains { brands.contains($0) } ? "an HEIC file" : "a video file"
    }
    guard bytes.count > 2, bytes[0] == UInt8(ascii: "P"), (0x31...0x37).contains(bytes[1]) else { return nil }
    return [9, 10, 13, 32].contains(bytes[2]) ? "a NetPBM file" : nil
  }

  /// A PNG whose first eight bytes were changed on the way: they were chosen to show that (PNG specification, section 12.12).
  private static func damagedPNG(_ bytes: [UInt8]) -> String? {
    let name = Array("PNG".utf8)
    if bytes.starts(with: [0x89] + name) {
      let ends = bytes.dropFirst(4).prefix { $0 == 0x0D || $0 == 0x0A || $0 == 0x1A }
      guard !ends.isEmpty, bytes.dropFirst(4 + ends.count).first.map({ $0 == 0 }) ?? true else { return nil }
      return "a PNG file whose line ends were changed on the way (copy it again, in binary mode)"
    }
    if bytes.starts(with: [0x09] + name) {
      return "a PNG file that lost the eighth bit of its bytes on the way (copy it again, in binary mode)"
    }
    for start: [UInt8] in [[0xC2, 0x89], [0xEF, 0xBF, 0xBD], [0xEF, 0xBB, 0xBF, 0x89]]
    where bytes.starts(with: start + name) {
      return "a PNG file that was rewritten as text on the way (copy it again, in binary mode)"
    }
    return nil
  }

  private static func markup(_ bytes: [UInt8]) -> String? {
    let text = String(decoding: trimmed(bytes), as: UTF8.self).lowercased()
    func begins(_ start: String) -> Bool { text.utf8.starts(with: start.utf8) }
    if ["<!doctype html", "<html", "<head", "<body"].contains(where: begins) {
      return "an HTML page (download the file itself, not the page about it)"
    }
    if begins("<svg") || begins("<?xml") && text.contains("<svg") { return "an SVG drawing" }
    return begins("<?xml") ? "an XML file" : nil
  }

  /// Protocols 2 to 5 begin with their number, and then comes an instruction, none of which is a zero byte.
  private static func isPickle(_ bytes: [UInt8]) -> Bool {
    bytes.count > 2 && bytes[0] == 0x80 && (2...5).contains(bytes[1]) && bytes[2] != 0
  }

  /// Without a byte order mark and white space in front.
  private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    return text.drop { $0 == 32 || (9...13).contains($0) }
  }
}
