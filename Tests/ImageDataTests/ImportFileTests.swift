// IDX and CIFAR files: what they hold is read, and what is wrong with them is said before memory or disk is taken for it.
import Core
import CZlib
import Foundation
import ImageData
import Testing
import TestSupport

/// `bytes` as a gzip file.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  #expect(
    deflateInit2_(
      &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
      == Z_OK)
  var input = bytes
  var output = [UInt8](repeating: 0, count: bytes.count + 1_000)
  let made = input.withUnsafeMutableBufferPointer { input in
    output.withUnsafeMutableBufferPointer { output in
      (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(input.count))
      (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(output.count))
      #expect(deflate(&stream, Z_FINISH) == Z_STREAM_END)
      return output.count - Int(stream.avail_out)
    }
  }
  deflateEnd(&stream)
  return Array(output.prefix(made))
}

/// An IDX file of unsigned bytes.
private func idx(_ sizes: [Int], _ values: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(sizes.count)]
    + sizes.flatMap { size in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } } + values
}

@Suite struct ImportFileTests {
  private let folder: TemporaryFolder
  /// Neither all alike nor a pattern that a swap of sides would leave as it is.
  private let values = (0..<4 * 3 * 5).map { UInt8(truncatingIfNeeded: $0 * 37 + $0 / 7) }

  init() throws { folder = try TemporaryFolder() }

  private func images(_ bytes: [UInt8]) throws -> IDXFile {
    try folder.write(bytes, to: "images")
    return try IDXFile(folder.path + "/images", dimensions: 3, what: "images")
  }

  private func problem(_ bytes: [UInt8]) -> ScanlineError? {
    scanlineError {
      let file = try images(bytes)
      _ = try file.read(items: file.sizes[0])
    }
  }

  @Test func itemsComeInOrderPlainAndCompressed() throws {
    for bytes in [idx([4, 3, 5], values), gzip(idx([4, 3, 5], values))] {
      let file = try images(bytes)
      #expect(file.sizes == [4, 3, 5] && file.itemBytes == 15)
      #expect(try file.read(items: 1) + file.read(items: 3) == values)
    }
    // Members that follow one another are one file (RFC 1952).
    let whole = idx([4, 3, 5], values)
    #expect(try images(gzip(Array(whole.prefix(20))) + gzip(Array(whole.dropFirst(20)))).read(items: 4) == values)
  }

  @Test func wrongHeadersAreNamed() throws {
    var bytes = idx([4, 3, 5], values)
    #expect(problem([])?.found == "an empty file")
    bytes[0] = 1
    #expect(problem(bytes)?.expected.contains("two zero bytes") == true)
    bytes[0] = 0
    bytes[2] = 0xD
    #expect(problem(bytes)?.found == "floats")
    #expect(problem(idx([60], values))?.found == "1")
    #expect(problem(idx([4, 0, 5], []))?.found == "4×0×5")
    #expect(problem(Array(idx([4, 3, 5], values).prefix(9)))?.expected == "the sizes of 3 dimensions")
    #expect(problem(idx([4, 3, 5], values))?.kind == nil)
  }

  @Test func everyTruncationAndSurplusIsRefused() throws {
    for whole in [idx([4, 3, 5], values), gzip(idx([4, 3, 5], values))] {
      for length in 0..<whole.count {
        #expect(problem(Array(whole.prefix(length)))?.kind == .badData, "\(length) of \(whole.count) bytes")
      }
      #expect(problem(whole + [7])?.kind == .badData)
      #expect(problem(whole + [0x1F, 0x8B])?.kind == .badData)
    }
    #expect(problem(gzip(idx([4, 3, 5], values + [0])))?.found == "more bytes")
    #expect(problem(gzip(idx([4, 3, 5], values)) + Array("rest".utf8))?.expected.contains("after gzip's data") == true)
  }

  @Test func damageShows() throws {
    let whole = gzip(idx([4, 3, 5], values))
    // The trailer: four bytes of CRC-32, four of the length.
    for position in whole.count - 8..<whole.count {
      var bytes = whole
      bytes[position] ^= 0x10
      #expect(problem(bytes)?.found.contains("incorrect") == true, "byte \(position)")
    }
    for position in 10..<whole.count - 8 {
      var bytes = whole
      bytes[position] ^= 0x55
      #expect(problem(bytes)?.kind == .badData, "byte \(position)")
    }
  }

  /// A header that asks for gigabytes is held against the file before anything is made for it.
  @Test func aBombIsRefusedByItsLength() throws {
    for bytes in [idx([9_999_999, 28, 28], values), gzip(idx([9_999_999, 28, 28], values))] {
      #expect(problem(bytes)?.expected.contains("7839999216 bytes") == true)
    }
    #expect(problem(idx([4_000_000_000, 1, 1], values))?.expected.contains("1 to 10000000 items") == true)
    // 60 bytes are there, and 40,000 are promised: within what deflate could do.
    #expect(problem(gzip(idx([40, 25, 40], values)))?.found == "the end of the data after 0")
  }

  // MARK: CIFAR

  /// `count` records with `labels` bytes before the pixels.
  private func records(_ count: Int, labels: Int, first: UInt8 = 0) -> [UInt8] {
    (0..<count).flatMap { record in
      let pixels: [UInt8] = (0..<3072).map { UInt8(truncatingIfNeeded: $0 / 5 + record) }
      return [UInt8](repeating: first + UInt8(record), count: labels) + pixels
    }
  }

