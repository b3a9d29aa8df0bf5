// Runs whose images are transformed: one result all the same, and a network that knows what it was told.
import Core
import ImageData
import Networks
import TestSupport
import Testing
import Training

@Suite struct AugmentedRunTests {
  private var run: TinyRun {
    get throws {
      var run = TinyRun()
      run.augmentation = try Augmentation(parsing: "flip,vertical-flip,shift:2")
      run.options.gradientInterval = 5
      return run
    }
  }

  /// Of any number of threads, and with other images in every step than without.
  @Test func threadsChangeNoBit() throws {
    var run = try run
    run.train = TinyRun.noise(90, stream: 1)
    run.options.batchSize = 41
    let one = try run.trainer(threads: 1)
    var records = 0
    try one.run {
      guard case .gradients(let record) = $0 else { return }
      records += 1
      #expect(record.layers.allSatisfy { $0.gradient.rms > 0 })
    }
    #expect(records == 4)
    for threads in [2, 3] {
      let other = try run.trainer(threads: threads)
      try other.run()
      #expect(bits(other.adam) == bits(one.adam) && other.state == one.state, "\(threads) threads")
    }
    // Every feature came, and moved one output of each layer at least.
    for slice in one.adam.parameters.layout.slices where slice.name.hasSuffix("augment.weight") {
      let values = one.adam.parameters[slice]
      #expect(slice.shape[1] == 10)
      for feature in 0..<10 {
        let column = stride(from: feature, to: slice.count, by: 10).map { values[$0] }
        #expect(column.contains { $0 != 0 }, "\(slice.name), feature \(feature)")
      }
    }
    run.options.seed = 8
    let other = try run.trainer()
    try other.run()
    #expect(bits(other.adam) != bits(one.adam))
  }

  @Test(arguments: [0, 1, 7, 12, 19], [MatrixOptimizer.adam, .muon])
  func resumeChangesNoBit(stop: Int, optimizer: MatrixOptimizer) throws {
    var run = try run
    run.options.adam.matrices = optimizer == .adam ? nil : optimizer
    let whole = try run.trainer()
    try whole.run()
    let scratch = Scratch()
    let saved = try run.saved(after: stop, in: scratch)
    #expect(saved.state.model.augmentation == run.augmentation)
    let rest = try run.trainer(threads: 3, from: saved)
    #expect(try rest.run() == .finished)
    #expect(bits(rest.adam) == bits(whole.adam) && rest.state == whole.state)
  }

  /// Images that are dark on the left: after training with mirrored ones too, the network expects them dark on the left
  /// as they are, and dark on the right when it is told of the mirror.
  @Test func theNetworkLearnsWhatItIsTold() throws {
    var run = TinyRun()
    let shape = TinyRun.shape
    run.binarization = .threshold
    run.options.dropout = 0
    run.options.adam.clipNorm = 0
    run.options.length = .steps(600)
    run.options.schedule.baseRate = 0.03
    run.train = ImageSet(
      shape: shape, pixels: (0..<30 * shape.pixels).map { $0 % shape.width < 3 ? 0 : 255 })
    run.valid = nil
    var state = try run.state()
    // Gated units never die, as those of a ReLU may in a network as small as this.
    state.model = ModelConfiguration(
      model: .gatedPixelCNN, width: 8, blocks: 2, shape: shape, levels: 2, augmentation: Augmentation(flip: true))
    let fresh = Adam(parameters: state.model.makeModel().initialParameters(seed: 7), options: run.options.adam)
    let trainer = try run.trainer(from: (state, fresh))
    try trainer.run()
    let model = trainer.state.model.makeModel()
    let scorer = Scorer(model: model, parameters: trainer.adam.parameters, threads: 1)
    let dark = trainer.state.quantization.batch(from: run.train, indices: [0])
    let mirrored = Augmentation(flip: true).transform(dark, by: [1])
    var untold = mirrored
    untold.transformations = nil
    let (usual, told, surprised) = (scorer.nats(dark)[0], scorer.nats(mirrored)[0], scorer.nats(untold)[0])
    #expect(usual < 3 && told < 3 && surprised > 9, "\(usual), \(told), \(surprised)")
  }
}
