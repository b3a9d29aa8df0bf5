// The event files of a run, as TensorBoard reads them.
import Core
import Networks
import Training

/// What TensorBoard shows of one step under a tag, a name with slashes whose first part is the section.
package enum EventValue {
  /// A number, kept in single precision.
  case scalar(String, Double)
  /// How some numbers are spread.
  case histogram(String, Histogram)
  /// A picture of `shape`, as the bytes of a PNG.
  case image(String, png: [UInt8], shape: ImageShape)
}

/// Writes `events.out.tfevents.…` into a run's folder: a file for each process that had the run, begun with its first
/// event. A run that is resumed has each step once: events of steps that will be taken again are cut from the files, and
/// a `SessionLog` START takes them back from a TensorBoard that has read them already.
package final class EventWriter {
  /// What TensorBoard knows event files by. Between the two stands the second in which the file was made, in ten digits:
  /// TensorBoard reads them in the order of their names.
  private static let prefix = "events.out.tfevents.", suffix = ".scanline"

  private let run: String
  private let firstStep: Int
  /// The name of the file may not come before this second, so that it comes after those that are there.
  private let earliest: Int
  private var file: (descriptor: Int32, path: String)?

  /// Whether a file of this name is one of a run's event files.
  package static func isEventFile(_ name: String) -> Bool { name.hasPrefix(prefix) && name.hasSuffix(suffix) }

  /// A writer of the run under `lock` that goes on from `step`. Throws as ``removeEvents(after:under:)`` does.
  package init(under lock: RunLock, step: Int) throws {
    run = lock.run
    firstStep = step + 1
    let seconds = try Self.removeEvents(after: step, under: lock).compactMap {
      Int($0.dropFirst(Self.prefix.count).dropLast(Self.suffix.count))
    }
    earliest = (seconds.max() ?? -1) + 1
  }

  deinit { if let file { _ = close(file.descriptor) } }

  /// Appends an event of `values`, `wallTime` being seconds since 1970. The record is written whole, in one call; so is
  /// the beginning of the file, with the first one. Throws `cannotCreate` where the file cannot be made and `io` where
  /// it cannot be written.
  package func write(_ values: [EventValue], step: Int, wallTime: Double) throws {
    var records = EventRecord.framed(EventMessage(wallTime: wallTime, step: step, what: .summary(values)).bytes)
    let target: (descriptor: Int32, path: String)
    if let file {
      target = file
    } else {
      target = try made(wallTime)
      records = beginning(wallTime) + records
      file = target
    }
    try DurableFiles.append(records, to: target.descriptor, path: target.path)
  }

  /// What every file begins with. The first START of a run takes nothing back, so even its first file has one.
  private func beginning(_ wallTime: Double) -> [UInt8] {
    [
      EventMessage(wallTime: wallTime, step: 0, what: .fileVersion),
      EventMessage(wallTime: wallTime, step: firstStep, what: .start),
    ].flatMap { EventRecord.framed($0.bytes) }
  }

  private func made(_ wallTime: Double) throws -> (Int32, String) {
    let seconds = String(printf: "%010ld", max(earliest, Int(wallTime)))
    let path = run + "/" + Self.prefix + seconds + Self.suffix
    let descriptor = DurableFiles.open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw DurableFiles.creationError("a file that can be made", path) }
    return (descriptor, path)
  }

  // MARK: - Files that are there

  /// Cuts from the event files of the run under `lock` all events of steps after `step`, and what a killed run left of a
  /// record; files that hold nothing else are removed. Gives the names of those that remain, in order. Throws `io`.
  @discardableResult
  package static func removeEvents(after step: Int, under lock: RunLock) throws -> [String] {
    try DurableFiles.names(in: lock.run).filter { name in
      guard isEventFile(name) else { return false }
      let path = lock.run + "/" + name
      let part = try kept(of: path, through: step)
      if !part.holdsValues {
        try DurableFiles.removeAll(path)
      } else if part.length < part.size {
        try DurableFiles.cut(path, to: part.length)
      }
      return part.holdsValues
    }
  }

  /// How many bytes of an event file are whole records of steps up to `step`, of how many, and whether there are values
  /// among them. A process writes its steps in order, so they all lie at the beginning. The file is read piece by piece: a
  /// long run's may be as large as its memory.
  private static func kept(
    of path: String, through step: Int
  ) throws -> (length: Int, size: Int, holdsValues: Bool) {
    try DurableFiles.read(path) { size, next in
      var (length, holdsValues) = (0, false)
      var buffer: [UInt8] = []
      var start = 0
      while true {
        switch EventRecord.beginning(of: buffer[start...]) {
        case .record(let data, let end):
          guard let event = EventHeader(buffer[data]), event.step <= step else { return (length, size, holdsValues) }
          holdsValues = holdsValues || event.holdsValues
          length += end - start
          start = end
        case .part:
          let piece = try next()
          if piece.isEmpty { return (length, size, holdsValues) }
          buffer = Array(buffer[start...]) + piece
          start = 0
        case .damage: return (length, size, holdsValues)
        }
      }
    }
  }
}
