// What the command shows of a model's graph, and the cells that it takes.
import Foundation
import Testing

@Suite struct GraphTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func text(_ path: String) throws -> String { String(decoding: try place.read(path), as: UTF8.self) }

  @Test func aGraphIsDrawnWithRepeatedBlocksOnce() throws {
    _ = try place.succeed("describe --blocks 3 --graph graph.svg")
    let drawn = try text("graph.svg")
    for words in [
      "7×7 mask A", "3×3 mask B", "blocks.0 to blocks.2: 3 times", "28×28×32, 800 weights", "3 up, 3 left, 3 right",
    ] {
      #expect(drawn.contains(words), "\(words)")
    }
    #expect(!drawn.contains("blocks.1.conv"))
    // A first and a last layer that differ from the others are drawn for themselves.
    _ = try place.succeed("describe --model gated-pixelcnn --blocks 5 --graph gated.svg")
    let gated = try text("gated.svg")
    #expect(gated.contains("layers.0.vertical") && gated.contains("layers.1 to layers.3: 3 times"))
    #expect(gated.contains("layers.4.link") && !gated.contains("layers.2.link"))
    _ = try place.succeed("describe --model mdrnn --blocks 1 --graph graph.PNG")
    #expect(try place.read("graph.PNG").starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(try place.fail("describe --graph graph.svg", 73).contains("graph.svg"))
    _ = try place.succeed("describe --graph graph.svg --force")
    #expect(try place.fail("describe --graph graph.jpg", 64).contains("--graph"))
  }

  @Test func aGRUIsTrainedGoneOnWithAndSampled() throws {
    _ = try place.succeed("draw images --count 30 --side 8")
    let model = "--model mdrnn --cell gru --width 4 --blocks 2 --residual pre --levels 2 --batch 9 --samples 0"
    _ = try place.succeed("train images \(model) --steps 6 --output whole")
    _ = try place.succeed("train images \(model) --steps 3 --schedule constant --output run")
    _ = try place.succeed("train --resume --output run --steps 6")
    _ = try place.succeed("train images \(model) --steps 6 --schedule constant --output straight")
    #expect(
      try place.read("run/step-00000006/model.safetensors") == place.read("straight/step-00000006/model.safetensors"))
    #expect(try text("run/config.toml").contains("cell = \"gru\""))
    _ = try place.succeed("train --config run/config.toml --output again")
    #expect(
      try place.read("again/step-00000006/model.safetensors") == place.read("straight/step-00000006/model.safetensors"))
    _ = try place.succeed("sample whole --count 2 --output drawn.png")
    _ = try place.succeed("gradients whole --jacobian --images images --output jacobian")
    // Where a cell makes no sense.
    #expect(try place.fail("train images --cell gru", 64).contains("--cell gru"))
    #expect(try place.fail("train images --model mdrnn --cell gru --activation relu", 64).contains("--activation relu"))
    #expect(try place.fail("train images --model mdrnn --cell lstm", 64).contains("--cell"))
    #expect(try place.fail("train --resume --output run --cell gru --steps 9", 64).contains("--cell"))
  }
}
