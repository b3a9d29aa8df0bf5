// `scanline import`: weights trained elsewhere, as a checkpoint.
import ArgumentParser
import Core
import ImageData
import Networks
import Safetensors
import Training

struct ImportCommand: ParsableCommand, LeavesFiles {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Make a checkpoint of weights that PyTorch saved as safetensors.",
    discussion: """
      The file must hold the tensors of the textbook module, each once, under PyTorch's names (0.weight, \
      1.net.1.weight and so on) or under those of a checkpoint (input.weight and so on); the README lists them. Width, blocks, \
      classes and so on must be those of the module: nothing in the file says them.

      Examples:
        scanline import weights.safetensors --width 32 --blocks 15 --levels 2 \\
          --output Checkpoints/theirs
        scanline import digits.safetensors --model gated-pixelcnn --width 32 \\
          --blocks 8 --levels 2 --classes 0,1,2,3,4,5,6,7,8,9 \\
          --output Checkpoints/imported
      """)

  @Argument(help: "The safetensors file.", completion: .file(extensions: ["safetensors"])) var file: String
  @Option(help: "Model family.") var model: ModelKind = .pixelCNN
  @Option(help: "Features of the residual stream.") var width: Int
  @Option(help: "Residual blocks or layers.") var blocks: Int
  @Option(help: "bernoulli, categorical or logistic-mixture (default: categorical, bernoulli for 2 levels).")
  var likelihood: LikelihoodKind?
  @Option(help: "Of a logistic-mixture: how many logistics (default: 10).") var mixtures: Int?
  @OptionGroup var layers: LayerOptions
  @Option(help: "The order of pixels: see `train`.") var order = RasterOrder.rows
  @Option(
    help: ArgumentHelp("What the network was told of: see `train`.", valueName: "flip,vertical-flip,transpose,shift:N"))
  var augment: String?
  @Option(help: "Of a class-conditional model: the classes' folder names, in the order of their numbers, with commas.")
  var classes: String?
  @Option(help: "Channels of the images: 1, grey, or 3, RGB.") var channels = 1
  @Option(help: ArgumentHelp("The size of the images that `sample` draws.", valueName: "WxH"))
  var size = SizeArgument(width: 28, height: 28)
  @Option(name: .shortAndLong, help: "The checkpoint folder to make; it must not exist.") var output: String
  @OptionGroup var levels: QuantizationOptions

  func run() throws {
    var outputs = OutputFiles()
    try outputs.requireFolder(output, for: "--output", isNew: true)
    let quantization = try levels.quantization(seed: 0)
    guard channels == 1 || channels == 3 else {
      throw ScanlineError(.usage, path: "--channels", expected: "1 or 3", found: "\(channels)")
    }
    let configuration = ModelConfiguration(
      model: model, width: width, blocks: blocks,
      shape: ImageShape(height: size.height, width: size.width, channels: channels), levels: quantization.levels,
      likelihood: likelihood, mixtures: mixtures, activation: layers.activation, residual: layers.residual,
      directions: layers.directions, cell: layers.cell, attention: layers.attention, wholeRows: layers.wholeRows,
      order: order, skip: layers.skip, augmentation: try augment.map { try Augmentation(parsing: $0) },
      classNames: try classNames())
    try configuration.validate(path: "import")
    let data = try DurableFiles.contents(of: file)
    let archive = try TensorArchive(parsing: data, path: file)
    let model = configuration.makeModel()
    let parameters = ParameterVector(layout: model.layout)
    try archive.fill(
      [("", parameters)], names: names(in: archive, model), path: file, ignoresMaskedValues: true)
    let parent = DurableFiles.split(DurableFiles.absolute(output)).parent
    try DurableFiles.createFolders(parent)
    try Checkpoint.save(
      Adam(parameters: parameters, options: AdamOptions()),
      state: RunState(model: configuration, quantization: quantization), to: output)
    print("\(output.displayed): \(configuration.model.rawValue), \(counted(model.layout.liveCount, "weight"))")
  }
  /// The classes that were given. Throws a usage error where one cannot be a folder's name, or comes twice.
  private func classNames() throws -> [String]? {
    guard let classes else { return nil }
    let names = classes.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard names.allSatisfy({ !$0.isEmpty }) else {
      throw ScanlineError(
        .usage, path: "--classes", expected: "names with commas between them", found: "\"\(classes)\"")
    }
    try ClassNames.validate(names, .usage, path: "--classes")
    return names
  }

  /// What the file calls the tensors: as PyTorch does, unless all that it calls by a name of the model is ours. Names that
  /// both have (those of positions, for one) tell nothing.
  private func names(in archive: TensorArchive, _ model: ImageModel) -> [String: String] {
    let found = Set(archive.tensors.map(\.name))
    let differing = model.pyTorchNames.filter { $0.key != $0.value }
    let isOurs = differing.keys.contains(where: found.contains)
    return isOurs && found.isDisjoint(with: differing.values) ? [:] : model.pyTorchNames
  }
}
