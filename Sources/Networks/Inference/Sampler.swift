// Images drawn from a model, pixel by pixel.
import Core

/// What is to be drawn.
public struct SamplingRequest: Sendable {
  /// How many images.
  public var count: Int
  /// The seed of the draws: image n depends on it and on n alone.
  public var seed: UInt64
  /// The number of each image in place of its position: what its draws depend on; nil: the position.
  package var numbers: [Int]?
  /// What logits are divided by: below 1 the likely becomes likelier.
  public var temperature: Float
  /// The share of probability, above 0, whose likeliest levels alone are drawn from, at the temperature; 1: all.
  public var topP: Float
  /// The class of each image, where the model depends on it.
  public var classes: [Int]?
  /// The number of the transformation that the images are drawn under: they come as it makes them.
  package var transformation = 0
  /// Pixels that are not drawn; nil: all are.
  public var given: GivenPixels?
  /// How often the images so far are reported while they fill in, 1 or more: after each `frames`-th part of the pixels.
  /// Above 1 all images advance together, each with its own memory.
  public var frames: Int

  /// A request; see the properties.
  public init(
    count: Int, seed: UInt64, temperature: Float = 1, topP: Float = 1, classes: [Int]? = nil, given: GivenPixels? = nil,
    frames: Int = 1
  ) {
    precondition(count > 0 && frames > 0 && temperature > 0, "images, frames and temperature are positive")
    precondition(topP > 0 && topP <= 1, "a share of probability of \(topP)")
    precondition(classes.map { $0.count == count } ?? true, "a class for each of \(count) images")
    precondition(given.map { $0.images.count == count } ?? true, "given pixels for each of \(count) images")
    self.count = count
    self.seed = seed
    self.temperature = temperature
    self.topP = topP
    self.classes = classes
    self.given = given
    self.frames = frames
  }

  /// The number of the image at `position`.
  func number(of position: Int) -> Int { numbers?[position] ?? position }
}

/// Pixels that are known beforehand: where `mask` (H·W, by rows) is true, those of `images`.
public struct GivenPixels: Sendable {
  /// N images.
  public let images: ImageBatch
  /// Which of their pixels stay.
  public let mask: [Bool]

  /// The pixels of `images` at `mask`.
  public init(_ images: ImageBatch, mask: [Bool]) {
    precondition(mask.count == images.shape.pixels, "a mask of \(mask.count) for images of \(images.shape)")
    self.images = images
    self.mask = mask
  }

  /// Given pixels that come after a drawn one in a model's `order`: what is drawn before them does not see them. Where there
  /// are none, the images are exact draws given these pixels.
  public func unseenCount(in order: RasterOrder) -> Int {
    let mask = turned(to: order).mask
    guard let firstDrawn = mask.firstIndex(of: false) else { return 0 }
    return mask[firstDrawn...].count { $0 }
  }

  /// The same as a network of `order` reads them.
  func turned(to order: RasterOrder) -> GivenPixels {
    let pixels = ImageShape(height: images.shape.height, width: images.shape.width, channels: 1)
    return GivenPixels(order.turn(images), mask: order.turn(mask, pixels))
  }
}

/// Images and what they cost.
public struct SampledImages: Sendable, Equatable {
  /// The images.
  public internal(set) var images: ImageBatch
  /// −log p of each in nats, all pixels included, at temperature 1: the bits that `Scorer` gives.
  public internal(set) var nats: [Double]
}

/// Draws images in raster order, many together; see `IncrementalForward`. Which images run together changes no bit.
public final class Sampler {
  /// Images that run together at most. More rows in a product than this gain nothing, and cost memory.
  public static let mostTogether = 64

  private let model: ImageModel
  private let packed: PackedParameters
  private let threads: Int

  /// A sampler of `model` with `parameters`.
  public init(model: ImageModel, parameters: ParameterVector, threads: Int) {
    self.model = model
    self.threads = threads
    packed = model.packed(parameters)
  }

  /// Draws what `request` asks for. `progress` is told how many rows of pixels of all images have been drawn since it
  /// was last called, from any thread; `frame` gets the images so far, pixels not yet drawn being 0, and how many pixels
  /// of each are drawn.
  public func sample(
    _ request: SamplingRequest, progress: @Sendable (_ rows: Int) -> Void = { _ in },
    frame: (_ images: ImageBatch, _ pixels: Int) -> Void = { _, _ in }
  ) -> SampledImages {
    let (shape, order) = (model.configuration.shape, model.configuration.order)
    var request = request
    request.given = request.given?.turned(to: order)
    let groups = Self.groups(request.count, threads: threads)
    let together = groups[0].count
    let makesFrames = request.frames > 1
    // Where images advance together, each group keeps its memory; otherwise each thread does.
    let runners = (0..<(makesFrames ? groups.count : min(threads, groups.count)))
      .map { _ in model.makeIncrementalForward(images: together) }
    let drawings = groups.map { [request] images in Drawing(images: images, request, model) }
    func collect() -> SampledImages {
      SampledImages(
        images: order.turnBack(
          ImageBatch(
            shape: shape, count: request.count, levels: drawings.flatMap { $0.result }, classes: request.classes)),
        nats: drawings.flatMap { $0.nats })
    }
    for part in 1...request.frames {
      let pixels = shape.pixels * (part - 1) / request.frames..<shape.pixels * part / request.frames
      parallelFor(groups.count, threads: threads) { group, worker in
        drawings[group].draw(
          pixels, with: runners[makesFrames ? group : worker], packed: packed, progress: progress)
      }
      if makesFrames { frame(collect().images, pixels.upperBound) }
    }
    return collect()
  }

