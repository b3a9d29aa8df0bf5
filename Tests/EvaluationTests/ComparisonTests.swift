// Values of single pixels, the bootstrap, verdicts, tables.
import Evaluation
import ImageData
import Kernels
import Networks
import TestSupport
import Testing

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

  /// Sums of uniforms are close to normal; intervals of their means must hold the true one about 95 times of 100.
  @Test func intervalsHoldWhatTheyPromise() {
    var (held, runs) = (0, 300)
    let images = 60
    for run in 0..<runs {
      let random = Philox(seed: 5, purpose: .test, stream: UInt64(run))
      let values = (0..<images).map { image in
        (0..<6).reduce(0.0) { $0 + Double(random.uniform(at: UInt64(6 * image + $1))) }
      }
      let interval = Bootstrap([values], resamples: 400, seed: UInt64(run), threads: 1).interval(0)
      if interval.contains(3) { held += 1 }
    }
    runs = max(runs, 1)
    // 95% of 300 is 285, its own standard error 3.8; percentile intervals of 60 images hold a little less.
    #expect((267...298).contains(held), "\(held) of \(runs)")
  }

  /// Of a large sample the interval is the mean ± 1.96 standard errors.
  @Test func intervalOfALargeSample() {
    let random = Philox(seed: 6, purpose: .test)
    let values = (0..<4_000).map { Double(random.uniform(at: UInt64($0))) }
    let summary = LikelihoodSummary(values, shape: shape)
    let interval = Bootstrap([values], resamples: 4_000, seed: 1, threads: 2).interval(0)
    // The 2.5% quantile of 4,000 resamples is uncertain by about 0.04 standard errors; the tolerance is four of that.
    for (end, sign) in [(interval.lowerBound, -1.96), (interval.upperBound, 1.96)] {
      let distance = (end - summary.natsPerImage) / summary.standardError
      #expect(abs(distance - sign) < 0.16, "\(distance)")
    }
  }

  @Test func resamplesDependOnTheSeedAlone() {
    let rows = (0..<3).map { row in randomValues(101, stream: UInt64(row)).map(Double.init) }
    func intervals(_ seed: UInt64, _ threads: Int) -> [ClosedRange<Double>] {
      let bootstrap = Bootstrap(rows, resamples: 1_030, seed: seed, threads: threads)
      return [bootstrap.interval(0), bootstrap.interval(2), bootstrap.interval(1, minus: 2)]
    }
    #expect(intervals(1, 1) == intervals(1, 4))
    #expect(intervals(1, 1) != intervals(2, 1))
    #expect(Bootstrap([rows[0], rows[0]], resamples: 100, seed: 1, threads: 1).interval(1, minus: 0) == 0...0)
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
      comparison.rows.map(\.verdict) == [.better, .best, .notDistinguishable, .notDistinguishable, .worse])
    let again = comparison.rows[2]
    #expect(again.difference == 0 && again.differenceError == 0 && again.differenceInterval == 0...0)
    #expect(comparison.rows[4].differenceInterval.lowerBound > 0)
    // One image: nothing to say.
    let single = Comparison(
      [.init("a", nats: [1], isModel: true), .init("b", nats: [2], isModel: true)], shape: shape, seed: 1, threads: 1)
    #expect(single.rows.map(\.verdict) == [.best, .notDistinguishable])
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
    let sheet = SurpriseSheet(batch, valueNats: values, quantization: try Quantization(levels: 4))
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
}
