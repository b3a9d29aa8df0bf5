// What a run shows in TensorBoard.
import Core
import Networks
import TensorBoard
import Training

/// Writes the records of a run into its event files. Tags are the records' own keys as metrics.jsonl and gradients.jsonl
/// have them, with slashes: `training/nats_per_image`, `held_out/average/bits_per_dimension`, `flow/blocks.3.conv`.
final class EventSink: RunSink {
  private let writer: EventWriter

  /// A sink of the run under `lock`, which goes on from `step`. nil where nothing is to be written: events of later steps
  /// are removed all the same. Throws `io` and `cannotCreate`.
  init?(under lock: RunLock, step: Int, isOn: Bool) throws {
    writer = try EventWriter(under: lock, step: step)
    if !isOn { return nil }
  }

  func take(_ event: TrainingEvent) throws {
    switch event {
    case .gradients(let record): try append(record)
    case .histograms(let histograms): try append(histograms)
    case .step, .evaluated, .saved: break
    }
  }

  /// The losses. Throws `io` and `cannotCreate`, as all here do.
  func append(_ record: MetricsRecord) throws {
    var values: [EventValue] = []
    if let training = record.training {
      values += [
        .scalar("training/nats_per_image", training.natsPerImage),
        .scalar("training/bits_per_dimension", training.bitsPerDimension),
        .scalar("training/learning_rate", Double(training.learningRate)),
        .scalar("training/gradient_norm", training.gradientNorm),
        .scalar("training/images_per_second", training.imagesPerSecond),
      ]
    }
    if let heldOut = record.heldOut {
      for (name, summary) in [("average", heldOut.average), ("raw", heldOut.raw)] {
        values += [
          .scalar("held_out/\(name)/nats_per_image", summary.natsPerImage),
          .scalar("held_out/\(name)/bits_per_dimension", summary.bitsPerDimension),
        ]
      }
    }
    try write(values, step: record.step)
  }

  /// The gradient flow: of each layer the root mean square of ∂(an image's nats)/∂(its outputs).
  private func append(_ record: GradientRecord) throws {
    try write(record.layers.map { .scalar("flow/\($0.name)", $0.flow.rms) }, step: record.step)
  }

  /// The gradient itself, spread over its values.
  private func append(_ histograms: GradientHistograms) throws {
    try write(histograms.layers.map { .histogram("gradient/\($0.name)", $0.histogram) }, step: histograms.step)
  }

  func append(samples png: [UInt8], shape: ImageShape, step: Int) throws {
    try write([.image("samples", png: png, shape: shape)], step: step)
  }

  private func write(_ values: [EventValue], step: Int) throws {
    try writer.write(values, step: step, wallTime: Date().timeIntervalSince1970)
  }
}
