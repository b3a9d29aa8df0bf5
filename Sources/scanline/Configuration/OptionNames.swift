// Errors of the library name its own properties; who uses the command knows flags.
import Core

extension ScanlineError {
  /// The same error in the terms of the command line: the library puts its names between backticks.
  var inFlags: ScanlineError {
    ScanlineError(
      kind, path: Self.inFlags(path), expected: Self.inFlags(expected), found: Self.inFlags(found))
  }

  private static func inFlags(_ text: String) -> String {
    guard text.contains("`") else { return text }
    return flags.reduce(text) { $0.replacing("`\($1.key)`", with: $1.value) }
  }

  /// The flag of each property of `TrainingOptions`, `LearningRateSweep.Options`, `Quantization`, `ImageLoadingOptions` and
  /// `ModelConfiguration` that an error names.
  private static let flags = [
    "activation": "--activation", "averageDecay": "--ema", "baseRate": "--learning-rate", "batchSize": "--batch",
    "binarization": "--binarize",
    "cell": "--cell", "channels": "--channels", "checkpointsKept": "--keep", "clipNorm": "--clip", "decay": "--decay",
    "directions": "--directions", "divergence": "--stop-at", "dropout": "--dropout", "epochs": "--epochs",
    "evaluationImages": "--evaluation-images",
    "evaluationInterval": "--evaluate-every", "gradientInterval": "--gradients-every", "highest": "--to",
    "levels": "--levels", "lowest": "--from", "metricsInterval": "--metrics-every", "minutes": "--minutes",
    "mixtures": "--mixtures",
    "residual": "--residual", "resizing": "--resize or --crop", "samples": "--samples", "smoothing": "--smoothing",
    "steps": "--steps",
    "warmupSteps": "--warmup",
  ]
}

/// What `error` says to who uses the command.
func inFlags(_ error: any Error) -> String { (error as? ScanlineError)?.inFlags.description ?? "\(error)" }
