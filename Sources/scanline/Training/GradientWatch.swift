// The gradient flow while a run goes on: a table that a glance can take in, and warnings in words.
import Core
import Networks

/// Tells of each record what is new, and with `--watch-gradients` shows a table.
final class GradientWatch {
  private let console: Console
  private let model: ModelConfiguration
  private let showsTable: Bool
  private var known: [GradientWarning] = []

  init(console: Console, model: ModelConfiguration, showsTable: Bool) {
    (self.console, self.model, self.showsTable) = (console, model, showsTable)
  }

  func show(_ record: GradientRecord) {
    if showsTable { console.block(Self.table(record)) }
    // A flag that has once been told is told again only after it was gone.
    for warning in record.warnings(besides: known, model: model) { console.warning(warning.inFlags) }
    known = record.flags
  }

  /// Flow on a logarithmic bar, one character less for each half of a power of ten below the largest. Where there are
  /// more layers than `mostRows`, those in between are left out evenly.
  static func table(_ record: GradientRecord, mostRows: Int = 24) -> [String] {
    let layers = record.layers
    let isWhole = layers.count <= mostRows
    let chosen = isWhole ? layers : (0..<mostRows).map { layers[$0 * (layers.count - 1) / (mostRows - 1)] }
    let largest = layers.map(\.flow.rms).max() ?? 0
    let rows = chosen.map { layer in
      [
        layer.name, bar(layer.flow.rms, of: largest), GradientRecord.short(layer.flow.rms),
        GradientRecord.short(layer.gradient.rms), GradientRecord.short(layer.weight.rms),
        GradientRecord.short(layer.updateRatio), GradientRecord.short(layer.output.rms), percent(layer.zero),
        percent(layer.saturated), percent(layer.dead),
      ]
    }
    let title =
      "gradient flow at step \(record.step), \(record.natsPerImage.text(2)) nats"
      + (isWhole ? "" : " (\(chosen.count) of \(layers.count) layers)")
    let head = ["layer", "flow", "rms", "gradient", "weight", "update", "output", "zero", "saturated", "dead"]
    return [title] + textTable(head, rows).split(separator: "\n").map(String.init)
  }

  private static func bar(_ value: Double, of largest: Double) -> String {
    guard value > 0, largest > 0 else { return "" }
    return String(repeating: "▇", count: max(1, 16 + Int((2 * log10(value / largest)).rounded())))
  }

  private static func percent(_ share: Double) -> String { share == 0 ? "" : "\((share * 100).text(0))%" }
}
