// The size of a gradient, layer by layer, before anything is done to it.
import Core
import Kernels
import Networks

/// The magnitude of each slice of a gradient, and of the whole. Masked taps are exactly zero and are not counted.
package struct GradientNorms: Sendable {
  /// One for each slice of the layout, in its order.
  package let slices: [Magnitude]
  /// The slices' names and numbers of live elements.
  private let layout: ParameterLayout

  /// Measures `gradient`, slices side by side on `threads` threads. Each sum has a fixed order.
  package init(_ gradient: ParameterVector, threads: Int) {
    layout = gradient.layout
    let layout = gradient.layout
    var slices = [Magnitude?](repeating: nil, count: layout.slices.count)
    slices.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let slices = buffer
      parallelFor(layout.slices.count, threads: threads) { index, _ in
        slices[index] = Magnitude(gradient.storage, range: layout.slices[index].range)
      }
    }
    self.slices = slices.compactMap { $0 }
  }

  /// The Euclidean norm over all parameters.
  package var global: Double { slices.reduce(0) { $0 + $1.sumOfSquares }.squareRoot() }

  /// The name of the first tensor whose gradient has an element that is not finite.
  package var firstNotFinite: String? {
    zip(layout.slices, slices).first { !$1.isFinite }?.0.name
  }

  /// The name of the last such tensor. The backward pass runs against the layout's order and carries what is not
  /// finite on to every layer before, so where the loss was finite this is the layer it began in.
  package var lastNotFinite: String? {
    slices.lastIndex { !$0.isFinite }.map { layout.slices[$0].name }
  }

  /// Root mean square of slice `index` over its live elements.
  package func rms(_ index: Int) -> Double {
    (slices[index].sumOfSquares / Double(max(1, layout.slices[index].liveCount))).squareRoot()
  }
}
