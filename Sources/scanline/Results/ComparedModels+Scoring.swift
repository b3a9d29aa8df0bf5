// What the images of a comparison cost under its models, and under baselines.
import Core
import Evaluation
import ImageData
import Networks

extension ComparedModels {
  /// Model number `index` with its nats of every image of `data`.
  ///
  /// - Throws: `ScanlineError` (`diverged`) naming the image whose nats are not finite.
  func score(_ index: Int, _ data: Images, threads: Int, console: Console) throws -> Comparison.Candidate {
    let (subject, model, set) = (models[index], data.models[index], data.sets[index])
    let scorer = Scorer(model: model, parameters: subject.checkpoint.parameters, threads: threads)
    let bar = ProgressBar(console, subject.name, total: set.count)
    let nats = scorer.nats(set, indices: Array(0..<set.count), quantization, progress: bar.reach)
    bar.finish()
    if let image = nats.firstIndex(where: { !$0.isFinite }) {
      throw ScanlineError(
        .diverged, path: set.paths[image],
        expected: "a finite log-likelihood under \(subject.name)", found: "\(nats[image]) nats")
    }
    let multiplyAdds = model.layerCosts.reduce(0) { $0 + $1.multiplyAdds }
    return Comparison.Candidate(
      subject.name, nats: nats, weights: model.layout.liveCount,
      multiplyAdds: Double(multiplyAdds) / Double(set.shape.pixels), isModel: true)
  }

  /// The baselines with their nats of the images of `set`; those that must be fitted only where there are images to fit
  /// them on.
  func baselines(fittedOn fitted: ImageSet?, _ set: ImageSet, threads: Int, console: Console)
    -> [Comparison.Candidate]
  {
    let levels = quantization.levels
    var baselines: [any Baseline] = [
      UniformBaseline(levels: levels), PNGBaseline(levels: levels, shape: set.shape),
    ]
    if let fitted {
      console.redraw("fitting baselines on \(counted(fitted.count, "image"))")
      let batch = quantization.batch(from: fitted, indices: 0..<fitted.count)
      baselines.append(MarginalBaseline(fitting: batch, levels: levels))
      baselines.append(ContextBaseline(fitting: batch, levels: levels, threads: threads))
      console.finish()
    }
    return baselines.map { baseline in
      let bar = ProgressBar(console, baseline.name, total: set.count)
      defer { bar.finish() }
      return Comparison.Candidate(
        baseline.name, nats: baseline.nats(set, quantization, threads: threads, progress: bar.reach), isModel: false)
    }
  }
}
