// `scanline theory`: what is known about depth, held against networks.
import ArgumentParser
import Core
import Theory

extension TheoryStatement: ExpressibleByArgument {}

struct TheoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "theory",
    abstract: "Check what theory says of gradients and costs, depth by depth, on networks built for it.",
    discussion: """
      Each statement is run on small networks, in double precision with exact Jacobians (the costs on the real models), \
      over several seeds and inputs, for every depth from 1. Measured are the smallest and the largest value; a depth \
      holds where both lie within the bound, with a relative 1e-10 of room for rounding. With --violate the networks are \
      changed so that the premise no longer holds, while the bounds stay, and the statement must come out as broken.

      Statements: \(TheoryStatement.allCases.map(\.rawValue).joined(separator: ", ")).

      Exit code 0: every statement holds, or with --violate every one is broken at some depth; 70 otherwise.

      Examples:
        scanline theory --plots theory
        scanline theory --statement residual --statement residual-order --all-depths
        scanline theory --violate --json
      """)

  @Option(help: "A statement to check, also several times; all of them without.") var statement: [TheoryStatement] = []
  @Option(help: "The deepest network, 1 to \(TheoryStatement.deepest).") var depth = 50
  @Flag(help: "Break each premise on purpose: the statements must come out as broken.") var violate = false
  @Option(
    help: ArgumentHelp("Write a plot of each statement, PNG and SVG, into this folder.", valueName: "folder"),
    completion: .directory)
  var plots: String?
  @Flag(help: "Write over plots that are there already.") var force = false
  @Flag(help: "List every depth, not a few.") var allDepths = false
  @Flag(help: "One JSON object instead of tables, with every depth.") var json = false
  @OptionGroup var progress: ProgressOptions

  func validate() throws {
    guard (1...TheoryStatement.deepest).contains(depth) else {
      throw ValidationError("--depth lies in 1 to \(TheoryStatement.deepest).")
    }
    if violate && depth < 2 {
      throw ValidationError("--violate needs --depth 2: at depth 1 there is nothing to break.")
    }
    if force && plots == nil { throw ValidationError("--force goes with --plots.") }
    if json && allDepths { throw ValidationError("--json has every depth already, without --all-depths.") }
  }

  struct Summary: Encodable {
    var depth: Int
    var isViolated: Bool
    var relativeTolerance: Double
    var holds: Bool
    var statements: [TheoryReport]
  }

  func run() throws {
    let chosen = TheoryStatement.allCases.filter { statement.isEmpty || statement.contains($0) }
    let paths = try plotPaths(chosen)
    let console = progress.console()
    var reports: [TheoryReport] = []
    let bar = ProgressBar(console, "theory", total: chosen.count)
    bar.reach(0)
    for statement in chosen {
      reports.append(statement.report(depth: depth, isViolated: violate))
      bar.advance(1)
    }
    bar.finish()
    if json {
      try printJSON(
        Summary(
          depth: depth, isViolated: violate, relativeTolerance: TheoryCheck.relativeTolerance,
          holds: reports.allSatisfy(\.holds), statements: reports))
    } else {
      print(reports.map { $0.inWords(shown) }.joined(separator: "\n\n"))
    }
    for (report, path) in zip(reports, paths) {
      console.redraw("plot of \(report.name)…")
      for ending in ["png", "svg"] { try report.figure.write(to: "\(path).\(ending)") }
    }
    console.finish()
    if !json && !paths.isEmpty { print("\n" + paths.map { $0.displayed + ".png, .svg" }.joined(separator: "\n")) }
    let wrong = reports.filter { $0.holds == violate }.map(\.name)
    guard wrong.isEmpty else {
      throw ScanlineError(
        .internal, path: "theory", expected: violate ? "every statement broken" : "every statement to hold",
        found: "\(wrong.joined(separator: ", ")) \(violate ? "holding" : "broken")")
    }
  }

  private var shown: [Int] {
    allDepths ? Array(1...depth) : [1, 2, 5, 10, 20, 30, 40, 50, 75, 100].filter { $0 < depth } + [depth]
  }

  /// Where each statement's plots go, without their endings; none without --plots. Refuses what is there already before
  /// anything is computed.
  private func plotPaths(_ chosen: [TheoryStatement]) throws -> [String] {
    guard let plots else { return [] }
    var outputs = OutputFiles(force: force)
    try outputs.requireFolder(plots, for: "--plots")
    try DurableFiles.createFolders(plots, isDurable: false)
    let paths = chosen.map { plots + "/" + $0.rawValue + (violate ? "-violated" : "") }
    for file in paths.flatMap({ [$0 + ".png", $0 + ".svg"] })
    where !force && DurableFiles.exists(file) {
      throw ScanlineError(.cannotCreate, path: file, expected: "a new file (or --force)", found: "an existing one")
    }
    return paths
  }
}

extension TheoryReport {
  /// This report as a person reads it, with the depths that are `shown`.
  fileprivate func inWords(_ shown: [Int]) -> String {
    let broken = violation.map { "Broken on purpose: " + $0 }
    let texts = [statement, "Source: " + source, "Measured: " + networks, broken]
    let parts = [name + ": " + verdict] + texts.compactMap { $0 }.flatMap(wrapped)
    let counts = checks.filter(\.isCount)
    let names = counts.reduce(into: [String]()) { if !$0.contains($1.name) { $0.append($1.name) } }
    let tables =
      checks.filter { !$0.isCount }.map { boundTable($0, shown) }
      + names.map { name in countTable(name, counts.filter { $0.name == name }, shown) }
    return parts.joined(separator: "\n") + "\n\n" + tables.joined(separator: "\n\n")
  }

  private func boundTable(_ check: TheoryCheck, _ shown: [Int]) -> String {
    var head = ["n", "smallest", "largest"]
    if let formula = check.lowerFormula { head.append("at least " + formula) }
    if let formula = check.upperFormula { head.append("at most " + formula) }
    let rows = check.depths.filter { shown.contains($0.depth) }.map { row in
      ["\(row.depth)"] + [row.minimum, row.maximum, row.lower, row.upper].compactMap { $0.map(short) }
        + [row.holds ? "holds" : "broken"]
    }
    return "\(check.name): \(check.quantity)\n" + textTable(head + [""], rows)
  }

  /// Counts of one model side by side; where one differs from the formula, both.
  private func countTable(_ name: String, _ checks: [TheoryCheck], _ shown: [Int]) -> String {
    let formulas = ["formula"] + checks.map { $0.upperFormula ?? "" } + [""]
    let rows = shown.map { depth in
      let cells = checks.map { check in
        let row = check.depths[depth - 1]
        return "\(Int(row.maximum))" + (row.holds ? "" : " ≠ \(Int(row.upper ?? 0))")
      }
      let isHolding = checks.allSatisfy { $0.depths[depth - 1].holds }
      return ["\(depth)"] + cells + [isHolding ? "holds" : "broken"]
    }
    return "\(name): counted, beside the formula\n"
      + textTable(["d"] + checks.map(\.quantity) + [""], [formulas] + rows)
  }

  private func short(_ value: Double) -> String { String(printf: "%.4g", value) }

  /// Lines of at most 100 characters, indented.
  private func wrapped(_ text: String) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + word.count < 100 {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append("  " + word)
      }
    }
    return lines
  }
}
