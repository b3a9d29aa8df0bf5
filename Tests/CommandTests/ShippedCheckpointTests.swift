// The models that ship are whole, small, and score what their cards say.
import Foundation
import Testing
import Training

@Suite struct ShippedCheckpointTests {
  static let names = ["pixelcnn", "gated-pixelcnn", "mdrnn", "diagonal-lstm"].map { "pretrained-" + $0 }

  /// The value of a row of a card's table.
  private func card(_ name: String, _ row: String) throws -> String {
    let text = try String(contentsOfFile: packageFolder + "/Checkpoints/\(name)/README.md", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("| \(row) | ") }, "\(name): \(row)")
    return line.dropFirst("| \(row) | ".count).dropLast(" |".count).trimmingCharacters(in: .whitespaces)
  }

  @Test(arguments: names) func aModelScoresWhatItsCardSays(_ name: String) throws {
    let place = try Workplace()
    let run = packageFolder + "/Checkpoints/" + name
    let steps = try CheckpointFolder.list(run)
    #expect(steps.count == 1 && steps.allSatisfy { $0.damage == nil && $0.isWeightsAlone && $0.isBest })
    #expect(try card(name, "step") == "\(steps[0].saved.step)")
    var bytes = 0
    for path in try FileManager.default.subpathsOfDirectory(atPath: run) {
      bytes += FileManager.default.contents(atPath: run + "/" + path)?.count ?? 0
    }
    #expect(bytes < 1_000_000)
    let said = try place.succeed("evaluate \(run) \(packageFolder)/Data/glyphs --split valid --json")
    struct Report: Decodable {
      var bitsPerDimension: Double
      var fingerprint: String
      var images: Int
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let report = try decoder.decode(Report.self, from: Data(said.output.utf8))
    let stated = try card(name, "bits per dimension").split(separator: " ")
    #expect(String(format: "%.5f", report.bitsPerDimension) == String(stated[0]))
    #expect(try card(name, "held-out images") == "\(report.images), fingerprint \(report.fingerprint)")
  }

  @Test func sampleNeedsNoCheckpoint() throws {
    let place = try Workplace()
    let drawn = try place.succeed("sample --count 1")
    #expect(drawn.output.hasPrefix("samples.png: 1 image of 20×20×1"))
    // The one that it draws from is the best of them.
    let bits = try Self.names.map { try (bits: card($0, "bits per dimension"), name: $0) }
    let best = try #require(bits.min { $0.bits < $1.bits })
    _ = try place.succeed("sample \(packageFolder)/Checkpoints/\(best.name) --count 1 --output named.png")
    #expect(try place.read("samples.png") == place.read("named.png"))
  }
}
