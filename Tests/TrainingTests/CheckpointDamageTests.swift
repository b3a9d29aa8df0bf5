// Every way in which a checkpoint can be unusable, each with a message of its own.
import Foundation
import Kernels
import Networks
import Safetensors
import Testing
import Training

@Suite struct CheckpointDamageTests {
  private let scratch = Scratch()
  private let files = ["ema.safetensors", "model.safetensors", "optimizer.safetensors", "state.json"]
  private var sound: String { scratch.path + "/sound" }

  init() throws {
    let trainer = try TinyRun().trainer()
    try trainer.run()
    try Checkpoint.save(trainer.adam, state: trainer.state, to: sound)
  }

  /// The error of loading `path`, which is unusable data whatever the reason.
  private func refusal(_ path: String, _ location: SourceLocation = #_sourceLocation) -> String {
    let error = failure(location) { _ = try Checkpoint.load(path) }
    #expect(error?.kind == .badData, "\(String(describing: error))", sourceLocation: location)
    return error?.description ?? ""
  }

  @Test func filesThatAreMissingDamagedOrCutShort() throws {
    var messages = Set<String>()
    for name in files {
      let path = sound + "/" + name
      let bytes = get(path)
      try FileManager.default.removeItem(atPath: path)
      let missing = refusal(sound)
      #expect(missing == "\(sound): expected the file \(name) that the manifest lists, found none")
      // The ends, the header, the values: a byte each.
      for position in [0, 8, bytes.count / 3, bytes.count / 2, bytes.count - 1] {
        var flipped = bytes
        flipped[position] ^= 0x10
        put(flipped, path)
        let message = refusal(sound)
        #expect(message.hasPrefix(path) && message.hasSuffix("the file is damaged"), "\(message)")
      }
      put(Array(bytes.dropLast()), path)
      let short = refusal(sound)
      #expect(
        short == "\(path): expected \(bytes.count) bytes, as the manifest says, found \(bytes.count - 1)")
      put(bytes, path)
      messages.formUnion([missing, short])
    }
    let manifest = sound + "/manifest.json"
    let bytes = get(manifest)
    try FileManager.default.removeItem(atPath: manifest)
    messages.insert(refusal(sound))
    put(Array(bytes.dropLast(9)), manifest)
    messages.insert(refusal(sound))
    #expect(messages.count == 2 * files.count + 2)
    put(bytes, manifest)
    _ = try Checkpoint.load(sound)
  }

  /// A checkpoint whose manifest is true, of the sound one's files with `name` changed; nil removes it.
  private func remade(_ name: String, _ change: ([UInt8]) throws -> [UInt8]?) throws -> String {
    var contents = try CheckpointFolder.read(sound)
    contents[name] = try change(contents[name] ?? [])
    let path = scratch.path + "/remade"
    try? FileManager.default.removeItem(atPath: path)
    try CheckpointFolder.write(
      contents.sorted { $0.key < $1.key }.map { (name: $0.key, bytes: $0.value) }, to: path)
    return path
  }

  @Test func aFileThatTheManifestDoesNotEvenList() throws {
    for name in files {
      let path = try remade(name) { _ in nil }
      #expect(
        refusal(path) == "\(path): expected the file \(name) in the checkpoint, found none in its manifest")
    }
  }

  // MARK: - State

  private func stateRefusal(_ old: String, _ new: String) throws -> String {
    let path = try remade("state.json") {
      let text = String(decoding: $0, as: UTF8.self)
      #expect(text.contains(old), "\(old) is not in the state")
      return Array(text.replacingOccurrences(of: old, with: new).utf8)
    }
    let message = refusal(path)
    #expect(message.hasPrefix(path + "/state.json"), "\(message)")
    return message
  }

  @Test func statesThatMakeNoRun() throws {
    #expect(
      try stateRefusal("\"version\" : 2", "\"version\" : 3").hasSuffix(
        "expected format version 2, found version 3"))
    // A later version may well have other fields: the version is still what is wrong.
    #expect(
      try stateRefusal("\"version\" : 2", "\"v\" : [], \"version\" : 7").hasSuffix("found version 7"))
    #expect(
      try stateRefusal("\"model\" : {", "\"version\" : 7, \"network\" : {").contains("version"))
    let notJSON = try stateRefusal("{", "<")
    #expect(notJSON.contains("the state of a run in JSON"))
    #expect(try stateRefusal("\"model\" : \"pixelcnn\"", "\"model\" : \"pixelknn\"").contains("pixelknn"))
    #expect(try stateRefusal("\"version\"", "\"Version\"").contains("version"))
    #expect(try stateRefusal("\"width\" : 8", "\"width\" : 9").contains("an even width"))
    #expect(try stateRefusal("\"blocks\" : 2", "\"blocks\" : -2").contains("0 to 1000 blocks"))
    #expect(try stateRefusal("\"height\" : 5", "\"height\" : 0").contains("image"))
    #expect(try stateRefusal("\"height\" : 5", "\"height\" : 4611686018427387904").contains("image"))
    #expect(try stateRefusal("\"channels\" : 1", "\"channels\" : 2").contains("1 or 3 channels"))
    #expect(
      try stateRefusal("\"likelihood\" : \"bernoulli\"", "\"likelihood\" : \"normal\"").contains("normal"))
    #expect(try stateRefusal("\"levels\" : 2", "\"levels\" : 300").contains("2 to 256"))
    #expect(try stateRefusal("\"step\" : 20", "\"step\" : -1").contains("step"))
    #expect(try stateRefusal("\"batchSize\" : 12", "\"batchSize\" : 0").contains("`batchSize`"))
    // Of two numbers of levels, one cannot be right.
    let bernoulli = "\"levels\" : 2,\n    \"likelihood\" : \"bernoulli\""
    #expect(
      try stateRefusal(bernoulli, "\"levels\" : 3,\n    \"likelihood\" : \"categorical\"").contains("levels"))
  }

  // MARK: - Tensors

  /// The refusal of a checkpoint in whose file `name` the tensors were changed.
  private func tensorRefusal(_ name: String, _ change: (inout [NamedTensor]) -> Void) throws -> String {
    let path = try remade(name) {
      var archive = try TensorArchive(parsing: $0, path: name)
      change(&archive.tensors)
      return archive.serialized()
    }
    let message = refusal(path)
    #expect(message.hasPrefix(path + "/" + name), "\(message)")
    return message
  }

  @Test(arguments: [
    ("model.safetensors", ""), ("ema.safetensors", ""), ("optimizer.safetensors", "first."),
    ("optimizer.safetensors", "second."),
  ])
  func tensorsThatDoNotFit(name: String, prefix: String) throws {
    let tensor = prefix + "blocks.1.conv.weight"
    func position(_ tensors: [NamedTensor]) -> Int { tensors.firstIndex { $0.name == tensor } ?? 0 }
    let missing = try tensorRefusal(name) { $0.remove(at: position($0)) }
    #expect(missing.hasSuffix("expected the tensors of the model, each once, found missing: \(tensor)"))
    let extra = try tensorRefusal(name) {
      $0.append(NamedTensor(name: "blocks.2.bias", shape: [1], values: [0]))
    }
    #expect(extra.hasSuffix("found not used: blocks.2.bias"))
    let renamed = try tensorRefusal(name) {
      $0[position($0)] = NamedTensor(name: "other", shape: [4, 4, 3, 3], values: $0[position($0)].values)
    }
    #expect(renamed.hasSuffix("found missing: \(tensor); not used: other"))
    // As many elements, in another shape.
    let shape = try tensorRefusal(name) {
      $0[position($0)] = NamedTensor(name: tensor, shape: [4, 4, 9, 1], values: $0[position($0)].values)
    }
    #expect(shape.hasSuffix("expected \(tensor) of shape [4, 4, 3, 3], found shape [4, 4, 9, 1]"))
    for value in [Float.nan, .infinity, -.infinity] {
      let notFinite = try tensorRefusal(name) { $0[position($0)].values[5] = value }
      #expect(notFinite.hasSuffix("expected finite numbers in \(tensor), found infinity or not a number"))
    }
  }

  @Test func tensorFilesThatAreNone() throws {
    let path = try remade("ema.safetensors") { _ in Array("no tensors here".utf8) }
    #expect(refusal(path).hasPrefix(path + "/ema.safetensors"))
  }

  /// A masked tap that is not zero would let a pixel see itself: it becomes zero whatever the file holds.
  @Test func maskedTapsAreForcedToZero() throws {
    for (name, prefix) in [
      ("model.safetensors", ""), ("ema.safetensors", ""), ("optimizer.safetensors", "second."),
    ] {
      let path = try remade(name) {
        var archive = try TensorArchive(parsing: $0, path: name)
        for i in archive.tensors.indices where archive.tensors[i].name == prefix + "input.weight" {
          archive.tensors[i].values = archive.tensors[i].values.map { _ in 5 }
        }
        return archive.serialized()
      }
      let adam = try Checkpoint.load(path).adam
      let vectors = [
        "model.safetensors": adam.parameters, "ema.safetensors": adam.average,
        "optimizer.safetensors": adam.secondMoment,
      ]
      let vector = try #require(vectors[name])
      let slice = vector.layout.slices[0]
      let live = try #require(slice.live)
      // Of 7×7 taps under mask A, 24 are live.
      #expect(slice.name == "input.weight" && slice.liveCount == 8 * 24)
      #expect(vector[slice] == live.map { $0 ? 5 : 0 })
    }
  }
}
