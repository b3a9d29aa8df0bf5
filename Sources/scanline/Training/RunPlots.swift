// plots/: what a run's records look like, drawn when it is over.
import Core
import Networks
import Plotting
import Reports
import Training

/// The plots of a run folder, each as PNG and SVG.
enum RunPlots {
  static let folderName = "plots"
  /// What lies in it: these plots, and those of `scanline gradients`.
  static let names: Set = Set(
    ["losses", "gradients", "jacobians"].flatMap { ["\($0).png", "\($0).svg"] })

  /// Draws the losses and the gradient flow of the run in the folder `run`, on images of `shape`, over what is there.
  /// A run without records of a kind has no plot of it. Throws `io`, `cannotCreate` and, of a damaged log, `badData`.
  static func draw(_ run: String, shape: ImageShape) throws {
    let title = DurableFiles.split(DurableFiles.absolute(run)).name.displayed
    let folder = run + "/" + folderName
    func exists(_ name: String) -> Bool { DurableFiles.exists(run + "/" + name) }
    func write(_ figure: PlotFigure, _ name: String) throws {
      try RunRecorder.makeFolder(folder)
      for ending in ["png", "svg"] { try figure.write(to: "\(folder)/\(name).\(ending)") }
    }
    if exists(MetricsRecord.fileName) {
      let history = try MetricsHistory(ofRun: run)
      let figure = LossFigure(
        title: title, shape: shape,
        training: history.training.compactMap { record in
          record.training.map { LossFigure.Point(step: record.step, nats: $0.natsPerImage, rate: $0.learningRate) }
        },
        heldOut: history.heldOut.compactMap { record in
          record.heldOut.map {
            LossFigure.Score(step: record.step, average: $0.average.natsPerImage, raw: $0.raw.natsPerImage)
          }
        })
      if let figure = figure.figure { try write(figure, "losses") }
    }
    if exists(GradientRecord.fileName) {
      let history = try GradientHistory(ofRun: run)
      if history.count > 0 { try write(GradientFigure(history, quantity: .flow, title: title).figure, "gradients") }
    }
  }
}
