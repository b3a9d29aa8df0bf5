// What a statement's check found: measured against bound, depth by depth.
import Core

/// One quantity at one depth.
package struct TheoryDepth: Sendable, Encodable, Equatable {
  /// n, or d for counts.
  package let depth: Int
  /// Smallest and largest value over all networks and inputs.
  package let minimum: Double, maximum: Double
  /// What the theory allows, both ends included but for a lower bound that is strict; nil: no bound on that side.
  package let lower: Double?, upper: Double?
  /// Whether both measured ends lie within, up to the tolerance.
  package let holds: Bool
}

/// One quantity of a statement over all depths.
package struct TheoryCheck: Sendable, Encodable {
  /// Relative room for rounding: a depth holds where minimum ≥ lower·(1 − 10⁻¹⁰) and maximum ≤ upper·(1 + 10⁻¹⁰). A
  /// product of a hundred 16×16 Jacobians errs by some 10⁻¹³; networks that meet a bound exactly are among those run.
  /// Counts are compared exactly.
  package static let relativeTolerance = 1e-10

  /// Of which network, where the statement has several.
  package let name: String
  /// What is measured.
  package let quantity: String
  /// The bounds as formulas.
  package let lowerFormula: String?, upperFormula: String?
  /// Whether both bounds are one number that is to be met exactly.
  package let isCount: Bool
  /// The depths in ascending order.
  package let depths: [TheoryDepth]
  /// Whether all depths hold.
  package let holds: Bool
  /// Checks of one panel are drawn over each other.
  package let panel: String

  private enum CodingKeys: String, CodingKey {
    case name, quantity, lowerFormula, upperFormula, isCount, depths, holds
  }

  /// A check of measured ranges, the first at depth 1. `isStrict`: a minimum at the lower bound breaks it.
  init(
    _ name: String, _ quantity: String, lower: TheoryBound? = nil, upper: TheoryBound? = nil, isStrict: Bool = false,
    panel: String, measured: [TheoryRange]
  ) {
    (self.name, self.quantity, self.panel) = (name, quantity, panel)
    (lowerFormula, upperFormula, isCount) = (lower?.formula, upper?.formula, false)
    depths = measured.enumerated().map { index, range in
      let (low, high) = (lower?.values[index], upper?.values[index])
      // Written so that a value that is not a number breaks the statement.
      let isAbove =
        low.map { isStrict ? range.minimum > $0 : range.minimum >= $0 * (1 - Self.relativeTolerance) } ?? true
      let isBelow = high.map { range.maximum <= $0 * (1 + Self.relativeTolerance) } ?? true
      return TheoryDepth(
        depth: index + 1, minimum: range.minimum, maximum: range.maximum, lower: low, upper: high,
        holds: isAbove && isBelow && range.minimum.isFinite && range.maximum.isFinite)
    }
    holds = depths.allSatisfy(\.holds)
  }

  /// A check of counts, the first at depth 1, that must equal `predicted`.
  init(_ name: String, _ quantity: String, formula: String, panel: String, counted: [Int], predicted: [Int]) {
    (self.name, self.quantity, self.panel) = (name, quantity, panel)
    (lowerFormula, upperFormula, isCount) = (formula, formula, true)
    depths = zip(counted, predicted).enumerated().map { index, pair in
      TheoryDepth(
        depth: index + 1, minimum: Double(pair.0), maximum: Double(pair.0), lower: Double(pair.1),
        upper: Double(pair.1), holds: pair.0 == pair.1)
    }
    holds = depths.allSatisfy(\.holds)
  }
}

/// A bound: its formula, and its value at each depth.
struct TheoryBound {
  let formula: String
  let values: [Double]

  init(_ formula: String, _ values: [Double]) { (self.formula, self.values) = (formula, values) }

  /// `base` to the power n − `offset` at depths 1…`depth`.
  init(_ formula: String, base: Double, offset: Int, depth: Int) {
    var value = offset == 0 ? base : 1
    values = (0..<depth).map { _ in
      defer { value *= base }
      return value
    }
    self.formula = formula
  }
}

/// The smallest and the largest of what was met.
struct TheoryRange {
  private(set) var minimum = Double.infinity, maximum = -Double.infinity

  mutating func include(_ value: Double) {
    // A value that is not a number stays: both comparisons with it are false.
    minimum = value < minimum || value.isNaN ? value : minimum
    maximum = value > maximum || value.isNaN ? value : maximum
  }
}

/// What was found about one statement.
package struct TheoryReport: Sendable, Encodable {
  /// Its name on the command line.
  package let name: String
  /// The statement in words.
  package let statement: String
  /// Who showed it.
  package let source: String
  /// What was run: networks, inputs, how they were made.
  package let networks: String
  /// How the premise was broken on purpose; nil where it was not.
  package let violation: String?
  /// The quantities.
  package let checks: [TheoryCheck]
  /// Whether every check holds at every depth.
  package let holds: Bool

  init(
    _ statement: TheoryStatement, _ words: String, source: String, networks: String, violation: String?,
    checks: [TheoryCheck]
  ) {
    name = statement.rawValue
    self.statement = words
    (self.source, self.networks, self.violation, self.checks) = (source, networks, violation, checks)
    holds = checks.allSatisfy(\.holds)
  }

  /// "holds at all 50 depths" or "broken at 49 of 50 depths, first at 2".
  package var verdict: String {
    let rows = checks.flatMap(\.depths)
    let all = Set(rows.map(\.depth)), broken = Set(rows.filter { !$0.holds }.map(\.depth))
    if broken.isEmpty { return "holds at all \(all.count) depths" }
    return "broken at \(broken.count) of \(all.count) depths, first at \(broken.min() ?? 0)"
  }
}
