// How far a long piece of work has come, and --quiet, which keeps that to itself.
import ArgumentParser
import Core

/// A bar with percent and time left, redrawn on a terminal; elsewhere a plain line every ten seconds, so that short
/// work says nothing. Any thread may report.
final class ProgressBar: Sendable {
  private struct State {
    var done = 0
    var shown: Double
  }

  private let console: Console
  private let what: String
  private let total: Int
  private let began = monotonicSeconds()
  private let state: Locked<State>

  init(_ console: Console, _ what: String, total: Int) {
    (self.console, self.what, self.total) = (console, what, max(total, 1))
    state = Locked(State(shown: began))
  }

  /// `parts` more are done.
  func advance(_ parts: Int) { report { $0 + parts } }

  /// `done` are done in all.
  func reach(_ done: Int) { report { _ in done } }

  func finish() { console.finish() }

  private func report(_ change: (Int) -> Int) {
    let now = monotonicSeconds()
    state.withLock { state in
      state.done = change(state.done)
      guard now - state.shown >= (console.isTerminal ? 0.1 : 10) else { return }
      state.shown = now
      // Shown under the lock: two threads must not swap their lines.
      let share = min(Double(state.done) / Double(total), 1)
      let percent = "\(String(printf: "%3d", Int(share * 100)))%"
      let left = share > 0 ? clockTime((now - began) * (1 - share) / share) + " left" : ""
      if console.isTerminal {
        let filled = Int(share * 30)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
        console.redraw("\(what)  [\(bar)] \(percent)  \(left)")
      } else {
        console.line("\(what) \(percent)  \(left)")
      }
    }
  }
}

/// How much a command says on standard error.
struct ProgressOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Say nothing on standard error but warnings and errors.") var quiet = false

  func console() -> Console { Console(isQuiet: quiet) }
}
