// The IDX format of MNIST and its kin: images and labels.
//
// Four bytes: 0, 0, the type of an element (8: unsigned byte), the number of dimensions. Then each dimension as 32 bits,
// the highest byte first, then the elements, the last dimension running fastest. (Y. LeCun, C. Cortes, C. Burges, "The
// MNIST database of handwritten digits", 1998.)
import Core

/// An IDX file of unsigned bytes, plain or gzip, read a stretch at a time.
package final class IDXFile {
  /// The sizes of the dimensions: N×H×W of images, N of labels.
  package let sizes: [Int]
  private let file: GzipFile
  private var left: Int

  /// Bounds that no such data set comes near: without them a header of a few bytes could ask for anything.
  package static let mostItems = 10_000_000, mostSide = 16_384

  /// Opens the file of `dimensions` dimensions, `what` in words, and checks its header against what is there.
  ///
  /// - Throws: `ScanlineError`: `badData` where it is no such file, or too short for what its header says; `io` where it
  ///   cannot be read.
  package init(_ path: String, dimensions: Int, what: String) throws {
    let file = try GzipFile(path)
    self.file = file
    func bad(_ expected: String, _ found: String) -> ScanlineError {
      ScanlineError(.badData, path: path, expected: expected, found: found)
    }
    let magic = try file.read(upTo: 4)
    guard magic.count == 4, magic[0] == 0, magic[1] == 0 else {
      let bytes = magic.map { String($0, radix: 16) }.joined(separator: " ")
      let start = magic + ((try? file.read(upTo: FileSignature.length)) ?? [])
      throw bad(
        "an IDX file, which begins with two zero bytes", FileSignature.name(start) ?? "the bytes \(bytes)")
    }
    guard magic[2] == 8 else {
      let types: [UInt8: String] = [
        9: "signed bytes", 0xB: "16-bit numbers", 0xC: "32-bit numbers", 0xD: "floats", 0xE: "doubles",
      ]
      throw bad("an IDX file of unsigned bytes (type 8)", types[magic[2]] ?? "the unknown type \(magic[2])")
    }
    guard Int(magic[3]) == dimensions else {
      throw bad(
        "\(what): an IDX file of \(dimensions) dimension\(dimensions == 1 ? "" : "s")", "\(magic[3])")
    }
    let header = try file.read(upTo: 4 * dimensions)
    guard header.count == 4 * dimensions else {
      throw bad("the sizes of \(dimensions) dimensions", "the end of the file")
    }
    sizes = (0..<dimensions).map { d in header[4 * d..<4 * d + 4].reduce(0) { $0 << 8 | Int($1) } }
    guard (1...Self.mostItems).contains(sizes[0]), sizes.dropFirst().allSatisfy({ (1...Self.mostSide).contains($0) })
    else {
      throw bad(
        "1 to \(Self.mostItems) items, of sides from 1 to \(Self.mostSide)",
        sizes.map(String.init).joined(separator: "×"))
    }
    left = sizes.reduce(1, *)
    let most = file.mostBytes - (file.isCompressed ? 0 : file.position)
    guard left <= most else {
      throw bad(
        "\(counted(left, "byte")) of \(what), as the header says",
        file.isCompressed
          ? "\(file.storedBytes) compressed bytes, which cannot hold them" : "\(most): it is cut short")
    }
  }

  /// Bytes of one item.
  package var itemBytes: Int { sizes.dropFirst().reduce(1, *) }

  /// The next `count` items' bytes, in order; of the last item the end of the file is demanded too.
  ///
  /// - Throws: `ScanlineError`: `badData` where the file ends too soon, goes on too long, or is damaged; `io`.
  package func read(items count: Int) throws -> [UInt8] {
    let wanted = count * itemBytes
    precondition(wanted <= left, "more items than the header names")
    let bytes = try file.read(upTo: wanted)
    left -= bytes.count
    guard bytes.count == wanted else {
      throw ScanlineError(
        .badData, path: file.path, expected: "\(sizes[0]) items, as the header says",
        found: "the end of the data after \(sizes[0] - (left + itemBytes - 1) / itemBytes)")
    }
    if left == 0, try !file.read(upTo: 1).isEmpty {
      throw ScanlineError(
        .badData, path: file.path, expected: "the end of the file after \(sizes[0]) items", found: "more bytes")
    }
    return bytes
  }
}
