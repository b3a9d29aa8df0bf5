// The trained models that come with the package, found when none is named.
import Core

/// The checkpoint that `scanline sample` uses when it is given none.
enum ShippedCheckpoint {
  /// The one with the best held-out score of those that ship.
  static let best = "pretrained-diagonal-lstm"
  /// Names the folder that holds it.
  static let variable = "SCANLINE_CHECKPOINTS"

  /// Its run folder: in the folder that SCANLINE_CHECKPOINTS names, else in Checkpoints of the current folder, or where
  /// the executable comes from: in Checkpoints or share/scanline/Checkpoints of one of the four folders above it. A
  /// build lies three folders below the package, an installed command in bin or in lib/scanline/VARIANT, beside share.
  /// Throws `badData` where it is in none of them.
  static func path() throws -> String {
    var folders = ["Checkpoints"]
    if let named = getenv(variable).map({ String(fileName: $0) }), !named.isEmpty {
      folders = [named]
    } else {
      var folder = URL(fileURLWithPath: executablePath)
      for _ in 0..<4 {
        folder.deleteLastPathComponent()
        folders += ["Checkpoints", "share/scanline/Checkpoints"].map { folder.appendingPathComponent($0).path }
      }
    }
    guard let found = folders.map({ $0 + "/" + best }).first(where: DurableFiles.exists) else {
      throw ScanlineError(
        .badData, path: "checkpoint",
        expected: "a run folder to be named, or \(best) in a folder that \(variable) names",
        found: "neither, and no \(best) in \(folders[0])" + (folders.count > 1 ? " or beside \(executablePath)" : ""))
    }
    return found
  }
}
