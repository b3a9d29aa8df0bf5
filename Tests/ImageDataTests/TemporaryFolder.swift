// A folder that lives as long as a test.
import Core
import Foundation
import ImageData

final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/scanline-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes `bytes` to a file, making the folders above it.
  func write(_ bytes: [UInt8], to name: String) throws {
    let url = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  /// Writes a grey PNG of one value to each name.
  func writeGrey(_ names: [String], width: Int = 3, height: Int = 2, value: UInt8 = 7) throws {
    for name in names { try write(grey(width: width, height: height, value: value), to: name) }
  }
}

/// A grey PNG file of one value.
func grey(width: Int, height: Int, value: UInt8) throws -> [UInt8] {
  let shape = ImageShape(height: height, width: width, channels: 1)
  return try PNGImage(shape: shape, values: [UInt8](repeating: value, count: shape.dimensions)).encoded()
}

/// The error that `body` throws, nil where it throws none or another kind of error.
func scanlineError(_ body: () throws -> Void) -> ScanlineError? {
  do { try body() } catch { return error as? ScanlineError }
  return nil
}
