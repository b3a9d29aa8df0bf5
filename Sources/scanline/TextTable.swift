// Tables on standard output, and counts in words.

/// Columns padded to their widest cell, two spaces apart; columns of whole numbers to the right. No line ends in a space.
func textTable(_ head: [String], _ rows: [[String]]) -> String {
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

/// 1 image, 2 images
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
