// What a run writes down as it goes: a file of JSON lines for each kind of record, for the whole run, resumed or not.
import Foundation
import Kernels
import Networks

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A record that a run keeps, one a line.
public protocol RunRecord: Codable, Sendable {
  /// The name of its file in the run folder.
  static var fileName: String { get }
  /// What the file is, for whoever misses it.
  static var contents: String { get }
  /// Steps taken when it was made.
  var step: Int { get }
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
  public static let contents = "the gradient records of a run (train --gradients-every)"
  /// Whether both are about the same layers.
  public func agrees(with other: Self) -> Bool { layers.map(\.name) == other.layers.map(\.name) }
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
  public init(under lock: RunLock, step: Int) throws {
    path = lock.run + "/" + Record.fileName
    encoder.outputFormatting = [.sortedKeys]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    if DurableFiles.exists(path) {
      let text = try DurableFiles.contents(of: path)
      let kept = Self.lines(text).filter { line in
        (try? JSONDecoder().decode(Step.self, from: Data(line))).map { $0.step <= step } ?? false
      }
      let bytes = kept.flatMap { $0 + [UInt8(ascii: "\n")] }
      if bytes.count != text.count {
        // Through another name, so that a kill here loses nothing; what it leaves goes with other left-overs.
        let temporary = CheckpointFolder.temporaryName(
          in: lock.run, prefix: CheckpointFolder.savingPrefix, for: Record.fileName)
        do {
          try DurableFiles.write(bytes, toNew: temporary)
          guard rename(temporary, path) == 0 else {
            throw DurableFiles.ioError("\(temporary) to be renamed to this", path)
          }
        } catch {
          try? DurableFiles.removeAll(temporary)
          throw error
        }
      }
    }
  }

  deinit { if let file { _ = close(file) } }

  /// Appends a record; the first one makes the file. Throws `io`, `cannotCreate`, and `diverged` where a figure is not
  /// finite, which JSON cannot say.
  public func append(_ record: Record) throws {
    let line: Data
    do {
      line = try encoder.encode(record)
    } catch {
      throw ScanlineError(
        .diverged, path: path, expected: "finite figures at step \(record.step)",
        found: "\(error)")
    }
    try DurableFiles.append([UInt8](line) + [UInt8(ascii: "\n")], to: opened(), path: path)
  }

  private func opened() throws -> Int32 {
    if let file { return file }
    let opened = DurableFiles.repeating { [path] in open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666) }
    guard opened >= 0 else { throw DurableFiles.creationError("a file that can be written", path) }
    file = opened
    return opened
  }

  /// The records of a run, oldest first. Throws `badData` where there is no log, a line of it is none or of another run,
  /// `io` where it cannot be read.
  public static func records(ofRun run: String) throws -> [Record] {
    let path = run + "/" + Record.fileName
    guard DurableFiles.exists(path) else {
      throw ScanlineError(
        .badData, path: path, expected: Record.contents, found: "no such file")
    }
    let lines = lines(try DurableFiles.contents(of: path))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let records = try lines.enumerated().map { number, line in
      do {
        return try decoder.decode(Record.self, from: Data(line))
      } catch {
        throw ScanlineError(
          .badData, path: path, expected: "a record in line \(number + 1)", found: "\(error)")
      }
    }
    if let stranger = records.firstIndex(where: { !$0.agrees(with: records[0]) }) {
      throw ScanlineError(
        .badData, path: path, expected: "records of one run", found: "one of another model in line \(stranger + 1)")
    }
    return records
  }

  /// The whole lines of a log.
  private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
    // What follows the last newline is nothing, or torn.
    if !lines.isEmpty { lines.removeLast() }
    return lines
  }
}

/// The part of a record that says whether it is kept.
private struct Step: Decodable { let step: Int }
