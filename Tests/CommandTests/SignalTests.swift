// What signals do to a command, at every moment of its work.
import Foundation
import Testing

@Suite struct SignalTests {
  private let place: Workplace
  private let options = "--width 4 --blocks 1 --levels 2 --batch 9 --threads 1 --no-plots"

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 30 --side 8 --seed 3")
  }

  private func start(_ arguments: String) throws -> Workplace.Running {
    try place.start(arguments.split(separator: " ").map(String.init))
  }

  /// A run that nothing but a signal ends, at work.
  private func endless(_ run: String) throws -> Workplace.Running {
    let running = try start("train images \(options) --minutes 5 --evaluate-every 100000000 --output \(run)")
    try running.wait(for: "the first step") { running.messagesSoFar.contains("\nstep 1/") }
    return running
  }

  private func hidden(_ folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: place.path + "/" + folder).filter {
      ($0 as NSString).lastPathComponent.hasPrefix(".") && !$0.hasSuffix(".lock") && !$0.contains(".said-")
    }
  }

  // MARK: A run

  /// Whoever runs the tests may want a signal ignored, as a shell does of its background jobs; so do the commands then.
  private static func isHeard(_ number: Int32) -> Bool {
    let former = signal(number, SIG_IGN)
    signal(number, former)
    return unsafeBitCast(former, to: Int.self) != 1
  }
  private static let heard = [SIGINT, SIGTERM, SIGHUP].filter(isHeard)

  @Test(
    arguments: [(SIGTERM, SIGTERM), (SIGTERM, SIGINT), (SIGINT, SIGHUP), (SIGHUP, SIGTERM)].filter { isHeard($0.0) })
  func twoSignalsAtOnceAreOne(first: Int32, second: Int32) throws {
    let run = try endless("run")
    run.send(first)
    usleep(300)
    run.send(second)
    usleep(20_000)
    run.send(second)
    let told = try run.finish()
    #expect([128 + first, 128 + second].contains(told.status), "\(told.status): \(told.messages)")
    #expect(told.messages.contains("go on with: scanline train --resume --output run"), "\(told.messages)")
    #expect(place.steps("run").count == 1)
  }

  /// GNU timeout signals the command and then its whole group, the command a second time.
  @Test func timeoutStopsARunThatIsSaved() throws {
    let train = "\"$SCANLINE\" train images \(options) --minutes 1 --evaluate-every 1000000 --output"
    for number in 0..<4 {
      let told = try place.shell("timeout 1 \(train) run\(number)")
      #expect(told.status == 124 && place.steps("run\(number)").count == 1, "\(told.messages)")
    }
  }

  /// A terminal that is gone stops a run as SIGTERM does.
  @Test(.enabled(if: isHeard(SIGHUP))) func aLostTerminalSaves() throws {
    let run = try endless("run")
    run.send(SIGHUP)
    let told = try run.finish()
    #expect(told.status == 129 && place.steps("run").count == 1, "\(told.status): \(told.messages)")
    #expect(told.messages.contains("go on with: scanline train --resume --output run"))
  }

  /// What nohup asks for is granted: SIGHUP is ignored where it was when the command began.
  @Test func nohupGoesOn() throws {
    let train = "train images \(options) --steps 1000 --evaluate-every 200"
    let told = try place.shell(
      """
      trap '' HUP
      "$SCANLINE" \(train) --output run & pid=$!
      until [ -e run/step-00000200 ]; do sleep 0.01; done
      kill -HUP $pid
      wait $pid
      """)
    #expect(told.status == 0 && place.steps("run").last == "step-00001000", "\(told.messages)")
  }

  /// While images are listed and read there is nothing to save, and nobody says so.
  @Test(arguments: heard) func nothingIsSavedWhileImagesAreRead(signal: Int32) throws {
    try fillLargeFolder()
    let run = try start("train large \(options) --steps 3 --output run")
    usleep(400_000)
    run.send(signal)
    let told = try run.finish()
    #expect(told.status == 128 + signal)
    #expect(!told.messages.contains("aving") && !told.messages.contains("Read "), "\(told.messages)")
    #expect(place.names("run").isEmpty)
  }

  /// A request to save that comes too soon ends nothing.
  @Test func aRequestToSaveWhileImagesAreReadEndsNothing() throws {
    try fillLargeFolder(count: 2_000, side: 48)
    let run = try start("train large \(options) --steps 3 --valid-share 0 --samples 0 --output run")
    usleep(200_000)
    run.send(SIGUSR1)
    #expect(try run.finish().status == 0)
  }

  /// Images that take seconds to read.
  private func fillLargeFolder(count: Int = 4_000, side: Int = 200) throws {
    _ = try place.succeed("draw one --count 1 --side \(side)")
    let name = try #require(
      try FileManager.default.subpathsOfDirectory(atPath: place.path + "/one").first {
        $0.hasSuffix(".png")
      })
    let image = try place.read("one/" + name)
    for number in 0..<count { try place.write(image, to: "large/\(number).png") }
  }

  // MARK: Limits of files

  /// A file that may not grow is an error that names it.
  @Test(arguments: [
    ("train images --width 32 --blocks 4 --levels 2 --steps 3 --no-plots --output run", "run/"),
    ("sample --count 64 --output grid.png", "grid.png"),
    ("draw more --count 1 --side 400", "more"),
  ])
  func aLimitOfFileSizesIs74(arguments: String, name: String) throws {
    let told = try place.shell("ulimit -f 1; \"$SCANLINE\" \(arguments)")
    #expect(told.status == 74 && told.messages.contains(name), "\(told.status): \(told.messages)")
    #expect(told.messages.contains("too large"))
    #expect(try hidden(".").isEmpty)
  }

  // MARK: Other commands

  /// Nothing hidden is left of what was being written.
  @Test(arguments: heard) func whatIsHalfWrittenGoes(signal: Int32) throws {
    for _ in 0..<4 {
      try? FileManager.default.removeItem(atPath: place.path + "/drawn")
      let draw = try start("draw drawn --count 60000 --side 64")
      try draw.wait(for: "some images") { !place.names("drawn").isEmpty }
      draw.send(signal)
      #expect(try draw.finish().status == 128 + signal)
      #expect(try hidden("drawn") == [])
    }
  }

  @Test func anImportThatIsStoppedLeavesNothing() throws {
    let count = 30_000
    func word(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
    try place.write(
      word(0x803) + word(count) + word(28) + word(28) + [UInt8](repeating: 7, count: count * 784), to: "set-idx")
    let run = try start("import-idx set-idx --output set")
    try run.wait(for: "the folder") { (try? hidden(".").isEmpty) == false }
    usleep(50_000)
    run.send(SIGTERM)
    #expect(try run.finish().status == 143)
    #expect(try hidden(".") == [])
    #expect(place.names("set").isEmpty)
  }
}