  /// Bytes of the activations while `count` images are drawn.
  public static func byteCount(of model: ImageModel, count: Int, threads: Int) -> Int {
    let groups = groups(count, threads: threads)
    return min(threads, groups.count) * model.samplingBytes(images: groups[0].count)
  }

  /// The images that run together: as many for each thread, all groups of one size but the last.
  package static func groups(_ count: Int, threads: Int) -> [Range<Int>] {
    let rounds = (count + threads * mostTogether - 1) / (threads * mostTogether)
    let size = (count + rounds * threads - 1) / (rounds * threads)
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }
}

/// A group of images while they are drawn. Only one thread at a time has it.
private final class Drawing: @unchecked Sendable {
  private(set) var result: [UInt8]
  private(set) var nats: [Double]
  private let images: Range<Int>
  private let shape: ImageShape
  private let request: SamplingRequest
  private let likelihood: any Likelihood
  private let streams: [Philox]
  private let channelsApart: Bool

  init(images: Range<Int>, _ request: SamplingRequest, _ model: ImageModel) {
    self.images = images
    self.request = request
    shape = model.configuration.shape
    likelihood = model.likelihood
    channelsApart = model.configuration.isChannelAutoregressive
    result = [UInt8](repeating: 0, count: images.count * shape.dimensions)
    nats = [Double](repeating: 0, count: images.count)
    streams = images.map { Philox(seed: request.seed, purpose: .sampling, stream: UInt64(request.number(of: $0))) }
  }

  func draw(
    _ pixels: Range<Int>, with runner: IncrementalForward, packed: PackedParameters,
    progress: @Sendable (_ rows: Int) -> Void
  ) {
    // The runner may have room for one image more; its pixels stay black and nobody looks at them.
    var levels = [UInt8](repeating: 0, count: runner.images * shape.channels)
    var uniforms = UniformNumbers(streams)
    var costs = [Float](repeating: 0, count: runner.images)
    if pixels.lowerBound == 0 {
      runner.begin(
        classes: request.classes.map { Array($0[images]) },
        transformations: [Int](repeating: request.transformation, count: images.count))
    }
    for pixel in pixels {
      let (y, x) = pixel.quotientAndRemainder(dividingBy: shape.width)
      let positions = runner.positions(x)
      if channelsApart { for position in levels.indices { levels[position] = 0 } }
      for c in 0..<shape.channels {
        if c == 0 || channelsApart { runner.run(y: y, x: x, packed: packed) }
        if let given = request.given, given.mask[pixel] {
          for (n, image) in images.enumerated() { levels[n * shape.channels + c] = given.images[image, y, x, c] }
        } else {
          likelihood.draw(
            logits: runner.logits, y: 0, positions: positions, channel: c, temperature: request.temperature,
            topP: request.topP, uniforms: uniforms.next(at: pixel * shape.channels + c, count: runner.images),
            into: &levels)
        }
        likelihood.costs(logits: runner.logits, y: 0, positions: positions, channel: c, levels: levels, into: &costs)
        for n in nats.indices {
          nats[n] += Double(costs[n])
          result[n * shape.dimensions + pixel * shape.channels + c] = levels[n * shape.channels + c]
        }
        if channelsApart || c == shape.channels - 1 { runner.set(y: y, x: x, levels: levels) }
      }
      if x == shape.width - 1 { progress(images.count) }
    }
  }
}

/// A uniform number for each image at an index, which grows: four come of one block of the generator.
private struct UniformNumbers {
  private let streams: [Philox]
  private var blocks: [SIMD4<UInt32>]
  private var blockIndex = -1
  private var numbers: [Float] = []

  init(_ streams: [Philox]) {
    self.streams = streams
    blocks = [SIMD4<UInt32>](repeating: .zero, count: streams.count)
  }

  /// The numbers at `index`, as `Philox.uniform(at:)` gives them, filled up with zeros to `count`.
  mutating func next(at index: Int, count: Int) -> [Float] {
    if index >> 2 != blockIndex {
      blockIndex = index >> 2
      for n in streams.indices { blocks[n] = streams[n].four(at: UInt64(blockIndex)) }
    }
    if numbers.count != count { numbers = [Float](repeating: 0, count: count) }
    for n in streams.indices { numbers[n] = Philox.uniform(blocks[n][index & 3]) }
    return numbers
  }
}
