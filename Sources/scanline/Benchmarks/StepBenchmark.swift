// `scanline benchmark step`: where the time of a training step goes.
import ArgumentParser
import Core
import Networks

struct StepBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Where the time of a training step goes, and how far it is from the multiply-add peak.",
    discussion: """
      Each part is timed on one core, in turn with whole steps, one of one thread and one of all: every figure is a \
      median. What the parts do not explain of a step on one thread is handing them out and the caches that they take \
      from each other; what one thread's step, shared out evenly, does not explain of a step on all is waiting.

      Example:
        scanline benchmark step --model pixelcnn --width 128 --batch 32
      """)
  @OptionGroup var options: BenchmarkOptions
  @Flag(help: "One JSON object instead of a table.") var json = false

  private struct Part: Encodable {
    var part: String
    var seconds: Double
    var shareOfStep: Double
  }

  private struct Report: Encodable {
    var model: ModelKind
    var width: Int
    var blocks: Int
    var batch: Int
    var threads: Int
    /// Seconds of a step on one thread, and on all.
    var secondsOneThread: Double
    var seconds: Double
    var speedUp: Double
    /// Seconds that the multiply-adds of a step take at the peak of all threads, and the step over them.
    var secondsAtPeak: Double
    var stepOverPeak: Double
    /// On one core.
    var parts: [Part]
  }

  func run() throws {
    let model = try options.makeModel()
    let work = StepWork(model, options.makeBatch(), threads: options.threadCount)
    work.step(work.alone)
    let seconds = options.medians { time in
      time("one thread") { work.step(work.alone) }
      time("all threads") { work.step(work.together) }
      for part in StepWork.Part.allCases { time(part.rawValue) { work.run(part) } }
      time("peak") { work.runPeak() }
    }
    let alone = seconds("one thread")
    var parts = StepWork.Part.allCases.map { Part(part: $0.rawValue, seconds: seconds($0.rawValue), shareOfStep: 0) }
    parts.append(Part(part: "the rest", seconds: alone - parts.reduce(0) { $0 + $1.seconds }, shareOfStep: 0))
    for index in parts.indices { parts[index].shareOfStep = parts[index].seconds / alone }
    let atPeak = work.operations / work.peakOperations * seconds("peak") / Double(options.threadCount)
    let report = Report(
      model: options.model, width: options.width, blocks: options.blocks, batch: options.batch,
      threads: options.threadCount, secondsOneThread: alone, seconds: seconds("all threads"),
      speedUp: alone / seconds("all threads"), secondsAtPeak: atPeak, stepOverPeak: seconds("all threads") / atPeak,
      parts: parts)
    if json { return try printJSON(report) }
    print(
      textTable(
        ["on one core", "ms", "of the step"],
        report.parts.map { [$0.part, ($0.seconds * 1e3).text(2), ($0.shareOfStep * 100).text(1) + "%"] }))
    print(
      """

      a step on 1 thread     \((alone * 1e3).text(2)) ms
      a step on \(counted(report.threads, "thread"))    \((report.seconds * 1e3).text(2)) ms, \(report.speedUp.text(2)) times as fast
      its multiply-adds      \((atPeak * 1e3).text(2)) ms at the peak of \(counted(report.threads, "thread")): the step takes \
      \(report.stepOverPeak.text(2)) times that
      """)
  }
}
