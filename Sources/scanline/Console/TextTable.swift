// Tables on standard output.

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
