// Models and baselines on the same images: who is better, and whether the images can tell.
import Core
import ImageData
import Kernels
import Networks
import Plotting

/// Scores of the same images under several models, put in order and held against the best of them.
package struct Comparison: Sendable {
  /// A model or baseline with its scores.
  package struct Candidate: Sendable {
    /// What tables call it; no two alike.
    package var name: String
    /// −log p of each image in nats, in the same order for all.
    package var nats: [Double]
    /// Learned weights; nil of a baseline.
    package var weights: Int?
    /// Multiply-adds of a forward pass for one pixel; nil of a baseline.
    package var multiplyAdds: Double?
    /// Whether it is a trained model: differences are taken from the best of these.
    package var isModel: Bool

    /// A candidate.
    package init(_ name: String, nats: [Double], weights: Int? = nil, multiplyAdds: Double? = nil, isModel: Bool) {
      (self.name, self.nats, self.weights, self.multiplyAdds) = (name, nats, weights, multiplyAdds)
      self.isModel = isModel
    }

    /// The even mixture of `models`, which all are run for it.
    package init(evenMixtureOf models: [Candidate]) {
      self.init(
        "even mixture of \(models.count)", nats: EvenMixture.nats(models.map(\.nats)),
        weights: models.reduce(0) { $0 + ($1.weights ?? 0) },
        multiplyAdds: models.reduce(0) { $0 + ($1.multiplyAdds ?? 0) }, isModel: true)
    }
  }

  /// What the images say of a candidate beside the best model.
  package enum Verdict: String, Sendable, Encodable {
    /// It is the model that the others are held against.
    case best = "best model"
    /// Fewer nats, and the interval of the difference is below 0.
    case better
    /// More nats, and the interval of the difference is above 0.
    case worse
    /// The interval of the difference holds 0.
    case notDistinguishable = "not distinguishable"
    /// Every image has the same nats.
    case identical = "identical on every image"
    /// There are fewer than ``Bootstrap/fewestImages`` images: their interval is too uncertain to go by.
    case tooFewImages = "too few images"
  }

  /// A candidate and its figures.
  package struct Row: Sendable {
    /// It.
    package let candidate: Candidate
    /// Means and standard errors.
    package let summary: LikelihoodSummary
    /// Of the mean nats of an image; nil of a single image.
    package let interval: ClosedRange<Double>?
    /// Mean nats of an image more than the best model's.
    package let difference: Double
    /// The standard error of the difference, from the paired differences of the images; nil of a single image.
    package let differenceError: Double?
    /// Of the difference, likewise paired; nil of a single image.
    package let differenceInterval: ClosedRange<Double>?
    /// In words.
    package let verdict: Verdict
  }

  /// In ascending order of nats, and so of bits per dimension; of equal ones the one given first.
  package let rows: [Row]
  /// Images in each mean.
  package let images: Int

  /// Compares `candidates`, at least one of them a model, on images of `shape`. Intervals are 95% intervals of a
  /// ``Bootstrap``.
  package init(_ candidates: [Candidate], shape: ImageShape, seed: UInt64, threads: Int) {
    let summaries = candidates.map { LikelihoodSummary($0.nats, shape: shape) }
    func mean(_ index: Int) -> Double { summaries[index].natsPerImage }
    let order = candidates.indices.sorted { (mean($0), $0) < (mean($1), $1) }
    guard let best = order.first(where: { candidates[$0].isModel }) else { preconditionFailure("no model to compare") }
    let differences = candidates.map { zip($0.nats, candidates[best].nats).map { $0 - $1 } }
    let bootstrap = Bootstrap(candidates.map(\.nats) + differences, seed: seed, threads: threads)
    images = candidates[best].nats.count
    rows = order.map { index in
      let paired = LikelihoodSummary(differences[index], shape: shape)
      let interval = bootstrap.interval(candidates.count + index)
      return Row(
        candidate: candidates[index], summary: summaries[index], interval: bootstrap.interval(index),
        difference: paired.natsPerImage, differenceError: paired.standardError, differenceInterval: interval,
        verdict: index == best ? .best : Self.verdict(differences[index], interval))
    }
  }

  /// What paired `differences` from the best model say, whose mean lies in `interval`.
  private static func verdict(_ differences: [Double], _ interval: ClosedRange<Double>?) -> Verdict {
    if differences.allSatisfy({ $0 == 0 }) { return .identical }
    guard differences.count >= Bootstrap.fewestImages, let interval else { return .tooFewImages }
    return interval.lowerBound > 0 ? .worse : interval.upperBound < 0 ? .better : .notDistinguishable
  }

  /// A row for each image of `set`: path, class if there are any, and the nats under every candidate.
  package func table(of set: ImageSet) -> CSVText {
    let hasClasses = set.classes != nil
    let scores = rows.map { ImageScores(set, nats: $0.candidate.nats) }
    var table = CSVText(columns: ["path"] + (hasClasses ? ["class"] : []) + rows.map { "nats: \($0.candidate.name)" })
    for image in 0..<set.count {
      table.append(
        [set.paths[image]] + (hasClasses ? [scores[0].className(image) ?? ""] : [])
          + scores.map { "\($0.nats[image])" })
    }
    return table
  }

  /// Bits per dimension of all with their intervals and, of two models or more, how far each is from the best.
  package func figure(title: String, shape: ImageShape) -> PlotFigure {
    func bits(_ nats: Double) -> Double { LikelihoodSummary.bitsPerDimension(nats, shape: shape) }
    let all = rows.map { row in
      PlotDotChart.Row(
        row.candidate.name, row.summary.bitsPerDimension,
        row.interval.map { bits($0.lowerBound)...bits($0.upperBound) }, color: .series(row.candidate.isModel ? 0 : 1))
    }
    let models = rows.filter(\.candidate.isModel).map { row in
      PlotDotChart.Row(row.candidate.name, row.difference, row.differenceInterval, color: .series(0))
    }
    var panels: [PlotPanel] = [.dots(PlotDotChart(title: "All", x: PlotAxis("bits per dimension"), rows: all))]
    if models.count > 1 {
      panels.append(
        .dots(
          PlotDotChart(
            title: "Models", x: PlotAxis("nats per image more than the best model"), rows: models, reference: 0)))
    }
    return PlotFigure(
      title: title,
      caption: (images == 1
        ? "One image, which has no interval. "
        : "Means over \(counted(images, "image")) with 95% intervals (the differences are paired, image by image). ")
        + "Blue: models; orange: baselines. An interval narrower than its dot is hidden by it.",
      panels: panels, columns: 2, panelWidth: 520, panelHeight: Double(all.count) * 26 + 100)
  }
}
