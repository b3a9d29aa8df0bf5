// What a person sees on standard error while a command works.
import Foundation
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Standard error: one line that is redrawn on a terminal, plain lines elsewhere. Thread safe.
final class Console: @unchecked Sendable {
  /// Whether standard error is a terminal that can redraw a line.
  let isTerminal: Bool
  private let lock = NSLock()
  private var lineIsOpen = false
  private var blockLines = 0

  /// Standard error as it is.
  init() {
    isTerminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// Replaces the line that is redrawn. Nothing where there is no terminal.
  func redraw(_ text: @autoclosure () -> String) {
    guard isTerminal else { return }
    lock.withLock {
      write("\r\u{1B}[2K" + clipped(text()))
      lineIsOpen = true
    }
  }

  /// Writes a line that stays.
  func line(_ text: String) {
    lock.withLock {
      write((lineIsOpen ? "\r\u{1B}[2K" : "") + text + "\n")
      lineIsOpen = false
      blockLines = 0
    }
  }

  /// Shows lines that stay together; on a terminal they take the place of the block shown before, where nothing else
  /// has been written since.
  func block(_ lines: [String]) {
    lock.withLock {
      var text = lineIsOpen ? "\r\u{1B}[2K" : ""
      lineIsOpen = false
      if isTerminal && blockLines > 0 { text += "\u{1B}[\(blockLines)A\u{1B}[J" }
      write(text + lines.map { isTerminal ? clipped($0) : $0 }.joined(separator: "\n") + "\n")
      blockLines = lines.count
    }
  }

  /// Removes the line that is redrawn.
  func finish() {
    lock.withLock {
      if lineIsOpen { write("\r\u{1B}[2K") }
      lineIsOpen = false
    }
  }

  /// No wider than the terminal: a wrapped line could not be redrawn.
  private func clipped(_ text: String) -> String {
    var size = winsize()
    let known = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return String(text.prefix(known ? Int(size.ws_col) - 1 : 79))
  }

  /// Nobody may be listening any more: that ends no run.
  private func write(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
}

/// swift-log's messages as plain lines on the console.
struct ConsoleLogHandler: LogHandler {
  let console: Console
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]

  init(console: Console) { self.console = console }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let prefix = event.level >= .warning ? "\(event.level): " : ""
    console.line("scanline: \(prefix)\(event.message)")
  }
}

extension Console {
  /// A logger that writes here.
  var logger: Logger { Logger(label: "scanline") { _ in ConsoleLogHandler(console: self) } }
}

/// "1:02:03", "4:05"
func clockTime(_ seconds: Double) -> String {
  let s = Int(seconds.isFinite ? max(0, seconds).rounded() : 0)
  let rest = String(format: "%02d", s % 60)
  return s < 3600 ? "\(s / 60):\(rest)" : "\(s / 3600):\(String(format: "%02d", s / 60 % 60)):\(rest)"
}

extension Double {
  /// With `digits` digits behind the point.
  func text(_ digits: Int) -> String { String(format: "%.\(digits)f", self) }
}