  @Test func planesBecomePixels() throws {
    try folder.write(records(3, labels: 2), to: "set/train.bin")
    let files = try CIFARFiles([folder.path + "/set"])
    #expect(files.batches.map(\.split) == [.train])
    #expect(try files.kind(nil) == .cifar100)
    var reader = try CIFARRecords(files.batches[0], kind: .cifar100, isCoarse: false)
    let stretch = try reader.read(upTo: 2)
    #expect(stretch.labels == [0, 1])
    let plane = records(1, labels: 0)
    #expect(stretch.pixels[3 * 100..<3 * 100 + 3] == [plane[100], plane[1124], plane[2148]])
    #expect(try reader.read(upTo: 2).labels == [2])
    #expect(try reader.read(upTo: 2).labels == [])
  }

  @Test func kindsAreToldByLength() throws {
    func kind(_ bytes: [UInt8], _ asked: CIFARKind? = nil) throws -> CIFARKind {
      try folder.write(bytes, to: "a.bin")
      return try CIFARFiles([folder.path + "/a.bin"]).kind(asked)
    }
    #expect(try kind(records(2, labels: 1)) == .cifar10)
    #expect(try kind(gzip(records(2, labels: 2))) == .cifar100)
    #expect(scanlineError { _ = try kind(records(2, labels: 1) + [0]) }?.found == "6147 bytes")
    #expect(scanlineError { _ = try kind([]) }?.kind == .badData)
    #expect(scanlineError { _ = try kind(records(2, labels: 1), .cifar100) }?.kind == .badData)
    try folder.write(records(1, labels: 2), to: "b.bin")
    try folder.write(records(1, labels: 1), to: "a.bin")
    let both = try CIFARFiles([folder.path])
    #expect(scanlineError { _ = try both.kind(nil) }?.expected.contains("batches of cifar10") == true)
  }

  @Test func aLabelBeyondTheClassesIsNamed() throws {
    try folder.write(records(2, labels: 1, first: 9), to: "a.bin")
    let batch = try CIFARFiles([folder.path + "/a.bin"]).batches[0]
    var reader = try CIFARRecords(batch, kind: .cifar10, isCoarse: false)
    #expect(scanlineError { _ = try reader.read(upTo: 5) }?.found == "10 in record 2")
  }

  /// A tar archive of files, with a folder's entry first, as it is distributed.
  private func tar(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    func header(_ name: String, _ size: Int, _ type: String) -> [UInt8] {
      var block = [UInt8](repeating: 0, count: 512)
      func put(_ text: String, _ position: Int) {
        block.replaceSubrange(position..<position + text.utf8.count, with: text.utf8)
      }
      put(name, 0)
      put(String(size, radix: 8), 124)
      put(type, 156)
      put("ustar  ", 257)
      put("        ", 148)
      put(String(block.reduce(0) { $0 + Int($1) }, radix: 8) + "\0", 148)
      return block
    }
    let files: [UInt8] = members.flatMap { name, bytes in
      let padding = [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
      return header(name, bytes.count, "0") + bytes + padding
    }
    return header("set/", 0, "5") + files + [UInt8](repeating: 0, count: 1024)
  }

  @Test func anArchiveIsReadByContent() throws {
    let names = (0..<10).map { "class\($0)" }
    let whole = tar([
      ("set/data_batch_2.bin", records(2, labels: 1)),
      ("set/batches.meta.txt", Array((names.joined(separator: "\n") + "\n").utf8)),
      ("../../data_batch_1.bin", records(1, labels: 1, first: 5)), ("set/readme.html", [1, 2, 3]),
    ])
    for bytes in [whole, gzip(whole)] {
      try folder.write(bytes, to: "set.any")
      let files = try CIFARFiles([folder.path + "/set.any"])
      #expect(files.batches.map(\.name) == ["data_batch_1", "data_batch_2"])
      #expect(try files.classNames(.cifar10, isCoarse: false) == names)
      var reader = try CIFARRecords(files.batches[0], kind: .cifar10, isCoarse: false)
      let read = try reader.read(upTo: 9)
      #expect(read.labels == [5] && read.pixels.count == 3072)
    }
    // Cut anywhere but in the zeros at the end, it is refused.
    for length in stride(from: 512, to: whole.count - 1024, by: 511) {
      try folder.write(Array(whole.prefix(length)), to: "set.any")
      #expect(
        scanlineError { _ = try CIFARFiles([folder.path + "/set.any"]).kind(nil) }?.kind == .badData, "\(length) bytes")
    }
    var damaged = whole
    damaged[512 + 3] ^= 1
    try folder.write(damaged, to: "set.any")
    #expect(scanlineError { _ = try CIFARFiles([folder.path + "/set.any"]) }?.expected == "a tar header at byte 512")
  }

  @Test func listsOfNamesAreChecked() throws {
    try folder.write(records(2, labels: 1), to: "data_batch_1.bin")
    let path = folder.path + "/data_batch_1.bin"
    func names(_ text: String) throws -> [String]? {
      try folder.write(Array(text.utf8), to: "batches.meta.txt")
      return try CIFARFiles([path]).classNames(.cifar10, isCoarse: false)
    }
    #expect(try CIFARFiles([path]).classNames(.cifar10, isCoarse: false) == nil)
    #expect(scanlineError { _ = try names("cat\ndog\n") }?.found == "2 different ones in 2 lines")
    let ten = (0..<9).map { "c\($0)\n" }.joined()
    #expect(try names(ten + "c9\n\n")?.last == "c9")
    #expect(scanlineError { _ = try names(ten + "../up\n") }?.found == "../up")
    #expect(scanlineError { _ = try names(ten + "c0\n") }?.kind == .badData)
  }
}
