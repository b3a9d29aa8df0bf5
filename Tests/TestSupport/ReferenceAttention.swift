// Positions and causal attention once more, in double precision and plain loops, for the references of the families that have
// them.
import Core
import Kernels
import Networks

extension ReferenceModel {
  /// The blocks that a layer of attention follows, in the order of their numbers.
  private static func blocks(_ configuration: ModelConfiguration) -> [Int] {
    let (count, blocks) = (configuration.family.choices.attention ?? 0, configuration.blocks)
    return (0..<count).map { blocks == 1 ? 0 : ($0 + 1) * blocks / (count + 1) }
  }

  /// Adds the vectors of row and column where there is attention.
  func addPosition(_ configuration: ModelConfiguration, _ stream: inout [[Double]]) {
    guard let rows = tensors["position.rows"], let columns = tensors["position.columns"] else { return }
    let (width, channels) = (configuration.shape.width, stream[0].count)
    for p in stream.indices {
      for k in 0..<channels { stream[p][k] += rows[p / width * channels + k] + columns[p % width * channels + k] }
    }
  }

  /// Whether attention follows block `block`.
  func isFollowedByAttention(_ configuration: ModelConfiguration, _ block: Int) -> Bool {
    Self.blocks(configuration).contains(block)
  }

  /// The layers of attention that follow block `block`, of the levels `pixels`, 0 … 1.
  func attend(_ configuration: ModelConfiguration, after block: Int, _ stream: inout [[Double]], _ pixels: [[Double]]) {
    for (number, own) in Self.blocks(configuration).enumerated() where own == block {
      let name = "attention.\(number)"
      let heads = configuration.isChannelAutoregressive ? 3 : 2
      var queries = stream.map { affine(name + ".query", $0) }
      var memory = zip(stream, pixels).map { features, pixel in
        zip(affine(name + ".memory", features), affine(name + ".pixel", pixel)).map { $0 + $1 }
      }
      for p in stream.indices {
        probe?.change(name + ".query", p * queries[p].count, &queries[p])
        probe?.change(name + ".memory", p * memory[p].count, &memory[p])
        probe?.record(name + ".query", queries[p])
        probe?.record(name + ".memory", memory[p])
      }
      let (keys, values) = (queries[0].count, memory[0].count - queries[0].count)
      let (key, value) = (keys / heads, values / heads)
      for p in stream.indices {
        var output = [Double](repeating: 0, count: values)
        for head in 0..<heads where p > 0 {
          let weights = (0..<p).map { q in
            exponentialOf(
              (0..<key).reduce(0) { $0 + queries[p][head * key + $1] * memory[q][head * key + $1] }
                / Double(key).squareRoot())
          }
          let sum = weights.reduce(0, +)
          for e in 0..<value {
            output[head * value + e] = (0..<p).reduce(0) {
              $0 + weights[$1] / sum * memory[$1][keys + head * value + e]
            }
          }
        }
        // The stream changes for later layers alone.
        stream[p] = zip(stream[p], affine(name + ".output", output)).map { $0 + $1 }
      }
      for p in stream.indices {
        probe?.change(name + ".output", p * stream[p].count, &stream[p])
        probe?.record(name + ".output", stream[p])
      }
    }
  }
}
