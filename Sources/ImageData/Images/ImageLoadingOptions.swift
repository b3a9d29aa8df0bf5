// Everything that decides which pixels a folder becomes.
import Core

/// How the files of a folder become images of one shape. Part of a checkpoint: other options are other data.
public struct ImageLoadingOptions: Sendable, Codable, Equatable {
  /// How a single file is read.
  public var reading: PNGReadOptions
  /// How images of other sizes are brought to one.
  public var resizing: Resizing
  /// 1 (grey; of colours the ITU-R 601 luma) or 3 (RGB; grey replicated); nil takes what is stored, and a
  /// mixture of grey and colour is an error.
  public var channels: Int?
  /// Passes over files that cannot be read or decoded, and counts them. Files that want a choice (`background`,
  /// sixteen bits, another size) are an error even so.
  public var skipsBad: Bool
  /// Bytes that the pixels of a set may take; nil: half of the machine's memory.
  public var memoryLimit: Int?

  /// Options; `channels` is 1, 3 or nil.
  public init(
    reading: PNGReadOptions = PNGReadOptions(), resizing: Resizing = .none, channels: Int? = nil,
    skipsBad: Bool = false, memoryLimit: Int? = nil
  ) {
    precondition(channels == nil || channels == 1 || channels == 3, "images have 1 or 3 channels")
    self.reading = reading
    self.resizing = resizing
    self.channels = channels
    self.skipsBad = skipsBad
    self.memoryLimit = memoryLimit
  }

  /// Demands of options that were decoded what the initializers demand of those that are made; `path` names the file
  /// that they come from.
  ///
  /// - Throws: `ScanlineError` (`badData`).
  public func validate(path: String) throws {
    func require(_ condition: Bool, _ expected: String, _ found: Any) throws {
      guard condition else { throw ScanlineError(.badData, path: path, expected: expected, found: "\(found)") }
    }
    let limits = reading.limits
    try require(
      limits.width > 0 && limits.height > 0 && limits.bytes > 0, "limits of images that are positive",
      "\(limits.width)×\(limits.height), \(limits.bytes) bytes")
    let background = reading.background
    try require(
      background.map { [1, 3].contains($0.count) } ?? true, "a background of 1 or 3 values", background ?? [])
    try require([nil, 1, 3].contains(channels), "images of 1 or 3 channels", channels ?? 0)
    try require(memoryLimit.map { $0 > 0 } ?? true, "a memory limit that is positive", memoryLimit ?? 0)
  }

  var effectiveMemoryLimit: Int {
    memoryLimit ?? max(1 << 28, sysconf(Int32(_SC_PHYS_PAGES)) / 2 * sysconf(Int32(_SC_PAGESIZE)))
  }
}
