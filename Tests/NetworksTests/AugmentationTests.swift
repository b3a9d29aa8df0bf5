import Core
import Foundation
import Networks
import TestSupport
import Testing

@Suite struct AugmentationTests {
  private let all = Augmentation(flip: true, verticalFlip: true, transpose: true, shift: 1)
  private let shape = ImageShape(height: 3, width: 3, channels: 1)

  /// A model of 3×3 bits, with parameters that let every feature count.
  private func model(_ augmentation: Augmentation?, classes: [String]? = nil) -> ImageModel {
    ModelConfiguration(
      model: .gatedPixelCNN, width: 8, blocks: 1, shape: shape, levels: 2, augmentation: augmentation,
      classNames: classes
    ).makeModel()
  }

  /// All 512 images of 3×3 bits.
  private var everyImage: ImageBatch {
    ImageBatch(
      shape: shape, count: 512, levels: (0..<512).flatMap { image in (0..<9).map { UInt8(image >> $0 & 1) } })
  }

  /// The sum of the probabilities.
  private func total(_ nats: [Double]) -> Double { nats.reduce(0) { $0 + exponentialOf(-$1) } }

  /// The number of a transformation: mirrors, transposition and the ways of two shifts (0, −1, 1).
  private func number(flip: Int = 0, vertical: Int = 0, transpose: Int = 0, x: Int = 0, y: Int = 0) -> Int {
    (((flip * 2 + vertical) * 2 + transpose) * 3 + x) * 3 + y
  }

  /// Numbered pixels of three channels, and where each is to be found, written by hand.
  @Test func pixelsMoveAsSaid() {
    let numbered = ImageBatch(
      shape: ImageShape(height: 3, width: 3, channels: 3), count: 1, levels: (0..<27).map { UInt8($0) })
    let expected: [Int: [Int]] = [
      number(): [0, 1, 2, 3, 4, 5, 6, 7, 8],
      number(flip: 1): [2, 1, 0, 5, 4, 3, 8, 7, 6],
      number(vertical: 1): [6, 7, 8, 3, 4, 5, 0, 1, 2],
      number(transpose: 1): [0, 3, 6, 1, 4, 7, 2, 5, 8],
      number(flip: 1, transpose: 1): [6, 3, 0, 7, 4, 1, 8, 5, 2],
      number(x: 2): [0, 0, 1, 3, 3, 4, 6, 6, 7],
      number(y: 1): [3, 4, 5, 6, 7, 8, 6, 7, 8],
      number(vertical: 1, x: 1, y: 2): [7, 8, 8, 7, 8, 8, 4, 5, 5],
    ]
    for (number, pixels) in expected {
      let moved = all.transform(numbered, by: [number])
      let levels = pixels.flatMap { pixel in (0..<3).map { channel in UInt8(3 * pixel + channel) } }
      #expect(moved.levels == levels, "\(number)")
      #expect(moved.transformations == [number])
    }
    #expect(all.count == 72 && all.description == "flip,vertical-flip,transpose,shift:1")
  }

  /// Told of any transformation, the network has a density over all images; and so has x ↦ p(t(x) | t) where t loses
  /// nothing.
  @Test func eachIsADensity() {
    let model = model(all, classes: ["a", "b"])
    let scorer = Scorer(model: model, parameters: randomParameters(model, scale: 0.9), threads: 2)
    var images = everyImage
    images.classes = [Int](repeating: 1, count: 512)
    let identity = scorer.nats(images)
    #expect(abs(total(identity) - 1) < 1e-5)
    var different: Set<Double> = []
    for number in [0, 1, 5, 9, 17, 36, 71] {
      images.transformations = [Int](repeating: number, count: 512)
      let nats = scorer.nats(images)
      #expect(abs(total(nats) - 1) < 1e-5)
      #expect((nats == identity) == (number == 0))
      different.insert(nats[300])
    }
    #expect(different.count == 7, "each transformation is another condition")
    #expect(model.configuration.orders == [0, 9, 18, 27, 36, 45, 54, 63])
    for order in model.configuration.orders {
      let turned = all.transform(images, by: [Int](repeating: order, count: 512))
      let distinct = Set((0..<512).map { image in Array(turned.levels[image * 9..<(image + 1) * 9]) })
      #expect(distinct.count == 512)
      #expect(abs(total(scorer.nats(turned)) - 1) < 1e-5)
    }
  }

