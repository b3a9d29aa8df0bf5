// Dropout in a network: where features are left out while it trains, and by which random numbers.
import Kernels

/// The dropout of one workspace: what each layer's branch hands to its last step, thinned out. Nothing of it is part of
/// a model: evaluation and sampling know none.
public final class Dropout {
  /// Features thinned out: those of `source` that are kept, scaled, are in `target`, which is `source` where nothing is
  /// dropped.
  struct Layer {
    let source: FeatureMap
    let target: FeatureMap
    let mask: DropoutMask?
  }

  private let share: Double
  private let images: Int
  private var masks: [DropoutMask] = []

  /// Dropout of `share`, from 0 to below 1, in maps of `images` interleaved images; nil where nothing is dropped.
  init?(share: Double, images: Int) {
    guard share > 0 else { return nil }
    self.share = share
    self.images = images
  }

  /// Thins out `map`, whose layer is the next in the order of the calls.
  func layer(_ map: FeatureMap, _ maker: MapMaker) -> Layer {
    let mask = DropoutMask(like: map, share: share)
    masks.append(mask)
    maker.count(bytes: mask.byteCount)
    return Layer(source: map, target: maker.map(map.channels), mask: mask)
  }

  /// Draws all masks for `range` of a batch, one image beside the other. What an image loses depends on `random`, its
  /// place in the batch and the layer: not on who computes it.
  public func draw(_ random: Philox, images range: Range<Int>) {
    for (layer, mask) in masks.enumerated() {
      let counters = mask.countersPerImage(of: images)
      for (place, image) in range.enumerated() {
        mask.draw(random, start: UInt64(image * masks.count + layer) * counters, image: place, of: images)
      }
    }
  }
}

extension Dropout? {
  /// As `Dropout.layer`; nothing is thinned out where there is no dropout.
  func layer(_ map: FeatureMap, _ maker: MapMaker) -> Dropout.Layer {
    self?.layer(map, maker) ?? Dropout.Layer(source: map, target: map, mask: nil)
  }
}

extension Dropout.Layer {
  /// From `source` to `target`.
  var forward: [ForwardStep] { mask.map { [.dropout($0, source, to: target)] } ?? [] }

  /// The gradient with respect to `target` becomes that with respect to `source`, in its place. It may have been
  /// multiplied by a slope before: both are diagonal.
  func backward(_ gradient: FeatureMap) -> [BackwardStep] { mask.map { [.dropout($0, gradient)] } ?? [] }
}
