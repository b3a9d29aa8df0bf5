// What a run writes down as it goes: a file of JSON lines for each kind of record, for the whole run, resumed or not.
import Core
import ImageData
import Kernels
import Networks

/// A record that a run keeps, one a line.
public protocol RunRecord: Codable, Sendable {
  /// The name of its file in the run folder.
  static var fileName: String { get }
  /// What the file is, for whoever misses it.
  static var contents: String { get }
  /// Steps taken when it was made.
  var step: Int { get }
  /// Whether the figures are some that a run can have; JSON holds finite ones only.
  var makesSense: Bool { get }
  /// Whether this and `other` can be of one run.
  func agrees(with other: Self) -> Bool
}

extension RunRecord {
  /// True: nothing in a record contradicts another.
  public func agrees(with other: Self) -> Bool { true }
}

extension GradientRecord: RunRecord {
  /// gradients.jsonl
  public static let fileName = "gradients.jsonl"
  /// The flow of a run's gradient.
  public static let contents = "the gradient records of a run (`gradientInterval`)"
  /// Whether shares are shares, and the step is one.
  public var makesSense: Bool {
    RunState.canHave(step: step)
      && flags.allSatisfy { flag in
        [.dead, .saturated].contains(flag.kind) ? (0...1).contains(flag.value) : flag.value >= 0
      }
  }
  /// Whether both are about the same layers.
  public func agrees(with other: Self) -> Bool { layers.map(\.name) == other.layers.map(\.name) }
}

extension GradientHistory {
  /// Of the run in the folder `run`, up to `step` where one is given. Throws as ``RecordLog/forEach(ofRun:_:)`` does.
  package init(ofRun run: String, upTo step: Int = .max) throws {
    self.init()
    try GradientLog.forEach(ofRun: run) { if $0.step <= step { add($0) } }
  }
}

/// gradients.jsonl
public typealias GradientLog = RecordLog<GradientRecord>
/// metrics.jsonl
public typealias MetricsLog = RecordLog<MetricsRecord>

/// The records of a run, appended as they come. A line is written whole in one call; a torn last line, of a run that was
/// killed, is dropped.
public final class RecordLog<Record: RunRecord> {
  private let path: String
  private var file: Int32?
  private let encoder = JSONEncoder()

  /// Opens the log of the run under `lock` at `step`: what it has of later steps, which will be taken again, is removed;
  /// at step 0 that is everything, the records of a run that ended before it had saved anything. Throws `io`.
  package init(under lock: RunLock, step: Int) throws {
    path = lock.run + "/" + Record.fileName
    encoder.outputFormatting = [.sortedKeys]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    guard DurableFiles.exists(path) else { return }
    func isKept(_ line: [UInt8]) -> Bool {
      (try? JSONDecoder().decode(Step.self, from: Data(line))).map { $0.step <= step } ?? false
    }
    var keptBytes = 0
    let size = try DurableFiles.readLines(path) { line, _ in if isKept(line) { keptBytes += line.count + 1 } }
    guard keptBytes < size else { return }
    // Through another name, so that a kill here loses nothing; what it leaves goes with other left-overs.
    let temporary = CheckpointFolder.temporaryName(
      in: lock.run, prefix: CheckpointFolder.savingPrefix, for: Record.fileName)
    do {
      try DurableFiles.write(toNew: temporary) { append in
        try DurableFiles.readLines(path) { line, _ in if isKept(line) { try append(line + [newline]) } }
      }
      guard DurableFiles.rename(temporary, to: path) == 0 else {
        throw DurableFiles.ioError("\(temporary) to be renamed to this", path)
      }
    } catch {
      try? DurableFiles.removeAll(temporary)
      throw error
    }
  }

  deinit { if let file { _ = close(file) } }

  /// Appends a record; the first one makes the file. Throws `io`, `cannotCreate`, and `diverged` where a figure is not
  /// finite, which JSON cannot say.
  package func append(_ record: Record) throws {
    let line: Data
    do {
      line = try encoder.encode(record)
    } catch {
      throw ScanlineError(
        .diverged, path: path, expected: "finite figures at step \(record.step)",
        found: "\(error)")
    }
    try DurableFiles.append([UInt8](line) + [newline], to: opened(), path: path)
  }

  private func opened() throws -> Int32 {
    if let file { return file }
    let opened = DurableFiles.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC)
    guard opened >= 0 else { throw DurableFiles.creationError("a file that can be written", path) }
    file = opened
    return opened
  }

  /// Calls `body` with each record of a run, oldest first; of the file no more than some lines are in memory. Throws
  /// `badData` where there is no log, a line of it is none or of another run, `io` where it cannot be read, and what `body`
  /// throws.
  public static func forEach(ofRun run: String, _ body: (Record) throws -> Void) throws {
    let path = run + "/" + Record.fileName
    guard DurableFiles.exists(path) else {
      throw ScanlineError(
        .badData, path: path, expected: Record.contents, found: "no such file")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    var first: Record?
    try DurableFiles.readLines(path) { line, number in
      let record: Record
      do {
        record = try decoder.decode(Record.self, from: Data(line))
      } catch {
        throw ScanlineError(.badData, path: path, expected: "a record in line \(number)", found: "\(error)")
      }
      guard record.makesSense else {
        throw ScanlineError(
          .badData, path: path, expected: "figures that a run can have", found: "others in line \(number)")
      }
      guard record.agrees(with: first ?? record) else {
        throw ScanlineError(
          .badData, path: path, expected: "records of one run", found: "one of another model in line \(number)")
      }
      first = first ?? record
      try body(record)
    }
  }

  /// All records of a run, oldest first. Throws as ``forEach(ofRun:_:)`` does.
  public static func records(ofRun run: String) throws -> [Record] {
    var records: [Record] = []
    try forEach(ofRun: run) { records.append($0) }
    return records
  }
}

private let newline = UInt8(ascii: "\n")

/// The part of a record that says whether it is kept.
private struct Step: Decodable { let step: Int }
