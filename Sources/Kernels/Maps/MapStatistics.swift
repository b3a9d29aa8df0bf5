// What the numbers of a map amount to: for watching activations and gradients.

/// Sums over many numbers, from which their root mean square, mean magnitude and maximum follow.
package struct MagnitudeSums: Sendable, Equatable {
  /// Numbers.
  package var count = 0
  /// Σ x²
  package var squares = 0.0
  /// Σ |x|
  package var magnitudes = 0.0
  /// max |x|
  package var maximum: Float = 0

  /// Of no numbers.
  package init() {}

  /// The root of the mean square; 0 of no numbers.
  package var rootMeanSquare: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }
  /// The mean magnitude; 0 of no numbers.
  package var mean: Double { count > 0 ? magnitudes / Double(count) : 0 }

  /// Adds the sums of other numbers.
  package mutating func add(_ other: MagnitudeSums) {
    count += other.count
    squares += other.squares
    magnitudes += other.magnitudes
    maximum = max(maximum, other.maximum)
  }

  /// Adds one number.
  package mutating func add(_ x: Float) {
    count += 1
    squares += Double(x) * Double(x)
    magnitudes += Double(abs(x))
    maximum = max(maximum, abs(x))
  }
}

/// The sums of a map's features, and what tells units that do nothing: for each channel its range, and how many
/// features lie at or beyond limits.
package struct MapStatistics: Sendable, Equatable {
  /// Over all features.
  package private(set) var sums = MagnitudeSums()
  /// For each channel the smallest and the largest feature.
  package private(set) var minima: [Float], maxima: [Float]
  /// Features that are 0, features at or below and at or above the limits of their channel.
  package private(set) var zeros = 0, low = 0, high = 0

  /// Of a map of `channels` features, none added yet.
  package init(channels: Int) {
    minima = [Float](repeating: .infinity, count: channels)
    maxima = [Float](repeating: -.infinity, count: channels)
  }

  /// Adds the first `images` of the `interleaved` images of `map`, whose channels lie in `order`. `limits` gives for each
  /// channel the values from which on a unit counts as low and as high; nil: none. Sums are taken in one order: by
  /// channels, rows, pixels.
  package mutating func add(
    _ map: FeatureMap, images: Int = 1, interleaved: Int = 1, order: ChannelLayout? = nil,
    limits: [ClosedRange<Float>]? = nil
  ) {
    let order = order ?? ChannelLayout(minima.count, .none(padded: true))
    precondition(
      order.channels == minima.count && order.stride == map.pixelStride,
      "statistics of \(minima.count) channels, a map of \(map.channels)")
    let perGroup = order.channels / order.groups
    for group in 0..<order.groups {
      for channel in stride(from: 0, to: perGroup, by: Lanes.count) {
        let first = group * perGroup + channel
        add(
          map, images, interleaved, position: order.position(first), first: first,
          lanes: min(Lanes.count, perGroup - channel),
          limits)
      }
    }
  }

  /// Adds up to sixteen channels, from `position` in the map and `first` in the statistics on.
  private mutating func add(
    _ map: FeatureMap, _ images: Int, _ interleaved: Int, position: Int, first: Int, lanes: Int,
    _ limits: [ClosedRange<Float>]?
  ) {
    let perImage = map.width / interleaved
    var (least, most) = (FloatVector(repeating: .infinity), FloatVector(repeating: -.infinity))
    var (lowest, highest) = (FloatVector(repeating: -.infinity), FloatVector(repeating: .infinity))
    if let limits {
      for lane in 0..<lanes {
        (lowest[lane], highest[lane]) = (limits[first + lane].lowerBound, limits[first + lane].upperBound)
      }
    }
    var (zeros, low, high) = (SIMD16<Int32>.zero, SIMD16<Int32>.zero, SIMD16<Int32>.zero)
    let one = SIMD16<Int32>(repeating: 1)
    for y in 0..<map.height {
      // In double precision: a square of what has all but vanished is no longer a float.
      var (squares, magnitudes) = (SIMD16<Double>.zero, SIMD16<Double>.zero)
      for x in 0..<perImage {
        for image in 0..<images {
          let value = load(map.pixel(y, x * interleaved + image), position)
          let magnitude = value.replacing(with: -value, where: value .< 0)
          let wide = SIMD16<Double>(magnitude)
          squares += wide * wide
          magnitudes += wide
          least = least.replacing(with: value, where: value .< least)
          most = most.replacing(with: value, where: value .> most)
          zeros.replace(with: zeros &+ one, where: value .== 0)
          low.replace(with: low &+ one, where: value .<= lowest)
          high.replace(with: high &+ one, where: value .>= highest)
        }
      }
      for lane in 0..<lanes {
        sums.squares += squares[lane]
        sums.magnitudes += magnitudes[lane]
      }
    }
    sums.count += lanes * map.height * perImage * images
    for lane in 0..<lanes {
      minima[first + lane] = min(minima[first + lane], least[lane])
      maxima[first + lane] = max(maxima[first + lane], most[lane])
      sums.maximum = max(sums.maximum, abs(least[lane]), abs(most[lane]))
      self.zeros += Int(zeros[lane])
      self.low += Int(low[lane])
      self.high += Int(high[lane])
    }
  }

  /// Adds the statistics of other maps of the same channels.
  package mutating func add(_ other: MapStatistics) {
    precondition(minima.count == other.minima.count, "statistics of different channels")
    sums.add(other.sums)
    for c in minima.indices {
      minima[c] = min(minima[c], other.minima[c])
      maxima[c] = max(maxima[c], other.maxima[c])
    }
    zeros += other.zeros
    low += other.low
    high += other.high
  }
}
