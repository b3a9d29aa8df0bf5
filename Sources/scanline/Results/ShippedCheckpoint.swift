// The trained models that come with the package, found when none is named.
import Core
import ImageData

/// The checkpoint that `scanline sample` uses when it is given none.
enum ShippedCheckpoint {
  /// The one with the best held-out score of those that ship.
  static let best = "pretrained-diagonal-lstm"
  /// Names the folder that holds it.
  static let variable = "SCANLINE_CHECKPOINTS"

  /// Its run folder: in the folder that SCANLINE_CHECKPOINTS names, else in Checkpoints of the current folder, of the
  /// executable's own, or of one above that (a build lies three folders below the package).
  ///
  /// - Throws: `ScanlineError` (`badData`) where it is in none of them.
  static func path() throws -> String {
    let places: [String]
    if let named = getenv(variable).map({ String(fileName: $0) }), !named.isEmpty {
      places = [named]
    } else {
      var folder = URL(fileURLWithPath: executablePath)
      var above: [String] = []
      for _ in 0..<4 {
        folder.deleteLastPathComponent()
        above.append(folder.appendingPathComponent("Checkpoints").path)
      }
      places = ["Checkpoints"] + above
    }
    let candidates = places.map { $0 + "/" + best }
    guard let found = candidates.first(where: { DurableFiles.exists($0) }) else {
      throw ScanlineError(
        .badData, path: "checkpoint",
        expected: "a run folder to be named, or \(best) in a folder that \(variable) names",
        found: "neither, and no " + candidates.joined(separator: ", no "))
    }
    return found
  }
}
