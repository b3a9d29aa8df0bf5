// What the command says: names that could fool a terminal, numbers and their nouns, and hints that name the option.
import Core
import Foundation
import ImageData
import Kernels
import Testing

@Suite struct WordsTests {
  private let place: Workplace
  private let model = ["--width", "4", "--blocks", "1", "--levels", "2", "--batch", "9", "--samples", "0"]

  init() throws { place = try Workplace() }

  private func run(_ words: String...) throws -> Workplace.Result { try place.start(words).finish() }

  @Test func namesCannotFoolATerminal() throws {
    let (images, run) = ("im\u{1B}[31mages\u{202E}\r", "r\u{7}un\nnats per image 0")
    var all: [Workplace.Result] = []
    all.append(try self.run("draw", images, "--count", "20", "--side", "8"))
    try FileManager.default.moveItem(
      atPath: place.path + "/\(images)/ring", toPath: place.path + "/\(images)/ri\u{1B}[2Jng")
    try place.write([1], to: "\(images)/tee/x.\u{1B}c")
    all.append(try place.start(["train", images, "--steps", "4", "--output", run] + model).finish())
    all.append(try self.run("inspect", images))
    all.append(try self.run("evaluate", run, images, "--worst", "20", "--worst-output", "w\u{1B}.png"))
    all.append(try self.run("evaluate", run, images, "--per-image", "scores.csv"))
    all.append(try self.run("compare", run, images, "--split", "train", "--no-baselines", "--output", "c\u{1B}"))
    all.append(try self.run("sample", run, "--count", "1", "--output", "s\u{1B}.png", "--folder", "o\u{1B}"))
    all.append(try self.run("complete", run, images, "--keep-rows", "4", "--count", "20", "--completions", "1"))
    all.append(try self.run("neighbours", images, images, "--count", "20", "--output", "n\u{1B}.png"))
    all.append(
      try place.start(["lr-find", images, "--steps", "20", "--output", "l\u{1B}"] + model.dropLast(2)).finish())
    all.append(try self.run("report", run, "--output", "p\u{1B}.html"))
    all.append(try self.run("gradients", run, "--output", "g\u{1B}"))
    all.append(try self.run("checkpoints", "list", run))
    all.append(try self.run("checkpoints", "export", run, "--output", "e\u{1B}"))
    all.append(try self.run("checkpoints", "prune", run, "--keep", "1"))
    all.append(try self.run("theory", "--depth", "2", "--statement", "sigmoid-chain", "--plots", "t\u{1B}"))
    for result in all { #expect(result.status == 0, "\(result.messages)") }
    all.append(try self.run("\u{1B}[31m"))
    all.append(try self.run("inspect", images, "--\u{1B}[31m"))
    all.append(try self.run("draw", "x", "--count", "\u{1B}[31m"))
    all.append(try self.run("train", images, "--preset", "\u{1B}[31m"))
    for (number, result) in all.enumerated() {
      for text in [result.output, result.messages] {
        let odd = text.unicodeScalars.contains { $0 != "\n" && String($0).displayed != String($0) }
        #expect(!odd && !text.contains("\nnats per image 0"), "\(number): \(text.displayed)")
      }
    }
    #expect(all[3].output.contains("\\x1B"), "\(all[3].output)")
    // Data for programs stays as it is.
    #expect(try String(decoding: place.read("scores.csv"), as: UTF8.self).contains(images))
    #expect(try self.run("checkpoints", "best", run).output.contains(run))
  }

  @Test func textsOfATableAreKeptAsTheyAre() throws {
    for name in ["=1+2", "+x", "-x", "@x", "a,b", "a\"b"] {
      try place.drawGrey("images/\(name).png", width: 8, height: 8)
    }
    _ = try place.succeed("train images \(model.joined(separator: " ")) --steps 1 --valid-share 0 --output run")
    _ = try place.succeed("evaluate run images --per-image scores.csv")
    let table = String(decoding: try place.read("scores.csv"), as: UTF8.self)
    for cell in ["images/=1+2.png,", "\"images/a,b.png\",", "\"images/a\"\"b.png\","] {
      #expect(table.contains("\n" + cell), "\(table)")
    }
    for command in ["evaluate", "compare"] {
      let help = try place.succeed("\(command) --help").output.split(separator: /\s+/).joined(separator: " ")
      #expect(help.contains("formula"), "\(command) says what its CSV is to a spreadsheet")
    }
  }

  // MARK: Numbers

  @Test func negativeNumbersAreValues() throws {
    for (command, options) in UsageTests.options {
      for option in options {
        let message = try place.fail("\(command) \(option) -1", 64)
        #expect(!message.contains("Missing value") && !message.contains("nknown option"), "\(option): \(message)")
      }
    }
    for value in ["-0.1", "-.5", "-1e-3", "-inf", "-nan"] {
      let message = try place.fail("train images --learning-rate \(value)", 64)
      #expect(message.contains("--learning-rate: expected a positive number"), "\(message)")
    }
    // A flag takes no number, and what follows "--" is no option.
    #expect(try place.fail("inspect images --json -1", 64).contains("-1"))
    #expect(try place.fail("inspect -- -1", 65).contains("-1: expected"))
  }

  @Test func lengthsThatAreTooLongNameTheirLimit() throws {
    for option in ["--epochs", "--minutes"] {
      let message = try place.fail("train images \(option) 1e30", 64)
      #expect(message.contains("\(option): expected a number above 0, below 1000000000"), "\(message)")
    }
  }

  @Test(arguments: ["6x5", "6X5", "6×5", " 6 × 5 "]) func sizesAreTakenAsTheyArePrinted(size: String) throws {
    try place.drawGrey("images/a.png", width: 8, height: 8)
    let result = try run("inspect", "images", "--resize", size)
    #expect(result.output.contains("of 6×5") || result.output.contains("of 5×6"), "\(result.messages)")
    #expect(try run("describe", "--size", size).status == 0)
  }

  @Test func limitsAreInTheHelp() throws {
    for (command, limits) in [
      ("sample", ["1 to 10000", "2 to 1000", "256"]), ("complete", ["1 to 1000", "10000"]),
      ("evaluate", ["1 to 256", "1 to 1024"]), ("neighbours", ["1 to 100)", "1 to 10000"]),
      ("gradients", ["1 to 1000)", "1 to 100000"]), ("draw", ["1 to 1000000", "8 to 512", "1 to 1024"]),
      ("report", ["0 to 100"]), ("inspect", ["0 to below 1", "1, grey, or 3", "1 to 1024"]),
      ("lr-find", ["20 to 1000000", "at most 1e6"]), ("describe", ["2 to 256"]),
      (
        "train",
        [
          "even number from 2 to 4096", "at most 1000", "1 to 256", "1 to 65536", "0 to 256", "1 to 1024",
          "0 to below 1", "2 to 256",
        ]
      ),
    ] {
      let help = try place.succeed("\(command) --help").output.split(separator: /\s+/).joined(separator: " ")
      for limit in limits { #expect(help.contains(limit), "\(command): \(limit)") }
    }
  }

  @Test func oneIsNotMany() throws {
    #expect(try place.succeed("draw one --count 1 --side 8").output.contains("1 image of 8×8, 1 glyph, "))
    try place.drawGrey("images/a.png", width: 8, height: 8)
    let words = model.joined(separator: " ")
    let told = try place.succeed("train images \(words) --steps 1 --threads 1 --output run")
    #expect(told.messages.contains("Read 1 image from") && told.messages.contains("; 1 image of 8×8×1, 0 held out; "))
    #expect(told.messages.contains("; 1 thread; run"))
    try place.write([1], to: "taken/x")
    #expect(try place.fail("train images --output taken", 73).contains("found 1 file\n"))
    let colour = try PNGColour.pixels
    try place.write(colour, to: "mixed/b.png")
    try place.drawGrey("mixed/a.png", width: 2, height: 2)
    let mixed = try place.fail("train mixed --valid-share 0 --output other", 65)
    #expect(mixed.contains("found an 8-bit"), "\(mixed)")
    #expect(
      try place.succeed("compare run images --split train --no-baselines").output.hasPrefix(
        "1 image of 8×8×1 from images, split train; 2 levels"))
    #expect(try place.succeed("neighbours images one --count 1 --valid-share 0").output.contains("1 training image, "))
  }

  // MARK: Hints

  @Test func theRunToResumeIsAnOption() throws {
    try place.drawGrey("images/a.png", width: 8, height: 8)
    _ = try place.succeed("train images \(model.joined(separator: " ")) --steps 1 --output run")
    for arguments in [
      "train --resume run", "train run --resume", "train --resume run/", "train run --resume --steps 3",
    ] {
      let message = try place.fail(arguments, 64)
      #expect(message.contains("scanline train --resume --output run"), "\(message)")
    }
  }

  @Test func channelsNameTheirOption() throws {
    let words = model.joined(separator: " ")
    try place.drawGrey("grey/a.png", width: 2, height: 2)
    try place.write(try PNGColour.pixels, to: "colour/a.png")
    _ = try place.succeed("train grey \(words) --steps 1 --output one")
    _ = try place.succeed("train colour --width 12 \(words.dropFirst(9)) --steps 1 --output three")
    for (run, images, option) in [("one", "colour", "--channels 1"), ("three", "grey", "--channels 3")] {
      for command in [
        "evaluate \(run) \(images)", "compare \(run) \(images) --no-baselines",
        "complete \(run) \(images) --keep-rows 1", "gradients \(run) --jacobian --images \(images)",
        "lr-find \(images) --checkpoint \(run)",
      ] {
        let message = try place.fail(command, 65)
        #expect(message.contains(option), "\(command): \(message)")
      }
      _ = try place.succeed("evaluate \(run) \(images) \(option)")
    }
  }

  /// What is not there is 65, whichever command looks for it.
  @Test func whatIsMissingIs65() throws {
    try place.drawGrey("images/a.png", width: 8, height: 8)
    _ = try place.succeed("train images \(model.joined(separator: " ")) --steps 1 --output run")
    for command in [
      "train none", "train none/deeper", "train images/a.png/x", "train --resume --output none", "train --config none",
      "sample none", "sample images/a.png/x",
      "complete none images --keep-rows 1", "complete run none --keep-rows 1", "complete run images --keep-mask none",
      "evaluate none images", "evaluate run none", "compare none images", "compare run none",
      "compare run images --train none", "neighbours none images", "neighbours images none", "report none",
      "report run --data none --output new.html", "gradients none", "gradients run --jacobian --images none",
      "gradients none --jacobian", "inspect none", "describe none", "import none --width 4 --blocks 1 --output new",
      "import none/x --width 4 --blocks 1 --output new",
      "import-idx none --output new", "import-idx none/x --output new", "import-cifar none --output new",
      "import-cifar none/x.tar.gz --output new", "import-idx images/a.png --labels none --output new",
      "lr-find none", "lr-find images --checkpoint none", "checkpoints list none", "checkpoints best none",
      "checkpoints prune none --keep 1", "checkpoints average none 1 --output new",
      "checkpoints export none --output new", "benchmark load none",
    ] {
      _ = try place.fail(command, 65)
    }
  }

  @Test func trainSaysWhatItPassedOver() throws {
    _ = try place.succeed("draw images --count 20 --side 8")
    for name in ["a.jpg", "b.JPG", "c.txt", "README"] { try place.write([1], to: "images/tee/\(name)") }
    let words = model.joined(separator: " ")
    for command in ["train images \(words) --steps 1 --output run", "train --resume --output run --steps 2"] {
      let told = try place.succeed(command).messages
      #expect(told.contains("Passed over in images: 2 .jpg, 1 without an extension, 1 .txt\n"), "\(told)")
    }
    let clean = try place.succeed("train images/ring \(words) --steps 1 --output ring").messages
    #expect(!clean.contains("Passed over"))
  }

  @Test func aSweepThatEndsTooSoonSaysSo() throws {
    _ = try place.succeed("draw images --count 40 --side 8")
    let words = model.dropLast(2).joined(separator: " ")
    let short = try place.succeed("lr-find images \(words) --steps 60 --from 1e-4 --to 1e-3 --output short").output
    #expect(short.contains("still falls") && short.contains("--to"), "\(short)")
    let whole = try place.succeed("lr-find images \(words) --steps 60 --from 1e-4 --to 100 --output whole").output
    #expect(!whole.contains("still falls"), "\(whole)")
  }

  @Test func aRunEndsWithTheCommandThatSamplesFromIt() throws {
    _ = try place.succeed("draw images --count 20 --side 8")
    let told = try place.succeed("train images \(model.joined(separator: " ")) --steps 1 --output plain").messages
    #expect(told.contains("scanline sample plain --output plain.png\n"), "\(told)")
    for (run, quoted) in [("my run", "'my run'"), ("it's", "'it'\\''s'"), ("-x", "./-x"), ("a\nb", "$'a\\nb'")] {
      let path = run.hasPrefix("-") ? ["--output=\(run)"] : ["--output", run]
      let told = try place.start(["train", "images", "--steps", "1"] + path + model).finish()
      #expect(told.messages.contains("scanline sample \(quoted) --output "), "\(told.messages)")
    }
    let running = try place.start(["train", "images", "--steps", "1000000", "--output", "long one"] + model)
    try running.wait(for: "a checkpoint") { !place.steps("long one").isEmpty }
    running.send(SIGTERM)
    let stopped = try running.finish().messages
    #expect(stopped.contains("scanline train --resume --output 'long one'"), "\(stopped)")
    #expect(stopped.contains("scanline sample 'long one' --output 'long one.png'"), "\(stopped)")
  }

  @Test func theAverageSaysHowItBegins() throws {
    let help = try place.succeed("train --help").output.split(separator: /\s+/).joined(separator: " ")
    #expect(help.contains("(1 + t) / (10 + t)"))
  }
}

/// A PNG of 2×2 RGB pixels.
private enum PNGColour {
  static var pixels: [UInt8] {
    get throws {
      let shape = ImageShape(height: 2, width: 2, channels: 3)
      return try PNGImage(shape: shape, values: [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]).encoded()
    }
  }
}
