// What checkpoints say of models: the same, and read the same, whatever the code calls it.
import Core
import Foundation
import Kernels
import Networks
import TestSupport
import Testing

@Suite struct FamilyTests {
  private static let shape = ImageShape(height: 5, width: 4, channels: 1)

  /// A configuration of each family as the first versions wrote it, its last choice not the usual one.
  static let written: [(json: String, configuration: ModelConfiguration)] = [
    (
      text(#""activation":"tanh","blocks":2,"directions":1"#, "pixelcnn", "post"),
      ModelConfiguration(width: 8, blocks: 2, shape: shape, levels: 2, activation: .tanh, residual: .post)
    ),
    (
      text(#""activation":"tanh","blocks":2,"directions":1"#, "gated-pixelcnn", "pre"),
      ModelConfiguration(model: .gatedPixelCNN, width: 8, blocks: 2, shape: shape, levels: 2)
    ),
    (
      text(#""activation":"sigmoid","blocks":2,"directions":2"#, "mdrnn", "pre"),
      ModelConfiguration(
        model: .mdrnn, width: 8, blocks: 2, shape: shape, levels: 2, activation: .sigmoid, residual: .pre, directions: 2
      )
    ),
    (
      text(#""activation":"tanh","blocks":2,"cell":"gru","directions":1"#, "mdrnn", "none"),
      ModelConfiguration(model: .mdrnn, width: 8, blocks: 2, shape: shape, levels: 2, cell: .gru)
    ),
    (
      text(#""activation":"tanh","blocks":2,"directions":1"#, "diagonal-lstm", "pre"),
      ModelConfiguration(model: .diagonalLSTM, width: 8, blocks: 2, shape: shape, levels: 2, directions: 1)
    ),
  ]

  private static func text(_ first: String, _ model: String, _ residual: String) -> String {
    "{\(first)," + #""initialization":"uniform","levels":2,"likelihood":"bernoulli","model":"\#(model)","#
      + #""residual":"\#(residual)","shape":{"channels":1,"height":5,"width":4},"width":8}"#
  }

  private func read(_ json: String) throws -> ModelConfiguration {
    let configuration = try JSONDecoder().decode(ModelConfiguration.self, from: Data(json.utf8))
    try configuration.validate(path: "state.json")
    return configuration
  }

  @Test(arguments: written) func checkpointsAreReadAndWrittenAsEver(json: String, configuration: ModelConfiguration)
    throws
  {
    #expect(try read(json) == configuration)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(String(decoding: try encoder.encode(configuration), as: UTF8.self) == json)
    for (other, _) in Self.written where other != json { #expect(try read(other) != configuration) }
  }

  /// What only other families have, with a value other than this one's.
  @Test(arguments: [
    (0, #""directions":1"#, #""directions":2"#, "`directions` 1 of a pixelcnn"),
    (0, #""blocks""#, #""cell":"gru","blocks""#, "no `cell` of a pixelcnn"),
    (1, #""activation":"tanh""#, #""activation":"relu""#, "`activation` tanh of a gated-pixelcnn"),
    (1, #""residual":"pre""#, #""residual":"none""#, "`residual` pre of a gated-pixelcnn"),
    (1, #""directions":1"#, #""directions":2"#, "`directions` 1 of a gated-pixelcnn"),
    (2, #""residual":"pre""#, #""residual":"post""#, "`residual` none or pre of an mdrnn"),
    (2, #""directions":2"#, #""directions":3"#, "1 or 2 directions"),
    (3, #""activation":"tanh""#, #""activation":"relu""#, "no activation besides those of a gru"),
    (4, #""activation":"tanh""#, #""activation":"sigmoid""#, "`activation` tanh of a diagonal-lstm"),
    (4, #""residual":"pre""#, #""residual":"post""#, "`residual` pre of a diagonal-lstm"),
    (4, #""blocks""#, #""cell":"gru","blocks""#, "no `cell` of a diagonal-lstm"),
  ])
  func choicesOfOtherFamiliesAreRefused(family: Int, old: String, new: String, expected: String) {
    let json = Self.written[family].json
    #expect(json.contains(old))
    let error = #expect(throws: ScanlineError.self) { _ = try read(json.replacing(old, with: new)) }
    #expect(error?.expected == expected && error?.path == "state.json")
  }

  @Test(arguments: 0..<written.count, ["activation", "residual", "directions"])
  func whatIsNotSaidIsRefused(family: Int, key: String) {
    let json = Self.written[family].json
    #expect(throws: (any Error).self) { _ = try read(json.replacing("\"\(key)\"", with: "\"other\"")) }
  }
}
