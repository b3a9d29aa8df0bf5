// Messages of the library name its properties in backticks; this file maps each property to its command-line flag.
import Core

extension String {
  /// The same text in the terms of the command line: the library puts its names between backticks.
  var inFlags: String {
    guard contains("`" as Character) else { return self }
    return flags.reduce(self) { $0.replacing("`\($1.key)`", with: $1.value) }
  }
}

extension ScanlineError {
  /// The same error in the terms of the command line. The path of a file is left as it is.
  var inFlags: ScanlineError {
    ScanlineError(
      kind, path: kind == .usage ? path.inFlags : path, expected: expected.inFlags, found: found.inFlags)
  }
}

/// What `error` says to who uses the command.
func inFlags(_ error: any Error) -> String { (error as? ScanlineError)?.inFlags.description ?? "\(error)" }

/// The flag of each property of `TrainingOptions`, `LearningRateSweep.Options`, `Quantization`, `ImageLoadingOptions`,
/// `PNGReadOptions` and `ModelConfiguration`, and of each argument, that the library names.
private let flags = [
  "activation": "--activation", "attention": "--attention", "augmentation": "--augment", "averageDecay": "--ema",
  "background": "--background", "baseRate": "--learning-rate",
  "batchSize": "--batch", "binarization": "--binarize", "blocks": "--blocks", "cell": "--cell",
  "channels": "--channels",
  "checkpointsKept": "--keep", "classesAreFolders": "--classes-are-folders", "clipNorm": "--clip", "crop": "--crop",
  "decay": "--decay", "directions": "--directions", "divergence": "--stop-at", "dropout": "--dropout",
  "epochs": "--epochs", "evaluationImages": "--evaluation-images", "evaluationInterval": "--evaluate-every",
  "gradientInterval": "--gradients-every", "highest": "--to", "initialization": "--initialization", "kind": "--kind",
  "levels": "--levels", "lowest": "--from", "metricsInterval": "--metrics-every", "minutes": "--minutes",
  "mixtures": "--mixtures", "residual": "--residual", "resize": "--resize", "resizing": "--resize or --crop",
  "samples": "--samples", "scalesSixteenBit": "--sixteen-bit scale", "skipsBad": "--skip-bad",
  "smoothing": "--smoothing", "steps": "--steps", "warmupSteps": "--warmup",
  "whole-rows": "--whole-rows",
]
