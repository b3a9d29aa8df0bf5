// The bytes of event files, against bytes that TensorBoard's own Python package wrote (tensorboard 2.21.0: RecordWriter
// and its protobuf classes), and how they are cut back when a run is resumed.
import Core
import Foundation
import Networks
import TensorBoard
import Testing
import Training

@Suite struct EventFileTests {
  private let folder: String
  private let time = 1_700_000_000.5

  init() throws {
    var template = Array((NSTemporaryDirectory() + "/scanline-XXXXXX").utf8CString)
    folder = String(cString: mkdtemp(&template))
  }

  // The records that Python wrote.
  private let version = "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110"
  private let start = "0f000000000000006d532b090900002040fc54d94110013a020801e50ad869"
  private let scalars =
    "2300000000000000b09f77430900002040fc54d94110032a160a0a0a03612f6215cdcccc3d0a080a016315000000c03c60367d"
  private let image = "200000000000000029eda9500900006040fc54d94110042a130a110a0170220c080210031801220489504e47f1a3b2de"
  private let histogram = """
    b800000000000000a0d1b53a0900006040fc54d94110042aaa010aa7010a01682aa10109000000000000e0bf1100000000000000401900000000\
    000014402100000000000004402900000000000013403238fae55a25d31fdebf000000000000000011ea2d819997713dfae55a25d31fde3fb031\
    25ee8091e03fdc94cd2e8d75ff3fe011f10c744d01403a38000000000000f03f0000000000000000000000000000f03f00000000000000000000\
    0000000000400000000000000000000000000000f03f7cc75c0e
    """

  private func write(_ writer: EventWriter) throws {
    try writer.write([.scalar("a/b", 0.1), .scalar("c", -2)], step: 3, wallTime: time)
    try writer.write(
      [.image("p", png: [0x89, 0x50, 0x4E, 0x47], shape: ImageShape(height: 2, width: 3, channels: 1))], step: 4,
      wallTime: time + 1)
    try writer.write([.histogram("h", Histogram([0, 0.5, -0.5, 2, 0.5]))], step: 4, wallTime: time + 1)
  }

