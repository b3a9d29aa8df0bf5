// What a person sees on standard error while a command works.
import Core
import Dispatch

/// Standard error: one line that is redrawn on a terminal, plain lines elsewhere. Control characters of names are written
/// out. Thread safe.
final class Console: Sendable {
  /// Whether standard error is a terminal that can redraw a line; not in continuous integration, whose logs keep all.
  let isTerminal: Bool
  let isQuiet: Bool
  private let hasColour: Bool
  private let shown = Locked(Shown())

  private struct Shown {
    var lineIsOpen = false
    var blockLines = 0
    var warned: Set<String> = []
  }

  /// Standard error as it is. Where `isQuiet`, progress is not shown.
  init(isQuiet: Bool = false) {
    self.isQuiet = isQuiet
    let environment = ProcessInfo.processInfo.environment
    func isSet(_ name: String) -> Bool { environment[name].map { !$0.isEmpty } ?? false }
    isTerminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb" && !isSet("CI")
    // no-color.org: any value but an empty one switches colour off.
    hasColour = isTerminal && !isSet("NO_COLOR")
  }

  /// Replaces the line that is redrawn. Nothing where there is no terminal.
  func redraw(_ text: @autoclosure () -> String) {
    guard isTerminal && !isQuiet else { return }
    shown.withLock { shown in
      write("\r\u{1B}[2K" + clipped(text().displayed))
      shown.lineIsOpen = true
    }
  }

  /// Writes a line that stays.
  func line(_ text: String) {
    if !isQuiet { writeLine(text.displayed) }
  }

  /// Writes a warning, also where nothing else is written: the one word in colour.
  func warning(_ text: String) {
    writeLine("scanline: " + (hasColour ? "\u{1B}[33mwarning:\u{1B}[0m " : "warning: ") + text.displayed)
  }

  /// Writes those of `texts` as warnings that were not written before: a folder may be read for several purposes.
  func warnOnce(_ texts: [String]) {
    for text in texts where shown.withLock({ $0.warned.insert(text).inserted }) { warning(text) }
  }

  private func writeLine(_ text: String) {
    shown.withLock { shown in
      write((shown.lineIsOpen ? "\r\u{1B}[2K" : "") + text + "\n")
      shown.lineIsOpen = false
      shown.blockLines = 0
    }
  }

  /// Shows lines that stay together; on a terminal they take the place of the block shown before, where nothing else
  /// has been written since.
  func block(_ lines: [String]) {
    guard !isQuiet else { return }
    shown.withLock { shown in
      var text = shown.lineIsOpen ? "\r\u{1B}[2K" : ""
      shown.lineIsOpen = false
      if isTerminal && shown.blockLines > 0 { text += "\u{1B}[\(shown.blockLines)A\u{1B}[J" }
      write(text + lines.map { isTerminal ? clipped($0.displayed) : $0.displayed }.joined(separator: "\n") + "\n")
      shown.blockLines = lines.count
    }
  }

  /// Removes the line that is redrawn.
  func finish() {
    shown.withLock { shown in
      if shown.lineIsOpen { write("\r\u{1B}[2K") }
      shown.lineIsOpen = false
    }
  }

  /// No wider than the terminal: a wrapped line could not be redrawn.
  private func clipped(_ text: String) -> String {
    var size = winsize()
    let known = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return String(text.prefix(known ? Int(size.ws_col) - 1 : 79))
  }

  /// Nobody may be listening any more: that ends no run.
  private func write(_ text: String) {
    writeToStandardError(text.withBytesEscaped)
  }
}

/// Seconds from a fixed moment, unmoved by changes of the wall clock.
func monotonicSeconds() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

/// How long `body` takes, in seconds.
func secondsTaken(by body: () -> Void) -> Double {
  let start = monotonicSeconds()
  body()
  return monotonicSeconds() - start
}

/// "1:02:03", "4:05"
func clockTime(_ seconds: Double) -> String {
  let s = Int(seconds.isFinite ? max(0, seconds).rounded() : 0)
  let rest = String(printf: "%02d", s % 60)
  return s < 3600 ? "\(s / 60):\(rest)" : "\(s / 3600):\(String(printf: "%02d", s / 60 % 60)):\(rest)"
}

extension Int {
  /// Bytes as KiB, rounded.
  var kibibytes: Int { (self + 512) / 1024 }
}

extension Double {
  /// With `digits` digits behind the point.
  func text(_ digits: Int) -> String { String(printf: "%.\(digits)f", self) }
}
