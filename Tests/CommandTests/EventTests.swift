// The event files of a run by the command: what metrics.jsonl says, once each step, through a stop and a resume.
import Foundation
import ImageData
import TensorBoard
import Testing

@Suite struct EventTests {
  private let place: Workplace
  private let options = "--width 4 --blocks 1 --levels 2 --batch 4 --metrics-every 2 --gradients-every 3"

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 40 --side 9")
  }

  private func eventFiles(_ run: String) -> [String] { place.names(run).filter { $0.contains("tfevents") } }

  /// The data of the records in the files of a run.
  private func records(_ run: String) throws -> [[UInt8]] {
    try eventFiles(run).flatMap { name in
      EventRecord.records(in: try place.read("\(run)/\(name)"))
    }
  }

  /// The numbers under `tag`, in order: in a summary's value its text comes first, then 0x15 and a float.
  private func scalars(_ tag: String, _ records: [[UInt8]]) -> [Float] {
    let mark = Array(tag.utf8) + [0x15]
    return records.flatMap { record in
      record.indices.dropLast(mark.count + 3).filter { Array(record[$0..<$0 + mark.count]) == mark }.map { place in
        let bits = record[(place + mark.count)...].prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Float(bitPattern: bits)
      }
    }
  }

  private struct Metrics: Decodable {
    struct Figures: Decodable { var natsPerImage: Double }
    struct HeldOut: Decodable { var average: Figures, raw: Figures }
    var training: Figures?
    var heldOut: HeldOut?
  }

  /// metrics.jsonl and the event files of a run say the same.
  private func requireSame(_ run: String) throws {
    let records = try records(run)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let metrics = try String(decoding: place.read("\(run)/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
      .map { try decoder.decode(Metrics.self, from: Data($0.utf8)) }
    let trained = metrics.compactMap { $0.training?.natsPerImage }
    #expect(trained.count > 2)
    #expect(scalars("training/nats_per_image", records) == trained.map { Float($0) })
    let heldOut = metrics.compactMap { $0.heldOut }
    #expect(heldOut.count > 1)
    #expect(scalars("held_out/average/nats_per_image", records) == heldOut.map { Float($0.average.natsPerImage) })
    #expect(scalars("held_out/raw/nats_per_image", records) == heldOut.map { Float($0.raw.natsPerImage) })
  }

  @Test func aRunAndItsGoingOn() throws {
    _ = try place.succeed("train images \(options) --steps 8 --evaluate-every 3 --output run")
    try requireSame("run")
    // Steps 1, 4, 7.
    #expect(try scalars("flow/input", records("run")).count == 3)
    #expect(try records("run").count { String(decoding: $0, as: UTF8.self).contains("gradient/blocks.0.conv") } == 3)
    _ = try place.succeed("train --resume --output run --steps 12")
    #expect(eventFiles("run").count == 2)
    try requireSame("run")
    // Going back to the step before the last: what came after it is cut off and comes again.
    let newest = try #require(place.names("run").filter { $0.hasPrefix("step-") }.max())
    try FileManager.default.removeItem(atPath: "\(place.path)/run/\(newest)")
    _ = try place.succeed("train --resume --output run --steps 12")
    try requireSame("run")
    // Without event files: those that are there keep to the run all the same.
    try FileManager.default.removeItem(atPath: "\(place.path)/run/\(newest)")
    let before = try records("run").count
    _ = try place.succeed("train --resume --output run --steps 12 --no-tensorboard")
    #expect(try records("run").count < before)
  }

  /// What a run leaves that was killed before it had saved anything does not stand in the way of the same command.
  @Test func aRunIsBegunAgain() throws {
    try place.write([1, 2, 3], to: "run/events.out.tfevents.0000000007.scanline")
    _ = try place.succeed("train images \(options) --steps 3 --no-tensorboard --output run")
    #expect(eventFiles("run") == [])
    #expect(place.names("run").contains("metrics.jsonl"))
  }
}
