// `scanline report`: one page about a run or several.
import ArgumentParser
import Core
import Networks
import Reports

struct ReportCommand: ParsableCommand, LeavesFiles {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write one HTML page about a run, or about several side by side.",
    discussion: """
      The page holds everything itself and loads nothing: what the runs are, held-out likelihoods with intervals, loss \
      curves, the flow of the gradient, samples over time, completed images, costs, configuration, and the commands that \
      make them again. It reads in light and dark, on paper, and without scripts.

      Held-out images of the folder that a run names (or of --data) are scored under its best step and some are \
      completed; runs that hold out the same images at the same levels are compared image by image. Where the folder is \
      gone, the page shows what training recorded, and says so. So it does of whatever else a run folder lacks.

      Examples:
        scanline report Checkpoints/digits
        scanline report Checkpoints/a Checkpoints/b Checkpoints/c \\
          --output compared.html --baselines
        scanline report Checkpoints/digits --data mnist --images 500 --force
      """)

  @Argument(help: ArgumentHelp("Run folders.", valueName: "run")) var paths: [String]
  @Option(
    name: .shortAndLong, help: "The page to write (default: report.html, of one run in its folder).")
  var output: String?
  @Flag(help: "Write over an existing page.") var force = false
  @Option(help: "Score and complete images of this folder, in place of the runs' own.") var data: String?
  @Option(help: "Score so many held-out images at most; 0: none (default: all).") var images: Int?
  @Flag(help: "Score simple baselines too.") var baselines = false
  @Option(help: "Completions of each of six images (0 to 100); 0: none.") var completions = 4
  @Option(help: "The seed of completions and of the bootstrap.") var seed: UInt64 = 1
  @Option(help: "Threads, 1 to 1024; by default all that this process may use.") var threads: Int?
  @Flag(help: "What was written as one JSON object.") var json = false
  @OptionGroup var shown: ProgressOptions
  @OptionGroup(title: "Images") var reading: ImageOptions

  func validate() throws {
    guard !paths.isEmpty else { throw ValidationError("Name a run folder, or several.") }
    guard images.map({ $0 >= 0 }) ?? true else { throw ValidationError("--images is 0 or more.") }
    guard (0...100).contains(completions) else { throw ValidationError("--completions lies in 0 to 100.") }
    try requireThreads(threads)
  }

  struct Summary: Encodable {
    struct Run: Encodable {
      var name: String
      var path: String
      @Stated var step: Int?
      @Stated var natsPerImage: Double?
      @Stated var bitsPerDimension: Double?
      @Stated var images: Int?
      var isRecorded: Bool
      var commands: [String]
    }

    var output: String
    var bytes: Int
    var runs: [Run]
    /// What pieces of the runs are missing or damaged.
    var notes: [String]
  }

  func run() throws {
    let console = shown.console()
    let paths = paths.map(DurableFiles.withoutFinalSlashes)
    if let output { try demand(output) }
    let runs = try zip(paths, ComparedModels.names(paths)).map { try ReportRun($0, name: $1, console: console) }
    let target = try target(runs)
    let options = ReportScores.Options(
      data: data, limit: images, images: reading, baselines: baselines, seed: seed,
      threads: threads ?? availableThreads())
    if let data, !DurableFiles.exists(data) {
      throw ScanlineError(.badData, path: data, expected: "a folder of PNG images", found: "nothing of that name")
    }
    let scores = ReportScores(runs, options, console: console)
    let bytes = try page(runs, scores, options, console).write(to: target)
    let summary = summary(runs, scores, target, bytes)
    if json { return try printJSON(summary) }
    for note in summary.notes { console.warning(note) }
    print("\(target.displayed): \(counted(runs.count, "run")), \((bytes + 1023) / 1024) KiB")
  }

  /// Where the page goes. A checkpoint's own folder lists its files: one more would make it a damaged one.
  private func target(_ runs: [ReportRun]) throws -> String {
    let single = runs.count == 1 ? runs[0] : nil
    let usual = single.map { $0.isCheckpoint ? $0.path + "-report.html" : $0.path + "/report.html" } ?? "report.html"
    if output == nil { try demand(usual) }
    return output ?? usual
  }

  private func demand(_ target: String) throws {
    var outputs = OutputFiles(force: force)
    try outputs.demand(target, as: .html, for: "--output")
  }

  private func page(
    _ runs: [ReportRun], _ scores: ReportScores, _ options: ReportScores.Options, _ console: Console
  ) -> ReportPage {
    let overview = ReportOverview(runs: runs, scores: scores)
    let training = ReportTraining(runs: runs)
    let pictures = ReportPictures(runs: runs)
    let reproduction = HTML.each(runs, beside: false) { _, run in ReportReproduction(run: run).html }
    var sections: [ReportPage.Section] = [
      .init("overview", "What it is", overview.html),
      .init("likelihood", "Likelihood of held-out images", scores.html(runs)),
      .init("losses", "Losses", training.losses), .init("gradients", "Flow of the gradient", training.gradients),
      .init("samples", "Samples over time", pictures.samples),
    ]
    if completions > 0 {
      let completed = pictures.completions(completions, options, console: console)
      sections.append(.init("completions", "Completed images", completed))
    }
    sections += [
      .init("costs", "Costs", overview.costs),
      .init("configuration", "Configuration, and how to repeat it", reproduction),
    ]
    let names = runs.map(\.name)
    return ReportPage(
      title: names.count == 1 ? "Report on \(names[0])" : "Report on \(names.count) runs",
      lead: names.count == 1 ? "" : .paragraph(HTML(names.map { .name($0) }, separator: ", ")), sections: sections,
      foot: "<p>Written by scanline \(Scanline.configuration.version). This file needs no other one.</p>\n")
  }

  private func summary(_ runs: [ReportRun], _ scores: ReportScores, _ target: String, _ bytes: Int) -> Summary {
    let notes = runs.flatMap { run -> [String] in
      var errors: [ScanlineError] = []
      if case .failure(let error) = run.checkpoint { errors.append(error) }
      if case .failure(let error) = run.metrics, !run.isCheckpoint { errors.append(error) }
      if case .failure(let error) = run.gradients, !run.isCheckpoint { errors.append(error) }
      return errors.map { "\($0)" } + run.messages
    }
    return Summary(
      output: target, bytes: bytes,
      runs: runs.enumerated().map { number, run in
        let recorded = scores.recorded.first { $0.run == number }
        let summary = scores.row(number, name: run.name)?.summary ?? recorded?.summary
        return Summary.Run(
          name: run.name, path: run.path, step: (try? run.checkpoint.get())?.state.step,
          natsPerImage: summary?.natsPerImage, bitsPerDimension: summary?.bitsPerDimension, images: summary?.images,
          isRecorded: recorded != nil, commands: ReportReproduction(run: run).commands)
      }, notes: notes + (images == 0 ? [] : scores.recorded.map(\.reason)))
  }
}

extension HTML {
  /// What `part` makes of each run, under the run's name where there are several; `beside` each other where there is
  /// room.
  static func each(_ runs: [ReportRun], beside: Bool, _ part: (_ number: Int, _ run: ReportRun) -> HTML) -> HTML {
    guard runs.count > 1 else { return HTML(runs.enumerated().map { part($0.offset, $0.element) }) }
    let parts = runs.enumerated().map { number, run in
      "<div>\n<h3>\(HTML.name(run.name))</h3>\n\(part(number, run))</div>\n" as HTML
    }
    return beside ? "<div class=\"beside\">\n\(parts)</div>\n" : HTML(parts)
  }
}
