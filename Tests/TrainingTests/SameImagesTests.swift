// A run goes on with its own images only, and says what differs.
import Core
import ImageData
import Testing
import Training

@Suite struct SameImagesTests {
  private let run = TinyRun()

  private func refusal(train: ImageSet? = nil, valid: ImageSet?) throws -> String? {
    let error = failure {
      try run.state().requireSameImages(train: train ?? run.train, valid: valid, path: "images")
    }
    #expect(error?.kind == .badData && error?.path == "images")
    return error?.found
  }

  @Test func theSameImagesAreTaken() throws {
    try run.state().requireSameImages(train: run.train, valid: run.valid, path: "images")
  }

  @Test func whatDiffersIsNamed() throws {
    #expect(try refusal(valid: nil) == "0 held-out images in place of 9")
    #expect(try refusal(train: TinyRun.noise(45, stream: 1), valid: run.valid) == "45 training images in place of 46")
    let other = try refusal(train: TinyRun.noise(46, stream: 3), valid: TinyRun.noise(9, stream: 4))
    #expect(other?.contains("of the training images (fingerprint") == true, "\(other ?? "")")
    #expect(other?.contains("; other pixels, or another order, of the held-out images") == true, "\(other ?? "")")
    let held = try refusal(valid: TinyRun.noise(9, stream: 4))
    #expect(held?.contains("training") == false && held?.contains("held-out") == true, "\(held ?? "")")
  }

  /// A state whose model is for other images than its own data must not reach the trainer.
  @Test func theShapeCounts() throws {
    var state = try run.state()
    state.model.shape = ImageShape(height: TinyRun.shape.width, width: TinyRun.shape.height, channels: 1)
    let error = failure { try state.requireSameImages(train: run.train, valid: run.valid, path: "images") }
    #expect(error?.kind == .badData && error?.found == "images of 7×5×1 in place of 5×7×1", "\(error?.found ?? "")")
  }
}
