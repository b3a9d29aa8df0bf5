// Several models as one distribution: what an image costs under their mixture, and images drawn from it.
import Core
import Kernels

/// The even mixture of K models of the same images, p = 1/K Σ pₖ: one of them is drawn, each with the same probability, and
/// then an image from it. A distribution as its members are, whatever their families and orders of pixels. A member may be
/// the even mixture of its own orders.
public struct EvenMixture: Sendable {
  /// A model with its parameters.
  public struct Member: Sendable {
    /// The model.
    public let model: ImageModel
    /// Its parameters.
    public let parameters: ParameterVector
    /// Whether it is itself the even mixture of its orders: one for each mirroring and transposition that the model was
    /// trained with (``Augmentation``).
    public let mixesOrders: Bool

    /// A member.
    public init(model: ImageModel, parameters: ParameterVector, mixesOrders: Bool = false) {
      (self.model, self.parameters, self.mixesOrders) = (model, parameters, mixesOrders)
    }

    /// The transformations that images are drawn under.
    fileprivate var orders: [Int] { mixesOrders ? model.configuration.orders : [0] }
  }

  /// The models.
  public let members: [Member]

  /// The mixture of `members`, one or more, of images of the same shape and levels.
  public init(_ members: [Member]) {
    precondition(!members.isEmpty, "a mixture of nothing")
    let first = members.first?.model.configuration
    precondition(
      members.allSatisfy {
        $0.model.configuration.shape == first?.shape && $0.model.configuration.levels == first?.levels
      },
      "models of different images")
    self.members = members
  }

  /// −log p of each image in nats: exact, from `members`, the nats of each model, in the order of the images. An image costs at
  /// most ln K more than under the best of them.
  package static func nats(_ members: [[Double]]) -> [Double] {
    guard let first = members.first else { preconditionFailure("a mixture of nothing") }
    precondition(members.allSatisfy { $0.count == first.count }, "models that scored different images")
    guard members.count > 1 else { return first }
    let logCount = naturalLogarithm(Double(members.count))
    return first.indices.map { image in
      let nats = members.map { $0[image] }
      let least = nats.min() ?? 0
      // The largest term is 1, so the sum is 1 or more.
      return least + logCount - naturalLogarithm(nats.reduce(0) { $0 + exponentialOfNegative(least - $1) })
    }
  }

  /// −log p of every image of `batch`, in nats.
  public func nats(_ batch: ImageBatch, threads: Int) -> [Double] {
    Self.nats(
      members.map {
        Scorer(model: $0.model, parameters: $0.parameters, threads: threads, mixesOrders: $0.mixesOrders).nats(batch)
      })
  }

  /// The member that image `number` of a sample of `seed` is drawn from.
  package func choice(seed: UInt64, number: Int) -> Int {
    Philox(seed: seed, purpose: .mixture).below(members.count, at: UInt64(number))
  }

  /// The transformation that image `number` of a sample of `seed` is drawn under, of those of its member.
  package func order(seed: UInt64, number: Int, of member: Int) -> Int {
    let orders = members[member].orders
    return orders[Philox(seed: seed, purpose: .mixture, stream: 1).below(orders.count, at: UInt64(number))]
  }

  /// Draws what `request`, without given pixels or frames, asks for: image n is image n of the member drawn for it, in
  /// the order drawn for it. `progress` is that of ``Sampler``.
  public func sample(
    _ request: SamplingRequest, threads: Int, progress: @Sendable (_ rows: Int) -> Void = { _ in }
  ) -> SampledImages {
    precondition(request.given == nil && request.frames == 1, "a mixture draws whole images")
    let choices = (0..<request.count).map { choice(seed: request.seed, number: request.number(of: $0)) }
    let shape = members[0].model.configuration.shape
    var images = ImageBatch(
      shape: shape, count: request.count, levels: [UInt8](repeating: 0, count: request.count * shape.dimensions),
      classes: request.classes)
    for (index, member) in members.enumerated() where choices.contains(index) {
      let sampler = Sampler(model: member.model, parameters: member.parameters, threads: threads)
      for order in member.orders {
        let own = choices.indices.filter {
          choices[$0] == index
            && self.order(seed: request.seed, number: request.number(of: $0), of: index) == order
        }
        guard !own.isEmpty else { continue }
        var part = request
        part.count = own.count
        part.numbers = own.map { request.number(of: $0) }
        part.classes = request.classes.map { classes in own.map { classes[$0] } }
        part.transformation = order
        let drawn = sampler.sample(part, progress: progress).images
        let upright = member.model.configuration.augmentation?.transformBack(drawn, from: order) ?? drawn
        for (position, image) in own.enumerated() {
          let (from, to) = (position * shape.dimensions, image * shape.dimensions)
          images.levels.replaceSubrange(
            to..<to + shape.dimensions, with: upright.levels[from..<from + shape.dimensions])
        }
      }
    }
    return SampledImages(images: images, nats: nats(images, threads: threads))
  }
}
