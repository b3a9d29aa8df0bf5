// scanline checkpoints and lr-find as a user meets them.
import Foundation
import ImageData
import Networks
import Testing
import Training

@Suite struct CheckpointsTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 40 --side 8")
    _ = try place.succeed(
      "train images --levels 2 --width 4 --blocks 1 --batch 8 --steps 12 --evaluate-every 3 --keep 4 --output run")
  }

  @Test func listBestPruneAndLock() throws {
    let list = try place.succeed("checkpoints list run --json").json()
    let steps = try #require(list["checkpoints"] as? [[String: Any]])
    #expect(steps.map { $0["step"] as? Int } == [3, 6, 9, 12])
    let best = try #require(steps.first { $0["is_best"] as? Bool == true })
    #expect(best["held_out_nats"] as? Double != nil && best["damage"] is NSNull)
    #expect(try place.succeed("checkpoints list run").lines.count == 5)
    let path = try place.succeed("checkpoints best run").output.dropLast()
    #expect(String(path) == best["path"] as? String)

    do {
      let lock = try RunLock(run: place.path + "/run")
      #expect(try place.fail("checkpoints prune run --keep 1", 75).contains("at work"))
      #expect(lock.run.hasSuffix("run"))
    }
    let pruned = try place.succeed("checkpoints prune run --keep 1 --json").json()
    #expect((pruned["kept"] as? [Int])?.contains(best["step"] as? Int ?? -1) == true)
    #expect(place.steps("run").last == "step-00000012")
    #expect(try place.fail("checkpoints prune none --keep 1", 65).contains("none"))
    #expect(!place.names(".").contains("none"), "the lock makes no folder")
    _ = try place.fail("checkpoints prune run --keep 0", 64)
  }

  @Test func meansAndExportsAreSampledAndScored() throws {
    _ = try place.succeed("checkpoints average run 9 12 --output means/two")
    let done = try place.succeed("checkpoints average run --last 3 --weights raw --output mean --json").json()
    #expect(done["steps"] as? [Int] == [6, 9, 12] && done["weights"] as? String == "raw")
    _ = try place.succeed("checkpoints export run/step-00000009 --output nine")
    let scores = try ["run/step-00000009", "nine", "nine --weights raw"].map {
      try place.succeed("evaluate \($0) images --json").json()["nats_per_image"] as? Double
    }
    #expect(scores[0] != nil && scores[0] == scores[1] && scores[1] == scores[2])
    #expect(try place.succeed("evaluate mean images --json").json()["weights"] as? String == "raw")
    _ = try place.succeed("sample means/two --count 1")
    _ = try place.succeed("compare mean means/two images --split valid")
    #expect(try place.fail("checkpoints average run 4 --output x", 65).contains("those of 3, 6, 9, 12"))
    #expect(try place.fail("checkpoints average run --last 9 --output x", 65).contains("9 whole checkpoints"))
    #expect(try place.fail("checkpoints export run --output mean", 73).contains("mean"))
    _ = try place.fail("checkpoints average run --output x", 64)
    // A run of nothing but weights is not gone on with.
    _ = try place.succeed("checkpoints export run/step-00000009 --output alone/step-00000009")
    #expect(try place.fail("train --resume --output alone --steps 20", 65).contains("weights alone"))
  }

  @Test func aSweepWritesItsFilesAndNothingElse() throws {
    let options = "--levels 2 --width 4 --blocks 1 --batch 8 --from 1e-4 --to 1 --steps 30"
    let report = try place.succeed("lr-find images \(options) --output rates --json").json()
    let points = try #require(report["points"] as? [[String: Any]])
    #expect(points.count <= 30 && report["reason"] as? String != nil)
    #expect(try place.read("rates.csv").split(separator: 10).count == points.count + 1)
    #expect(place.names(".") == ["images", "rates.csv", "rates.png", "rates.svg", "run"])
    let before = place.steps("run").map { place.names("run/" + $0) }
    #expect(try place.fail("lr-find images --checkpoint run --output rates", 73).contains("rates.csv"))
    _ = try place.succeed("lr-find images --checkpoint run --steps 20 --output rates --force")
    #expect(place.steps("run").map { place.names("run/" + $0) } == before)
    #expect(try place.fail("lr-find images --checkpoint run --width 4 --output x", 64).contains("--width"))
    #expect(try place.fail("lr-find images --steps 3 --output x", 64).contains("--steps: expected 20"))
    #expect(try place.fail("lr-find images --from 0 --output x", 64).contains("--from: expected a rate of 1e-12"))
    #expect(try place.fail("lr-find images --to 0 --output x", 64).contains("--to: expected a rate above --from,"))
  }
}
