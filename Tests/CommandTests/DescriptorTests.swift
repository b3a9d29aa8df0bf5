// Commands that are started with standard input, output or error closed.
import Foundation
import Testing

@Suite struct DescriptorTests {
  private let place: Workplace
  private let train =
    "train images --width 4 --blocks 1 --levels 2 --batch 9 --threads 1 --steps 4 --evaluate-every 2 --output"

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 30 --side 8 --seed 3")
  }

  /// The files that the command opens are not taken for its standard output and error.
  @Test(arguments: ["<&- >&- 2>&-", ">&- 2>&-", "<&- 2>&-", "2>&-", ">&-", "<&-"])
  func nothingIsSaidIntoFiles(closed: String) throws {
    let told = try place.shell("\"$SCANLINE\" \(train) run \(closed)")
    #expect(told.status == 0, "\(closed): \(told.status) \(told.messages)")
    _ = try place.succeed("\(train) whole")
    // The lock holds the number of the process and nothing else.
    let lock = String(decoding: try place.read("run/.lock"), as: UTF8.self)
    #expect(Int(lock.trimmingCharacters(in: .whitespacesAndNewlines)) != nil, "\(closed): \(lock)")
    for name in ["metrics.jsonl", "gradients.jsonl", "config.toml"] {
      let text = String(decoding: try place.read("run/\(name)"), as: UTF8.self)
      #expect(!text.contains("Read 30 images") && !text.contains("run    "), "\(closed): \(name)")
    }
    for name in ["model", "ema", "optimizer"] {
      let file = "step-00000004/\(name).safetensors"
      #expect(try place.read("run/\(file)") == place.read("whole/\(file)"))
    }
    let sampled = try place.shell("\"$SCANLINE\" sample run --count 4 --output grid.png \(closed)")
    #expect(sampled.status == 0, "\(closed)")
    _ = try place.succeed("sample run --count 4 --output open.png")
    #expect(try place.read("grid.png") == place.read("open.png"))
  }

  /// A result that can go nowhere is none.
  @Test func aResultThatNobodyCanReadIs74() throws {
    for arguments in ["presets", "inspect images", "describe --width 4 --blocks 1"] {
      let told = try place.shell("\"$SCANLINE\" \(arguments) >&-")
      #expect(told.status == 74 && told.messages.contains("standard output: expected"), "\(told.messages)")
    }
    #expect(try place.shell("\"$SCANLINE\" inspect images <&- 2>&-").output.contains("30"))
    #expect(try place.shell("\"$SCANLINE\" train nowhere <&- >&- 2>&-").status == 65)
  }
}
