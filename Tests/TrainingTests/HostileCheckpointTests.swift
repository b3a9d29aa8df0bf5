// Damage that a checkpoint must notice wherever it strikes, and checkpoints made to harm, whose checksums are true.
// `make torture-files` strikes every bit of the manifest and thousands of bytes of each file, cuts them at every byte, and
// runs tens of thousands of rounds.
import Core
import Foundation
import ImageData
import Kernels
import Testing
import TestSupport
import Training

@Suite struct HostileCheckpointTests {
  private let scratch = Scratch()
  private var run: String { scratch.path }
  private var older: String { CheckpointFolder.path(of: 10, in: run) }
  private var newer: String { CheckpointFolder.path(of: 20, in: run) }
  private let files = ["ema.safetensors", "manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"]

  init() throws {
    let trainer = try TinyRun().trainer()
    try trainer.run()
    var state = trainer.state
    state.best = nil
    // The only thing in it that differs from run to run: the damage is to be the same for the same seed.
    state.elapsedSeconds = 0
    for path in [older, newer] { try Checkpoint.save(trainer.adam, state: state, to: path) }
  }

  // MARK: - Damage

  /// Whether the newer checkpoint's damage is noticed, everywhere: it is not loaded, the older one is used, and that
  /// is said.
  private func isNoticed() throws -> Bool {
    let used = try Checkpoint.resolve(run)
    guard used.path == older, used.messages.count == 1,
      used.messages[0].hasPrefix("step-00000020 is damaged and is passed over: \(newer)")
    else { return false }
    do { _ = try Checkpoint.load(newer) } catch let error as ScanlineError { return error.kind == .badData }
    return false
  }

  @Test(arguments: ["ema.safetensors", "manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"])
  func damageAnywhereFallsBackToTheOneBefore(name: String) throws {
    let path = newer + "/" + name
    let sound = get(path)
    // Of the manifest every byte, also in the short version.
    let flips = name == files[1] ? sound.count : min(sound.count, Torture.rounds(40, long: 4_000))
    var count = 0, missed = 0
    func strike(_ bytes: [UInt8]) throws {
      put(bytes, path)
      count += 1
      missed += try isNoticed() ? 0 : 1
    }
    for flip in 0..<flips {
      let position = flip * sound.count / flips
      for bit in Torture.isOn && name == files[1] ? 0..<8 : flip % 8..<flip % 8 + 1 {
        var damaged = sound
        damaged[position] ^= 1 << UInt8(bit)
        try strike(damaged)
      }
    }
    let cuts = Torture.isOn ? sound.count : min(sound.count, 40)
    for cut in 0..<cuts { try strike(Array(sound[..<(cut * sound.count / cuts)])) }
    // A file that has grown, one of a sector of zeros, one of another checkpoint's length and content.
    try strike(sound + [0])
    try strike([UInt8](repeating: 0, count: sound.count))
    try strike(sound.reversed())
    try FileManager.default.removeItem(atPath: path)
    count += 1
    missed += try isNoticed() ? 0 : 1
    #expect(missed == 0, "of \(count)")
    put(sound, path)
    #expect(try CheckpointFolder.newestValid(in: run).step?.step == 20)
    Torture.report("\(name) of a checkpoint damaged or cut short in \(count) ways, \(count - missed) noticed")
  }

  // MARK: - True checksums

  /// Puts `bytes` in the place of the newer checkpoint's file `name`, under a manifest that agrees.
  private func forge(_ name: String, _ bytes: [UInt8], length: Int? = nil) {
    put(bytes, newer + "/" + name)
    let lines = files.filter { $0 != "manifest.json" }.map { file in
      let content = get(newer + "/" + file)
      let crc = Checksum.hexadecimal(Checksum.crc32(content))
      let count = file == name ? length ?? content.count : content.count
      return "{\"name\": \"\(file)\", \"bytes\": \(count), \"crc32\": \"\(crc)\"}"
    }
    let body = "{\"format\": \"scanline-checkpoint-1\",\n\"files\": [\n" + lines.joined(separator: ",\n") + "],\n"
    let crc = Checksum.hexadecimal(Checksum.crc32(Array(body.utf8)))
    put(Array((body + "  \"manifest_crc32\": \"\(crc)\"\n}\n").utf8), newer + "/manifest.json")
  }

