// The order in which the cells of a two-dimensional recurrence run.

/// Anti-diagonals: a cell goes on from the one beside and the one above, which both lie on the diagonal before, so all
/// cells of a diagonal are ready at once and an image takes W + H − 1 steps (Graves, Fernández and Schmidhuber,
/// "Multi-Dimensional Recurrent Neural Networks", 2007; van den Oord et al., 2016, section 3.2).
///
///     0 1 2 3        3 2 1 0
///     1 2 3 4        4 3 2 1   flipped: from the upper right
///     2 3 4 5        5 4 3 2
struct DiagonalScan: Sendable {
  let height: Int
  let width: Int
  /// From right to left.
  let flipped: Bool

  /// W + H − 1
  var steps: Int { width + height - 1 }

  /// Calls `body` for each cell (row, column) of diagonal `step`.
  @inline(__always)
  func forEachCell(ofStep step: Int, _ body: (_ y: Int, _ x: Int) -> Void) {
    for y in max(0, step - width + 1)...min(step, height - 1) {
      let x = step - y
      body(y, flipped ? width - 1 - x : x)
    }
  }

  /// Calls `body` for each cell of row `y` in the order of the recurrence.
  @inline(__always)
  func forEachCell(ofRow y: Int, _ body: (_ y: Int, _ x: Int) -> Void) {
    for x in 0..<width { body(y, flipped ? width - 1 - x : x) }
  }
}
