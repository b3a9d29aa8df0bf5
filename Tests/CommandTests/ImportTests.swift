// Weights from elsewhere: PyTorch's names are accepted, each tensor once, and nothing else.
import Core
import Foundation
import ImageData
import Kernels
import Networks
import Safetensors
import Testing
import TestSupport

@Suite struct ImportTests {
  private let place: Workplace
  private let shape = ImageShape(height: 4, width: 6, channels: 1)

  init() throws { place = try Workplace() }

  /// A PyTorch user's file of a PixelCNN of width 4 and one block, the masked taps left as they fell.
  private let tensors: [NamedTensor] = {
    let shapes: [(String, [Int])] = [
      ("0.weight", [4, 1, 7, 7]), ("0.bias", [4]), ("1.net.1.weight", [2, 4, 1, 1]), ("1.net.1.bias", [2]),
      ("1.net.3.weight", [2, 2, 3, 3]), ("1.net.3.bias", [2]), ("1.net.5.weight", [4, 2, 1, 1]),
      ("1.net.5.bias", [4]), ("2.1.weight", [4, 4, 1, 1]), ("2.1.bias", [4]), ("2.3.weight", [1, 4, 1, 1]),
      ("2.3.bias", [1]),
    ]
    return shapes.enumerated().map { place, tensor in
      let values = randomValues(tensor.1.reduce(1, *), stream: UInt64(place), scale: 0.5)
      return NamedTensor(name: tensor.0, shape: tensor.1, values: values)
    }
  }()

  private let options = "--model pixelcnn --width 4 --blocks 1 --levels 2 --size 6x4"

  private func write(_ tensors: [NamedTensor]) throws {
    try place.write(TensorArchive(tensors: tensors).serialized(), to: "weights.safetensors")
  }

