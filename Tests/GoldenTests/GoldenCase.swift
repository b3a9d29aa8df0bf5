// The models whose results are frozen: those of the list, with dropout and without.
import Networks
import TestSupport

/// One model, trained for 20 steps on ten small images.
struct GoldenCase: Sendable {
  /// "pixelcnn relu pre 1 grey2 plain whole": what a row of the golden file is called.
  let name: String
  let configuration: ModelConfiguration
  let dropout: Double

  /// All of them.
  static let all: [GoldenCase] = ModelCase.all.flatMap { model in
    [0, 0.25].map { dropout in
      GoldenCase(
        name: model.name + (dropout > 0 ? " dropout" : " whole"), configuration: model.configuration, dropout: dropout)
    }
  }
}
