// Dropout in a network: by which random numbers features are left out while it trains.
import Core
import Kernels

/// The dropout of one workspace: a mask for each layer that thins out its features. Nothing of it is part of a model:
/// evaluation and sampling know none.
package final class Dropout {
  private let masks: [DropoutMask]
  private let images: Int

  /// Dropout by `masks`, in the order of the graph, of maps of `images` interleaved images.
  init(_ masks: [DropoutMask], images: Int) {
    self.masks = masks
    self.images = images
  }

  /// Draws all masks for `range` of a batch, one image beside the other. What an image loses depends on `random`, its
  /// position in the batch and the layer: not on who computes it.
  package func draw(_ random: Philox, images range: Range<Int>) {
    for (layer, mask) in masks.enumerated() {
      let counters = mask.countersPerImage(of: images)
      for (position, image) in range.enumerated() {
        mask.draw(random, start: UInt64(image * masks.count + layer) * counters, image: position, of: images)
      }
    }
  }
}
