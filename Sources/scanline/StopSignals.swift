// SIGINT, SIGTERM and SIGUSR1 as requests to a trainer.
import Dispatch
import Foundation
import Synchronization
import Training

/// Turns signals into requests. The first SIGINT or SIGTERM asks for a save and a stop; a second one leaves at once.
/// SIGUSR1 asks for a save.
final class StopSignals: Sendable {
  private let stop = Atomic<Int32>(0)
  private let save = Atomic<Bool>(false)
  private let sources: Mutex<[any DispatchSourceSignal]> = Mutex([])

  /// Takes over the three signals until the process ends.
  init(console: Console) {
    let queue = DispatchQueue(label: "scanline.signals")
    let made = [SIGINT, SIGTERM, SIGUSR1].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [weak self] in self?.receive(number, console) }
      source.resume()
      return source
    }
    nonisolated(unsafe) let sources = made
    self.sources.withLock { $0 = sources }
  }

  private func receive(_ number: Int32, _ console: Console) {
    if number == SIGUSR1 {
      save.store(true, ordering: .relaxed)
    } else if stop.exchange(number, ordering: .relaxed) == 0 {
      console.line("Stopping: saving a checkpoint first. Once more leaves at once, without saving.")
    } else {
      _exit(128 + number)
    }
  }

  /// What is asked for now; a request to save is given out once.
  func request() -> TrainingRequest {
    if stop.load(ordering: .relaxed) != 0 { return .stop }
    return save.exchange(false, ordering: .relaxed) ? .save : .none
  }

  /// 128 + the signal that asked to stop.
  var exitCode: Int32 { 128 + stop.load(ordering: .relaxed) }
}
