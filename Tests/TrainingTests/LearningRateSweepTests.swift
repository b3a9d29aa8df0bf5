// The learning-rate range test: its rates, its stop, and what is read from it.
import Foundation
import Kernels
import Networks
import Testing
import Training

@Suite struct LearningRateSweepTests {
  private func sweep(
    _ change: (inout LearningRateSweep.Options) -> Void = { _ in }, threads: Int = 2
  ) throws -> LearningRateSweep {
    var tiny = TinyRun()
    tiny.train = TinyRun.stripes(40)
    tiny.binarization = .threshold
    tiny.options.dropout = 0
    var options = LearningRateSweep.Options()
    (options.lowest, options.highest, options.steps) = (1e-4, 100, 80)
    change(&options)
    let state = try tiny.state()
    let parameters = state.model.makeModel().initialParameters(seed: 7)
    let before = parameters.storage.elements
    let sweep = LearningRateSweep(
      state: state, parameters: parameters, images: tiny.train, training: tiny.options, options: options,
      threads: threads)
    #expect(parameters.storage.elements == before, "the weights it began with are only read")
    return sweep
  }

  @Test func ratesRiseByOneFactor() throws {
    let points = try sweep { $0.divergence = 1e300 }.points
    #expect(points.count == 80 && points[0].learningRate == 1e-4 && points[79].learningRate == 100)
    for (before, after) in zip(points, points.dropFirst()) {
      // 10⁶ over 79 steps; 52 roots and products round, and the shares are cut off at 2⁻⁵².
      #expect(abs(after.learningRate / before.learningRate / pow(1e6, 1 / 79) - 1) < 1e-13)
    }
  }

  /// The mean is Σ βⁿ⁻ⁱ·loss over Σ βⁿ⁻ⁱ.
  @Test func theMeanIsCorrectedForItsBeginning() throws {
    let points = try sweep().points
    try #require(points.count > 7)
    for last in [0, 1, 7] {
      var (sum, weights) = (0.0, 0.0)
      for i in 0...last {
        let weight = (0..<last - i).reduce(1.0) { product, _ in product * 0.9 }
        (sum, weights) = (sum + weight * points[i].natsPerImage, weights + weight)
      }
      #expect(abs(points[last].smoothedNats - sum / weights) < 1e-10 * sum / weights)
    }
  }

  @Test func itLearnsThenStopsAndSuggests() throws {
    let swept = try sweep()
    #expect(swept.end == .rising || swept.end == .notFinite)
    #expect(swept.points.count < 80)
    let suggestion = try #require(LearningRateSuggestion(swept.points))
    // Stripes cost one bit once they are learned, 35 bits before.
    #expect(suggestion.smallest.smoothedNats < swept.points[0].natsPerImage / 2)
    #expect(suggestion.steepest.step < suggestion.smallest.step)
    #expect(suggestion.learningRate == suggestion.smallest.learningRate / 10)
    #expect(try sweep(threads: 1).points == swept.points, "threads change no bit")
  }

  /// A curve that is known: flat, a fall around step 60, a rise from step 90.
  private func curve(noise: Double = 0, _ loss: (Double) -> Double) -> [LearningRateSweep.Point] {
    (0..<120).map { step in
      LearningRateSweep.Point(
        step: step, learningRate: Double(step + 1) * 1e-3, natsPerImage: step % 2 == 0 ? noise : -noise,
        smoothedNats: loss(Double(step)))
    }
  }

  @Test func suggestionsAreReadFromTheCurve() throws {
    func loss(_ step: Double) -> Double {
      let s = max(-1, min(1, (step - 60) / 20))
      return 100 - 40 * (s - s * s * s / 3) + (step > 90 ? (step - 90) * (step - 90) : 0)
    }
    let fall = curve(loss)
    let suggestion = try #require(LearningRateSuggestion(fall))
    #expect(suggestion.steepest.step == 60)
    #expect(suggestion.smallest.step == 80)
    #expect(abs(suggestion.learningRate - 0.0081) < 1e-12)
    #expect(LearningRateSuggestion(curve { 100 + $0 }) == nil, "a loss that only rises")
    #expect(LearningRateSuggestion(curve { _ in 100 }) == nil)
    // It falls by 53. Batches that are ±x by turns have a standard deviation of √2·x by their neighbours.
    #expect(LearningRateSuggestion(curve(noise: 9, loss)) != nil)
    #expect(LearningRateSuggestion(curve(noise: 10, loss)) == nil)
    #expect(LearningRateSuggestion(Array(fall.prefix(5))) == nil)
  }

  @Test func optionsThatMakeNoSenseAreNamed() {
    func path(_ change: (inout LearningRateSweep.Options) -> Void) -> String? {
      var options = LearningRateSweep.Options()
      change(&options)
      return failure { try options.validate() }?.path
    }
    #expect(path { $0.lowest = 0 } == "`lowest`")
    #expect(path { $0.lowest = .nan } == "`lowest`")
    #expect(path { $0.highest = 1e-7 } == "`highest`")
    #expect(path { $0.highest = .infinity } == "`highest`")
    #expect(path { $0.steps = 19 } == "`steps`")
    #expect(path { $0.smoothing = 1 } == "`smoothing`")
    #expect(path { $0.divergence = 1 } == "`divergence`")
  }
}
