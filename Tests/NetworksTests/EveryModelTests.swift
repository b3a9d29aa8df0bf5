// What must hold of every model, over one list of them: a new model is tested by standing in it.
import Networks
import Testing
import TestSupport

@Suite struct EveryModelTests {
  /// A plan that fuses operations and one that runs each alone give the same bits: of gradients, with dropout and without,
  /// of log-likelihoods, and of what is drawn.
  @Test(arguments: ModelCase.all) func fusionChangesNoBit(c: ModelCase) {
    let batch = randomBatch(c.configuration, count: 5)
    func run(_ model: ImageModel) -> (gradients: [[UInt32]], nats: [Double], drawn: SampledImages) {
      let parameters = randomParameters(model, scale: 0.4)
      var nats: [Double] = []
      let gradients = [0, 0.25].map { dropout in
        let gradient = ParameterVector(layout: model.layout)
        nats += BatchGradient(model: model, batchSize: 5, threads: 1, dropout: dropout)
          .compute(batch, parameters: parameters, into: gradient)
        return gradient.storage.elements.map(\.bitPattern)
      }
      nats += Scorer(model: model, parameters: parameters, threads: 1).nats(batch)
      let classes = c.configuration.classCount > 0 ? [1, 0, 1] : nil
      return (
        gradients, nats,
        Sampler(model: model, parameters: parameters, threads: 1)
          .sample(SamplingRequest(count: 3, seed: 4, classes: classes))
      )
    }
    let (fused, apart) = (run(ImageModel(c.configuration)), run(ImageModel(c.configuration, fuses: false)))
    #expect(fused.gradients == apart.gradients)
    #expect(fused.nats == apart.nats)
    #expect(fused.drawn == apart.drawn)
  }

  /// No output sees what comes later.
  @Test(arguments: ModelCase.all) func noOutputSeesALaterPixel(c: ModelCase) {
    let model = c.configuration.makeModel()
    let audit = CausalityAudit(model, parameters: randomParameters(model, scale: 0.5))
    #expect(audit.leak == nil)
    #expect(audit.pixels == c.configuration.shape.pixels)
  }

  /// What the sampler computes pixel by pixel costs what one pass over the finished images says, to the last bit.
  @Test(arguments: ModelCase.all) func samplesCostWhatTheScorerSays(c: ModelCase) {
    let model = c.configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.4)
    let classes = c.configuration.classCount > 0 ? [0, 1, 1, 0, 1] : nil
    let drawn = Sampler(model: model, parameters: parameters, threads: 2)
      .sample(SamplingRequest(count: 5, seed: 3, temperature: 0.8, classes: classes))
    #expect(drawn.nats == Scorer(model: model, parameters: parameters, threads: 2).nats(drawn.images))
  }

  /// The bytes that a plan states are those that its workspace takes.
  @Test(arguments: ModelCase.all) func plannedBytesAreTaken(c: ModelCase) {
    let model = c.configuration.makeModel()
    for purpose in [WorkspacePurpose.training(), .training(dropout: 0.5), .evaluation] {
      #expect(model.workspaceBytes(purpose) == model.makeWorkspace(purpose).byteCount)
    }
    for images in [1, 3] {
      #expect(model.samplingBytes(images: images) == model.makeIncrementalForward(images: images).byteCount)
    }
  }
}
