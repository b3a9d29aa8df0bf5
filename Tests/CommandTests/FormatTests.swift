// Files of other formats as people have them: splits that must agree, names that are no folder names, wrappers' names.
import Core
import Foundation
import ImageData
import Networks
import Safetensors
import Testing
import TestSupport

@Suite struct FormatTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  /// Writes `name`-images and `name`-labels, 2×3 pixels each.
  private func writeIDX(_ name: String, labels: [UInt8]) throws {
    let pixels = (0..<labels.count * 6).map { UInt8(truncatingIfNeeded: $0 * 29) }
    let count = UInt8(labels.count)
    try place.write([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 2, 0, 0, 0, 3] + pixels, to: name + "-images")
    try place.write([0, 0, 8, 1, 0, 0, 0, count] + labels, to: name + "-labels")
  }

  private func importIDX(_ name: String, _ options: String) throws {
    _ = try place.succeed("import-idx \(name)-images --labels \(name)-labels \(options)")
  }

  /// Train has labels to 11, test to 9: twelve classes, whichever comes first.
  @Test(arguments: [["train", "test"], ["test", "train"], ["valid", "train", "test"]])
  func splitsAgreeOnTheNamesOfClasses(order: [String]) throws {
    try writeIDX("train", labels: Array(0..<12))
    try writeIDX("valid", labels: [3, 10, 11])
    try writeIDX("test", labels: Array(0..<10))
    for split in order { try importIDX(split, "--output set --split \(split)") }
    var all: Set<String> = []
    for split in order {
      #expect(place.names("set/\(split)").count == ["train": 12, "valid": 3, "test": 10][split])
      all.formUnion(place.names("set/\(split)"))
    }
    #expect(all.count == 12, "\(all.sorted())")
    let inspected = try JSONSerialization.jsonObject(
      with: Data(try place.succeed("inspect set --json").output.utf8))
    #expect(((inspected as? [String: Any])?["classes"] as? [Any])?.count == 12)
    // Once more, in place of itself, under the same names.
    let before = place.names("set/\(order[0])")
    try importIDX(order[0], "--output set --split \(order[0]) --force")
    #expect(place.names("set/\(order[0])") == before)
  }

  @Test func tenClassesAreCalledByTheirDigit() throws {
    try writeIDX("train", labels: Array(0..<10))
    try writeIDX("test", labels: [7])
    try importIDX("train", "--output set --split train")
    try importIDX("test", "--output set --split test")
    #expect(place.names("set/train") == (0..<10).map { "\($0)" } && place.names("set/test") == ["7"])
    // Folders that are called otherwise say nothing of numbers.
    _ = try place.succeed("draw other/train/cat --count 3 --side 8")
    try writeIDX("many", labels: [0, 10])
    try importIDX("many", "--output other --split test")
    #expect(place.names("other/test") == ["00", "10"])
  }

  @Test func transposedImagesAreTurned() throws {
    try writeIDX("letters", labels: [1, 2])
    try importIDX("letters", "--transpose --output set")
    let read = try PNGImage(decoding: place.read("set/1/00000.png"))
    let stored = (0..<6).map { UInt8($0 * 29) }
    #expect(read.shape == ImageShape(height: 3, width: 2, channels: 1))
    #expect(read.values == [stored[0], stored[3], stored[1], stored[4], stored[2], stored[5]])
    let report = try place.succeed("import-idx letters-images --transpose --output flat --json").json()
    #expect(report["width"] as? Int == 2 && report["height"] as? Int == 3)
    #expect(try place.succeed("import-idx --help").output.contains("EMNIST"))
  }

  // MARK: Names of classes

  private func write(_ names: (String) -> String, classes: [String], extra: [NamedTensor] = []) throws {
    let model = ModelConfiguration(
      model: .gatedPixelCNN, width: 4, blocks: 1, shape: ImageShape(height: 4, width: 4, channels: 1), levels: 2,
      classNames: classes.isEmpty ? nil : classes
    ).makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    let tensors = model.layout.slices.map {
      NamedTensor(name: names(model.pyTorchNames[$0.name] ?? $0.name), shape: $0.shape, values: Array(parameters[$0]))
    }
    try place.write(TensorArchive(tensors: tensors + extra).serialized(), to: "w.safetensors")
  }

  private let options = "--model gated-pixelcnn --width 4 --blocks 1 --levels 2 --size 4x4"

  @Test func classesThatNoFolderCanHaveAreRefused() throws {
    try write({ $0 }, classes: ["a", "b"])
    let long = String(repeating: "x", count: 256)
    for name in ["../x", "a/b", "/a", ".", "..", ".hidden", long, "b", "b/"] {
      let message = try place.fail("import w.safetensors \(options) --classes \(name),b --output out", 64)
      #expect(message.contains("--classes"), "\(name): \(message)")
      #expect(!place.names(".").contains("out"))
    }
    // The longest that a folder can have, and what a sample of it is called.
    let longest = String(repeating: "é", count: 127) + "e"
    _ = try place.succeed("import w.safetensors \(options) --classes \(longest),b --output out")
    _ = try place.succeed("sample out --count 2 --folder s --output s.png")
    #expect(place.names("s").count == 2, "\(place.names("."))")
    // Two names that look alike are two folders.
    _ = try place.succeed("import w.safetensors \(options) --classes e\u{301},\u{E9} --output alike")
    try place.drawGrey("two/e\u{301}/a.png", width: 4, height: 4)
    try place.drawGrey("two/\u{E9}/b.png", width: 4, height: 4)
    if Set(place.names("two").map { Array($0.utf8) }).count == 2 {
      #expect(try place.succeed("evaluate alike two --json").json()["images"] as? Int == 2)
    }
  }

  /// A checkpoint that someone else made: the names in it become names of files.
  @Test func classesOfACheckpointAreChecked() throws {
    try write({ $0 }, classes: ["aaaa", "bbbb"])
    _ = try place.succeed("import w.safetensors \(options) --classes aaaa,bbbb --output out")
    let step = ""
    let state = try String(decoding: place.read("out\(step)/state.json"), as: UTF8.self)
    #expect(state.contains("\"aaaa\""))
    for name in ["../x", "a/b", "..", ".hid", "\\u0000", "", "bbbb"] {
      try forge("out\(step)", state.replacingOccurrences(of: "\"aaaa\"", with: "\"\(name)\""))
      let message = try place.fail("sample out --count 1 --output s.png", 65)
      #expect(message.contains("state.json"), "\(name): \(message)")
    }
    try forge("out\(step)", state)
    _ = try place.succeed("sample out --count 1 --output s.png")
  }

  /// Puts `state` into a checkpoint, under a manifest that agrees.
  private func forge(_ folder: String, _ state: String) throws {
    try place.write(Array(state.utf8), to: folder + "/state.json")
    let lines = try place.names(folder).filter { $0 != "manifest.json" }.map { name in
      let content = try place.read(folder + "/" + name)
      return "{\"name\": \"\(name)\", \"bytes\": \(content.count), \"crc32\": "
        + "\"\(Checksum.hexadecimal(Checksum.crc32(content)))\"}"
    }
    let body = "{\"format\": \"scanline-checkpoint-1\",\n\"files\": [\n" + lines.joined(separator: ",\n") + "],\n"
    let crc = Checksum.hexadecimal(Checksum.crc32(Array(body.utf8)))
    try place.write(Array((body + "  \"manifest_crc32\": \"\(crc)\"\n}\n").utf8), to: folder + "/manifest.json")
  }

  // MARK: Weights

  @Test func wrappersAndMasksAreHintedAt() throws {
    try write({ "module." + $0 }, classes: [], extra: [NamedTensor(name: "module.head.mask", shape: [1], values: [1])])
    let message = try place.fail("import w.safetensors \(options) --output out", 65)
    #expect(message.contains("removeprefix(\"module.\")") && message.contains("persistent=False"), "\(message)")
    try place.write([0x50, 0x4B, 3, 4] + [UInt8](repeating: 7, count: 99), to: "w.pt")
    #expect(try place.fail("import w.pt \(options) --output out", 65).contains("found a ZIP archive"))
  }

  @Test func notANumberUnderAMaskIsIgnored() throws {
    let model = ImageModel(
      ModelConfiguration(width: 4, blocks: 1, shape: ImageShape(height: 4, width: 4, channels: 1), levels: 2))
    let parameters = randomParameters(model, scale: 0.5)
    let tensors = model.layout.slices.map { slice in
      var values = Array(parameters[slice])
      for (i, live) in (slice.live ?? []).enumerated() where !live { values[i] = .nan }
      return NamedTensor(name: model.pyTorchNames[slice.name] ?? slice.name, shape: slice.shape, values: values)
    }
    try place.write(TensorArchive(tensors: tensors).serialized(), to: "w.safetensors")
    _ = try place.succeed("import w.safetensors --width 4 --blocks 1 --levels 2 --size 4x4 --output out")
    _ = try place.succeed("sample out --count 1 --output s.png")
  }
}
