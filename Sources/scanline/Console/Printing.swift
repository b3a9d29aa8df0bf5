// Results on standard output: lines, tables, JSON.
import Core

/// Prints a line of a result, in which bytes of names that are no UTF-8 are written out.
func print(_ text: String) { Swift.print(text.withBytesEscaped) }

/// Columns padded to their widest cell, two spaces apart; columns of whole numbers to the right. No line ends in a space.
/// Control characters of names are written out.
func textTable(_ head: [String], _ rows: [[String]]) -> String {
  let rows = rows.map { $0.map(\.displayed) }
  let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
  let isNumber = head.indices.map { column in !rows.isEmpty && rows.allSatisfy { Int($0[column]) != nil } }
  return ([head] + rows).map { row in
    var line = head.indices.map { column in
      let space = String(repeating: " ", count: widths[column] - row[column].count)
      return isNumber[column] ? space + row[column] : row[column] + space
    }.joined(separator: "  ")
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }.joined(separator: "\n")
}

/// Prints one JSON object, on one line unless it `isPretty`.
func printJSON(_ value: some Encodable, isPretty: Bool = false) throws {
  print(try jsonText(value, isPretty: isPretty))
}

/// `value` as JSON, keys in snake case and in order.
func jsonText(_ value: some Encodable, isPretty: Bool) throws -> String {
  let encoder = JSONEncoder()
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
  return String(decoding: try encoder.encode(value), as: UTF8.self).withBytesEscapedInJSON
}

/// A value that a report states also where there is none: null, not a key that is missing.
@propertyWrapper
struct Stated<Value: Encodable>: Encodable {
  var wrappedValue: Value?

  init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}
