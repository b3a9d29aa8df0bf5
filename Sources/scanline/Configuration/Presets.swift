// Published configurations by name, with the figures that they are meant to reach.
import ArgumentParser
import ImageData
import Networks
import Training

/// A configuration from a paper or project, as far as options can say it. What it leaves nil keeps the default.
struct Preset: Encodable {
  /// The name that `train --preset` takes.
  let name: String
  /// The figure as published: on which data, in which unit.
  let reaches: String
  let source: String
  /// What of it cannot be said here, or is not stated there.
  let departures: String
  let model: ModelKind
  let width: Int, blocks: Int, levels: Int
  var binarization: Binarization?
  var channels = 1
  var batch: Int?
  var learningRate: Float?
  var decay: Double?
  var epochs: Double?
  var optimizer: MatrixOptimizer?
  var minutes: Double?

  /// The options of `train` that say the same.
  var options: String {
    var words = ["--model \(model.rawValue) --width \(width) --blocks \(blocks) --levels \(levels)"]
    if let binarization { words.append("--binarize \(binarization.rawValue)") }
    words.append("--channels \(channels)")
    if let batch { words.append("--batch \(batch)") }
    if let learningRate { words.append("--learning-rate \(learningRate)") }
    if let decay { words.append("--schedule exponential --decay \(decay)") }
    if let epochs { words.append("--epochs \(Int(epochs))") }
    if let optimizer { words.append("--optimizer \(optimizer.rawValue)") }
    if let minutes { words.append("--minutes \(Int(minutes))") }
    return words.joined(separator: " ")
  }

  static let all: [Preset] = [
    Preset(
      name: "pixelcnn-mnist", reaches: "81.45 nats, test, dynamically binarized MNIST", source: pytorchGenerative,
      departures: "there every block adds its input twice and the head is 32 wide whatever the network",
      model: .pixelCNN, width: 32, blocks: 15, levels: 2, binarization: .dynamic, batch: 256, learningRate: 1e-3,
      decay: 0.999_977, epochs: 457),
    Preset(
      name: "gated-mnist", reaches: "81.50 nats, test, dynamically binarized MNIST", source: pytorchGenerative,
      departures:
        "there the first layer's kernel is 7 wide, the vertical stack has a 1×1 shortcut, the head reads skip "
        + "outputs and is 32 wide; here the first layer counts among the 11",
      model: .gatedPixelCNN, width: 128, blocks: 11, levels: 2, binarization: .dynamic, batch: 128, learningRate: 1e-3,
      decay: 0.9999, epochs: 457),
    Preset(
      name: "diagonal-lstm-mnist", reaches: "79.20 nats, test, binarized MNIST (fixed)", source: pixelRNN,
      departures: "7 layers, h = 16; RMSProp there, Adam here; learning rate and length are not stated",
      model: .diagonalLSTM, width: 32, blocks: 7, levels: 2, binarization: .fixed, batch: 16),
    Preset(
      name: "diagonal-lstm-mnist-1", reaches: "80.75 nats, test, binarized MNIST (fixed)", source: pixelRNN,
      departures: "1 layer, h = 32; RMSProp there, Adam here; learning rate and length are not stated",
      model: .diagonalLSTM, width: 64, blocks: 1, levels: 2, binarization: .fixed, batch: 16),
    Preset(
      name: "pixelcnn-cifar10", reaches: "3.14 bits per dimension, test, CIFAR-10", source: pixelRNN,
      departures:
        "15 layers, h = 128; RMSProp there, Adam here; the head is 1024 wide there; learning rate and length are "
        + "not stated",
      model: .pixelCNN, width: 256, blocks: 15, levels: 256, channels: 3, batch: 16),
    Preset(
      name: "diagonal-lstm-cifar10", reaches: "3.00 bits per dimension, test, CIFAR-10", source: pixelRNN,
      departures:
        "12 layers, h = 128; RMSProp there, Adam here; the head is 1024 wide there; learning rate and length are "
        + "not stated",
      model: .diagonalLSTM, width: 256, blocks: 12, levels: 256, channels: 3, batch: 16),
    Preset(
      name: "gated-cifar10", reaches: "3.03 bits per dimension, test, CIFAR-10", source: gatedPixelCNN,
      departures: "20 layers of 384 features are those of the paper's 32×32 ImageNet: for CIFAR-10 no size is known to "
        + "us; kernels are 5 wide there, 2×3 and 1×2 here; optimizer settings are not stated",
      model: .gatedPixelCNN, width: 384, blocks: 20, levels: 256, channels: 3, batch: 128),
    Preset(
      name: "bilstm-mnist-20", reaches: "79.69 nats, 10,000 held-out images, binarized MNIST (fixed), in 20 minutes",
      source: "Scanline's own lab book (Recipes): two cores of a Xeon with AVX-512, 2026",
      departures: "the clock decides how many steps it takes: 32,337 there",
      model: .diagonalLSTM, width: 64, blocks: 2, levels: 2, batch: 16, optimizer: .muon, minutes: 20),
  ]

  private static let pixelRNN = "van den Oord, Kalchbrenner and Kavukcuoglu, “Pixel Recurrent Neural Networks”, 2016"
  private static let gatedPixelCNN =
    "van den Oord et al., “Conditional Image Generation with PixelCNN Decoders”, 2016"
  private static let pytorchGenerative =
    "EugenHotaj/pytorch-generative (github.com), table of results and training scripts"

  /// The preset called `name`. Throws a usage error where there is none.
  static func named(_ name: String) throws -> Preset {
    guard let preset = all.first(where: { $0.name == name }) else {
      let names = all.map(\.name)
      throw ValidationError(
        "--preset: none is called “\(name)”\(suggestion(for: name, among: names)); they are \(names.joined(separator: ", "))."
      )
    }
    return preset
  }
}

extension TrainCommand {
  /// Takes from `preset` whatever the user left unsaid.
  mutating func fill(from preset: Preset) {
    // A width, a likelihood or a schedule of one family says nothing about another.
    let isSameModel = model.model == nil || model.model == preset.model
    model.model = model.model ?? preset.model
    if isSameModel {
      model.width = model.width ?? preset.width
      model.blocks = model.blocks ?? preset.blocks
    }
    if quantization.levels == nil || quantization.levels == preset.levels {
      quantization.levels = preset.levels
      quantization.binarize = quantization.binarize ?? preset.binarization
    }
    images.channels = images.channels ?? preset.channels
    training.batch = training.batch ?? preset.batch
    training.learningRate = training.learningRate ?? preset.learningRate
    if let decay = preset.decay, training.schedule == nil {
      training.schedule = .exponential
      training.decay = training.decay ?? decay
    }
    training.optimizer = training.optimizer ?? preset.optimizer
    if training.steps == nil, training.epochs == nil, training.minutes == nil {
      (training.epochs, training.minutes) = (preset.epochs, preset.minutes)
    }
  }
}

struct PresetsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "presets",
    abstract: "List the configurations that `train --preset` knows.",
    discussion: """
      Figures are those that were published, and most took long on a GPU; ours say so. Options given beside --preset take the \
      place of its own.

      Example:
        scanline train mnist --preset pixelcnn-mnist --minutes 30
      """)

  @Flag(help: "One JSON object instead of text.") var json = false

  func run() throws {
    if json { return try printJSON(["presets": Preset.all]) }
    print(
      Preset.all.map { preset in
        """
        \(preset.name)
          reaches  \(preset.reaches)
          from     \(preset.source)
          options  \(preset.options)
          but      \(preset.departures)
        """
      }.joined(separator: "\n\n"))
  }
}
