// Means, their standard errors and intervals in words, with as many digits as it takes to read them rightly.
import Core
import Evaluation

/// "78.12 ± 1.05", with `digits` decimals, or more where the error would otherwise read as 0; "78.12 ± –" where it is not
/// known.
func plusMinus(_ mean: Double, _ error: Double?, _ digits: Int) -> String {
  guard let error else { return "\(mean.text(digits)) ± –" }
  let decimals = decimals(showing: [error], atLeast: digits)
  return "\(mean.text(decimals)) ± \(error.text(decimals))"
}

/// The ends of an interval with `digits` decimals, or more where an end that is not 0 would otherwise read as 0, or two
/// ends as one; "–" for both where there is none. `isSigned` writes + before what is above 0.
func intervalEnds(_ interval: ClosedRange<Double>?, _ digits: Int, isSigned: Bool) -> (lower: String, upper: String) {
  guard let interval else { return ("–", "–") }
  let (lower, upper) = (interval.lowerBound, interval.upperBound)
  let decimals = decimals(showing: [lower, upper, upper - lower], atLeast: digits)
  func text(_ value: Double) -> String { isSigned ? signed(value, decimals) : unsigned(value, decimals) }
  return (text(lower), text(upper))
}

/// "-0.12 to +0.34"; "–" where there is none.
func intervalText(_ interval: ClosedRange<Double>?, _ digits: Int, isSigned: Bool = false) -> String {
  let ends = intervalEnds(interval, digits, isSigned: isSigned)
  return interval == nil ? ends.lower : "\(ends.lower) to \(ends.upper)"
}

/// A difference with `digits` decimals, + before what is above 0; more decimals where it would otherwise read as 0.
func differenceText(_ value: Double, _ digits: Int) -> String {
  signed(value, decimals(showing: [value], atLeast: digits))
}

private func signed(_ value: Double, _ decimals: Int) -> String {
  let text = unsigned(value, decimals)
  return value > 0 && text != unsigned(0, decimals) ? "+" + text : text
}

/// No minus before a zero.
private func unsigned(_ value: Double, _ decimals: Int) -> String {
  let text = value.text(decimals)
  return text == "-" + 0.0.text(decimals) ? 0.0.text(decimals) : text
}

/// Decimals, `least` to 12, with which none of `values` but 0 reads as 0. What rounding leaves of a 0 is one.
private func decimals(showing values: [Double], atLeast least: Int) -> Int {
  let sizes = values.map(abs).filter(\.isFinite)
  let negligible = max(1e-12, 1e-10 * (sizes.max() ?? 0))
  guard let smallest = sizes.filter({ $0 > negligible }).min() else { return least }
  // 0.00032 has its first digit at the fourth decimal.
  return max(least, min(12, Int((-log10(smallest)).rounded(.up))))
}

extension Bootstrap {
  /// What to know of intervals of so few `images`; nil where they are enough.
  static func note(images: Int) -> String? {
    if images < fewestImages {
      return "few images (\(images)): below \(fewestImages) there is no verdict"
        + (images == 1 ? ", and one has no interval" : "")
    }
    return images < 30
      ? "few images (\(images)): below about 30 the intervals are too short where a few images differ by far more than the "
        + "rest" : nil
  }
}