  @Test func pyTorchNamesAreAccepted() throws {
    try write(tensors.reversed())
    let done = try place.succeed("import weights.safetensors \(options) --output deep/er/theirs")
    #expect(done.lines.count == 1 && done.messages == "")

    // An image of black and white pixels, scored under our names.
    let levels = randomBatch(shape, count: 1, levels: 2)
    let image = PNGImage(shape: shape, values: levels.levels.map { $0 * 255 })
    try place.write(image.encoded(), to: "images/a.png")
    let evaluation = try place.succeed("evaluate deep/er/theirs images --json")
    let report = try evaluation.json()
    let ours = [
      "0": "input", "1.net.1": "blocks.0.reduce", "1.net.3": "blocks.0.conv", "1.net.5": "blocks.0.expand",
      "2.1": "head.hidden", "2.3": "head.logits",
    ]
    let model = ImageModel(ModelConfiguration(width: 4, blocks: 1, shape: shape, levels: 2))
    let parameters = ParameterVector(layout: model.layout)
    for tensor in tensors {
      let parts = tensor.name.split(separator: ".")
      let name = try #require(ours[parts.dropLast().joined(separator: ".")]) + "." + parts[parts.count - 1]
      let slice = try #require(model.layout.slices.first { $0.name == name })
      parameters.storage.copy(tensor.values, at: slice.offset)
      for (i, live) in (slice.live ?? []).enumerated() where !live {
        parameters.storage[slice.offset + i] = 0
      }
    }
    let nats = Scorer(model: model, parameters: parameters, threads: 1).nats(levels)[0]
    // Typed, because Foundation's untyped reader of JSON is off by some ulp.
    struct Figures: Decodable { let natsPerImage: Double }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    #expect(try decoder.decode(Figures.self, from: Data(evaluation.output.utf8)).natsPerImage == nats)
    #expect(report["step"] as? Int == 0 && report["levels"] as? Int == 2)
    let sample = try place.succeed("sample deep/er/theirs --count 2 --columns 2")
    #expect(sample.output.contains("2 images of 6×4×1"))
    #expect(
      try place.fail("train images --resume --output deep/er/theirs", 65).contains("a checkpoint to resume"))
  }

  /// Every option that decides what the tensors are: here a mixture in colour.
  @Test func aColourMixtureIsAccepted() throws {
    let shape = ImageShape(height: 3, width: 4, channels: 3)
    let configuration = ModelConfiguration(
      model: .gatedPixelCNN, width: 4, blocks: 2, shape: shape, levels: 8, likelihood: .logisticMixture, mixtures: 2)
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    try write(
      model.layout.slices.map {
        NamedTensor(name: model.pyTorchNames[$0.name] ?? $0.name, shape: $0.shape, values: Array(parameters[$0]))
      })
    let shared = "--model gated-pixelcnn --width 4 --blocks 2 --levels 8 --size 4x3 --output theirs"
    #expect(
      try place.fail("import weights.safetensors \(shared) --channels 2", 64).contains("--channels: expected 1 or 3"))
    _ = try place.succeed(
      "import weights.safetensors \(shared) --channels 3 --likelihood logistic-mixture --mixtures 2")
    let batch = randomBatch(shape, count: 1, levels: 8)
    // The middle of the 32 values that become a level.
    try place.write(PNGImage(shape: shape, values: batch.levels.map { $0 * 32 + 16 }).encoded(), to: "images/a.png")
    let report = try place.succeed("evaluate theirs images --json").json()
    let nats = Scorer(model: model, parameters: parameters, threads: 1).nats(batch)[0]
    #expect(abs(try #require(report["nats_per_image"] as? Double) - nats) < 1e-9 * nats)
  }

  /// Every family, conditioned on classes, under PyTorch's names and under those of a checkpoint: the same scores.
  @Test(arguments: ModelKind.allCases)
  func classesAndBothNamesAreAccepted(kind: ModelKind) throws {
    let isRecurrent = [.mdrnn, .diagonalLSTM].contains(kind)
    let configuration = ModelConfiguration(
      model: kind, width: 4, blocks: 2, shape: shape, levels: 2, directions: isRecurrent ? 2 : nil,
      classNames: ["b", "a"])
    let model = configuration.makeModel()
    let parameters = randomParameters(model, scale: 0.5)
    // Named by hand: what a class adds lies in the layer's own module.
    let expected: [ModelKind: Set<String>] = [
      .pixelCNN: ["0.cond.weight", "1.net.3.cond.weight", "2.net.3.cond.weight"],
      .pixelSNAIL: ["0.cond.weight", "1.net.3.cond.weight", "2.net.3.cond.weight"],
      .linearRNN: ["0.cond.weight", "1.l.cond.weight", "2.l.cond.weight"],
      .gatedPixelCNN: Set((0..<2).flatMap { ["layers.\($0).v.cond.weight", "layers.\($0).h.cond.weight"] }),
      .mdrnn: Set((1...2).flatMap { ["\($0).l.i.cond.weight", "\($0).r.i.cond.weight"] }),
      .diagonalLSTM: Set(["0.cond.weight"] + (1...2).flatMap { ["\($0).l.i.cond.weight", "\($0).r.i.cond.weight"] }),
    ]
    #expect(Set(model.pyTorchNames.values.filter { $0.contains("cond") }) == expected[kind])
    func tensors(_ names: [String: String]) -> [NamedTensor] {
      model.layout.slices.map {
        NamedTensor(name: names[$0.name] ?? $0.name, shape: $0.shape, values: Array(parameters[$0]))
      }
    }
    let batch = randomBatch(configuration, count: 2)
    let classes = try #require(batch.classes)
    for n in 0..<2 {
      let levels = batch.levels[n * shape.dimensions..<(n + 1) * shape.dimensions]
      try place.write(
        PNGImage(shape: shape, values: levels.map { $0 * 255 }).encoded(),
        to: "images/\(["b", "a"][classes[n]])/\(n).png")
    }
    let nats = Scorer(model: model, parameters: parameters, threads: 1).nats(batch)
    var options = "--model \(kind.rawValue) --width 4 --blocks 2 --levels 2 --size 6x4"
    if isRecurrent { options += " --directions 2" }
    for (output, names) in [("theirs", model.pyTorchNames), ("ours", [:])] {
      try write(tensors(names))
      _ = try place.succeed("import weights.safetensors \(options) --classes b,a --output \(output)")
      let report = try place.succeed("evaluate \(output) images --json").json()
      let mean = try #require(report["nats_per_image"] as? Double)
      #expect(abs(mean - nats.reduce(0, +) / 2) < 1e-9 * mean)
    }
    // Without its classes, or with others, it is another model.
    #expect(
      try place.fail("import weights.safetensors \(options) --output none", 65).contains("not used: ")
    )
    #expect(
      try place.fail("import weights.safetensors \(options) --classes b,a,c --output none", 65)
        .contains(".class.weight of shape ["))
    #expect(
      try place.fail("import weights.safetensors \(options) --classes b,,a --output none", 64)
        .contains("--classes: expected names with commas between them, found \"b,,a\""))
    #expect(
      try place.fail("import weights.safetensors \(options) --classes b,b --output none", 64)
        .contains("each name once, found b, b"))
  }

  /// Finite weights that give no finite score: no figure is printed.
  @Test func aScoreThatIsNotFiniteIs76() throws {
    try write(
      tensors.map { tensor in
        let isHidden = tensor.name.hasPrefix("2.1.")
        return NamedTensor(
          name: tensor.name, shape: tensor.shape, values: tensor.values.map { isHidden ? 3e38 : abs($0) + 1 })
      })
    _ = try place.succeed("import weights.safetensors \(options) --output theirs")
    try place.drawGrey("images/a.png", width: 6, height: 4)
    #expect(
      try place.fail("evaluate theirs images --json", 76)
        .contains("images/a.png: expected a finite log-likelihood"))
  }

  @Test func missingAndUnusedTensorsAreNamed() throws {
    try write(Array(tensors.dropLast(2)) + [NamedTensor(name: "3.extra", shape: [1], values: [0])])
    let message = try place.fail("import weights.safetensors \(options) --output theirs", 65)
    #expect(message.contains("weights.safetensors: expected the tensors of the model, each once"))
    #expect(message.contains("missing: 2.3.bias, 2.3.weight; not used: 3.extra"), "\(message)")
    // Our own names are not PyTorch's.
    try write(
      [NamedTensor(name: "input.weight", shape: [4, 1, 7, 7], values: tensors[0].values)]
        + tensors.dropFirst())
    #expect(
      try place.fail("import weights.safetensors \(options) --output theirs", 65)
        .contains("missing: 0.weight; not used: input.weight"))
    #expect(!place.names(".").contains("theirs"))
  }

  @Test func whatDoesNotFitIsRefused() throws {
    try write(tensors)
    let wide = options.replacingOccurrences(of: "--width 4", with: "--width 6")
    #expect(
      try place.fail("import weights.safetensors \(wide) --output theirs", 65)
        .contains("0.weight of shape [6, 1, 7, 7], found shape [4, 1, 7, 7]"))
    try place.write(Array("torch".utf8), to: "weights.safetensors")
    #expect(
      try place.fail("import weights.safetensors \(options) --output theirs", 65).contains(
        "weights.safetensors"))
    #expect(
      try place.fail("import none.safetensors \(options) --output theirs", 65).contains("none.safetensors"))
    try write(tensors)
    _ = try place.succeed("import weights.safetensors \(options) --output theirs")
    #expect(try place.fail("import weights.safetensors \(options) --output theirs", 73).contains("theirs"))
  }
}
