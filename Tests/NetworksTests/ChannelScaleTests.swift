import Core
import Kernels
import Networks
import Testing
import TestSupport

/// What every model gets from its graph, of a network with an operation that the library does not have: a PixelCNN whose
/// branches are scaled 1×1 convolutions.
@Suite struct ChannelScaleTests {
  private static func model(channels: Int = 1, fuses: Bool = true) -> ImageModel {
    let c = ModelConfiguration(
      width: 12, blocks: 2, shape: ImageShape(height: 4, width: 5, channels: channels), levels: 3)
    let graph = Graph(c) { g in
      var z = g.stage("input", .convolution) { g in
        g.convolution("input", g.image, to: c.width, kernelSize: 5, mask: .a, pyTorch: "0")
      }
      for n in 0..<c.blocks {
        z = g.stage("blocks.\(n)", .residual) { g in
          let branch = g.convolution("blocks.\(n).mix", g.activate(z, .tanh), to: c.width, pyTorch: "\(n + 1).mix")
          return g.sum(z, g.scale("blocks.\(n)", branch))
        }
      }
      return g.head(z, .tanh, pyTorch: "9")
    }
    return ImageModel(graph, fuses: fuses)
  }

  private func nats(_ model: ImageModel, _ parameters: ParameterVector, _ batch: ImageBatch) -> Double {
    Scorer(model: model, parameters: parameters, threads: 1).nats(batch).reduce(0, +) / Double(batch.count)
  }

  /// Central differences of every factor. The nats are sums of floats: a step of 1e-2 leaves some 1e-4 of noise.
  @Test(arguments: [1, 3]) func gradientsAreSlopes(channels: Int) throws {
    let model = Self.model(channels: channels)
    let parameters = randomParameters(model, scale: 0.5)
    let batch = randomBatch(model.configuration, count: 3)
    let gradient = ParameterVector(layout: model.layout)
    _ = BatchGradient(model: model, batchSize: 3, threads: 2).compute(batch, parameters: parameters, into: gradient)
    let slices = model.layout.slices.filter { $0.name.hasSuffix(".scale") || $0.name == "blocks.0.mix.weight" }
    #expect(slices.count == 3)
    var largest = 0.0
    for slice in slices {
      for i in slice.range where slice.live?[i - slice.offset] ?? true {
        let value = parameters.storage[i]
        func moved(_ step: Float) -> Double {
          parameters.storage[i] = value + step
          defer { parameters.storage[i] = value }
          return nats(model, parameters, batch)
        }
        let slope = (moved(0.01) - moved(-0.01)) / 0.02
        #expect(abs(slope - Double(gradient.storage[i])) < 2e-3 * max(1, abs(slope)), "\(slice.name) \(i)")
        largest = max(largest, abs(slope))
      }
    }
    #expect(largest > 0.1)
  }

  @Test func nothingLeaks() {
    for channels in [1, 3] {
      let model = Self.model(channels: channels)
      #expect(CausalityAudit(model, parameters: randomParameters(model, scale: 0.5)).leak == nil)
    }
  }

  /// Sampling pixel by pixel and scoring all at once agree to the bit, and fusing the rest of the graph changes none.
  @Test func samplesCostWhatTheScorerSays() {
    let (fused, apart) = (Self.model(), Self.model(fuses: false))
    let parameters = randomParameters(fused, scale: 0.5)
    let drawn = Sampler(model: fused, parameters: parameters, threads: 1).sample(SamplingRequest(count: 5, seed: 2))
    #expect(drawn.nats == Scorer(model: apart, parameters: parameters, threads: 1).nats(drawn.images))
    #expect(
      drawn == Sampler(model: apart, parameters: parameters, threads: 1).sample(SamplingRequest(count: 5, seed: 2)))
  }

  /// Bytes, costs and the chain of Jacobians follow from the graph.
  @Test func everythingElseIsDerived() throws {
    let model = Self.model()
    for purpose in [WorkspacePurpose.training(), .evaluation] {
      #expect(model.workspaceBytes(purpose) == model.makeWorkspace(purpose).byteCount)
    }
    let costs = model.layerCosts.filter { $0.kind == "scale" }
    #expect(costs.map(\.name) == ["blocks.0", "blocks.1"] && costs.allSatisfy { $0.parameterCount == 12 })
    let parameters = model.initialParameters(seed: 1)
    #expect(
      model.layout.slices.filter { $0.name.hasSuffix(".scale") }.allSatisfy {
        parameters[$0] == .init(repeating: 0.1, count: 12)
      })
    // A branch of small weights times 0.1: near the identity, which has singular values of 1.
    let link = try #require(
      model.jacobians(randomBatch(model.configuration, count: 1), image: 0, parameters: parameters)
        .first { $0.name == "blocks.0" && $0.isChainStage })
    let x = randomValues(link.jacobian.columns, stream: 5).map(Double.init)
    let y = link.jacobian.product(x)
    let distance = zip(x, y).map { ($0 - $1) * ($0 - $1) }.reduce(0, +).squareRoot()
    let length = x.map { $0 * $0 }.reduce(0, +).squareRoot()
    #expect(distance > 0 && distance < 0.1 * length)
  }
}
