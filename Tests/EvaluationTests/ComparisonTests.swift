// Values of single pixels, the bootstrap, verdicts, tables.
import Core
import Evaluation
import Foundation
import ImageData
import Networks
import Plotting
import Testing
import TestSupport

@Suite struct ComparisonTests {
  private let shape = ImageShape(height: 5, width: 6, channels: 1)

  /// Every value's nats, added up in raster order, are the score itself.
  @Test(arguments: ModelKind.allCases) func valueNatsSumToTheScore(kind: ModelKind) {
    for levels in [2, 5] {
      let model = ModelConfiguration(model: kind, width: 6, blocks: 2, shape: shape, levels: levels).makeModel()
      let parameters = randomParameters(model, scale: 0.7)
      let batch = randomBatch(shape, count: 9, levels: levels)
      let scorer = Scorer(model: model, parameters: parameters, threads: 2)
      let (nats, values) = (scorer.nats(batch), scorer.valueNats(batch))
      #expect(values.count == batch.levels.count && Set(values).count > 100)
      for image in 0..<batch.count {
        let own = values[image * shape.dimensions..<(image + 1) * shape.dimensions]
        #expect(own.reduce(0.0) { $0 + Double($1) } == nats[image])
      }
    }
  }

  /// How often the interval of the mean of `images` draws holds the true one, of `runs`.
  private func coverage(images: Int, runs: Int, mean: Double, _ draw: (Philox, Int) -> Double) -> Int {
    (0..<runs).count { run in
      let random = Philox(seed: 5, purpose: .test, stream: UInt64(run))
      let values = (0..<images).map { draw(random, $0) }
      return Bootstrap([values], resamples: 400, seed: UInt64(run), threads: 2).interval(0)?.contains(mean) == true
    }
  }

  /// Sums of twelve uniforms are close to normal; intervals of their means hold the true one about 95 times of 100, from
  /// ten images on. (Percentiles of the resamples' means hold it 90 times of 100 of ten images.)
  @Test(arguments: [10, 20, 60]) func intervalsHoldWhatTheyPromise(images: Int) {
    let held = coverage(images: images, runs: 400, mean: 6) { random, image in
      (0..<12).reduce(0.0) { $0 + Double(random.uniform(at: UInt64(12 * image + $1))) }
    }
    // 95% of 400 is 380, its own standard error 4.4. Wider than promised is no harm, ten times wider would be.
    #expect((372...398).contains(held), "\(held) of 400")
  }

  /// A few images that differ by far more than the rest: e to the power of such a sum, log-normal.
  @Test(arguments: [(10, 352), (30, 364)]) func intervalsOfSkewedValues(images: Int, least: Int) {
    // The mean of exp(s) where s is a sum of 12 uniforms less 6: (2 sinh ½)¹².
    let mean = pow(2 * sinh(0.5), 12)
    let held = coverage(images: images, runs: 400, mean: mean) { random, image in
      exp((0..<12).reduce(-6.0) { $0 + Double(random.uniform(at: UInt64(12 * image + $1))) })
    }
    #expect(held >= least, "\(held) of 400")
  }

  /// Of a large sample the interval is the mean ± 1.96 standard errors.
  @Test func intervalOfALargeSample() throws {
    let random = Philox(seed: 6, purpose: .test)
    let values = (0..<4_000).map { Double(random.uniform(at: UInt64($0))) }
    let summary = LikelihoodSummary(values, shape: shape)
    let interval = try #require(Bootstrap([values], resamples: 4_000, seed: 1, threads: 2).interval(0))
    let error = try #require(summary.standardError)
    // The 2.5% quantile of 4,000 resamples is uncertain by about 0.04 standard errors; the tolerance is four of that.
    for (end, sign) in [(interval.lowerBound, -1.96), (interval.upperBound, 1.96)] {
      let distance = (end - summary.natsPerImage) / error
      #expect(abs(distance - sign) < 0.16, "\(distance)")
    }
  }

  @Test func resamplesDependOnTheSeedAlone() {
    let rows = (0..<3).map { row in randomValues(101, stream: UInt64(row)).map(Double.init) }
    func intervals(_ seed: UInt64, _ threads: Int) -> [ClosedRange<Double>?] {
      let bootstrap = Bootstrap(rows, resamples: 1_030, seed: seed, threads: threads)
      return rows.indices.map { bootstrap.interval($0) }
    }
    #expect(intervals(1, 1) == intervals(1, 4) && !intervals(1, 1).contains(nil))
    #expect(intervals(1, 1) != intervals(2, 1))
  }

