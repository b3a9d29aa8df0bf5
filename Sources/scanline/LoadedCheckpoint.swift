// A checkpoint as commands use it, and images read as its own were.
import Foundation
import ImageData
import Kernels
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
    messages.forEach { console.logger.warning("\($0)") }
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
    guard let number = ImageSet.place(of: name, in: names) else {
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
  ) throws -> (set: ImageSet, model: any ImageModel) {
    let set = try listing.images(
      of: split, images.loading(over: state.data?.loading), threads: threads, console: console
    ).numbered(as: ignoresClasses ? nil : state.model.classNames, path: listing.path)
    guard set.shape.channels == state.model.shape.channels else {
      throw ScanlineError(
        .badData, path: listing.path, expected: "images of \(state.model.shape.channels) channels",
        found: "\(set.shape.channels)")
    }
    return (set, model(for: set, console: console))
  }

  /// The model for the size of the images of `set`, which have its channels.
  func model(for set: ImageSet, console: Console) -> any ImageModel {
    var configuration = state.model
    if set.shape != configuration.shape {
      console.logger.warning("the images are \(set.shape), the model was made for \(configuration.shape)")
      configuration.shape = set.shape
    }
    return configuration.makeModel()
  }
}

/// Throws (`cannotCreate`) where a result cannot be written to `path`: before the work, not after it.
func demandNewFile(_ path: String, force: Bool) throws {
  let isFolder = DurableFiles.isFolder(path)
  if DurableFiles.exists(path), isFolder || !force {
    throw ScanlineError(
      .cannotCreate, path: path, expected: "a new file\(isFolder ? "" : " (or --force)")",
      found: isFolder ? "a folder" : "an existing one")
  }
  let parent = DurableFiles.split(DurableFiles.absolute(path)).parent
  guard DurableFiles.isFolder(parent) else {
    throw ScanlineError(.cannotCreate, path: path, expected: "a file in a folder that exists", found: "no \(parent)")
  }
}
