// Where the channels of a pixel lie in a map, which is not always one after the other.

/// The order of a map's features. Where they come in groups, the gates of a cell or the halves of a gated unit, the
/// vectors of all groups are aligned.
package struct ChannelLayout: Sendable, Equatable {
  /// Channels, all groups together.
  package let channels: Int
  /// How the groups lie.
  package let grouping: Grouping

  /// Which groups there are.
  package enum Grouping: Sendable, Equatable {
    /// One group; the floats of a network's input are not rounded up to whole vectors.
    case none(padded: Bool)
    /// Group after group, each rounded up to whole vectors: the gates of a recurrent cell.
    case apart(Int)
    /// A vector of each group in turn: the halves of a `GatedUnit`.
    case interleaved(Int)
  }

  /// The order of `channels` channels; each group has as many.
  package init(_ channels: Int, _ grouping: Grouping) {
    self.channels = channels
    self.grouping = grouping
    precondition(channels % groups == 0, "\(channels) channels in \(groups) groups")
  }

  /// Groups.
  package var groups: Int {
    switch grouping {
    case .none: 1
    case .apart(let groups), .interleaved(let groups): groups
    }
  }

  /// Floats of a pixel.
  package var stride: Int { grouping == .none(padded: false) ? channels : groups * Lanes.roundUp(channels / groups) }

  /// Where channel `channel` lies in the pixel.
  package func position(_ channel: Int) -> Int {
    if case .none = grouping { return channel }
    let (group, feature) = channel.quotientAndRemainder(dividingBy: channels / groups)
    if case .apart = grouping { return group * (stride / groups) + feature }
    let (vector, lane) = feature.quotientAndRemainder(dividingBy: Lanes.count)
    return (vector * groups + group) * Lanes.count + lane
  }
}
