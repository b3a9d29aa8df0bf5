// Archives as other programs write them: long paths, links, padding; and the names of classes in them.
import Core
import CZlib
import Foundation
import ImageData
import Testing

/// A tar archive as it is put together, entry by entry.
private struct Tar {
  var bytes: [UInt8] = []
  /// "ustar\0" + "00" of POSIX, or GNU's "ustar  \0".
  var magic: [UInt8] = Array("ustar\0".utf8) + Array("00".utf8)

  /// A header and what follows it.
  mutating func add(
    _ name: [UInt8], _ content: [UInt8] = [], type: Character = "0", link: String = "", prefix: String = "",
    size: [UInt8]? = nil
  ) {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ bytes: [UInt8], _ position: Int) {
      block.replaceSubrange(position..<position + bytes.count, with: bytes)
    }
    put(name, 0)
    put(size ?? Array(String(content.count, radix: 8).utf8), 124)
    put(Array(String(type).utf8), 156)
    put(Array(link.utf8), 157)
    put(magic, 257)
    put(Array(prefix.utf8), 345)
    put(Array("        ".utf8), 148)
    put(Array((String(block.reduce(0) { $0 + Int($1) }, radix: 8) + "\0").utf8), 148)
    bytes += block + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
  }

  mutating func add(
    _ name: String, _ content: [UInt8] = [], type: Character = "0", link: String = "", prefix: String = "",
    size: [UInt8]? = nil
  ) {
    add(Array(name.utf8), content, type: type, link: link, prefix: prefix, size: size)
  }

  /// A pax header of these records.
  mutating func addPax(_ records: [(String, String)], type: Character = "x") {
    let text = records.map { key, value in
      let rest = " \(key)=\(value)\n"
      var length = rest.utf8.count + 1
      while String(length).utf8.count + rest.utf8.count != length { length += 1 }
      return String(length) + rest
    }
    add("PaxHeaders/x", Array(text.joined().utf8), type: type)
  }

  var whole: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}

@Suite struct ArchiveTests {
  private let folder: TemporaryFolder
  /// A path that no header has room for.
  private let long = (0..<20).map { "folder-number-\($0)" }.joined(separator: "/")

  init() throws { folder = try TemporaryFolder() }

  /// `count` records of CIFAR-10, of class `first` and on.
  private func records(_ count: Int, first: UInt8 = 0) -> [UInt8] {
    (0..<count).flatMap { record in
      let pixels: [UInt8] = (0..<3072).map { UInt8(truncatingIfNeeded: $0 / 5 + record) }
      return [first + UInt8(record)] + pixels
    }
  }

  /// The labels in each batch of an archive, by the batch's name.
  private func labels(_ archive: [UInt8]) throws -> [String: [Int]] {
    try folder.write(archive, to: "set.any")
    let files = try CIFARFiles([folder.path + "/set.any"])
    return Dictionary(
      uniqueKeysWithValues: try files.batches.map { batch in
        var reader = try CIFARRecords(batch, kind: .cifar10, isCoarse: false)
        let labels = try reader.read(upTo: 100).labels
        #expect(labels.count * 3073 == batch.bytes)
        return (batch.name, labels)
      })
  }

  private func problem(_ archive: [UInt8]) -> ScanlineError? { scanlineError { _ = try labels(archive) } }

  // MARK: gzip