  private func names() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
  }

  private func bytes(_ name: String) -> [UInt8] {
    [UInt8](FileManager.default.contents(atPath: folder + "/" + name) ?? Data())
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

  private func atStep<Result>(_ step: Int, _ body: (EventWriter) throws -> Result) throws -> Result {
    try body(EventWriter(under: RunLock(run: folder), step: step))
  }

  // MARK: - Bytes

  /// RFC 3720, appendix B.4, and the usual check value.
  @Test(
    arguments: [
      (Array("123456789".utf8), 0xE306_9283), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 255, count: 32), 0x62A8_AB43), (Array(0...31), 0x46DD_794E),
      (Array((0...31).reversed()), 0x113F_DB5C), ([], 0),
    ] as [([UInt8], UInt32)])
  func publishedChecksums(bytes: [UInt8], crc: UInt32) { #expect(CRC32C.of(bytes) == crc) }

  @Test func aFileIsWhatTensorBoardWouldWrite() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try atStep(0) { writer in
      #expect(names() == [], "no file before the first event")
      try write(writer)
    }
    #expect(names() == ["events.out.tfevents.1700000000.scanline"])
    #expect(hexadecimal(bytes(names()[0])) == version + start + scalars + image + histogram)
  }

  /// A record is found again, one that is torn or damaged ends the reading, wherever the damage is.
  @Test func recordsEndAtTheFirstDamage() {
    let contents: [[UInt8]] = [[1, 2, 3], [], [UInt8](repeating: 7, count: 300)]
    let file = contents.flatMap(EventRecord.framed)
    #expect(EventRecord.records(in: file) == contents)
    for end in 0..<file.count {
      let whole = end < 19 ? 0 : end < 35 ? 1 : 2
      #expect(EventRecord.records(in: Array(file.prefix(end))) == Array(contents.prefix(whole)), "\(end) bytes")
      let start = [0, 19, 35][whole]
      #expect(EventRecord.beginning(of: file[start..<end]) == .part, "\(end) bytes")
    }
    for position in 19..<35 {
      var damaged = file
      damaged[position] ^= 0x10
      #expect(EventRecord.records(in: damaged).count == 1, "damage at \(position)")
      #expect(EventRecord.beginning(of: damaged[19...]) == .damage, "damage at \(position)")
    }
    // Checked, but of more bytes than there can be.
    let endless = [UInt8](repeating: 255, count: 8)
    let crc = CRC32C.masked(endless)
    let header = endless + (0..<4).map { UInt8(truncatingIfNeeded: crc >> (8 * $0)) }
    #expect(EventRecord.beginning(of: (header + [0, 0, 0, 0, 0])[...]) == .part)
  }

  /// Fields that are not known are passed over by their wire types; what is no message is none, however it is cut.
  @Test func headersAreReadOfAnyEvent() throws {
    let unknown: [UInt8] = [0x48, 0xFF, 0x01, 0x51] + [UInt8](repeating: 1, count: 8) + [0x5D, 1, 2, 3, 4, 0x62, 1, 9]
    let step: [UInt8] = [0x10, 0x84, 0x01], summary: [UInt8] = [0x2A, 2, 0x0A, 0]
    let header = try #require(EventHeader((unknown + step + unknown + summary)[...]))
    #expect(header.step == 132 && header.holdsValues)
    let first = try #require(EventHeader([0x1A, 1, 0x62]))
    #expect(first.step == 0 && !first.holdsValues)
    let negative = try #require(EventHeader([0x10] + [UInt8](repeating: 255, count: 9) + [1]))
    #expect(negative.step == -1)
    for end in 1..<unknown.count where ![3, 12, 17].contains(end) {
      #expect(EventHeader(unknown[..<end]) == nil, "\(end) bytes")
    }
    #expect(EventHeader([0x0B]) == nil, "a wire type that is no longer in use")
    #expect(EventHeader([0x12] + [UInt8](repeating: 255, count: 9) + [1]) == nil, "longer than there are bytes")
    #expect(EventHeader([0x10] + [UInt8](repeating: 255, count: 10) + [1]) == nil, "a number of more than 64 bits")
  }

  // MARK: - Resuming

  /// Later steps and a torn end are cut off; the new file comes after the old one even where the clock went back.
  @Test func eachStepIsThereOnce() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try atStep(0, write)
    let first = names()[0]
    try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/" + first)).truncate(
      atOffset: UInt64(bytes(first).count - 1))
    try atStep(3) { writer in
      #expect(hexadecimal(bytes(first)) == version + start + scalars)
      try writer.write([.scalar("c", 1)], step: 4, wallTime: time - 100)
    }
    #expect(names() == [first, "events.out.tfevents.1700000001.scanline"])
    let second = bytes(names()[1])
    // START at step 4: what a reader has of it and of later steps goes.
    #expect(hexadecimal(second).contains("10043a020801"))
    #expect(EventRecord.records(in: second).count == 3)
    // Nothing to cut: no byte moves. Nor does more than one piece of the file, of a mebibyte, make a difference.
    try atStep(4) { _ in }
    #expect(bytes(names()[1]) == second)
    try atStep(4) { writer in
      let png = [UInt8](repeating: 9, count: 400_000)
      for step in 5..<12 {
        try writer.write(
          [.image("p", png: png, shape: ImageShape(height: 1, width: 1, channels: 1))], step: step, wallTime: time)
      }
    }
    #expect(EventRecord.records(in: bytes(names()[2])).count == 9)
    let (third, steps) = (names()[2], bytes(names()[2]))
    try atStep(9) { _ in }
    #expect(EventRecord.records(in: bytes(third)).count == 7 && steps.starts(with: bytes(third)))
    // A file without values is none, and other people's files are theirs.
    let theirs = "events.out.tfevents.1700000000.elsewhere"
    #expect(FileManager.default.createFile(atPath: folder + "/" + theirs, contents: Data("theirs".utf8)))
    try atStep(0) { _ in }
    #expect(names() == [theirs])
    #expect(String(decoding: bytes(theirs), as: UTF8.self) == "theirs")
  }

  @Test func whatCannotBeWrittenIsSaid() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let error = #expect(throws: ScanlineError.self) {
      try atStep(0) { writer in
        try FileManager.default.createDirectory(
          atPath: folder + "/events.out.tfevents.1700000000.scanline", withIntermediateDirectories: false)
        try write(writer)
      }
    }
    #expect(error?.kind == .cannotCreate && error?.path.contains("events.out.tfevents.1700000000") == true)
  }
}
