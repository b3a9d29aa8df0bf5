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

  /// A model that was told of mirrors is itself a mixture, of its orders: a distribution, the mean of theirs, and what is
  /// drawn from it is what was drawn under one of them, turned back.
  @Test func ordersAreAMixture() throws {
    let shape = ImageShape(height: 3, width: 3, channels: 1)
    let augmentation = try Augmentation(parsing: "flip,transpose,shift:1")
    let model = ModelConfiguration(
      model: .gatedPixelCNN, width: 8, blocks: 1, shape: shape, levels: 2, order: .reversed, augmentation: augmentation
    ).makeModel()
    let parameters = randomParameters(model, scale: 0.9)
    let single = EvenMixture([EvenMixture.Member(model: model, parameters: parameters, mixesOrders: true)])
    let orders = model.configuration.orders
    #expect(orders.count == 4)
    let every = ImageBatch(
      shape: shape, count: 512, levels: (0..<512).flatMap { image in (0..<9).map { UInt8(image >> $0 & 1) } })
    let scorer = Scorer(model: model, parameters: parameters, threads: 1)
    let mixed = single.nats(every, threads: 2)
    #expect(abs(mixed.reduce(0) { $0 + exponentialOf(-$1) } - 1) < 1e-5)
    let each = orders.map { scorer.nats(augmentation.transform(every, by: [Int](repeating: $0, count: 512))) }
    for image in 0..<512 {
      let mean = each.reduce(0) { $0 + exponentialOf(-$1[image]) } / 4
      #expect(abs(exponentialOf(-mixed[image]) - mean) < 1e-9 * mean)
    }
    #expect(mixed == Scorer(model: model, parameters: parameters, threads: 3, mixesOrders: true).nats(every))

    var request = SamplingRequest(count: 60, seed: 5)
    let drawn = single.sample(request, threads: 2)
    #expect(drawn.nats == single.nats(drawn.images, threads: 1) && drawn == single.sample(request, threads: 1))
    let choices = (0..<60).map { single.order(seed: 5, number: $0, of: 0) }
    #expect(Set(choices) == Set(orders))
    let turned = augmentation.transform(drawn.images, by: choices)
    for order in orders {
      request.transformation = order
      let own = Sampler(model: model, parameters: parameters, threads: 2).sample(request)
      var told = own.images
      told.transformations = [Int](repeating: order, count: 60)
      #expect(own.nats == scorer.nats(told))
      for image in 0..<60 where choices[image] == order {
        let range = image * 9..<(image + 1) * 9
        #expect(turned.levels[range] == own.images.levels[range], "image \(image) in order \(order)")
      }
    }

    // Beside others it counts as one member.
    let both = EvenMixture(single.members + mixture.members.prefix(1))
    let expected = EvenMixture.nats([mixed, EvenMixture(Array(mixture.members.prefix(1))).nats(every, threads: 1)])
    #expect(both.nats(every, threads: 2) == expected)
    let one = both.sample(SamplingRequest(count: 20, seed: 2), threads: 2)
    #expect(one.nats == both.nats(one.images, threads: 1))
  }

  /// Of 3,000 images each member draws a third: within five standard errors, √(3000 · 2/9) ≈ 26.
  @Test func membersAreEquallyLikely() {
    let choices = (0..<3_000).map { mixture.choice(seed: 1, number: $0) }
    for member in 0..<3 { #expect(abs(choices.count { $0 == member } - 1_000) < 130) }
  }
}
