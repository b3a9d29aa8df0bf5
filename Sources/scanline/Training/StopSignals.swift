// SIGINT, SIGTERM and SIGHUP end a command, or ask a trainer to save and stop; SIGUSR1 asks it to save.
import ArgumentParser
import Core
import Dispatch
import Training

/// A command that decides itself when a signal may end it.
protocol StoppableCommand: ParsableCommand {
  /// Does the command's work; `signals` are those that may stop it.
  mutating func run(_ signals: StopSignals) throws
}

/// Signals as requests. As long as there is nothing to save, the first signal removes half-written files and ends the
/// process with 128 + its number. From ``savesFirst(_:)`` on, the first asks for a save and a stop, and one that comes a
/// second or more later ends the process at once. Earlier ones are part of the first: GNU timeout signals its child and then
/// the child's whole group, and a terminal that closes may send SIGHUP and SIGTERM.
final class StopSignals: Sendable {
  /// What a signal would end.
  private enum Work {
    /// Listing, reading, computing: nothing that could be saved.
    case unsaved
    case training
    /// What comes after the last save.
    case saved
  }

  private struct State {
    var work = Work.unsaved
    var console: Console?
    /// The first signal that asked to stop, and when it came (monotonic, in nanoseconds).
    var first: (number: Int32, time: UInt64)?
    var savesNow = false
    var sources: [any DispatchSourceSignal] = []
  }

  /// Nanoseconds after the first signal from which on another counts.
  private static let grace: UInt64 = 1_000_000_000

  private let state = Locked(State())
  private let queue = DispatchQueue(label: "scanline.signals")

  /// Takes over SIGINT, SIGTERM and SIGHUP until the process ends, but for those that whoever started it wants ignored
  /// (nohup, or a shell's background jobs). A command that `trains` answers SIGUSR1 too, and SIGINT and SIGTERM also as a
  /// script's background job, which is stopped by them on purpose. Until there is something to save, SIGUSR1 waits.
  init(trains: Bool) {
    if trains { for number in [SIGINT, SIGTERM, SIGUSR1] { take(number) } }
    let rest = trains ? [SIGHUP] : [SIGINT, SIGTERM, SIGHUP]
    for number in rest {
      let former = signal(number, SIG_IGN)
      // SIG_IGN is 1 on every system; function pointers cannot be compared.
      guard unsafeBitCast(former, to: Int.self) != 1 else { continue }
      signal(number, SIG_DFL)
      take(number)
    }
  }

  /// From now on the first signal is a request to the trainer, and said on `console`.
  func savesFirst(_ console: Console) { state.withLock { ($0.work, $0.console) = (.training, console) } }

  /// Training is over and saved: the first signal ends the process at once again.
  func hasSaved() { state.withLock { $0.work = .saved } }

  /// What is asked for now; a request to save is given out once.
  func request() -> TrainingRequest {
    state.withLock { state in
      if state.first != nil { return .stop }
      defer { state.savesNow = false }
      return state.savesNow ? .save : .none
    }
  }

  /// 128 + the signal that asked to stop.
  var exitCode: Int32 { 128 + state.withLock { $0.first?.number ?? 0 } }

  // MARK: Signals

  private func take(_ number: Int32) {
    #if canImport(Darwin)
      // There the source only watches; on Linux Dispatch takes the signal itself, and until then the default is right.
      signal(number, SIG_IGN)
    #endif
    let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
    source.setEventHandler { [unowned self] in arrived(number) }
    source.resume()
    state.withLock { $0.sources.append(source) }
  }

  /// Runs on the queue, one signal at a time.
  private func arrived(_ number: Int32) {
    let now = DispatchTime.now().uptimeNanoseconds
    let (ends, line, console) = state.withLock { state -> (Bool, String?, Console?) in
      if number == SIGUSR1 {
        state.savesNow = true
        return (false, nil, nil)
      }
      if let first = state.first { return (now - first.time >= Self.grace, nil, nil) }
      switch state.work {
      case .unsaved: return (true, nil, nil)
      case .saved: return (true, "Stopped: all checkpoints are saved.", state.console)
      case .training:
        state.first = (number, now)
        let line =
          "Stopping: saving a checkpoint first. Another signal, a second from now or later, leaves at once, unsaved."
        return (false, line, state.console)
      }
    }
    if let line { console?.line(line) }
    guard ends else { return }
    // The result of a run that is over may wait in the buffer of `print`.
    fflush(nil)
    UnfinishedFiles.removeAll(exitCode: 128 + number)
  }
}
