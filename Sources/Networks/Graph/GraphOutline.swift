// A graph in words: what one draws, or prints, of it.
import Core

/// The operations that a model's logits depend on, each in words.
package struct GraphOutline: Sendable {
  /// One operation.
  package struct Operation: Sendable, Equatable {
    /// What it does: "3×3 mask B".
    package let title: String
    /// The layer or layers whose tensors it owns; "" where it has none.
    package let layers: String
    /// Channels of its output.
    package let channels: Int
    /// Learned parameters.
    package let weights: Int
    /// Which pixels of its input it reads.
    package let reach: String
    /// The operations that it reads, by their positions in the list.
    package let inputs: [Int]
    /// The stage that it belongs to, by its position.
    package let stage: Int
  }

  /// The shape of the images.
  package let shape: ImageShape
  /// In the order of the forward pass, the image first.
  package let operations: [Operation]
  /// Names of stages: "input", "blocks.0", …
  package let stages: [String]
}

extension ImageModel {
  /// The model's operations; dropout, which is no part of a model, is left out.
  package var outline: GraphOutline {
    let living = graph.living.union([0]).filter { !(graph.nodes[$0].operation is DropoutOperation) }.sorted()
    let positions = Dictionary(uniqueKeysWithValues: living.enumerated().map { ($1, $0) })
    let shape = configuration.shape
    return GraphOutline(
      shape: shape,
      operations: living.map { number in
        let node = graph.nodes[number]
        return GraphOutline.Operation(
          title: node.operation.title, layers: node.operation.layers.map(\.name).joined(separator: ", "),
          channels: node.operation.outputOrder.channels,
          weights: node.operation.costs(shape).reduce(0) { $0 + $1.parameterCount },
          reach: node.inputs.isEmpty
            ? "" : node.operation.reach(ofLayer: max(0, node.operation.layers.count - 1)).words,
          inputs: node.inputs.compactMap { positions[graph.source($0)] }, stage: number == 0 ? -1 : node.stage)
      }, stages: graph.stages.map(\.name))
  }
}

extension Reach {
  /// "5 pixels, 1 up, 1 to each side".
  fileprivate var words: String {
    switch self {
    case .recurrence(let directions, _):
      return directions == 1 ? "reads all above and to the left" : "reads all above, and all to the left"
    case .scan(let flipped, _): return flipped ? "reads all above and to the right" : "reads all above and to the left"
    case .before: return "reads all before"
    case .window(let window) where window == .pointwise: return ""
    case .window(let window):
      let border = window.border
      let sides = [
        border.top > 0 ? "\(border.top) up" : nil, border.left > 0 ? "\(border.left) left" : nil,
        border.right > 0 ? "\(border.right) right" : nil,
      ].compactMap { $0 }
      return "reads \(window.taps) \(window.taps == 1 ? "pixel" : "pixels"): " + sides.joined(separator: ", ")
    }
  }
}