  /// Numbers without variance, and numbers with a single one that is not 0: no resample has a ratio that is not finite, or
  /// most have.
  @Test func intervalsOfDegenerateValues() throws {
    let same = [Double](repeating: 12.3, count: 30)
    let single = (0..<30).map { $0 == 7 ? 1.0 : 0 }
    let bootstrap = Bootstrap([same, single, [Double](repeating: 0, count: 30)], resamples: 1_000, seed: 1, threads: 1)
    let (first, second) = try (#require(bootstrap.interval(0)), #require(bootstrap.interval(1)))
    #expect(abs(first.lowerBound - 12.3) < 1e-12 && abs(first.upperBound - 12.3) < 1e-12)
    // The mean of the second is 1/30, and so is its standard error.
    #expect(second.contains(0) && second.upperBound > 2.9 / 30 && second.upperBound.isFinite && second.lowerBound > -1)
    #expect(bootstrap.interval(2) == 0...0)
    #expect(Bootstrap([[5]], seed: 1, threads: 1).interval(0) == nil)
  }

  /// The ends of intervals of few images are those of tables of Student's t: 12.706, 4.303, 3.182, … standard errors.
  @Test(arguments: [(2, 12.706_204_736), (3, 4.302_652_730), (4, 3.182_446_305), (9, 2.306_004_135)])
  func intervalsOfFewImagesAreStudents(images: Int, reach: Double) throws {
    let values = (0..<images).map { Double($0 * $0) }
    let summary = LikelihoodSummary(values, shape: shape)
    let interval = try #require(Bootstrap([values], seed: 1, threads: 1).interval(0))
    let error = try #require(summary.standardError)
    #expect(abs((interval.upperBound - summary.natsPerImage) / error - reach) < 1e-8)
    #expect(abs((summary.natsPerImage - interval.lowerBound) / error - reach) < 1e-8)
  }

  /// Quantiles of scipy.stats.t, in the table and beyond it.
  @Test(arguments: [
    (10, 2.228_138_851_986_27), (30, 2.042_272_456_301_24), (31, 2.039_513_446_396_41), (50, 2.008_559_112_100_76),
    (100, 1.983_971_518_523_55), (9_999, 1.960_201_263_621_36),
  ])
  func quantilesOfStudentsT(degrees: Int, quantile: Double) {
    #expect(abs(StudentT.quantile(degrees: degrees) - quantile) < 5e-8)
  }

  @Test func verdicts() {
    let best = randomValues(200, stream: 1, scale: 4).map { 50 + Double($0) }
    let noise = randomValues(200, stream: 2).map(Double.init)
    let comparison = Comparison(
      [
        .init("itself", nats: best, isModel: true), .init("again", nats: best, isModel: true),
        // Differences of rms 0.58 over 200 images: the mean's error is 0.04.
        .init("by chance", nats: zip(best, noise).map { $0 + $1 + 0.01 - noise.reduce(0, +) / 200 }, isModel: true),
        .init("less trained", nats: zip(best, noise).map { $0 + 0.3 + $1 }, isModel: true),
        .init("baseline", nats: best.map { $0 - 1 }, isModel: false),
      ], shape: shape, seed: 3, threads: 2)
    #expect(comparison.rows.map(\.candidate.name) == ["baseline", "itself", "again", "by chance", "less trained"])
    #expect(
      comparison.rows.map(\.verdict) == [.better, .best, .identical, .notDistinguishable, .worse])
    let again = comparison.rows[2]
    #expect(again.difference == 0 && again.differenceError == 0 && again.differenceInterval == 0...0)
    #expect(comparison.rows[4].differenceInterval.map { $0.lowerBound > 0 } == true)
    // The same difference everywhere is no chance, but nine images are too few to say so.
    for (count, verdict) in [
      (1, Comparison.Verdict.tooFewImages), (2, .tooFewImages), (9, .tooFewImages), (10, .worse),
    ] {
      let few = Comparison(
        [
          .init("a", nats: Array(best.prefix(count)), isModel: true),
          .init("b", nats: best.prefix(count).map { $0 + 12.25 }, isModel: true),
        ], shape: shape, seed: 1, threads: 1)
      #expect(few.rows.map(\.verdict) == [.best, verdict])
      #expect((few.rows[1].differenceInterval == nil) == (count == 1))
      #expect((few.rows[1].differenceError == nil) == (count == 1) && few.rows[1].difference == 12.25)
    }
  }

