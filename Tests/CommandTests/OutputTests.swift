// What a command is asked to write is tested before any work: the inputs of most of these commands do not even exist.
import Foundation
import Testing

@Suite struct OutputTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  /// Commands that write one PNG, with OUT in the place of its name.
  private static let pictures = [
    "sample nowhere --output OUT", "complete nowhere nowhere --keep-rows 4 --output OUT",
    "neighbours nowhere nowhere --output OUT", "evaluate nowhere nowhere --worst 1 --worst-output OUT",
    "describe nowhere --measure --map OUT",
  ]
  private static let tables = ["evaluate nowhere nowhere --per-image OUT", "compare nowhere nowhere --csv OUT"]
  private static let pages = ["report nowhere --output OUT"]
  /// Commands that add endings to the name that is given.
  private static let stems = [
    "compare nowhere nowhere --output OUT", "lr-find nowhere --output OUT", "gradients nowhere --output OUT",
    "gradients nowhere --jacobian --output OUT",
  ]
  private static let folders = [
    "train nowhere --output OUT", "train nowhere --dry-run --output OUT", "draw OUT", "sample nowhere --folder OUT",
    "complete nowhere nowhere --keep-rows 4 --folder OUT", "theory --depth 1 --plots OUT",
    "checkpoints export nowhere --output OUT", "checkpoints average nowhere 1 --output OUT",
    "import nowhere --width 4 --blocks 1 --output OUT", "import-idx nowhere --output OUT",
    "import-cifar nowhere --output OUT",
  ]
  private static let files = pictures.map { ($0, ".png") } + tables.map { ($0, ".csv") } + pages.map { ($0, ".html") }

  /// `command` with `name` for OUT; the name may hold spaces or nothing.
  private func run(_ command: String, _ name: String) throws -> Workplace.Result {
    try place.start(command.split(separator: " ").map { $0 == "OUT" ? name : String($0) }).finish()
  }

  private func expect(
    _ command: String, _ name: String, _ status: Int32, _ words: String...,
    at location: SourceLocation = #_sourceLocation
  ) throws {
    let result = try run(command, name)
    let shown = "\(command), “\(name.prefix(80))”: \(result.status), \(result.messages)"
    #expect(result.status == status && result.output == "", "\(shown)", sourceLocation: location)
    for word in words { #expect(result.messages.contains(word), "\(shown)", sourceLocation: location) }
  }

  @Test func namesThatNameNoFileAre64() throws {
    for command in Self.files.map(\.0) + Self.stems + Self.folders {
      for name in ["", "   ", "-"] { try expect(command, name, 64) }
    }
    for command in Self.files.map(\.0) + Self.stems { try expect(command, "new/", 64) }
    for command in Self.pictures { try expect(command, "-", 64, "standard output") }
    #expect(place.names(".").isEmpty, "\(place.names("."))")
    for name in ["   ", "-"] { #expect(try place.start(["train", "nowhere", "--name", name]).finish().status == 64) }
  }

  @Test func endingsOfOtherFormatsAre64() throws {
    for (command, ending) in Self.files {
      let format = ending == ".html" ? "HTML page" : ending.dropFirst().uppercased()
      for other in ["x.jpg", "x.gif", "x.webp", "x.tif", "x.txt", "x", ".png", "x.csv.png.zip"] {
        try expect(command, other, 64, ending, format)
      }
      try expect(command, ending == ".png" ? "x.csv" : "x.png", 64, ending)
    }
    for command in Self.stems {
      for other in ["x.jpg", "x.PNG", "x.svg", "x.csv", "x.txt"] { try expect(command, other, 64, "without") }
    }
  }

  @Test func placesThatTakeNoFileAre73() throws {
    try place.write([1], to: "file")
    for ending in ["png", "svg", "csv", "html"] {
      try place.write([1], to: "there.\(ending)")
      try place.write([1], to: "folder.\(ending)/x")
    }
    try FileManager.default.createSymbolicLink(atPath: place.path + "/dangling.png", withDestinationPath: "nothing")
    let before = place.names(".")
    let long = String(repeating: "n", count: 252)
    let deep = String(repeating: "./", count: 2050)
    for (command, ending) in Self.files + Self.stems.map({ ($0, "") }) {
      try expect(command, "none/x\(ending)", 73, "none")
      try expect(command, "file/x\(ending)", 73, "file")
      try expect(command, long + ending, 73, "long")
      try expect(command, deep + "x" + ending, 73, "long")
      try expect(command, "there\(ending)", 73, "there", "--force")
      try expect(command, "folder\(ending)", 73, "folder")
      // Root may write anywhere but here.
      if FileManager.default.fileExists(atPath: "/proc/self") { try expect(command, "/proc/x\(ending)", 73, "/proc") }
    }
    for command in Self.pictures { try expect(command, "dangling.png", 73, "--force") }
    for command in Self.folders {
      try expect(command, "file", 73, "file")
      try expect(command, "file/x", 73, "file")
      try expect(command, long + "long", 73, "long")
      try expect(command, "none/" + long + "long", 73, "long")
      if FileManager.default.fileExists(atPath: "/proc/self") { try expect(command, "/proc/x", 73, "/proc") }
    }
    #expect(place.names(".") == before)
    let hidden = try FileManager.default.contentsOfDirectory(atPath: place.path).filter { $0.hasPrefix(".") }
    #expect(hidden == [])
  }

  /// Also where they are spelled differently, or led to by a link.
  @Test func oneFileTakesOneOutput() throws {
    try place.write([1], to: "real/x.txt")
    try FileManager.default.createSymbolicLink(atPath: place.path + "/link", withDestinationPath: "real")
    for arguments in [
      "sample nowhere --output a.png --folder a.png", "sample nowhere --output ./a.png --folder real/../a.png",
      "sample nowhere --output a.png --progress-frames 2 --folder a-frames",
      "complete nowhere nowhere --keep-rows 1 --output link/a.png --folder real/a.png",
    ] {
      #expect(try place.fail(arguments, 64).contains("another file than --"), "\(arguments)")
    }
  }

  @Test func anInputIsNotWrittenOver() throws {
    try place.drawGrey("images/a.png", width: 8, height: 8)
    try place.drawGrey("mask.png", width: 8, height: 8)
    try FileManager.default.createSymbolicLink(atPath: place.path + "/link", withDestinationPath: "images")
    for arguments in [
      "complete nowhere images/a.png --keep-rows 1 --output images/a.png --force",
      "complete nowhere images --keep-mask mask.png --output ./mask.png --force",
      "neighbours link/a.png images --output images/a.png --force",
      "neighbours images images --output link/a.png --force",
      "evaluate nowhere images --worst 1 --worst-output images/a.png --force",
    ] {
      let before = try place.read("images/a.png") + place.read("mask.png")
      #expect(try place.fail(arguments, 64).contains("input"), "\(arguments)")
      #expect(try place.read("images/a.png") + place.read("mask.png") == before)
    }
  }

  private func trained() throws {
    _ = try place.succeed("draw images --count 20 --side 8")
    _ = try place.succeed("train images --width 4 --blocks 1 --levels 2 --batch 9 --steps 4 --samples 0 --output run")
  }

  /// A name of the file system's full length is as good as any: the hidden file that it is written to has a shorter one.
  @Test func theLongestNameIsWritten() throws {
    try trained()
    let name = String(repeating: "n", count: 251) + ".png"
    let result = try run("sample run --count 1 --output OUT --folder singles", name)
    #expect(result.status == 0, "\(result.messages)")
    #expect(place.names(".").contains(name))
    _ = try place.succeed("describe run --measure --map map.png")
    #expect(try place.fail("describe run --measure --map map.png", 73).contains("--force"))
    _ = try place.succeed("describe run --measure --map map.png --force")
  }

  /// Files that cannot be written once they are known: a limit of their size stands for the disk that is full by then.
  @Test(arguments: [
    "evaluate run images --per-image scores.csv", "evaluate run images --worst 1 --worst-output worst.png",
    "compare run images --no-baselines --split train --csv scores.csv",
    "compare run images --no-baselines --split train --output chart",
    "lr-find images --width 4 --blocks 1 --levels 2 --batch 9 --steps 20 --output rates",
    "neighbours images images --count 2 --output near.png", "gradients run --output flow",
    "complete run images --keep-rows 4 --count 1 --completions 1 --output completed.png",
  ])
  func aResultIsPrintedBeforeItIsWritten(arguments: String) throws {
    try trained()
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.currentDirectoryURL = URL(fileURLWithPath: place.path)
    shell.arguments = ["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \(arguments)", try commandURL().path]
    let (output, errors) = (Pipe(), Pipe())
    (shell.standardOutput, shell.standardError) = (output, errors)
    try shell.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let told = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 74, "\(told)")
    #expect(said.contains("nats") || said.contains("distance") || said.contains("layer"), "\(said) \(told)")
  }
}