  /// bsdtar and tapes fill their last block with zeros behind the stream; gzip, zcat and Python read on to the end.
  @Test func zerosBehindGzipArePadding() throws {
    let idx: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]
    func read(_ bytes: [UInt8]) throws -> [UInt8] {
      try folder.write(bytes, to: "images")
      let file = try IDXFile(folder.path + "/images", dimensions: 3, what: "images")
      return try file.read(items: 2)
    }
    for count in [1, 2, 511, 65_535, 65_536, 200_000] {
      let zeros = [UInt8](repeating: 0, count: count)
      #expect(try read(gzip(idx) + zeros) == [1, 2, 3, 4, 5, 6], "\(count) zeros")
      // Something behind them is no padding; a member is read on.
      #expect(scanlineError { _ = try read(gzip(idx) + zeros + [7]) }?.found == "more bytes", "\(count) zeros")
      let parts = gzip(Array(idx.prefix(9))) + zeros + gzip(Array(idx.dropFirst(9)))
      #expect(try read(parts + zeros) == [1, 2, 3, 4, 5, 6], "\(count) zeros")
    }
    var tar = Tar()
    tar.add("data_batch_1.bin", records(2))
    let padded = gzip(tar.whole)
    #expect(
      try labels(padded + [UInt8](repeating: 0, count: 10_240 - padded.count % 10_240)) == ["data_batch_1": [0, 1]])
  }

  // MARK: tar

  @Test func longPathsAreRead() throws {
    let name = long + "/data_batch_1.bin"
    for magic in ["ustar\0" + "00", "ustar  \0"] {
      var gnu = Tar(magic: Array(magic.utf8))
      gnu.add("././@LongLink", Array((name + "\0").utf8), type: "L")
      gnu.add(String(name.prefix(100)), records(2))
      gnu.add("short/test_batch.bin", records(1, first: 7))
      #expect(try labels(gnu.whole) == ["data_batch_1": [0, 1], "test_batch": [7]])
      #expect(try labels(gzip(gnu.whole)) == ["data_batch_1": [0, 1], "test_batch": [7]])
    }
    var pax = Tar()
    pax.addPax([("mtime", "1.5"), ("path", name), ("comment", "path=no\n")])
    pax.add(String(name.prefix(100)), records(2))
    pax.add("short/test_batch.bin", records(1, first: 7))
    #expect(try labels(pax.whole) == ["data_batch_1": [0, 1], "test_batch": [7]], "a header counts for one member")
    var split = Tar()
    split.add("data_batch_1.bin", records(2), prefix: String(long.prefix(150)))
    #expect(try labels(split.whole) == ["data_batch_1": [0, 1]])
    // A name of 100 bytes fills its field: no zero ends it. GNU keeps times where POSIX has the prefix.
    var full = Tar(magic: Array("ustar  \0".utf8))
    full.add(String(repeating: "a", count: 83) + "/data_batch_1.bin".suffix(17), records(2), prefix: "1234567")
    #expect(try labels(full.whole) == ["data_batch_1": [0, 1]])
  }

  @Test func sizesAreReadHoweverTheyAreWritten() throws {
    var binary = Tar()
    let count = 2 * 3073
    binary.add(
      "data_batch_1.bin", records(2),
      size: [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, UInt8(count >> 8), UInt8(count & 255)])
    #expect(try labels(binary.whole) == ["data_batch_1": [0, 1]])
    var pax = Tar()
    pax.addPax([("size", "\(count)")])
    pax.add("data_batch_1.bin", records(2), size: Array("0".utf8))
    pax.addPax([("comment", "no more")], type: "g")
    pax.add("test_batch.bin", records(1, first: 7))
    #expect(try labels(pax.whole) == ["data_batch_1": [0, 1], "test_batch": [7]])
    for size in ["-1", "x", "99999999999999999999", ""] {
      var bad = Tar()
      bad.addPax([("size", size)])
      bad.add("data_batch_1.bin", records(2))
      #expect(problem(bad.whole)?.kind == (size.isEmpty ? nil : .badData), "\(size)")
    }
    var negative = Tar()
    negative.add("data_batch_1.bin", records(1), size: [UInt8](repeating: 0xFF, count: 12))
    #expect(problem(negative.whole)?.kind == .badData)
    var huge = Tar()
    huge.add("data_batch_1.bin", records(1), size: [0x80] + [UInt8](repeating: 0x7F, count: 11))
    #expect(problem(huge.whole)?.kind == .badData)
  }

  @Test func linksInAnArchiveAreFollowed() throws {
    for kind: Character in ["1", "2"] {
      var tar = Tar()
      tar.add("x/data_batch_1.bin", records(2))
      tar.add("x/data_batch_2.bin", type: kind, link: kind == "1" ? "x/data_batch_1.bin" : "data_batch_1.bin")
      tar.add("x/test_batch.bin", records(1, first: 7))
      #expect(
        try labels(tar.whole) == ["data_batch_1": [0, 1], "data_batch_2": [0, 1], "test_batch": [7]], "type \(kind)")
    }
    // Before what it leads to, through another link, a folder that is one, and "..".
    var tar = Tar()
    tar.add("a/data_batch_1.bin", type: "2", link: "../b/./here/blob")
    tar.add("b/here", type: "2", link: "there")
    tar.add("b/there/", type: "5")
    tar.add("b/there/blob", type: "1", link: "store/0001")
    tar.add("store/0001", records(1, first: 4))
    tar.add("a/batches.meta.txt", type: "2", link: "../store/names")
    tar.add("store/names", Array((0..<10).map { "c\($0)\n" }.joined().utf8))
    #expect(try labels(tar.whole) == ["data_batch_1": [4]])
    let files = try CIFARFiles([folder.path + "/set.any"])
    #expect(try files.classNames(.cifar10, isCoarse: false)?.last == "c9")
    // The links of GNU and of pax whose targets are long.
    var gnu = Tar(magic: Array("ustar  \0".utf8))
    gnu.add("././@LongLink", Array((long + "/blob\0").utf8), type: "K")
    gnu.add("data_batch_1.bin", type: "2", link: String(long.prefix(100)))
    gnu.addPax([("path", long + "/blob")])
    gnu.add("blob", records(2))
    gnu.addPax([("linkpath", long + "/blob")])
    gnu.add("data_batch_2.bin", type: "1", link: "no")
    #expect(try labels(gnu.whole) == ["data_batch_1": [0, 1], "data_batch_2": [0, 1]])
  }

  @Test func linksThatLeadNowhereAreRefusedByName() throws {
    for (link, kind) in [
      ("/etc/passwd", "2"), ("../../data", "2"), ("missing", "2"), ("missing", "1"), ("data_batch_2.bin", "2"),
      ("loop", "2"), ("x", "2"),
    ] as [(String, Character)] {
      var tar = Tar()
      tar.add("x/", type: "5")
      tar.add("x/data_batch_1.bin", records(2))
      tar.add("x/loop", type: "2", link: "data_batch_2.bin")
      tar.add("x/data_batch_2.bin", type: kind, link: link)
      let error = problem(tar.whole)
      #expect(error?.kind == .badData && error?.description.contains("data_batch_2.bin") == true, "\(link)")
      #expect(error?.found.contains(link) == true, "\(link): \(error?.description ?? "none")")
    }
    // What is not asked for may lead anywhere.
    var tar = Tar()
    tar.add("x/data_batch_1.bin", records(2))
    tar.add("x/readme", type: "2", link: "/etc/passwd")
    tar.add("x/device", type: "3")
    #expect(try labels(tar.whole) == ["data_batch_1": [0, 1]])
    for kind: Character in ["S", "3", "6"] {
      var other = Tar()
      other.add("x/data_batch_1.bin", records(2))
      other.add("x/data_batch_2.bin", type: kind)
      #expect(problem(other.whole)?.description.contains("data_batch_2.bin") == true, "type \(kind)")
    }
  }

  @Test func headersOfHeadersAreChecked() throws {
    for text in ["12 path=x", "99 path=x\n", "x path=x\n", "0 path=x\n", "9 path x\n", "-9 path=x\n", " 10 path=x\n"] {
      var tar = Tar()
      tar.add("PaxHeaders/x", Array(text.utf8), type: "x")
      tar.add("data_batch_1.bin", records(2))
      #expect(problem(tar.whole)?.kind == .badData, "\(text)")
    }
    var bomb = Tar()
    bomb.add("././@LongLink", [UInt8](repeating: 65, count: 3 << 20), type: "L")
    bomb.add("data_batch_1.bin", records(2))
    #expect(problem(bomb.whole)?.kind == .badData)
    // A long name at the end of an archive belongs to nothing.
    var cut = Tar()
    cut.add("data_batch_1.bin", records(2))
    cut.add("././@LongLink", Array("name\0".utf8), type: "L")
    #expect(try labels(cut.whole) == ["data_batch_1": [0, 1]])
    for length in stride(from: 512, to: cut.bytes.count, by: 511) {
      #expect(problem(Array(cut.bytes.prefix(length)))?.kind == .badData, "\(length) bytes")
    }
  }

  /// Archives of before 1988 have no magic word.
  @Test func oldArchivesAreRead() throws {
    var old = Tar(magic: [])
    old.add("data_batch_1.bin", records(2), type: "\0")
    #expect(try labels(old.whole) == ["data_batch_1": [0, 1]])
    #expect(problem([UInt8](repeating: 0, count: 10_240)) != nil)
  }

  // MARK: Names of classes

  private func names(_ list: [UInt8], _ kind: CIFARKind = .cifar10) throws -> [String]? {
    try folder.write(records(2), to: "set/data_batch_1.bin")
    try folder.write(list, to: "set/batches.meta.txt")
    return try CIFARFiles([folder.path + "/set"]).classNames(kind, isCoarse: false)
  }

  @Test func namesOfClassesKeepTheirSpaces() throws {
    func ten(_ first: String, _ end: String = "\n") -> [UInt8] {
      Array(([first] + (1..<10).map { "c\($0)" }).map { $0 + end }.joined().utf8)
    }
    for name in ["aquarium fish", "a\tb", " a", "a ", "a  b", "a\u{2028}b", "a\u{0B}b", "é", "e\u{301}"] {
      #expect(try names(ten(name))?.first?.fileNameBytes == Array(name.utf8), "\(name)")
      #expect(try names(ten(name, "\r\n") + Array("\r\n".utf8))?.first?.fileNameBytes == Array(name.utf8), "\(name)")
    }
    #expect(try names([0xEF, 0xBB, 0xBF] + ten("a"))?.first == "a", "a byte order mark is no part of a name")
    #expect(try names([0xE9] + ten(""))?.first?.fileNameBytes == [0xE9], "a name of Latin-1 keeps its byte")
    let two = try names(Array("e\u{301}\né\n".utf8) + (2..<10).flatMap { Array("c\($0)\n".utf8) })
    #expect(two?.count == 10, "two folders, though they look alike")
  }

  @Test func namesThatFoldersCannotHaveAreRefused() throws {
    let long = String(repeating: "a", count: 256)
    for name in ["../x", "a/b", "/x", ".", "..", ".hidden", "c\0t", long, "c1"] {
      let list = ([name] + (1..<10).map { "c\($0)" }).map { $0 + "\n" }.joined()
      let error = scanlineError { _ = try names(Array(list.utf8)) }
      #expect(error?.kind == .badData, "\(name)")
      #expect(error?.path.hasSuffix("batches.meta.txt") == true)
      if name.utf8.count < 9 { #expect(error?.found.contains(name) == true, "\(error?.description ?? name)") }
    }
    let longest = String(repeating: "é", count: 127) + "e"
    let list = ([longest] + (1..<10).map { "c\($0)" }).map { $0 + "\n" }.joined()
    #expect(try names(Array(list.utf8))?.first == longest)
    // A list that is no list is not read to its end.
    #expect(scanlineError { _ = try names([UInt8](repeating: 10, count: 70_000)) }?.kind == .badData)
  }
}
