// Tables as comma-separated text.
import Core

/// Rows of fields as comma-separated values (RFC 4180, in UTF-8): a field with a comma, a quote or a line break stands in
/// quotes, a quote within is doubled. Lines end in a line feed alone, as tools on Unix want it.
package struct CSVText: Sendable {
  /// What there is so far.
  package private(set) var text = ""
  private let columns: Int

  /// A table whose first row names `columns`.
  package init(columns: [String]) {
    self.columns = columns.count
    append(columns)
  }

  /// Adds a row, a field for each column.
  package mutating func append(_ fields: [String]) {
    precondition(fields.count == columns, "\(fields.count) fields for \(columns) columns")
    text += fields.map(Self.quoted).joined(separator: ",") + "\n"
  }

  /// Writes the table whole or not at all.
  ///
  /// - Throws: `ScanlineError`: `cannotCreate` or `io` naming `path`.
  package func write(to path: String) throws {
    try DurableFiles.replace(path, with: Array(text.withBytesEscaped.utf8))
  }

  private static func quoted(_ field: String) -> String {
    // Unicode scalars: to Swift a carriage return and a line feed are one character.
    guard field.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return field }
    return "\"" + field.replacing("\"", with: "\"\"") + "\""
  }
}