  /// Loads the newer checkpoint in every way; whether it was refused, as unusable data.
  private func isRefused(_ note: String) -> Bool {
    var refused = 0
    let ways: [() throws -> Void] = [
      { _ = try Checkpoint.load(newer) }, { _ = try Checkpoint.loadWeights(newer, .raw) },
    ]
    for way in ways {
      do { try way() } catch {
        #expect((error as? ScanlineError)?.kind == .badData, "\(note): \(error)")
        refused += 1
      }
    }
    return refused > 0
  }

  @Test func aLengthThatNoFileHas() {
    forge("state.json", get(older + "/state.json"), length: .max)
    #expect(isRefused("length"))
    let error = failure { _ = try CheckpointFolder.read(newer) }
    #expect(error?.description.contains("expected 9223372036854775807 bytes, as the manifest says") == true)
  }

  private func replacing(_ old: String, _ new: String) -> [UInt8] {
    let text = String(decoding: get(older + "/state.json"), as: UTF8.self)
    #expect(text.contains(old), "\(old) is not in the state")
    return Array(text.replacingOccurrences(of: old, with: new).utf8)
  }

  /// A state of a few hundred bytes must not make the loader lay out a model of a terabyte.
  @Test func aModelThatTheWeightsCannotFill() {
    for (old, new) in [
      ("\"width\" : 8", "\"width\" : 4096"), ("\"blocks\" : 2", "\"blocks\" : 1000"),
      (
        "\"blocks\" : 2",
        "\"blocks\" : 1000, \"classNames\": [" + (0..<9_999).map { "\"\($0)\"" }.joined(separator: ",") + "]"
      ),
    ] {
      forge("state.json", replacing(old, new))
      let message = failure { _ = try Checkpoint.load(newer) }?.description ?? ""
      #expect(message.hasPrefix(newer + "/model.safetensors: expected ") && message.contains("or more"), "\(message)")
      #expect(isRefused(new))
    }
  }

  /// What a later line of the program would trip over.
  @Test(arguments: [
    ("\"bytes\" : 536870912", "\"bytes\" : -1"), ("\"bytes\" : 536870912", "\"bytes\" : 0"),
    ("\"width\" : 16384", "\"width\" : 0"), ("\"height\" : 16384", "\"height\" : -5"),
    ("\"scalesSixteenBit\" : false", "\"background\" : [], \"scalesSixteenBit\" : false"),
    ("\"scalesSixteenBit\" : false", "\"background\" : [1, 2], \"scalesSixteenBit\" : false"),
    ("\"skipsBad\" : false", "\"channels\" : 2, \"skipsBad\" : false"),
    ("\"skipsBad\" : false", "\"memoryLimit\" : -2, \"skipsBad\" : false"),
    ("\"heldOutShare\" : 0.1", "\"heldOutShare\" : -0.1"), ("\"heldOutShare\" : 0.1", "\"heldOutShare\" : 1"),
    ("\"step\" : 20", "\"step\" : 9223372036854775807"),
  ])
  func statesWithImpossibleOptions(old: String, new: String) {
    forge("state.json", replacing(old, new))
    #expect(isRefused(new))
  }

  private static let tokens: [[UInt8]] = [
    "{", "}", "[", "]", "\"", ":", ",", "-", "1e999", "0", "-1", "2", "3", "9223372036854775807", "1e18", "null",
    "true",
    "4096", "1000", "0.5", "\"mdrnn\"", "\"gated-pixelcnn\"", "\"diagonal-lstm\"", "\"categorical\"", "\\u0000",
    "\"classNames\":[\"a\"],",
  ].map { Array($0.utf8) }

  @Test(arguments: ["state.json", "model.safetensors"])
  func randomDamageUnderTrueChecksums(name: String) {
    let rounds = Torture.rounds(400, long: 20_000)
    let sound = get(older + "/" + name)
    var refused = 0
    for round in 0..<rounds {
      var random = Mutator(round: round)
      // Of the tensors, the header.
      let header = name == "state.json" ? sound.count : 8 + Int(sound[0]) + Int(sound[1]) << 8
      forge(name, random.damaged(sound, header: header, tokens: Self.tokens))
      refused += isRefused("round \(round)") ? 1 : 0
    }
    #expect(refused > rounds / 4 && refused < rounds)
    Torture.report("\(rounds) checkpoints with a damaged \(name) and true checksums, \(refused) refused")
  }
}
