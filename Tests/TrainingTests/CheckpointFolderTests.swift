import Core
import Foundation
import ImageData
import Testing
import Training

@Suite struct CheckpointFolderTests {
  private let scratch = Scratch()
  private var folder: String { scratch.path + "/step-00000007" }
  private var manifest: String { folder + "/manifest.json" }

  @Test func roundTrip() throws {
    // Longer than the pieces in which checksums are taken.
    let large = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* $0) }
    try CheckpointFolder.write(sample + [("large", large)], to: folder)
    let back = try CheckpointFolder.read(folder)
    #expect(back.count == 4)
    for (name, bytes) in sample + [("large", large)] { #expect(back[name] == bytes) }
    try CheckpointFolder.verify(folder)
    #expect(scratch.names() == ["step-00000007"])
    #expect(try CheckpointFolder.read(folder, names: ["state.json"]).keys.sorted() == ["state.json"])
    #expect(
      failure { _ = try CheckpointFolder.read(folder, names: ["ema"]) }?.expected
        == "the file ema in the checkpoint")
  }

  @Test func takesRelativePathsAndSlashes() throws {
    try CheckpointFolder.write(sample, to: scratch.path + "//a/")
    #expect(try CheckpointFolder.read(scratch.path + "/a").count == 3)
    try CheckpointFolder.write([], to: scratch.path + "/b")
    #expect(try CheckpointFolder.read(scratch.path + "/b").isEmpty)
  }

  @Test func refusesATakenNameAndLeavesItAlone() throws {
    try CheckpointFolder.write(sample, to: folder)
    let before = get(manifest)
    let error = failure { try CheckpointFolder.write([("other", [1])], to: folder) }
    #expect(error?.kind == .cannotCreate && error?.path == folder)
    #expect(get(manifest) == before && scratch.names() == ["step-00000007"])
    // An empty folder and a file are taken names too.
    try FileManager.default.createDirectory(atPath: scratch.path + "/x", withIntermediateDirectories: false)
    put([1], scratch.path + "/y")
    for name in ["x", "y"] {
      #expect(
        failure { try CheckpointFolder.write(sample, to: scratch.path + "/" + name) }?.kind == .cannotCreate)
    }
    #expect(scratch.names() == ["step-00000007", "x", "y"])
  }

  @Test func saysWhyItCannotWrite() {
    put([1], scratch.path + "/file")
    let through = failure { try CheckpointFolder.write(sample, to: scratch.path + "/file/step-00000001") }
    #expect(through?.kind == .cannotCreate && through?.found == "not a directory (error \(ENOTDIR))")
    let missing = failure { try CheckpointFolder.write(sample, to: scratch.path + "/none/step-00000001") }
    #expect(missing?.kind == .cannotCreate && missing?.found.hasPrefix("no such file") == true)
    // A name too long for the file system fails after the folder was made: nothing may stay behind.
    let long = String(repeating: "n", count: 300)
    #expect(failure { try CheckpointFolder.write([(long, [1])], to: folder) }?.kind == .cannotCreate)
    #expect(scratch.names() == ["file"])
  }

  #if os(Linux)
    @Test func aFullDiskIsAnInputOutputError() {
      let full = open("/dev/full", O_WRONLY)
      defer { close(full) }
      let error = failure { try DurableFiles.append([1, 2, 3], to: full, path: "/dev/full") }
      #expect(error?.kind == .io && error?.found == "no space left on device (error \(ENOSPC))")
    }
  #endif

  // MARK: - Damage

  @Test func everyByteOfTheManifestCounts() throws {
    try CheckpointFolder.write(sample, to: folder)
    let sound = get(manifest)
    for index in sound.indices {
      for mask: UInt8 in [0x01, 0x20, 0x80] {
        var damaged = sound
        damaged[index] ^= mask
        put(damaged, manifest)
        let error = failure { try CheckpointFolder.verify(folder) }
        #expect(error?.kind == .badData && error?.expected.contains("whose checksum") == true)
      }
    }
    for length in 0..<sound.count {
      put(Array(sound[..<length]), manifest)
      #expect(failure { try CheckpointFolder.verify(folder) }?.expected.contains("whose checksum") == true)
    }
    for more in [[0x0A], [0x20], [0], sound] as [[UInt8]] {
      put(sound + more, manifest)
      #expect(failure { try CheckpointFolder.verify(folder) }?.kind == .badData)
    }
    put(sound, manifest)
    try CheckpointFolder.verify(folder)
  }

  @Test func damagedFilesAreNoticed() throws {
    try CheckpointFolder.write(sample, to: folder)
    for (name, bytes) in sample {
      let path = folder + "/" + name
      func expectDamage(_ damaged: [UInt8], _ part: String) {
        put(damaged, path)
        let checks: [() throws -> Void] = [
          { try CheckpointFolder.verify(folder) }, { _ = try CheckpointFolder.read(folder) },
        ]
        for check in checks {
          let error = failure { try check() }
          #expect(error?.kind == .badData && error?.path == path && error?.description.contains(part) == true)
        }
      }
      for index in bytes.indices {
        var damaged = bytes
        damaged[index] ^= 1 << UInt8(index % 8)
        expectDamage(damaged, "the file is damaged")
      }
      for length in 0..<bytes.count { expectDamage(Array(bytes[..<length]), "bytes, as the manifest says") }
      expectDamage(bytes + [0], "bytes, as the manifest says")
      put(bytes, path)
    }
    try CheckpointFolder.verify(folder)
  }

  @Test func eachKindOfDamageHasItsMessage() throws {
    let files = FileManager.default
    var messages: [String] = []
    func damage(_ part: String, _ change: () throws -> Void) throws {
      try? files.removeItem(atPath: folder)
      try CheckpointFolder.write(sample, to: folder)
      try change()
      let message = failure { try CheckpointFolder.verify(folder) }?.description ?? ""
      #expect(message.contains(part), "\(message)")
      messages.append(message)
    }
    /// Another text with a true checksum: what a later version, or a forger, would write.
    func forge(_ change: (String) -> String) {
      let text = String(decoding: get(manifest), as: UTF8.self)
      let body = change(String(text[..<text.range(of: "  \"manifest_crc32\"")!.lowerBound]))
      let crc = Checksum.hexadecimal(Checksum.crc32(Array(body.utf8)))
      put(Array((body + "  \"manifest_crc32\": \"\(crc)\"\n}\n").utf8), manifest)
    }
    try damage("folder, found nothing of that name") { try files.removeItem(atPath: folder) }
    try damage("found a path that leads through a file") {
      try files.removeItem(atPath: folder)
      put([1], folder)
    }
    try damage("with its manifest.json") { try files.removeItem(atPath: manifest) }
    try damage("damaged or cut short") { put([], manifest) }
    try damage("a manifest of at most 1 MiB") { put([UInt8](repeating: 32, count: 1 << 21), manifest) }
    try damage("the file empty that the manifest lists, found none") {
      try files.removeItem(atPath: folder + "/empty")
    }
    try damage("found extra too") { put([], folder + "/extra") }
    try damage("expected 100 bytes, as the manifest says, found 99") {
      put(Array(sample[0].bytes.dropLast()), folder + "/model.safetensors")
    }
    try damage("the file is damaged") { put(sample[0].bytes.reversed(), folder + "/model.safetensors") }
    try damage("a plain file, found a folder") {
      try files.removeItem(atPath: folder + "/empty")
      try files.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: false)
    }
    try damage("the format scanline-checkpoint-1, found \"scanline-checkpoint-2\"") {
      forge { $0.replacingOccurrences(of: "checkpoint-1", with: "checkpoint-2") }
    }
    try damage("a member that this version knows") {
      forge { $0.replacingOccurrences(of: "\"format\"", with: "\"was\"") }
    }
    try damage("plain file names") {
      forge { $0.replacingOccurrences(of: "\"state.json\"", with: "\"../state.json\"") }
    }
    try damage("eight hexadecimal digits") {
      forge { $0.replacingOccurrences(of: "\"00000000\"", with: "\"+0000000\"") }
    }
    try damage("expected 9223372036854775807 bytes") {
      forge { $0.replacingOccurrences(of: "\"bytes\": 100", with: "\"bytes\": 9223372036854775807") }
    }
    #expect(Set(messages).count == messages.count)
    // What the system strews about is no damage.
    try? files.removeItem(atPath: folder)
    try CheckpointFolder.write(sample, to: folder)
    put([1], folder + "/.DS_Store")
    try CheckpointFolder.verify(folder)
  }
}
