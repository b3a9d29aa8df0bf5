// Running the built command as a user does: arguments in, exit code, standard output and standard error out.
import Core
import Foundation
import ImageData
import Testing

/// The package's own folder.
let packageFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

/// A folder of a test's own, in which its commands run; removed when the test is over.
final class Workplace {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/scanline-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// How a command ended and what it said.
  struct Result {
    let status: Int32
    let output: String
    let messages: String

    /// The lines on standard output.
    var lines: [Substring] { output.split(separator: "\n", omittingEmptySubsequences: false).dropLast() }
    /// Standard output as one JSON object on one line.
    func json() throws -> [String: Any] {
      #expect(lines.count == 1, "\(output)")
      return try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }
  }

  /// A command at work.
  final class Running {
    private let process = Process()
    private let output: String
    private let messages: String

    fileprivate init(
      _ arguments: [String], in folder: String, output device: String? = nil, errors errorDevice: String? = nil
    ) throws {
      // Files, not pipes: nobody need read them while the command runs, and they cannot fill up.
      let stem = folder + "/.said-\(UUID().uuidString)"
      (output, messages) = (stem + ".out", stem + ".err")
      for path in [output, messages] { #expect(FileManager.default.createFile(atPath: path, contents: nil)) }
      process.executableURL = try commandURL()
      // A new picture of every run would take longer than all else: those who look at plots ask for them.
      let isPlotted = arguments.first != "train" || arguments.contains("--plots")
      process.arguments = arguments + (isPlotted ? [] : ["--no-plots"])
      process.currentDirectoryURL = URL(fileURLWithPath: folder)
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle(forWritingAtPath: device ?? output)
      process.standardError = FileHandle(forWritingAtPath: errorDevice ?? messages)
      try process.run()
    }

    /// Sends a signal.
    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Standard error so far.
    var messagesSoFar: String { (try? String(contentsOfFile: messages, encoding: .utf8)) ?? "" }

    /// Waits until `condition` holds; fails the test where the command ends before, or half a minute passes.
    func wait(for what: String, _ condition: () -> Bool) throws {
      let limit = Date(timeIntervalSinceNow: 30)
      while !condition() {
        guard process.isRunning && Date() < limit else {
          if process.isRunning { send(SIGKILL) }
          Issue.record("\(what) did not come about: \(messagesSoFar)")
          throw CancellationError()
        }
        usleep(2_000)
      }
    }

    /// Waits for the end.
    func finish() throws -> Result {
      process.waitUntilExit()
      // 128 + the signal, as a shell says it, where it was a signal that ended the command.
      let status = process.terminationStatus + (process.terminationReason == .uncaughtSignal ? 128 : 0)
      let said = Result(
        status: status, output: try String(contentsOfFile: output, encoding: .utf8), messages: messagesSoFar)
      for path in [output, messages] { try? FileManager.default.removeItem(atPath: path) }
      return said
    }
  }

  /// Starts the command with `arguments` in this folder.
  func start(_ arguments: [String]) throws -> Running { try Running(arguments, in: path) }

  /// Runs the command to its end; `arguments` are split at spaces. Standard output and error go to the
  /// devices `output` and `errors` where they are given, and then are empty in the result.
  func run(_ arguments: String, output: String? = nil, errors: String? = nil) throws -> Result {
    try Running(arguments.split(separator: " ").map(String.init), in: path, output: output, errors: errors).finish()
  }

  /// Runs `script` in this folder by bash, to which the command is $SCANLINE: for what only a shell can arrange.
  func shell(_ script: String) throws -> Result {
    let process = Process()
    let stem = path + "/.said-\(UUID().uuidString)"
    let said = [stem + ".out", stem + ".err"]
    for path in said { #expect(FileManager.default.createFile(atPath: path, contents: nil)) }
    defer { for path in said { try? FileManager.default.removeItem(atPath: path) } }
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script]
    process.environment = ProcessInfo.processInfo.environment.merging(["SCANLINE": try commandURL().path]) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: said[0])
    process.standardError = FileHandle(forWritingAtPath: said[1])
    try process.run()
    process.waitUntilExit()
    let texts = try said.map { try String(contentsOfFile: $0, encoding: .utf8) }
    return Result(status: process.terminationStatus, output: texts[0], messages: texts[1])
  }

  /// As `run`, for a command that must succeed.
  func succeed(_ arguments: String, _ location: SourceLocation = #_sourceLocation) throws -> Result {
    let result = try run(arguments)
    #expect(result.status == 0, "\(arguments): \(result.messages)", sourceLocation: location)
    return result
  }

  /// As `run`, for a command that must end with exit code `status`, saying nothing on standard output. Gives
  /// standard error.
  func fail(_ arguments: String, _ status: Int32, _ location: SourceLocation = #_sourceLocation) throws
    -> String
  {
    let result = try run(arguments)
    #expect(result.status == status, "\(arguments): \(result.messages)", sourceLocation: location)
    #expect(result.output == "", sourceLocation: location)
    return result.messages
  }

  /// Writes a grey PNG.
  func drawGrey(_ name: String, width: Int, height: Int) throws {
    let shape = ImageShape(height: height, width: width, channels: 1)
    let image = PNGImage(shape: shape, values: [UInt8](repeating: 9, count: shape.dimensions))
    try write(image.encoded(), to: name)
  }

  /// Writes a file, making the folders above it.
  func write(_ bytes: [UInt8], to name: String) throws {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  /// The bytes of a file.
  func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
  }

  /// The checkpoints of a run.
  func steps(_ run: String) -> [String] { names(run).filter { $0.hasPrefix("step-") } }

  /// The names in a folder, hidden ones apart.
  func names(_ folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/" + folder)) ?? []
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }
}

/// The built command: it lies beside what is running these tests, wherever that was built. On Linux this is the test
/// program itself, on macOS a bundle that a helper has loaded.
func commandURL() throws -> URL {
  let bundles = Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") }.map(\.bundleURL)
  let programs = [Bundle.main.executableURL, CommandLine.arguments.first.map { URL(fileURLWithPath: $0) }]
  let places = (bundles + programs.compactMap { $0 }).map {
    $0.resolvingSymlinksInPath().deletingLastPathComponent().appendingPathComponent("scanline")
  }
  return try #require(
    places.first { FileManager.default.isExecutableFile(atPath: $0.path) }, "no scanline in any of \(places)")
}
