import Core
import Kernels
import Networks
import Testing
import TestSupport

@Suite struct CausalityTests {
  @Test(arguments: [(2, 5, 7), (16, 6, 4), (2, 1, 9), (3, 9, 1)])
  func noOutputSeesALaterPixel(levels: Int, height: Int, width: Int) {
    let configuration = ModelConfiguration(
      width: 8, blocks: 3, shape: ImageShape(height: height, width: width, channels: 1), levels: levels)
    let model = configuration.makeModel()
    let audit = CausalityAudit(model, parameters: randomParameters(model, scale: 0.5))
    #expect(audit.leak == nil)
    #expect(audit.pixels == height * width)
  }

  /// Both directions of the recurrences, on images that are not square: the direction from the right is where a row too
  /// few would leak the future.
  @Test(arguments: [(5, 7), (7, 4), (1, 6), (6, 1)], [ModelKind.mdrnn, .diagonalLSTM])
  func noRecurrenceSeesALaterPixel(size: (height: Int, width: Int), kind: ModelKind) {
    for directions in 1...2 {
      let configuration = recurrent(
        kind, width: 8, layers: 3, height: size.height, width: size.width, levels: 4, directions: directions)
      let model = configuration.makeModel()
      #expect(CausalityAudit(model, parameters: randomParameters(model, scale: 0.5)).leak == nil)
    }
  }

  /// Neither stack of a Gated PixelCNN: the vertical one would leak a row if it were not read one row lower.
  @Test(arguments: [(5, 7), (7, 4), (1, 6), (6, 1)], 1...3)
  func noStackSeesALaterPixel(size: (height: Int, width: Int), layers: Int) {
    let model = gated(width: 8, layers: layers, height: size.height, width: size.width, levels: 4).makeModel()
    #expect(CausalityAudit(model, parameters: randomParameters(model, scale: 0.5)).leak == nil)
  }

  /// All channels of a pixel come from one set of outputs, which sees none of them.
  @Test(arguments: ModelKind.allCases) func noOutputSeesItsOwnColour(kind: ModelKind) {
    let model = ModelConfiguration(
      model: kind, width: 8, blocks: 2, shape: ImageShape(height: 4, width: 5, channels: 3), levels: 8,
      likelihood: .logisticMixture
    ).makeModel()
    #expect(CausalityAudit(model, parameters: randomParameters(model, scale: 0.5)).leak == nil)
  }

  /// R sees neither itself nor G and B, G sees R, B sees both: by the audit, and in the other direction by what moves.
  @Test(arguments: ModelKind.allCases, [2, 3]) func coloursComeInOrder(kind: ModelKind, levels: Int) {
    let model = ModelConfiguration(
      model: kind, width: 12, blocks: 2, shape: ImageShape(height: 4, width: 5, channels: 3), levels: levels
    ).makeModel()
    let parameters = randomParameters(model, scale: 0.7)
    #expect(CausalityAudit(model, parameters: parameters).leak == nil)
    let (packed, workspace) = (model.packed(parameters), model.makeWorkspace(.evaluation))
    func logits(_ batch: ImageBatch) -> [[Float]] {
      workspace.forward(batch, images: 0..<1, packed: packed)
      let all = workspace.logits[0].features(2, 3)
      return (0..<3).map { Array(all[all.count / 3 * $0..<all.count / 3 * ($0 + 1)]) }
    }
    // In one image a unit may be shut.
    let images = (0..<4).map { randomBatch(model.configuration, count: 1, stream: UInt64($0)) }
    for channel in 0..<3 {
      for other in 0..<3 {
        let moved = images.contains {
          logits($0)[other] != logits($0.changing(pixel: 2 * 5 + 3, channel: channel, levels: levels))[other]
        }
        #expect(moved == (other > channel), "\(channel) to \(other)")
      }
    }
  }

  /// A model that does not mask its colours.
  @Test func aLeakOfColourIsFound() throws {
    let model = distorted(channels: 3) { y, x, c, shape in (y, x, shape.channels - 1 - c) }
    let leak = try #require(CausalityAudit(model, parameters: randomParameters(model, scale: 0.7)).leak)
    #expect(leak.output == leak.changed)
  }

  /// An audit that cannot fail proves nothing: here the network gets the image upside down.
  @Test func aLeakIsFound() throws {
    let model = distorted(channels: 1) { y, x, c, shape in (shape.height - 1 - y, x, c) }
    let audit = CausalityAudit(model, parameters: randomParameters(model, scale: 0.5))
    let leak = try #require(audit.leak)
    #expect(leak.output[0] < leak.changed[0])
  }

  /// What comes before does reach an output: the pixel to the left and the one above change it.
  @Test(arguments: ModelKind.allCases) func outputsSeeTheirContext(kind: ModelKind) {
    let configuration = ModelConfiguration(
      model: kind, width: 8, blocks: 4, shape: ImageShape(height: 6, width: 7, channels: 1), levels: 2)
    let model = configuration.makeModel()
    let packed = model.packed(randomParameters(model, scale: 0.5))
    let workspace = model.makeWorkspace(.evaluation)
    func logit(_ batch: ImageBatch) -> Float {
      workspace.forward(batch, images: 0..<1, packed: packed)
      return workspace.logits[0][4, 3, 0]
    }
    let base = randomBatch(configuration.shape, count: 1, levels: 2)
    for (y, x) in [(4, 2), (3, 3), (0, 0)] + (kind == .mdrnn ? [] : [(3, 4)]) {
      var changed = base
      changed[0, y, x, 0] = 1 - base[0, y, x, 0]
      #expect(logit(changed) != logit(base), "pixel \(y), \(x)")
    }
  }
}

/// A convolution and the head of a PixelCNN over an image whose values come from other positions than they should.
private func distorted(
  channels: Int, _ source: @escaping @Sendable (_ y: Int, _ x: Int, _ c: Int, _ shape: ImageShape) -> (Int, Int, Int)
) -> ImageModel {
  let configuration = ModelConfiguration(
    width: 12, blocks: 1, shape: ImageShape(height: 5, width: 7, channels: channels), levels: 2)
  return ImageModel(
    Graph(configuration) { g in
      let seen = g.stage("input", .convolution) { g in
        let distortion = DistortedImage(outputOrder: ChannelLayout(channels, .none(padded: true)), source: source)
        return g.convolution(
          "input", g.add(distortion, [g.image]), to: configuration.width, kernelSize: 7, mask: .a, pyTorch: "0")
      }
      return g.head(seen, pyTorch: "1")
    })
}

/// The image with its values in other positions.
private struct DistortedImage: Operation {
  let title = "distortion"
  let outputOrder: ChannelLayout
  /// Where the value of a position comes from.
  let source: @Sendable (_ y: Int, _ x: Int, _ c: Int, _ shape: ImageShape) -> (Int, Int, Int)

  func makeForward(_ maps: OperationMaps) -> any ForwardPass {
    let (image, output) = (maps.inputs[0], maps.output)
    let shape = ImageShape(height: image.height, width: image.width, channels: image.channels)
    return MapPass(output) { region in
      for y in region.rows {
        for x in region.columns {
          for c in 0..<shape.channels {
            let from = source(y, x, c, shape)
            output[y, x, c] = image[from.0, from.1, from.2]
          }
        }
      }
    }
  }

  func makeBackward(_ maps: OperationMaps, _ gradients: OperationGradients) -> any BackwardPass {
    BackwardPasses()
  }

  func jacobians(_ maps: OperationMaps, _ parameters: ParameterVector, _ shape: ImageShape) -> OperationJacobians {
    preconditionFailure("not asked for")
  }
}
