// What Foundation has for text only with ICU.
extension String {
  /// C's printf of one number: `String(printf: "%.3f", 2.0 / 3)` is "0.667". The decimals follow a point: no program here
  /// sets a locale.
  package init(printf format: String, _ value: some CVarArg) {
    self = withVaList([value]) { values in
      // The longest form of a Double, "%.0f" of the greatest, has 309 digits.
      String(unsafeUninitializedCapacity: 512) { bytes in
        bytes.withMemoryRebound(to: CChar.self) {
          Swift.max(0, Swift.min($0.count - 1, Int(vsnprintf($0.baseAddress, $0.count, format, values))))
        }
      }
    }
  }
}

extension StringProtocol {
  /// The text without the characters at both its ends for which `isOuter` holds: spaces and tabs where not told otherwise.
  package func trimmed(_ isOuter: (Character) -> Bool = { $0 == " " || $0 == "\t" }) -> String {
    let rest = drop(while: isOuter)
    return String(rest[..<(rest.lastIndex { !isOuter($0) }.map(rest.index(after:)) ?? rest.startIndex)])
  }
}
