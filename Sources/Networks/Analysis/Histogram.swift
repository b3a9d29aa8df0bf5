// How numbers are spread, in buckets that grow by a tenth: what TensorBoard's histograms are made of.
import Kernels

/// Counts of numbers in buckets whose limits are 0 and ±10⁻¹²·1.1ᵏ up to 10²⁰, as TensorFlow chose them: fine enough for
/// any gradient to show its shape, whatever its scale. A bucket holds what is at or above the limit before it and below
/// its own. Nothing that is not finite is to be added.
public struct Histogram: Sendable, Equatable {
  /// Numbers.
  public private(set) var count = 0
  /// The smallest and the largest; 0 of no numbers.
  public private(set) var minimum = 0.0, maximum = 0.0
  /// Σ x
  public private(set) var sum = 0.0
  /// Σ x²
  public private(set) var squares = 0.0
  /// For each of the limits, what lies below it and not below the one before.
  private var counts = [Int](repeating: 0, count: 2 * Self.magnitudes.count + 2)

  /// Of no numbers.
  public init() {}

  /// Of `values`.
  public init(_ values: some Sequence<Float>) {
    self.init()
    for value in values { add(value) }
  }

  /// Adds one number.
  public mutating func add(_ value: Float) {
    let x = Double(value)
    (minimum, maximum) = count == 0 ? (x, x) : (min(minimum, x), max(maximum, x))
    count += 1
    sum += x
    squares += x * x
    let positives = Self.magnitudes.count
    let limits = Self.limits(below: value.magnitude)
    counts[value < 0 ? positives - limits : positives + 1 + limits] += 1
  }

  /// The buckets from the first that holds a number to the last, each up to its limit. Empty ones between are put together.
  public var buckets: [(limit: Double, count: Int)] {
    guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 }) else {
      return []
    }
    return (first...last).compactMap { position in
      counts[position] == 0 && counts[position + 1] == 0 ? nil : (Self.limit(position), counts[position])
    }
  }

  // MARK: - Limits

  /// The positive limits.
  private static let magnitudes: [Double] = {
    var limits: [Double] = []
    var limit = 1e-12
    while limit < 1e20 {
      limits.append(limit)
      limit *= 1.1
    }
    return limits
  }()

  /// The limit of a bucket: first the negative ones, then 0, the positive ones, and all that there is.
  private static func limit(_ position: Int) -> Double {
    let positives = magnitudes.count
    if position < positives { return -magnitudes[positives - 1 - position] }
    if position == positives { return 0 }
    return position - positives <= positives ? magnitudes[position - positives - 1] : .greatestFiniteMagnitude
  }

  /// The bits of a float that do not choose its entry of `starts`: exponent and five bits of the fraction do, so that the
  /// floats of an entry lie within 1/32 of each other, and there is one limit among them at most.
  private static let droppedBits: UInt32 = 18
  /// For each entry, the limits below all of its floats.
  private static let starts: [Int] = {
    var position = 0
    return (0..<UInt32(1) << (31 - droppedBits)).map { entry in
      let least = Double(Float(bitPattern: entry << droppedBits))
      while position < magnitudes.count && magnitudes[position] < least { position += 1 }
      return position
    }
  }()

  /// How many positive limits lie below `magnitude`, which is not negative; none is a float, so none lies at it. A look-up
  /// and one comparison; a search would cost several mispredicted branches.
  private static func limits(below magnitude: Float) -> Int {
    let start = starts[Int(magnitude.bitPattern >> droppedBits)]
    return start < magnitudes.count && magnitudes[start] < Double(magnitude) ? start + 1 : start
  }
}

/// How the elements of each layer's gradient are spread at one step: ∂(mean nats)/∂(its weights and biases), masked taps
/// left out, before anything was clipped.
public struct GradientHistograms: Sendable {
  /// Steps taken, this one included.
  public let step: Int
  /// The layers by their names in the checkpoint, in the order of the forward pass.
  public let layers: [(name: String, histogram: Histogram)]
}
