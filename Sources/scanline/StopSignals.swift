// SIGINT, SIGTERM and SIGUSR1 as requests to a trainer.
import Dispatch
import Foundation
import Synchronization
import Training

/// Turns signals into requests. The first SIGINT or SIGTERM asks for a save and a stop; a second one leaves at once.
/// SIGUSR1 asks for a save.
final class StopSignals {
  /// What has arrived; written by the queue of the signals, read by the trainer.
  private final class Arrived: Sendable {
    let stop = Atomic<Int32>(0)
    let save = Atomic<Bool>(false)
  }

  private let arrived = Arrived()
  private let sources: [any DispatchSourceSignal]

  /// Takes over the three signals until the process ends.
  init(console: Console) {
    let queue = DispatchQueue(label: "scanline.signals")
    sources = [SIGINT, SIGTERM, SIGUSR1].map { [arrived] number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        if number == SIGUSR1 {
          arrived.save.store(true, ordering: .relaxed)
        } else if arrived.stop.exchange(number, ordering: .relaxed) == 0 {
          console.line("Stopping: saving a checkpoint first. Once more leaves at once, without saving.")
        } else {
          _exit(128 + number)
        }
      }
      source.resume()
      return source
    }
  }

  /// What is asked for now; a request to save is given out once.
  func request() -> TrainingRequest {
    if arrived.stop.load(ordering: .relaxed) != 0 { return .stop }
    return arrived.save.exchange(false, ordering: .relaxed) ? .save : .none
  }

  /// 128 + the signal that asked to stop.
  var exitCode: Int32 { 128 + arrived.stop.load(ordering: .relaxed) }
}
