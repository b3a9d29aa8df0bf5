// Results that a change of the design must keep, bit for bit: held against a file that was written before it.
//
// SCANLINE_RECORD_GOLDENS=1 writes the file anew. Do that only where the results are meant to change, and say why in the
// commit.
import Core
import Foundation
import ImageData
import Kernels
import Networks
import Testing
import Training

@Suite struct GoldenTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  private static let file = root + "/Tests/GoldenTests/models.txt"
  private static let isRecording = ProcessInfo.processInfo.environment["SCANLINE_RECORD_GOLDENS"] != nil
  private static let shipped = ["pixelcnn", "gated-pixelcnn", "mdrnn", "diagonal-lstm"].map { "pretrained-" + $0 }

  /// Name and record of every line of the file.
  private static func goldens() throws -> [String: GoldenRecord] {
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
    return Dictionary(
      uniqueKeysWithValues: lines.compactMap { line in
        let parts = line.split(separator: ":", maxSplits: 1)
        return parts.count == 2 ? (String(parts[0]), GoldenRecord(parsing: parts[1])) : nil
      })
  }

  /// Every family, on grey and coloured images, with and without classes and dropout, with every activation and residual
  /// order.
  @Test func modelsComputeWhatTheyDid() throws {
    let cases = GoldenCase.all
    let records = Locked([GoldenRecord?](repeating: nil, count: cases.count))
    let errors = Locked<[String]>([])
    parallelFor(cases.count, threads: 2) { number, _ in
      do {
        let record = try GoldenRecord(cases[number])
        records.withLock { $0[number] = record }
      } catch { errors.withLock { $0.append("\(cases[number].name): \(error)") } }
    }
    #expect(errors.withLock { $0 } == [])
    let found =
      try zip(cases, records.withLock { $0 }).map { ($0.name, try #require($1)) }
      + Self.shipped.map { ($0, try Self.record(ofShipped: $0)) }
    if Self.isRecording {
      let text = found.map { "\($0): \($1.text)\n" }.joined()
      try text.write(toFile: Self.file, atomically: true, encoding: .utf8)
    }
    let goldens = try Self.goldens()
    #expect(goldens.count == found.count)
    for (name, record) in found {
      let golden = try #require(goldens[name], "no golden of \(name)")
      #expect(record.hashes.count == golden.hashes.count && record.bytes.count == golden.bytes.count, "\(name)")
      for (now, then) in zip(record.hashes, golden.hashes) { #expect(now == then, "\(name)") }
      // Fewer bytes are no loss.
      for (now, then) in zip(record.bytes, golden.bytes) {
        #expect(
          now.name == then.name && now.value <= then.value,
          "\(name): \(now.name) \(now.value), golden \(then.value)")
      }
    }
  }

  /// The samples and scores of a model that ships.
  private static func record(ofShipped name: String) throws -> GoldenRecord {
    let (path, _) = try Checkpoint.resolve(root + "/Checkpoints/" + name)
    let (state, parameters) = try Checkpoint.loadWeights(path, .ema)
    let model = state.model.makeModel()
    let folder = try ImageFolder(
      scanning: root + "/Data/glyphs", heldOutShare: state.data?.heldOutShare ?? 0.1, seed: state.data?.splitSeed ?? 1)
    let set = try ImageSet(
      loading: folder, split: .valid, options: state.data?.loading ?? ImageLoadingOptions(), threads: 2)
    let batch = state.quantization.batch(from: set, indices: 0..<min(20, set.count))
    let drawn = Sampler(model: model, parameters: parameters, threads: 2).sample(SamplingRequest(count: 2, seed: 1))
    var (scores, samples) = (Hash(), Hash())
    scores.add(Scorer(model: model, parameters: parameters, threads: 2).nats(batch))
    samples.add(drawn.images.levels)
    samples.add(drawn.nats)
    return GoldenRecord(parsing: "scores=\(scores.text) samples=\(samples.text)")
  }
}
