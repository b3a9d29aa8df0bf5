// What a run folder holds for a report: each piece, or what was expected and not found.
import Core
import ImageData
import Reports
import Safetensors
import Training

/// One run of a report. A piece that is missing or damaged is an error that the report states; the others stand.
struct ReportRun {
  /// A grid of samples as training, or `scanline sample`, wrote it.
  struct Grid {
    let step: Int
    let picture: ReportPicture
    let text: PNGText
  }

  /// The folder, without a slash at the end.
  let path: String
  /// What the report calls it; no two alike.
  let name: String
  /// The best step, with the moving average of its weights.
  let checkpoint: Result<LoadedCheckpoint, ScanlineError>
  /// What the newest step says of the run; that of the best one where the newest cannot be read.
  let state: RunState?
  /// Whether a process is at work in the folder.
  let isInProgress: Bool
  /// Whether the folder is a checkpoint itself, as `scanline import` makes it.
  let isCheckpoint: Bool
  let metrics: Result<MetricsHistory, ScanlineError>
  let gradients: Result<GradientHistory, ScanlineError>
  /// In order of steps.
  let grids: [Grid]
  /// How many grids there are; `grids` has at most `ReportFrames.most` of them.
  let gridCount: Int
  /// config.toml as it is.
  let configuration: String?
  /// environment.json, key by key.
  let environment: [(key: String, value: String)]
  /// What was wrong with single files, a line each.
  let messages: [String]

  /// Reads the run at `path`. Throws `badData` where it is no run: where there is neither a checkpoint nor a record.
  init(_ path: String, name: String, console: Console) throws {
    (self.path, self.name) = (path, name)
    var messages: [String] = []
    metrics = Self.attempt { try MetricsHistory(ofRun: path) }
    gradients = Self.attempt { try GradientHistory(ofRun: path) }
    checkpoint = Self.attempt { try LoadedCheckpoint(path, .ema, console: console) }
    if case .failure(let error) = checkpoint, (try? metrics.get())?.last == nil { throw error }
    isCheckpoint = (try? checkpoint.get())?.path == path
    isInProgress = RunLock.isHeld(path)
    state = (isCheckpoint ? nil : Self.newestState(path, &messages)) ?? (try? checkpoint.get())?.state
    (grids, gridCount) = Self.grids(path + "/" + SampleSink.folderName, &messages)
    configuration = Self.text(path + "/config.toml", &messages)
    environment = Self.environment(path + "/environment.json", &messages)
    self.messages = messages
  }

  /// The records of held-out images, oldest first.
  var heldOut: [MetricsRecord] { history?.heldOut ?? [] }

  var history: MetricsHistory? { try? metrics.get() }

  /// Where the run's images are; nil for imported weights.
  var folder: String? { state?.data?.folder }

  private static func attempt<Value>(_ body: () throws -> Value) -> Result<Value, ScanlineError> {
    // The readers throw nothing but ours; if one did, the report would still state it.
    Result(catching: body).mapError {
      $0 as? ScanlineError ?? ScanlineError(.internal, path: "report", expected: "a piece of a run", found: "\($0)")
    }
  }

  private static func newestState(_ path: String, _ messages: inout [String]) -> RunState? {
    guard let newest = try? CheckpointFolder.newestValid(in: path) else { return nil }
    messages += newest.messages
    return newest.step.flatMap { try? Checkpoint.loadWeights($0.path, .ema).state }
  }

  // MARK: Files

  /// What `read` gives; nil where it throws, which becomes one of `messages`.
  private static func noting<Value>(_ messages: inout [String], _ read: () throws -> Value) -> Value? {
    do {
      return try read()
    } catch {
      messages.append(inFlags(error))
      return nil
    }
  }

  /// The grids in `folder`, by their names' steps; files of other names are passed over.
  private static func grids(_ folder: String, _ messages: inout [String]) -> ([Grid], Int) {
    let names = (try? DurableFiles.names(in: folder)) ?? []
    let steps = names.compactMap { SampleSink.step(of: $0) }.sorted()
    let grids = ReportFrames.spread(steps.count).compactMap { index -> Grid? in
      let step = steps[index]
      let path = folder + "/" + SampleSink.name(of: step)
      return noting(&messages) {
        let png = try DurableFiles.contents(of: path, atMost: largestPicture)
        let shape = try PNGImage(decoding: png, options: PNGReadOptions(limits: pictureLimits), name: path).shape
        return Grid(
          step: step,
          picture: ReportPicture(png: png, shape: shape, alternative: "Grid of images drawn at step \(step)"),
          text: PNGText(parsing: png))
      }
    }
    return (grids, steps.count)
  }

  /// Of a picture that goes into the page as it is.
  private static let largestPicture = 4 << 20
  private static let pictureLimits = PNGLimits(width: 4096, height: 4096, bytes: 64 << 20)
  /// Of a text file; those that training writes are a hundredth of it.
  private static let largestText = 1 << 18

  private static func text(_ path: String, _ messages: inout [String]) -> String? {
    guard DurableFiles.exists(path) else { return nil }
    return noting(&messages) {
      let bytes = try DurableFiles.contents(of: path, atMost: largestText)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw ScanlineError(.badData, path: path, expected: "UTF-8 text", found: "other bytes")
      }
      return text
    }
  }

  private static func environment(_ path: String, _ messages: inout [String]) -> [(key: String, value: String)] {
    guard let text = text(path, &messages) else { return [] }
    return noting(&messages) { flattened("", try StrictJSON.parse(Array(text.utf8), path: path)) } ?? []
  }

  /// The values of a tree by their paths ("data.folder"), in order of keys.
  private static func flattened(_ key: String, _ value: StrictJSON.Value) -> [(key: String, value: String)] {
    func below(_ name: String) -> String { key.isEmpty ? name : "\(key).\(name)" }
    switch value {
    case .null: return [(key, "none")]
    case .bool(let value): return [(key, "\(value)")]
    case .number(let text), .string(let text): return [(key, text)]
    case .array(let values):
      let plain = values.map { flattened("", $0).map(\.value).joined(separator: " ") }
      return [(key, plain.joined(separator: ", "))]
    case .object(let members):
      return members.sorted { $0.key < $1.key }.flatMap { flattened(below($0.key), $0.value) }
    }
  }
}
