import Core
import Networks
import Testing
import Training

@Suite struct RecipeTests {
  private func recipe(
    side: Int, channels: Int = 1, levels: Int, count: Int = 5_000, length: TrainingOptions.Length = .steps(1_000),
    likelihood: LikelihoodKind? = nil, batch: Int? = nil, threads: Int = 2
  ) -> Recipe {
    Recipe(
      shape: ImageShape(height: side, width: side, channels: channels), levels: levels, count: count, length: length,
      likelihood: likelihood, batchSize: batch, threads: threads)
  }

  /// What it says is always a model: of any likelihood, channels, levels and length.
  @Test func everyChoiceIsAModel() throws {
    for (channels, levels, side) in [(1, 2, 28), (1, 4, 20), (1, 256, 1), (3, 2, 8), (3, 256, 64), (3, 16, 300)] {
      for likelihood in [nil, .categorical, .logisticMixture] + (levels == 2 ? [LikelihoodKind.bernoulli] : []) {
        for length in [TrainingOptions.Length.steps(1), .epochs(0.1), .minutes(0.01), .minutes(1e8)] {
          for count in [1, 40, 1_000_000] {
            let recipe = recipe(
              side: side, channels: channels, levels: levels, count: count, length: length, likelihood: likelihood)
            let shape = ImageShape(height: side, width: side, channels: channels)
            let configuration = ModelConfiguration(
              model: Recipe.model, width: recipe.width, blocks: recipe.blocks, shape: shape, levels: levels,
              likelihood: recipe.likelihood, skip: recipe.skip)
            try configuration.validate(path: "recipe")
            #expect(recipe.likelihood == likelihood ?? recipe.likelihood && recipe.passes > 0)
            #expect(!recipe.inWords(shape: shape, levels: levels).contains("\n"))
          }
        }
      }
    }
  }

  /// Runs that are to be repeated are chosen alike on any machine; by the clock a step has work for every thread.
  @Test func threadsMatterByTheClockAlone() {
    for levels in [2, 256] {
      for length in [TrainingOptions.Length.steps(1_000), .epochs(7)] {
        #expect(
          recipe(side: 28, levels: levels, length: length, threads: 1)
            == recipe(side: 28, levels: levels, length: length, threads: 64))
      }
      #expect(recipe(side: 28, levels: levels, length: .minutes(5), threads: 32).batchSize >= 128)
      #expect(recipe(side: 28, levels: levels, length: .minutes(5), batch: 5, threads: 32).batchSize == 5)
    }
  }
}
