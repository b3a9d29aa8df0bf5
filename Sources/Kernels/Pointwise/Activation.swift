// Nonlinearities as passes over a map, where no convolution applies them to its sums on the way.

/// A nonlinearity whose derivative follows from its output alone.
public enum Activation: String, Sendable, Codable, CaseIterable {
  /// max(z, 0): derivative 0 or 1.
  case relu
  /// Derivative 1 − h²: it need not vanish.
  case tanh
  /// Derivative h(1 − h) ≤ 1/4: it vanishes along a chain.
  case sigmoid
}

/// target = φ(source) in `region`; the two may be one map.
package func activate(_ source: FeatureMap, by activation: Activation, to target: FeatureMap, in region: MapRegion) {
  switch activation {
  case .relu: transform(source, source, to: target, region) { z, _ in OneVector(lanes: z).relu().lanes }
  case .tanh: transform(source, source, to: target, region) { z, _ in hyperbolicTangent(z) }
  case .sigmoid: transform(source, source, to: target, region) { z, _ in logistic(z) }
  }
}

/// target = gradient ⊙ φ′ in `region`, where `saved` is what φ gave; `target` may be `gradient`.
package func multiplyBySlope(
  _ gradient: FeatureMap, of activation: Activation, saved: FeatureMap, to target: FeatureMap, in region: MapRegion
) {
  switch activation {
  case .relu:
    transform(gradient, saved, to: target, region) { g, h in
      OneVector(lanes: g).masked(wherePositive: OneVector(lanes: h)).lanes
    }
  case .tanh: transform(gradient, saved, to: target, region) { g, h in g * (1 - h * h) }
  case .sigmoid: transform(gradient, saved, to: target, region) { g, h in g * (h * (1 - h)) }
  }
}

@inline(__always)
private func transform(
  _ a: FeatureMap, _ b: FeatureMap, to target: FeatureMap, _ region: MapRegion,
  _ body: (FloatVector, FloatVector) -> FloatVector
) {
  checkSizes(a, b, target, region)
  let (first, count) = (region.columns.lowerBound, region.columns.count * target.pixelStride)
  for y in region.rows {
    let (p, q, t) = (a.pixel(y, first), b.pixel(y, first), target.pixel(y, first))
    var i = 0
    while i < count {
      store(body(load(p, i), load(q, i)), t, i)
      i &+= Lanes.count
    }
  }
}
