// environment.json: where, when and by what a run was made.
import CScanline
import Core
import Training

/// What is known of a run besides its configuration: a process for each time that it was started or resumed.
struct RunEnvironment: Codable {
  static let fileName = "environment.json"

  /// One process that worked at the run.
  struct Work: Codable {
    /// Steps that were taken when it began.
    var step: Int
    /// When it began, in UTC (ISO 8601).
    var started: String
    /// The words of its command line, the program's name first, and the folder that it was called in.
    var commandLine: [String]
    var workingFolder: String
    /// The version of the program, the compiler it was built with and the processor it was built for.
    var scanline: String
    var swift: String
    var baseline: String
    /// The machine: nil where it does not say.
    var system: String
    var kernel: String
    var processor: String?
    /// Cores that the process may use, and threads that it uses.
    var coresAllowed: Int
    var threads: Int
  }

  /// The images, as in the state of a checkpoint; fingerprints as `evaluate` prints them.
  struct Images: Codable {
    var folder: String
    var trainImages: Int
    var trainFingerprint: String
    var validImages: Int
    var validFingerprint: String?
  }

  var seed: UInt64
  var data: Images?
  /// In order: the first one started the run.
  var processes: [Work]

  /// Writes the file into the folder `run`, after what it holds of earlier processes. Throws `io` and `cannotCreate`.
  static func write(to run: String, state: RunState, threads: Int) throws {
    let path = run + "/" + fileName
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let former = (try? DurableFiles.contents(of: path)).flatMap { try? decoder.decode(Self.self, from: Data($0)) }
    // Of a new run nothing is earlier; of a resumed one, what set out from a step that has since been lost is no part.
    let earlier = state.step == 0 ? [] : former?.processes.filter { $0.step <= state.step } ?? []
    let environment = RunEnvironment(
      seed: state.training?.seed ?? 0,
      data: state.data.map {
        Images(
          folder: $0.folder, trainImages: $0.trainImages,
          trainFingerprint: Checksum.hexadecimal($0.trainFingerprint), validImages: $0.validImages,
          validFingerprint: $0.validFingerprint.map(Checksum.hexadecimal))
      }, processes: earlier + [Work(step: state.step, threads: threads)])
    try DurableFiles.replace(path, with: Array((try jsonText(environment, isPretty: true) + "\n").utf8))
  }
}

extension RunEnvironment.Work {
  /// This process.
  init(step: Int, threads: Int) {
    var names = utsname()
    let isKnown = uname(&names) == 0
    func text(_ field: some Any) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    self.init(
      step: step, started: Date().formatted(.iso8601), commandLine: CommandLine.fileNames,
      workingFolder: DurableFiles.currentFolder, scanline: Scanline.configuration.version, swift: Self.compiler,
      baseline: String(cString: scanline_baseline()),
      system: Self.field("PRETTY_NAME", of: "/etc/os-release", "=")
        ?? ProcessInfo.processInfo.operatingSystemVersionString,
      kernel: isKnown ? "\(text(names.sysname)) \(text(names.release)) \(text(names.machine))" : "unknown",
      processor: Self.field("model name", of: "/proc/cpuinfo", ":"), coresAllowed: availableThreads(),
      threads: threads)
  }

  /// The value of the first line "NAME … separator VALUE" of a file of the system.
  private static func field(_ name: String, of path: String, _ separator: Character) -> String? {
    let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
      let mark = line.firstIndex(of: separator)
    else { return nil }
    return line[line.index(after: mark)...].trimmed { " \t\"".contains($0) }
  }

  /// A program can ask of its compiler only whether it is as new as some version.
  private static var compiler: String {
    #if compiler(>=6.5)
      "6.5 or later"
    #elseif compiler(>=6.4)
      "6.4"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }
}