  /// Under the identity the network is the one that was never told, to the last bit.
  @Test func theIdentityAddsNothing() {
    let (told, plain) = (model(all), model(nil))
    let parameters = randomParameters(told, scale: 0.9)
    let own = ParameterVector(layout: plain.layout)
    for slice in plain.layout.slices {
      guard let same = told.layout.slices.first(where: { $0.name == slice.name }) else { continue }
      own.storage.copy(parameters[same], at: slice.offset)
    }
    #expect(told.layout.slices.count == plain.layout.slices.count + 2)
    #expect(
      Scorer(model: told, parameters: parameters, threads: 1).nats(everyImage)
        == Scorer(model: plain, parameters: own, threads: 1).nats(everyImage))
    // They begin at zero: told or not, nothing differs yet.
    let fresh = told.initialParameters(seed: 3)
    for slice in told.layout.slices where slice.name.hasSuffix("augment.weight") {
      #expect(slice.shape == [16, 7] && fresh[slice].allSatisfy { $0 == 0 })
    }
  }

  /// Each of 18 transformations comes as often as the others, within five standard errors (σ ≈ 13 of 3,000 draws), and
  /// what an image gets depends on its place in the batch and the stream alone.
  @Test func drawsAreEvenAndOwn() throws {
    let augmentation = try Augmentation(parsing: "shift:1,flip")
    let random = Philox(seed: 1, purpose: .augmentation, stream: 4)
    let images = randomBatch(shape, count: 3_000, levels: 2)
    let drawn = augmentation.draw(images, random)
    let numbers = try #require(drawn.transformations)
    for number in 0..<18 { #expect(abs(numbers.count { $0 == number } - 167) < 65, "\(number)") }
    #expect(drawn == augmentation.transform(images, by: numbers))
    let few = augmentation.draw(randomBatch(shape, count: 10, levels: 2, stream: 9), random)
    #expect(few.transformations == Array(numbers.prefix(10)))
    let other = augmentation.draw(images, Philox(seed: 1, purpose: .augmentation, stream: 5))
    #expect(other.transformations != numbers)
  }

  @Test(arguments: [
    ("flip,flip", "twice"), ("shift:1,shift:2", "twice"), ("shift", "N from 1"), ("shift:0", "N from 1"),
    ("shift:x", "N from 1"), ("shift:99999999999999999999", "N from 1"), ("flip:2", "parts of"), ("", "parts of"),
    ("flip,", "parts of"), ("mirror", "parts of"), ("noise:0.1", "changes values"), ("brightness", "changes values"),
    ("crop", "loses"), ("rotate:10", "quarter turns"), ("scale", "new values"), ("mixup", "mixes"),
  ])
  func whatCannotBeSaysWhy(text: String, why: String) {
    let error = #expect(throws: ScanlineError.self) { try Augmentation(parsing: text) }
    #expect(error?.kind == .usage && error?.path == "`augmentation`")
    #expect(error?.description.contains(why) == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [
    ("transpose", 4, 5, 0, "square images"), ("shift:2", 4, 8, 0, "half of either side"),
    ("shift:31", 70, 70, 2, "combinations"), ("flip,vertical-flip,transpose,shift:11", 40, 40, 0, "combinations"),
  ])
  func modelsRefuseWhatDoesNotFit(text: String, height: Int, width: Int, classes: Int, why: String) throws {
    let configuration = ModelConfiguration(
      width: 4, blocks: 0, shape: ImageShape(height: height, width: width, channels: 1), levels: 2,
      augmentation: try Augmentation(parsing: text), classNames: classes > 0 ? (0..<classes).map { "\($0)" } : nil)
    let error = #expect(throws: ScanlineError.self) { try configuration.validate(path: "test") }
    #expect(error?.description.contains(why) == true, "\(error?.description ?? "")")
  }

  /// In a state it is a word, and where there is none nothing is written.
  @Test func aStateSaysIt() throws {
    var configuration = ModelConfiguration(
      width: 4, blocks: 0, shape: ImageShape(height: 9, width: 9, channels: 1), levels: 2,
      augmentation: Augmentation(transpose: true, shift: 3))
    let text = String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
    #expect(text.contains("\"augmentation\":\"transpose,shift:3\""))
    #expect(try JSONDecoder().decode(ModelConfiguration.self, from: Data(text.utf8)) == configuration)
    configuration.augmentation = nil
    #expect(!String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self).contains("augmentation"))
  }
}
