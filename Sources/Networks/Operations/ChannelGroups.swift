// R before G before B: which features of a pixel may see which.
import Kernels

/// Where the channels of a pixel are drawn one after the other, each from its own softmax, the features of every layer
/// come in as many groups, the first for the first channel and so on. At the pixel itself group o sees group g of the
/// layer before only where g < o (mask A, on the image) or g ≤ o (mask B); other pixels, which come earlier, are seen by
/// all groups (van den Oord et al., "Pixel Recurrent Neural Networks", 2016, section 3.4).
struct ChannelGroups: Sendable, Equatable {
  /// Groups; 1 where nothing is masked.
  let groups: Int

  /// No groups: grey images, or channels that are drawn from one set of outputs.
  static let none = ChannelGroups(groups: 1)

  private init(groups: Int) { self.groups = groups }

  /// The groups of `configuration`'s layers.
  init(_ configuration: ModelConfiguration) {
    self.init(groups: configuration.isChannelAutoregressive ? configuration.shape.channels : 1)
  }

  /// Whether output `output` may see input `input` of the same pixel.
  func allows(_ input: Int, of inputs: ChannelLayout, to output: Int, of outputs: ChannelLayout, _ mask: Mask) -> Bool {
    let (g, o) = (group(input, inputs), group(output, outputs))
    return groups == 1 ? mask == .b : mask == .a ? g < o : g <= o
  }

  /// The group of a channel; the gates of a cell, or the halves of a unit, are each split.
  private func group(_ channel: Int, _ order: ChannelLayout) -> Int {
    let features = order.channels / order.groups
    return channel % features * groups / features
  }
}
