// What flows from the data to the networks.

/// Images as levels: whole numbers 0..<L, laid out N×H×W×C.
public struct ImageBatch: Sendable, Equatable {
  /// The shape of each image.
  public let shape: ImageShape
  /// N
  public let count: Int
  /// N·H·W·C levels.
  public var levels: [UInt8]
  /// The number of each image's class; nil where they have none.
  public var classes: [Int]?
  /// The number of the transformation that made each image, where the network is to be told; nil: all are as they were.
  package var transformations: [Int]?

  /// A batch of `count` images; `levels` has N·H·W·C elements, `classes` N.
  public init(shape: ImageShape, count: Int, levels: [UInt8], classes: [Int]? = nil) {
    precondition(levels.count == count * shape.dimensions, "\(levels.count) levels for \(count) images of \(shape)")
    precondition(classes.map { $0.count == count } ?? true, "a class for each of \(count) images")
    self.shape = shape
    self.count = count
    self.levels = levels
    self.classes = classes
  }

  /// `count` images of level 0.
  public init(shape: ImageShape, count: Int) {
    self.init(shape: shape, count: count, levels: [UInt8](repeating: 0, count: count * shape.dimensions))
  }

  /// `count` images of levels drawn evenly from 0..<`levels`: noise to test and to measure with.
  package init(noise random: Philox, shape: ImageShape, count: Int, levels: Int) {
    self.init(
      shape: shape, count: count,
      levels: (0..<count * shape.dimensions).map { UInt8(random.below(levels, at: UInt64($0))) })
  }

  /// The same image with every channel of one pixel, or one of them, moved half of all levels on.
  public func changing(pixel: Int, channel: Int? = nil, levels: Int) -> ImageBatch {
    precondition(count == 1 && pixel >= 0 && pixel < shape.pixels, "pixel \(pixel) of one image")
    var changed = self
    for c in pixel * shape.channels..<(pixel + 1) * shape.channels
    where channel.map({ pixel * shape.channels + $0 == c }) ?? true {
      changed.levels[c] = UInt8((Int(self.levels[c]) + levels / 2) % levels)
    }
    return changed
  }

  /// The level of channel `c` of pixel (`y`, `x`) of `image`.
  @inlinable
  public subscript(image: Int, y: Int, x: Int, c: Int) -> UInt8 {
    get { levels[((image * shape.height + y) * shape.width + x) * shape.channels + c] }
    set { levels[((image * shape.height + y) * shape.width + x) * shape.channels + c] = newValue }
  }
}
