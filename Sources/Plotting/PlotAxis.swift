// From values to positions: linear and logarithmic axes, and ticks that a person would choose.
import Core

/// An axis as it is asked for.
package struct PlotAxis: Sendable {
  /// How values are spread along it.
  package enum Scale: Sendable { case linear, logarithmic }

  /// What it shows, with its unit.
  package var label: String
  /// Linear or logarithmic. On a logarithmic axis values of 0 and below have no place and are left out.
  package var scale: Scale
  /// From where to where; nil: what the values need.
  package var limits: ClosedRange<Double>?

  /// An axis.
  package init(_ label: String, scale: Scale = .linear, limits: ClosedRange<Double>? = nil) {
    (self.label, self.scale, self.limits) = (label, scale, limits)
  }
}

/// An axis with its limits and ticks decided.
package struct PlotScale: Sendable {
  package struct Tick: Sendable, Equatable {
    package let value: Double
    package let label: String
  }

  package let limits: ClosedRange<Double>
  package let isLogarithmic: Bool
  /// Labelled ticks, in ascending order, at most about `count`.
  package let ticks: [Tick]
  /// Ticks without a label, between the decades.
  package let minorTicks: [Double]

  /// `axis` for `values`; `count` is how many labels have room. `margin` is left free at each end, as a share.
  package init(_ axis: PlotAxis, values: [Double], count: Int, margin: Double = 0.03) {
    let isLogarithmic = axis.scale == .logarithmic
    self.isLogarithmic = isLogarithmic
    limits = axis.limits ?? Self.limits(of: values, isLogarithmic, margin: margin)
    let count = max(count, 2)
    if isLogarithmic, log10(limits.upperBound) - log10(limits.lowerBound) >= 1 {
      (ticks, minorTicks) = Self.decades(limits, count: count)
    } else {
      ticks = Self.even(limits, count: count)
      minorTicks = []
    }
  }

  /// Where `value` lies, 0 at the lower limit and 1 at the upper; nil where it has no place.
  package func share(_ value: Double) -> Double? {
    guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
    let (low, high) = (limits.lowerBound, limits.upperBound)
    // Differences of logarithms: a quotient of the smallest and the largest of numbers would overflow.
    return isLogarithmic
      ? (log10(value) - log10(low)) / (log10(high) - log10(low)) : (value - low) / (high - low)
  }

  private static func limits(of values: [Double], _ isLogarithmic: Bool, margin: Double) -> ClosedRange<Double> {
    let usable = values.filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
    guard let low = usable.min(), let high = usable.max() else { return isLogarithmic ? 0.1...10 : 0...1 }
    if isLogarithmic {
      guard high > low * 1.000_001 else { return low / 2...high * 2 }
      let room = (log10(high) - log10(low)) * margin
      let (start, end) = (pow(10, log10(low) - room), pow(10, log10(high) + room))
      return (start > 0 ? start : low)...(end.isFinite ? end : high)
    }
    guard high - low > 1e-9 * max(abs(low), abs(high)) else {
      let room = low == 0 ? 1 : abs(low) / 2
      return low - room...high + room
    }
    let room = (high - low) * margin
    // Where all values have one sign, the margin does not go past zero.
    return (low >= 0 ? max(0, low - room) : low - room)...(high <= 0 ? min(0, high + room) : high + room)
  }

  /// Ticks 1, 2 or 5 times a power of ten apart.
  private static func even(_ limits: ClosedRange<Double>, count: Int) -> [Tick] {
    let span = limits.upperBound - limits.lowerBound
    let rough = span / Double(count)
    let power = Int(floor(log10(rough)))
    let unit = pow(10, Double(power))
    let multiple = [1.0, 2, 5, 10].first { $0 * unit >= rough * 0.999_999 } ?? 10
    let step = multiple * unit
    let first = Int((limits.lowerBound / step - 1e-9).rounded(.up))
    let last = Int((limits.upperBound / step + 1e-9).rounded(.down))
    guard first <= last else { return [] }
    // Very large and very small numbers share a power of ten, which each label names.
    let largest = max(abs(limits.lowerBound), abs(limits.upperBound))
    let exponent = largest >= 1e5 || largest < 1e-3 ? Int(floor(log10(largest))) : 0
    let decimals = max(0, exponent - (multiple == 10 ? power + 1 : power))
    return (first...last).map { index in
      // A product of whole numbers where it can be: no 0.30000000000000004.
      let value = power < 0 ? Double(index) * multiple / pow(10, Double(-power)) : Double(index) * step
      guard value != 0 else { return Tick(value: 0, label: "0") }
      let mantissa = String(printf: "%.\(decimals)f", value / pow(10, Double(exponent)))
      let label = exponent == 0 ? mantissa : mantissa + "×10" + superscript(exponent)
      return Tick(value: value, label: label.replacing("-", with: "−"))
    }
  }

  /// Ticks at powers of ten, or at 1, 2 and 5 times them where there are few.
  private static func decades(_ limits: ClosedRange<Double>, count: Int) -> ([Tick], [Double]) {
    let (low, high) = (limits.lowerBound, limits.upperBound)
    let first = Int(floor(log10(low) + 1e-9))
    let last = Int(ceil(log10(high) - 1e-9))
    let step = [1, 2, 3, 5, 10, 20, 50, 100, 200].first { (last - first) / $0 <= count } ?? 500
    let multiples: [Double] = 3 * (log10(high) - log10(low)) <= Double(count + 1) ? [1, 2, 5] : [1]
    func isInside(_ value: Double) -> Bool { value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9) }
    let powers = (first...last).filter { $0.isMultiple(of: step) }
    let isPlain = powers.allSatisfy { (-3...4).contains($0) }
    let ticks = powers.flatMap { power in
      multiples.map { multiple in
        let plain = String(printf: "%.\(max(0, -power))f", multiple * pow(10, Double(power)))
        let short = power == 0 ? "1" : "10" + superscript(power)
        let powered =
          multiple == 1
          ? short : power == 0 ? String(printf: "%.0f", multiple) : String(printf: "%.0f×", multiple) + short
        return Tick(value: multiple * pow(10, Double(power)), label: isPlain ? plain : powered)
      }
    }.filter { isInside($0.value) }
    guard step == 1, last - first <= 8 else { return (ticks, []) }
    let minor = (first...last).flatMap { power in (2...9).map { Double($0) * pow(10, Double(power)) } }
    return (ticks, minor.filter(isInside))
  }

  /// −12 as ⁻¹².
  package static func superscript(_ number: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return String(String(number).map { $0 == "-" ? "⁻" : digits[$0.wholeNumberValue ?? 0] })
  }
}
