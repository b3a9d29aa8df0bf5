// A checkpoint as commands use it, and images read as its own were.
import Core
import ImageData
import Networks
import Training

/// A step of a run, with one set of weights.
struct LoadedCheckpoint {
  /// The step's folder.
  let path: String
  let state: RunState
  let parameters: ParameterVector

  /// Loads what `given` means, a run or a step; steps that are passed over are told on the console.
  init(_ given: String, _ weights: Checkpoint.Weights, console: Console) throws {
    let (path, messages) = try Checkpoint.resolve(given)
    messages.forEach { console.warning($0) }
    self.path = path
    (state, parameters) = try Checkpoint.loadWeights(path, weights)
  }

  /// Lists a folder, holding out the images that training held out unless `images` says otherwise. A folder of samples
  /// alone is listed too.
  func scan(_ folder: String, _ images: ImageOptions) throws -> ImageFolder {
    try images.scan(
      folder, heldOutShare: state.data?.heldOutShare, seed: state.data?.splitSeed,
      classesAreFolders: state.data?.classesAreFolders, skipsBad: state.data?.loading.skipsBad,
      scoresSamples: true)
  }

  /// The class numbers of `count` images: all of the class called `name`, or where it is nil or "all" every class in
  /// turn. nil for a model that depends on no class. Throws `usage` where it has no such class.
  func classes(_ name: String?, count: Int) throws -> [Int]? {
    guard let names = state.model.classNames else {
      guard let name else { return nil }
      throw ScanlineError(
        .usage, path: "--class", expected: "a model trained with --class-conditional", found: "\(name), of one without")
    }
    guard let name, name != "all" || names.contains("all") else { return (0..<count).map { $0 % names.count } }
    guard let number = ImageSet.position(of: name, in: names) else {
      throw ScanlineError(
        .usage, path: "--class", expected: "all or one of " + names.joined(separator: ", "),
        found: name + suggestion(for: name, among: names + ["all"]))
    }
    return [Int](repeating: number, count: count)
  }

  /// Reads the images of `split` as training read its own, unless `images` says otherwise, and makes the model for
  /// their size: the networks take any; the checkpoint's is only what they were trained on. Classes are numbered as the
  /// model's, unless `ignoresClasses`.
  func load(
    _ listing: ImageFolder, split: Split?, _ images: ImageOptions, threads: Int, ignoresClasses: Bool = false,
    console: Console
  ) throws -> (set: ImageSet, model: ImageModel) {
    let set = try listing.images(
      of: split, images.loading(over: state.data?.loading), threads: threads, console: console
    ).numbered(as: ignoresClasses ? nil : state.model.classNames, path: listing.path)
    try requireChannels(of: set, path: listing.path)
    return (set, model(for: set, console: console))
  }

  /// Throws `badData`, naming the option that helps, where the images of `set` have not the model's channels.
  func requireChannels(of set: ImageSet, path: String) throws {
    let channels = state.model.shape.channels
    guard set.shape.channels != channels else { return }
    func words(_ channels: Int) -> String { channels == 1 ? "grey" : "RGB" }
    throw ScanlineError(
      .badData, path: path,
      expected: "\(words(channels)) images, as the model was trained on (--channels \(channels) reads them so)",
      found: "\(words(set.shape.channels)) ones")
  }

  /// The orders of which the model can be an even mixture, of images of `shape`.
  func orderCount(of shape: ImageShape) -> Int {
    var configuration = state.model
    configuration.shape = shape
    return configuration.orders.count
  }

  /// Throws a usage error where none of `models` has more than one order.
  static func requireOrders(_ models: [LoadedCheckpoint]) throws {
    guard models.allSatisfy({ $0.state.model.orders.count == 1 }) else { return }
    let augmentation = models.compactMap(\.state.model.augmentation).first
    throw ScanlineError(
      .usage, path: "--orders", expected: "a model trained with --augment flip, vertical-flip or transpose",
      found: "one trained with" + (augmentation.map { " \($0)" } ?? "out"))
  }

  /// The model for the size of the images of `set`, which have its channels.
  func model(for set: ImageSet, console: Console) -> ImageModel {
    var configuration = state.model
    if set.shape != configuration.shape {
      console.warning("the images are \(set.shape), the model was made for \(configuration.shape)")
      configuration.shape = set.shape
    }
    return configuration.makeModel()
  }
}
