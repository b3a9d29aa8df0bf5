// A statement's report as a figure.
import Core
import Plotting

extension TheoryReport {
  /// Measured ranges as bands, bounds as dashed lines, what breaks them as red crosses; counts as markers on the line of
  /// their formula. One panel for each that the checks name.
  package var figure: PlotFigure {
    let panels = checks.reduce(into: [String]()) { if !$0.contains($1.panel) { $0.append($1.panel) } }
    let changed = violation.map { " Changed on purpose: \($0)." } ?? ""
    return PlotFigure(
      title: "\(name): \(verdict)", caption: statement + changed,
      panels: panels.map { title in .lines(chart(title, checks.filter { $0.panel == title })) },
      columns: panels.count > 4 ? 3 : 2, panelWidth: panels.count == 1 ? 680 : 480, panelHeight: 360)
  }

  private func chart(_ title: String, _ checks: [TheoryCheck]) -> PlotLineChart {
    let isCount = checks[0].isCount
    let drawn = checks.flatMap { check in
      check.depths.flatMap { [$0.minimum, $0.maximum, $0.lower ?? $0.minimum, $0.upper ?? $0.maximum] }
    }.filter { $0 > 0 }
    // A gradient that goes over decades wants decades; counts grow evenly with depth, which a linear axis shows.
    let isLogarithmic = !isCount && (drawn.max() ?? 1) > 20 * (drawn.min() ?? 1)
    var chart = PlotLineChart(
      title: title, x: PlotAxis(isCount ? "depth d" : "depth n"),
      y: PlotAxis(quantity(checks), scale: isLogarithmic ? .logarithmic : .linear))
    var broken: [PlotSeries] = []
    for (index, check) in checks.enumerated() {
      let color = PlotColor.series(index)
      let name = checks.count > 1 ? check.name + ", " : ""
      func points(_ value: (TheoryDepth) -> Double?) -> [(x: Double, y: Double)] {
        check.depths.compactMap { row in value(row).map { (Double(row.depth), $0) } }
      }
      if isCount {
        chart.series.append(PlotSeries(name + (check.upperFormula ?? ""), points(\.upper), color: color, line: .dashed))
        chart.series.append(
          PlotSeries(
            name + "counted", points(\.maximum), color: color, line: .none, marker: index == 0 ? .circle : .square))
      } else {
        chart.bands.append(
          PlotBand(
            name + "measured, smallest to largest",
            check.depths.map { (Double($0.depth), $0.minimum, $0.maximum) }, color: color))
        for (formula, bound) in [(check.upperFormula, points(\.upper)), (check.lowerFormula, points(\.lower))] {
          // A bound of 0 has no place on a logarithmic axis, and needs none.
          guard let formula, bound.contains(where: { $0.y > 0 }) else { continue }
          chart.series.append(
            PlotSeries("bound " + formula, bound, color: checks.count > 1 ? color : .series(1), line: .dashed))
        }
      }
      let crosses = check.depths.filter { !$0.holds }.map { row in
        // The end that went too far.
        let isBelow = row.lower.map { row.minimum < $0 * (1 - TheoryCheck.relativeTolerance) } ?? false
        return (Double(row.depth), isBelow ? row.minimum : row.maximum)
      }
      if !crosses.isEmpty {
        broken.append(
          PlotSeries(broken.isEmpty ? "broken" : "", crosses, color: .alarm, line: .none, marker: .cross))
      }
    }
    chart.series += broken
    return chart
  }

  private func quantity(_ checks: [TheoryCheck]) -> String {
    let names = checks.reduce(into: [String]()) { if !$0.contains($1.quantity) { $0.append($1.quantity) } }
    return names.count == 1 ? names[0] : "singular values"
  }
}
