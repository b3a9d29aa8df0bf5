// tanh ⊙ σ, the gated activation unit: how a convolution ends in it, and its gradient.

/// y = tanh(a) ⊙ σ(b), the gated activation unit of van den Oord et al., "Conditional Image Generation with PixelCNN
/// Decoders" (2016), equation 2. The pre-activations of k features lie in a map of 2k, vector by vector: sixteen a, then
/// the sixteen b of the same features. So both halves of a feature lie side by side; the map of the outputs is half as
/// wide.
enum GatedUnit {
  /// tanh(a) and σ(b) of the pre-activations at `sums`.
  @inline(__always)
  static func gates(_ sums: UnsafeMutablePointer<Float>) -> (tanh: FloatVector, sigmoid: FloatVector) {
    (hyperbolicTangent(load(sums, 0)), logistic(load(sums, Lanes.count)))
  }

  /// ∂/∂a = y′ σ (1 − tanh²) and ∂/∂b = y′ tanh σ (1 − σ), side by side at `gradient`.
  @inline(__always)
  static func storeGradient(
    _ slope: FloatVector, _ t: FloatVector, _ s: FloatVector, _ gradient: UnsafeMutablePointer<Float>
  ) {
    store(slope * s * (1 - t * t), gradient, 0)
    store(slope * t * (s * (1 - s)), gradient, Lanes.count)
  }
}

/// gates = tanh and σ of `sums`, both in the order of a gated unit's halves.
package func computeGates(_ sums: FeatureMap, to gates: FeatureMap) {
  checkSizes(sums, gates, gates, MapRegion(allOf: gates))
  for y in 0..<gates.height {
    for x in 0..<gates.width {
      for position in stride(from: 0, to: gates.pixelStride, by: 2 * Lanes.count) {
        let (t, s) = GatedUnit.gates(sums.pixel(y, x) + position)
        store(t, gates.pixel(y, x), position)
        store(s, gates.pixel(y, x), position + Lanes.count)
      }
    }
  }
}

/// output = tanh ⊙ σ of `sums`' halves in `region`: the unit where no convolution ends in it.
package func applyGatedUnit(_ sums: FeatureMap, to output: FeatureMap, in region: MapRegion) {
  checkGatedSizes(sums, output, region)
  for y in region.rows {
    for x in region.columns {
      let (source, target) = (sums.pixel(y, x), output.pixel(y, x))
      for position in stride(from: 0, to: output.pixelStride, by: Lanes.count) {
        let (t, s) = GatedUnit.gates(source + 2 * position)
        store(t * s, target, position)
      }
    }
  }
}

/// gradient = that of the pre-activations in `region`, where `given` is that of the unit's output; with `adds`, gradient +=
/// it. `inner` holds the pre-activations, or tanh and σ of them where they `areGates`.
package func gatedUnitGradient(
  _ given: FeatureMap, of inner: FeatureMap, areGates: Bool, to gradient: FeatureMap, adds: Bool, in region: MapRegion
) {
  checkGatedSizes(inner, given, region)
  checkGatedSizes(gradient, given, region)
  for y in region.rows {
    for x in region.columns {
      let (slopes, source, target) = (given.pixel(y, x), inner.pixel(y, x), gradient.pixel(y, x))
      for position in stride(from: 0, to: given.pixelStride, by: Lanes.count) {
        let (t, s) =
          areGates
          ? (load(source, 2 * position), load(source, 2 * position + Lanes.count))
          : GatedUnit.gates(source + 2 * position)
        let (first, second) = (target + 2 * position, target + 2 * position + Lanes.count)
        let before = adds ? (load(first, 0), load(second, 0)) : (.zero, .zero)
        GatedUnit.storeGradient(load(slopes, position), t, s, first)
        if adds {
          store(before.0 + load(first, 0), first, 0)
          store(before.1 + load(second, 0), second, 0)
        }
      }
    }
  }
}

private func checkGatedSizes(_ halves: FeatureMap, _ units: FeatureMap, _ region: MapRegion) {
  checkSizes(units, units, units, region)
  precondition(
    halves.height == units.height && halves.width == units.width && halves.pixelStride == 2 * units.pixelStride,
    "maps of different sizes")
}

// A convolution stores its sums, and a loop over each row of pixels then goes on from the first cache: inlined into every
// row of every tile tanh and σ would be several thousand instructions, and spill the tile.

/// output = tanh ⊙ σ of the sums.
enum GateFinish: RowFinish {
  static func finish(_ row: FinishedRow) {
    row.forEachPixel { sums, output in
      for position in stride(from: 0, to: row.strides.first, by: 2 * Lanes.count) {
        let (t, s) = GatedUnit.gates(sums + position)
        store(t * s, output, position &>> 1)
      }
    }
  }
}

/// The same, with tanh and σ kept in place of the sums.
enum KeptGateFinish: RowFinish {
  static func finish(_ row: FinishedRow) {
    row.forEachPixel { gates, output in
      for position in stride(from: 0, to: row.strides.first, by: 2 * Lanes.count) {
        let (t, s) = GatedUnit.gates(gates + position)
        store(t, gates, position)
        store(s, gates, position + Lanes.count)
        store(t * s, output, position &>> 1)
      }
    }
  }
}

/// Sums of the gradient of a unit's outputs, at the positions in the gradient of its pre-activations where the finish
/// looks for them: both halves' room is twice the outputs'.
enum UnitGradientEpilogue: Epilogue {
  @inline(__always) static func floats(_ columns: Int) -> Int { 2 &* columns }

  @inline(__always) static func finish<G: VectorGroup>(
    _ sum: G, _: UnsafeMutablePointer<Float>, _ gradient: UnsafeMutablePointer<Float>
  ) {
    sum.forEachVector { offset, slope in store(slope.lanes, gradient, 2 &* offset) }
  }
}

/// The gradient of the pre-activations, from tanh and σ of them.
enum GateGradientFinish: RowFinish {
  static func finish(_ row: FinishedRow) {
    row.forEachPixel { gates, gradient in
      for position in stride(from: 0, to: row.strides.second, by: 2 * Lanes.count) {
        GatedUnit.storeGradient(
          load(gradient, position), load(gates, position), load(gates, position + Lanes.count), gradient + position)
      }
    }
  }
}

/// The gradient of the pre-activations, from themselves.
enum SumGateGradientFinish: RowFinish {
  static func finish(_ row: FinishedRow) {
    row.forEachPixel { sums, gradient in
      for position in stride(from: 0, to: row.strides.second, by: 2 * Lanes.count) {
        let (t, s) = GatedUnit.gates(sums + position)
        GatedUnit.storeGradient(load(gradient, position), t, s, gradient + position)
      }
    }
  }
}
