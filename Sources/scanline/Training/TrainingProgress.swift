// What training shows: one calm line on a terminal, plain lines elsewhere, the result at the end.
import Core
import Networks
import Training

/// Shows the events of a run on the console. On a terminal a line that is redrawn, and one that stays for each evaluation.
/// Elsewhere lines that stay, ten seconds apart or more: of a log of days that is all that can be read, and metrics.jsonl
/// has every evaluation.
final class TrainingProgress {
  private let console: Console
  private let shape: ImageShape
  private(set) var last: EvaluationReport?
  private var lastPlainLine = -Double.infinity
  private var lastRedraw = -Double.infinity
  /// An evaluation that came too soon after another line.
  private var waiting: String?
  private var recent: Double?
  private var rate = 0.0

  init(console: Console, shape: ImageShape) {
    (self.console, self.shape) = (console, shape)
  }

  func report(_ event: TrainingEvent) {
    switch event {
    case .step(let step): show(step)
    case .evaluated(let evaluation):
      last = evaluation
      let note = evaluation.isFinal ? "  all held-out images" : evaluation.isBest ? "  best so far" : ""
      let text =
        "step \(evaluation.step)  \(clockTime(evaluation.elapsedSeconds))  held out "
        + figures(evaluation.summary.natsPerImage) + "  \(rate.text(0)) images/s" + note
      if console.isTerminal || evaluation.isFinal {
        console.line(text)
        waiting = nil
      } else {
        waiting = text
        showPlainLine()
      }
    case .gradients, .histograms, .saved: break
    }
  }

  private func show(_ step: StepReport) {
    // The batches' figures jump: what is shown is their running mean over some twenty steps.
    recent = recent.map { $0 + 0.05 * (step.natsPerImage - $0) } ?? step.natsPerImage
    rate = step.imagesPerSecond
    let now = monotonicSeconds()
    func text() -> String {
      "step \(step.step)/\(step.expectedSteps)  epoch \(step.epoch + 1)  \(figures(recent ?? 0))  "
        + "\(step.imagesPerSecond.text(0)) images/s  \(clockTime(step.remainingSeconds)) left"
    }
    if console.isTerminal {
      guard now - lastRedraw > 0.1 else { return }
      lastRedraw = now
      console.redraw(text())
    } else {
      showPlainLine(text())
    }
  }

  /// What waits, else `text`, if it is time for a line.
  private func showPlainLine(_ text: @autoclosure () -> String? = nil) {
    let now = monotonicSeconds()
    guard now - lastPlainLine >= Self.secondsBetweenLines, let line = waiting ?? text() else { return }
    lastPlainLine = now
    waiting = nil
    console.line(line)
  }

  private static let secondsBetweenLines = 10.0

  /// Ends the line that is redrawn, and says what has waited.
  func finish() {
    console.finish()
    if let waiting { console.line(waiting) }
    waiting = nil
  }

  private func figures(_ nats: Double) -> String {
    "\(nats.text(3)) nats  \(LikelihoodSummary.bitsPerDimension(nats, shape: shape).text(4)) bits/dim"
  }

  /// The table on standard output, of a run whose last evaluation gave `summary`; nil where no images were held out.
  static func printResult(run: String, state: RunState, _ summary: LikelihoodSummary?) {
    print("run                 \(run.displayed)")
    print("steps               \(state.step)")
    print("seconds             \(state.elapsedSeconds.text(1))")
    guard let summary else { return print("held out            no images") }
    print("held-out images     \(summary.images)")
    print("nats per image      \(plusMinus(summary.natsPerImage, summary.standardError, 4))")
    print("bits per dimension  \(summary.bitsPerDimension.text(5))")
    if let best = state.best {
      print("best step           \(best.step) (\(best.natsPerImage.text(4)) nats on the images scored at intervals)")
    }
  }
}
