// What is wrong with a gradient, in words.

/// A layer whose gradient or units are in trouble.
public struct GradientWarning: Sendable, Codable, Equatable {
  /// The kinds of trouble.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// The flow is below `vanishingRatio` of the last layer's.
    case vanishing
    /// The flow is above `explodingRatio` times the last layer's.
    case exploding
    /// More than `deadShare` of the units do nothing for any pixel.
    case dead
    /// More than `saturatedShare` of the outputs lie where the slope is all but zero.
    case saturated
  }

  /// Flow below this share of the last layer's counts as vanishing.
  package static let vanishingRatio = 1e-4
  /// Flow above this multiple of the last layer's counts as exploding.
  package static let explodingRatio = 1e3
  /// More dead units than this are a dying layer.
  package static let deadShare = 0.5
  /// More saturated outputs than this are a saturated layer.
  package static let saturatedShare = 0.9

  /// The layer.
  public var layer: String
  /// What is wrong.
  public var kind: Kind
  /// The figure that says so: a ratio of flows, or a share.
  public var value: Double

  /// The flags of a step's layers.
  package static func flags(of layers: [GradientRecord.Layer]) -> [GradientWarning] {
    guard let last = layers.last?.flow.rms, last > 0 else { return [] }
    return layers.flatMap { layer -> [GradientWarning] in
      let ratio = layer.flow.rms / last
      var found: [GradientWarning] = []
      func flag(_ kind: Kind, _ value: Double) {
        found.append(GradientWarning(layer: layer.name, kind: kind, value: value))
      }
      if ratio < vanishingRatio { flag(.vanishing, ratio) }
      if ratio > explodingRatio { flag(.exploding, ratio) }
      if layer.dead > deadShare { flag(.dead, layer.dead) }
      if layer.saturated > saturatedShare { flag(.saturated, layer.saturated) }
      return found
    }
  }

  /// What theory suggests against this kind of trouble in a model of this configuration (a chain of sigmoids
  /// passes on at most (1/4)ⁿ, residual sums keep a path "1 + …" open).
  package static func remedy(_ kind: Kind, _ model: ModelConfiguration) -> String {
    switch kind {
    case .vanishing:
      let choices = model.family.choices
      if choices.residual != .pre { return "`residual` pre, which keeps a path of slope 1 through any depth" }
      if choices.activation == .sigmoid { return "`activation` tanh or relu: a sigmoid's slope is at most 1/4" }
      return "`initialization` he or glorot, a higher `baseRate`, or fewer `blocks`"
    case .exploding: return "`clipNorm` 1, a lower `baseRate`, or `initialization` uniform"
    case .dead: return "a lower `baseRate`, `initialization` he, or `activation` tanh"
    case .saturated: return "a lower `baseRate`, `initialization` glorot, or `activation` relu"
    }
  }
}

extension GradientRecord {
  /// The flags in sentences: one for each kind of trouble, with its worst layer. `known` are those already told.
  package func warnings(besides known: [GradientWarning] = [], model: ModelConfiguration) -> [String] {
    GradientWarning.Kind.allCases.compactMap { kind in
      let all = flags.filter { $0.kind == kind }
      let isNew = all.contains { flag in !known.contains { $0.layer == flag.layer && $0.kind == kind } }
      guard isNew, let worst = all.max(by: { badness($0) < badness($1) }) else { return nil }
      let others = all.count > 1 ? " (and \(all.count - 1) more)" : ""
      let figure = GradientRecord.short(worst.value)
      let said =
        switch kind {
        case .vanishing: "vanishes: the gradient of its outputs is \(figure) of the last layer's"
        case .exploding: "explodes: the gradient of its outputs is \(figure) times the last layer's"
        case .dead: "is dying: \(GradientRecord.percent(worst.value)) of its units do nothing for any pixel"
        case .saturated: "is saturated: \(GradientRecord.percent(worst.value)) of its outputs have next to no slope"
        }
      return "step \(step): \(worst.layer)\(others) \(said); try \(GradientWarning.remedy(kind, model))"
    }
  }

  private func badness(_ flag: GradientWarning) -> Double { flag.kind == .vanishing ? -flag.value : flag.value }

  /// Two digits that matter: 0.13, 2.1e-07.
  package static func short(_ value: Double) -> String {
    if value == 0 { return "0" }
    var (mantissa, exponent) = (abs(value), 0)
    if mantissa >= 0.01 && mantissa < 1000 {
      let digits = mantissa < 1 ? 100.0 : mantissa < 10 ? 10 : 1
      let rounded = (value * digits).rounded() / digits
      return digits == 1 ? "\(Int(rounded))" : "\(rounded)"
    }
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    let rounded = (mantissa * 10).rounded() / 10
    return
      "\(value < 0 ? "-" : "")\(rounded)e\(exponent < 0 ? "-" : "+")\(abs(exponent) < 10 ? "0" : "")\(abs(exponent))"
  }

  private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }
}
