// What is given for a safetensors file and is none, and files of weights whose names are a wrapper's.
import Core
import Networks
import Safetensors
import Testing
import TestSupport

@Suite struct ForeignArchiveTests {
  private func error(_ bytes: [UInt8]) -> ScanlineError? {
    do { _ = try TensorArchive(parsing: bytes, path: "m.pt") } catch { return error as? ScanlineError }
    return nil
  }

  /// `header` behind its length, and `count` bytes of data.
  private func file(_ header: String, data count: Int = 0) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8)
      + [UInt8](repeating: 0, count: count)
  }

  @Test func metadataMayBeNull() throws {
    let entry = "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}"
    for header in ["{\"__metadata__\":null,\(entry)}", "{\(entry),\"__metadata__\" : null }"] {
      let archive = try TensorArchive(parsing: file(header, data: 4), path: "m")
      #expect(archive.tensors.map(\.name) == ["a"] && archive.metadata.isEmpty)
    }
    for word in ["nul", "nulls", "None", "true", "0"] {
      #expect(error(file("{\"__metadata__\":\(word)}")) != nil, "\(word)")
    }
    #expect(error(file("{\"__metadata__\":null,\"__metadata__\":null}"))?.expected.contains("once") == true)
  }

  @Test(
    arguments: [
      ("ZIP", [0x50, 0x4B, 3, 4, 0, 0, 8, 8] + Array("archive/data.pkl".utf8)),
      ("pickle", [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]),
      ("pickle", [0x80, 4, 0x95, 0x1C, 0, 0, 0, 0, 0, 0, 0, 0x7D, 0x94]),
      ("Git LFS", Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n".utf8)),
      ("HTML", Array("<!DOCTYPE html>\n<html>".utf8)), ("HTML", Array("<html><head>".utf8)),
      ("JSON", Array("{\"a\": [1, 2, 3]}".utf8)), ("JSON", Array("{}".utf8)),
      ("JSON", Array("{\n  \"model_type\": \"x\"\n}".utf8)),
      ("PNG", [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]),
      ("gzip", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2]), ("an empty file", []),
      ("HDF5", [0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A, 0]),
      ("NumPy", [0x93] + Array("NUMPY".utf8) + [1, 0, 0x76, 0]),
      ("GGUF", Array("GGUF".utf8) + [3, 0, 0, 0, 1, 0, 0, 0]), ("text", Array("Entry not found".utf8)),
      ("zeros", [UInt8](repeating: 0, count: 4096)),
    ] as [(String, [UInt8])]) func otherFilesAreNamed(name: String, bytes: [UInt8])
  {
    let error = error(bytes)
    #expect(error?.found.contains(name) == true, "\(error?.description ?? "none")")
    #expect(error?.expected.contains("safetensors") == true && error?.found.contains("length of") == false)
    if name == "ZIP" || name == "pickle" { #expect(error?.found.contains("save_file") == true, "what to do") }
  }

  /// A safetensors file that is cut short is not taken for another, whatever its length looks like.
  @Test func aDamagedFileIsStillOne() {
    // Lengths whose bytes are those of a pickle, of gzip and of text.
    for length in [0x0280, 0x08_8B1F, 0x2020] {
      let bytes = withUnsafeBytes(of: UInt64(length).littleEndian, Array.init) + Array("{\"a\":".utf8)
      #expect(error(bytes)?.expected.contains("a header that ends within") == true, "\(length)")
    }
  }

  // MARK: Names

  private let model = ImageModel(
    ModelConfiguration(width: 4, blocks: 1, shape: ImageShape(height: 4, width: 4, channels: 1), levels: 2))

  private func tensors(_ name: (String) -> String) -> [NamedTensor] {
    model.layout.slices.map {
      NamedTensor(
        name: name(model.pyTorchNames[$0.name] ?? $0.name), shape: $0.shape,
        values: [Float](repeating: 0.5, count: $0.count))
    }
  }

  /// What filling the model says.
  private func problem(_ tensors: [NamedTensor], ignoresMasked: Bool = true) -> ScanlineError? {
    do {
      try TensorArchive(tensors: tensors).fill(
        [("", ParameterVector(layout: model.layout))], names: model.pyTorchNames, path: "m",
        ignoresMaskedValues: ignoresMasked)
    } catch { return error as? ScanlineError }
    return nil
  }

  @Test(arguments: ["module.", "_orig_mod.", "model.", "module._orig_mod.", "net.decoder."])
  func aPrefixIsHintedAt(prefix: String) {
    #expect(problem(tensors { $0 }) == nil)
    let found = problem(tensors { prefix + $0 })?.found ?? "none"
    #expect(found.contains("hint: ") && found.contains("removeprefix(\"\(prefix)\")"), "\(found)")
    #expect(problem(Array(tensors { $0 }.dropLast()))?.found.contains("hint") == false)
    // Our own names behind a prefix.
    let ours = model.layout.slices.map {
      NamedTensor(name: prefix + $0.name, shape: $0.shape, values: [Float](repeating: 0.5, count: $0.count))
    }
    #expect(problem(ours)?.found.contains("removeprefix(\"\(prefix)\")") == true)
  }

  @Test func masksAreHintedAt() {
    let mask = NamedTensor(name: "0.mask", shape: [4, 1, 7, 7], values: [Float](repeating: 1, count: 196))
    let other = NamedTensor(name: "1.net.3.mask", shape: [1], values: [1])
    let found = problem(tensors { $0 } + [mask, other])?.found ?? "none"
    #expect(found.contains("not used: 0.mask, 1.net.3.mask") && found.contains("persistent=False"), "\(found)")
    let both = (tensors { $0 } + [mask]).map {
      NamedTensor(name: "module." + $0.name, shape: $0.shape, values: $0.values)
    }
    let foundBoth = problem(both)?.found ?? "none"
    #expect(foundBoth.contains("removeprefix") && foundBoth.contains("persistent=False"), "\(foundBoth)")
  }

  /// What an import finds under a mask never mattered; a checkpoint of ours has zeros there, or is damaged.
  @Test func notANumberUnderAMaskIsIgnored() throws {
    for value in [Float.nan, .infinity, -.infinity] {
      var all = tensors { $0 }
      let position = try #require(all.firstIndex { $0.name == "0.weight" })
      let live = try #require(model.layout.slices.first { $0.name == "input.weight" }?.live)
      for i in live.indices where !live[i] { all[position].values[i] = value }
      #expect(problem(all) == nil)
      #expect(problem(all, ignoresMasked: false)?.expected.contains("finite numbers in 0.weight") == true)
      let learned = try #require(live.firstIndex(of: true))
      all[position].values[learned] = value
      #expect(problem(all)?.expected == "finite numbers in 0.weight")
    }
  }
}
