import Core
import Networks
import Testing
import TestSupport

@Suite struct EvenMixtureTests {
  /// Three models of one kind of image: two families, two orders.
  private let mixture: EvenMixture

  init() {
    let shape = ImageShape(height: 3, width: 3, channels: 1)
    let members = [(ModelKind.diagonalLSTM, RasterOrder.rows), (.pixelCNN, .reversed), (.diagonalLSTM, .columns)]
    mixture = EvenMixture(
      members.map { kind, order in
        let configuration = ModelConfiguration(model: kind, width: 8, blocks: 1, shape: shape, levels: 2, order: order)
        let model = configuration.makeModel()
        return EvenMixture.Member(model: model, parameters: randomParameters(model, scale: 0.9))
      })
  }

  /// All 512 images of 3×3 bits.
  @Test func sumsToOne() {
    let shape = ImageShape(height: 3, width: 3, channels: 1)
    let levels = (0..<512).flatMap { image in (0..<9).map { UInt8(image >> $0 & 1) } }
    let nats = mixture.nats(ImageBatch(shape: shape, count: 512, levels: levels), threads: 2)
    #expect(abs(nats.reduce(0) { $0 + exponentialOf(-$1) } - 1) < 1e-5)
  }

  /// Image n is image n of the member drawn for it, its nats are the mixture's, and threads change no bit.
  @Test func drawsAMemberAndThenAnImage() {
    let request = SamplingRequest(count: 40, seed: 5)
    let drawn = mixture.sample(request, threads: 1)
    #expect(drawn == mixture.sample(request, threads: 3))
    #expect(drawn.nats == mixture.nats(drawn.images, threads: 2))
    let whole = mixture.members.map {
      Sampler(model: $0.model, parameters: $0.parameters, threads: 2).sample(request).images
    }
    let choices = (0..<40).map { mixture.choice(seed: 5, number: $0) }
    #expect(Set(choices) == [0, 1, 2])
    for (image, choice) in choices.enumerated() {
      let range = image * 9..<(image + 1) * 9
      #expect(drawn.images.levels[range] == whole[choice].levels[range], "image \(image) of member \(choice)")
    }
  }

  /// Of 3,000 images each member draws a third: within five standard errors, √(3000 · 2/9) ≈ 26.
  @Test func membersAreEquallyLikely() {
    let choices = (0..<3_000).map { mixture.choice(seed: 1, number: $0) }
    for member in 0..<3 { #expect(abs(choices.count { $0 == member } - 1_000) < 130) }
  }
}
