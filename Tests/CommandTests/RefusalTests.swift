// What the command says to requests that it cannot meet: the exit code, and a line that says what to do.
import Foundation
import Networks
import Testing
import Training

@Suite struct RefusalTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  @Test func helpIsAResult() throws {
    let commands = [
      "", "train", "sample", "complete", "evaluate", "neighbours", "inspect", "describe", "import", "draw",
      "benchmark train",
    ]
    for command in commands {
      let help = try place.succeed("\(command) --help")
      #expect(help.output.contains("USAGE: scanline \(command)") && help.messages == "")
    }
    #expect(try place.succeed("--version").lines.count == 1)
  }

  @Test(arguments: [
    "paint", "train --wide 3 images", "train images --width wide", "train", "train --resume",
    "train images --threads 0", "train images --name a/b", "train images --name a --output b",
    "train images --levels 1", "train images --levels 4 --binarize fixed",
    "train images --steps 1 --epochs 1",
    "train images --resize 3x3 --crop 3x3", "train images --valid-share 1", "evaluate", "evaluate run",
    "sample --columns 0", "sample run --count 0", "sample run --temperature 0", "sample run --top-p 0", "draw",
    "draw folder --side 7",
    "sample run --progress-frames 1", "sample run --progress-frames 9 --count 257", "complete run images",
    "complete run images --keep-rows 3 --keep-mask mask.png", "complete run images --keep-rows 3 --completions 0",
    "neighbours samples", "neighbours samples images --nearest 0", "neighbours samples images --levels 300",
    "import file",
    "benchmark train --batch 0",
  ])
  func wrongUsageIs64(arguments: String) throws {
    let message = try place.fail(arguments, 64)
    #expect(message.contains("Usage: scanline") || message.contains("See 'scanline"), "\(message)")
    #expect(place.names(".").isEmpty, "a wrong request leaves nothing behind")
  }

  @Test(arguments: [
    ("--steps 0", "--steps"), ("--batch 0", "--batch"), ("--learning-rate 0", "--learning-rate"),
    ("--warmup -1", "--warmup"), ("--ema 1", "--ema"), ("--clip -1", "--clip"), ("--keep 0", "--keep"),
    ("--evaluate-every 0", "--evaluate-every"), ("--minutes 0", "--minutes"), ("--epochs -1", "--epochs"),
    ("--decay 2", "--decay"), ("--dropout 1", "--dropout"), ("--evaluation-images 0", "--evaluation-images"),
    ("--gradients-every -1", "--gradients-every"), ("--metrics-every -1", "--metrics-every"),
    ("--samples 257", "--samples"), ("--width 7", "an even width"),
    ("--likelihood bernoulli", "2 levels for a Bernoulli"), ("--augment noise", "changes values"),
    ("--augment flip,rotate:10", "quarter turns"), ("--augment mirror", "flip, vertical-flip, transpose and shift:N"),
    ("--augment flip,flip", "--augment: expected each part once"), ("--augment shift:4", "half of either side"),
    ("--augment shift:0", "shift:N, N from 1 to 31"),
  ])
  func optionsThatMakeNoRunAre64(options: String, named: String) throws {
    try place.drawGrey("images/a.png", width: 8, height: 8)
    try place.drawGrey("images/b.png", width: 8, height: 8)
    // "=" because a value that begins with "-" would be taken for a flag.
    let joined = options.replacingOccurrences(of: " ", with: "=")
    let message = try place.fail("train images \(joined)", 64)
    // The library's own names stand between backticks.
    #expect(message.contains(named) && !message.contains("`"), "\(message)")
    #expect(place.names("Checkpoints/images-pixelcnn").isEmpty)
  }

  @Test func unusableFoldersAre65() throws {
    #expect(try place.fail("train nowhere", 65).contains("nowhere: expected"))
    #expect(try place.fail("inspect nowhere", 65).contains("nowhere: expected"))
    try place.write(Array("no picture".utf8), to: "texts/a.txt")
    #expect(try place.fail("train texts --output run", 65).contains("texts: expected"))

    try place.drawGrey("images/a.png", width: 8, height: 8)
    try place.drawGrey("images/c.png", width: 8, height: 8)
    try place.write(Array("no picture".utf8), to: "images/b.png")
    #expect(
      try place.fail("train images --valid-share 0 --output run", 65).contains("images/b.png: expected"))
    // A torn file is found although its header is sound.
    try place.write(Array(place.read("images/a.png").dropLast(20)), to: "images/b.png")
    #expect(
      try place.fail("train images --valid-share 0 --output run", 65).contains("images/b.png: expected"))

    try place.drawGrey("images/b.png", width: 8, height: 9)
    let mixed = try place.fail("train images --valid-share 0 --output run", 65)
    #expect(
      mixed.contains("images/b.png") && mixed.contains("images/a.png") && mixed.contains("8×9"), "\(mixed)")
    #expect(mixed.contains("--resize"), "it says what helps")
  }

  /// Whichever command reads a folder, the files that it passes over are named.
  @Test func filesThatArePassedOverAreNamed() throws {
    _ = try place.succeed("draw images --count 20 --side 8")
    let model = "--width 6 --blocks 1 --levels 2 --batch 4"
    _ = try place.succeed("train images \(model) --steps 2 --samples 0 --output run")
    _ = try place.succeed("sample run --count 4 --output drawn.png")
    try place.write(Array("no picture".utf8), to: "images/circle/zz.png")
    for command in [
      "train images \(model) --steps 1 --samples 0 --valid-share 0 --output other", "evaluate run images",
      "compare run images --train images", "neighbours drawn.png images --valid-share 0 --output near.png",
      "lr-find images \(model) --steps 20 --valid-share 0",
      "complete run images --keep-rows 4 --count 30 --output completed.png",
    ] {
      let told = try place.succeed("\(command) --skip-bad").messages
      #expect(told.contains("warning: skipped images/circle/zz.png: "), "\(command): \(told)")
    }
  }

  @Test func checkpointsThatAreNoneAre65() throws {
    try place.drawGrey("images/a.png", width: 8, height: 8)
    #expect(try place.fail("evaluate nowhere images", 65).contains("nowhere: expected"))
    #expect(try place.fail("sample nowhere", 65).contains("nowhere: expected"))
    #expect(try place.fail("sample images", 65).contains("images: expected a checkpoint"))
    #expect(try place.fail("train images --resume --output nowhere", 65).contains("nowhere: expected"))
    #expect(try place.fail("train --resume --name none", 65).contains("Checkpoints/none: expected"))
    #expect(
      try place.fail("train images --resume --output images", 65).contains("a checkpoint to resume from"))
  }

  @Test func takenNamesAre73() throws {
    try place.drawGrey("images/a.png", width: 8, height: 8)
    try place.write([1], to: "run/notes.txt")
    #expect(
      try place.fail("train images --output run", 73).contains("run: expected a new or empty run folder"))
    #expect(try place.fail("draw run --count 1", 73).contains("run"))
    #expect(try place.fail("train images --output run/notes.txt", 73).contains("run/notes.txt"))
    #expect(try place.fail("sample run --output run/notes.txt", 73).contains("run/notes.txt"))
    #expect(place.names("run") == ["notes.txt"])
  }

  @Test func aLockedRunIs75() throws {
    try place.drawGrey("images/a.png", width: 8, height: 8)
    // flock holds between processes, whatever opened the file: this process stands for another run.
    let lock = try RunLock(run: place.path + "/run")
    for arguments in ["train images --output run", "train --resume --output run"] {
      let message = try place.fail(arguments, 75)
      #expect(message.contains("run: expected a run folder that no other run uses"))
      #expect(message.contains("process \(ProcessInfo.processInfo.processIdentifier)"), "\(message)")
    }
    #expect(lock.run == place.path + "/run")
  }
}