  @Test func scoresByClassAndTheLeastLikely() {
    let small = ImageShape(height: 1, width: 2, channels: 1)
    let set = ImageSet(
      shape: small, pixels: [UInt8](0..<10), classes: [1, 0, 1, 1, 0], classNames: ["a", "b", "none"],
      paths: ["x/1.png", "x/2.png", "a, \"b\".png", "x\r\n4.png", "5.png"])
    let scores = ImageScores(set, nats: [1, 4, 2, 6, 4])
    #expect(scores.classes.map(\.name) == ["a", "b"])
    #expect(scores.classes.map(\.summary) == [[4, 4], [1, 2, 6]].map { LikelihoodSummary($0, shape: small) })
    #expect(scores.leastLikely(3) == [3, 1, 4] && scores.leastLikely(9).count == 5)
    let lines = scores.table.text.components
    #expect(lines.first == "path,class,nats,bits_per_dim")
    #expect(scores.table.text.contains("\n\"a, \"\"b\"\".png\",b,2.0,"))
    #expect(scores.table.text.contains("\n\"x\r\n4.png\",b,6.0,"))
  }

  @Test func surprisesHaveOneScale() throws {
    let small = ImageShape(height: 2, width: 2, channels: 3)
    let batch = randomBatch(small, count: 5, levels: 4)
    var values = [Float](repeating: 0, count: batch.levels.count)
    values[3 * small.dimensions + 9] = 1.5
    values[3 * small.dimensions + 11] = 0.5
    let sheet = LikelihoodMaps(batch, valueNats: values, quantization: try Quantization(levels: 4))
    // The channels of a pixel count together.
    #expect(sheet.most == 2)
    let picture = sheet.picture(labels: (1...5).map { "image \($0)" })
    let yellow = PlotColor.scale(1)
    let pixels = stride(from: 0, to: picture.values.count, by: 3).count {
      picture.values[$0..<$0 + 3].elementsEqual([yellow.red, yellow.green, yellow.blue])
    }
    // One pixel, 56 × 56 of the picture.
    #expect(pixels == 56 * 56)
  }

  @Test func dotsStandAtTheirValues() {
    let chart = PlotDotChart(
      title: "", x: PlotAxis("x", limits: 0...10),
      rows: [
        .init("one", 2, 1...4, color: .series(0)), .init("two", 8, 7...12, color: .series(1)),
      ], reference: 5)
    let figure = PlotFigure(title: "dots", panels: [.dots(chart)])
    let svg = figure.svg()
    #expect(svg.contains(">one<") && svg.contains(">two<"))
    #expect(figure.image(scale: 1).shape.channels == 3)
  }
}

extension String {
  fileprivate var components: [Substring] { split(separator: "\n") }

  /// log(1/K Σ p) against plain arithmetic where that can be done, bounds and symmetry where it cannot.
  @Test func anEvenMixtureIsTheMeanOfTheLikelihoods() {
    let members: [[Double]] = [[0.5, 700, 3, 5_000], [2, 701, 3, 5_900], [0.1, 699.5, 3, 5_300]]
    let found = EvenMixture.nats(members)
    for image in 0..<2 {
      let least = members.map { $0[image] }.min() ?? 0
      let mean = members.reduce(0) { $0 + exponentialOf(least - $1[image]) } / 3
      #expect(abs(found[image] - (least - naturalLog(mean))) < 1e-12 * (1 + least))
    }
    // Of models that agree, the mixture is each of them; of one far better than all others, it costs ln 3 more than that.
    #expect(abs(found[2] - 3) < 1e-15)
    #expect(abs(found[3] - 5_000 - naturalLog(3)) < 1e-12)
    #expect(EvenMixture.nats(members.reversed()) == found)
    #expect(EvenMixture.nats([members[0]]) == members[0])
  }
}
