// Which of the images that are scored a checkpoint was trained on: a model knows those better than any others, and in a
// comparison would win by that alone.
import Core
import ImageData
import Training

/// What a checkpoint knows of a set of images.
enum TrainedImages {
  /// The positions of those it was trained on; all others it was not.
  case known([Int])
  case notKnown(reason: String)

  /// How many it was trained on; nil where that cannot be told.
  var count: Int? {
    guard case .known(let positions) = self else { return nil }
    return positions.count
  }
}

extension LoadedCheckpoint {
  /// Which images of `set`, read as `images` says, this checkpoint was trained on: those whose pixels training read too,
  /// whatever the files are called and wherever they lie.
  func trained(on set: ImageSet, _ images: ImageOptions) -> TrainedImages {
    guard let data = state.data else { return .notKnown(reason: "the weights were imported") }
    guard let trained = data.trainedImages else {
      return .notKnown(reason: "an earlier version made the checkpoint and did not write down its training images")
    }
    guard images.loading(over: data.loading).givesSamePixels(as: data.loading) else {
      return .notKnown(reason: "the images are read with other options than in training")
    }
    return .known(trained.positions(in: set))
  }

  /// Demands that images of `split` were held out in training although `reason` is why that cannot be seen from their
  /// pixels: where a seeded hash holds them out, it must be by the share and seed of training. Throws `badData`.
  func requireOwnSplit(_ split: Split?, of listing: ImageFolder, _ images: ImageOptions, name: String, reason: String)
    throws
  {
    guard let data = state.data, split == .valid, !listing.splitFolders.contains(.valid) else { return }
    var own = images
    (own.validShare, own.splitSeed) = (data.heldOutShare, data.splitSeed)
    // Of a part of a folder, as reports take it, every image must be one of these.
    let heldOut = Set(try own.scan(listing.path).entries(in: .valid))
    guard !listing.entries(in: .valid).allSatisfy(heldOut.contains) else { return }
    throw ScanlineError(
      .badData, path: name,
      expected:
        "the held-out images of its training (--valid-share \(data.heldOutShare) --split-seed \(data.splitSeed))",
      found: "others, and it is not known whether it was trained on them: \(reason)")
  }
}

/// The images of a comparison held against what its models were trained on.
struct TrainingOverlap {
  /// What is known of each model, in the order of the comparison.
  private let models: [(name: String, trained: TrainedImages)]
  /// Images before any is left out.
  let images: Int
  /// Positions of those left out, in ascending order.
  let leftOut: [Int]

  /// Holds `set`, the images of `split` of `listing`, against `models`. Those that any was trained on are left out,
  /// unless the split is train: that is to ask for them. Throws `badData` where the split is another one than that of a
  /// model which does not know its training images.
  init(
    _ models: [ComparedModels.Model], _ set: ImageSet, _ split: Split?, of listing: ImageFolder, _ options: ImageOptions
  ) throws {
    images = set.count
    self.models = models.map { ($0.name, $0.checkpoint.trained(on: set, options)) }
    for (model, known) in zip(models, self.models) {
      guard case .notKnown(let reason) = known.trained else { continue }
      try model.checkpoint.requireOwnSplit(split, of: listing, options, name: model.name, reason: reason)
    }
    let trained = self.models.reduce(into: Set<Int>()) { all, model in
      if case .known(let positions) = model.trained { all.formUnion(positions) }
    }
    leftOut = split == .train ? [] : trained.sorted()
  }

  /// The images of `set` that stay. Throws `badData` under `folder` where none does.
  func untrained(_ set: ImageSet, folder: String) throws -> ImageSet {
    guard !leftOut.isEmpty else { return set }
    guard leftOut.count < images else {
      throw ScanlineError(
        .badData, path: folder,
        expected:
          "images that none of the models was trained on (another --split-seed or --valid-share may hold some out; "
          + "--split train scores those of training)",
        found: "\(counted(images, "image")); \(shares)")
    }
    let out = Set(leftOut)
    return set.selecting((0..<set.count).filter { !out.contains($0) })
  }

  /// The same of all models together: what any of them was trained on, or a reason why that is not known.
  var known: TrainedImages {
    for case (let name, .notKnown(let reason)) in models { return .notKnown(reason: "\(name): \(reason)") }
    let positions = models.reduce(into: Set<Int>()) { all, model in
      if case .known(let own) = model.trained { all.formUnion(own) }
    }
    return .known(positions.sorted())
  }

  /// Images scored that model number `index` was trained on; nil where that is not known.
  func trainedOn(_ index: Int) -> Int? { models[index].trained.count.map { leftOut.isEmpty ? $0 : 0 } }

  /// What to know of the scores, a sentence each.
  var notes: [String] {
    var notes: [String] = []
    if !leftOut.isEmpty {
      notes.append(
        "\(leftOut.count) of \(counted(images, "image")) \(leftOut.count == 1 ? "is" : "are") left out: \(shares).")
    } else if models.contains(where: { $0.trained.count ?? 0 > 0 }) {
      notes.append("Of the \(counted(images, "image")) scored, \(shares).")
    }
    for model in models {
      guard case .notKnown(let reason) = model.trained else { continue }
      notes.append("It is not known which images \(model.name) was trained on: \(reason).")
    }
    return notes
  }

  /// "a was trained on 3, b on 7"
  private var shares: String {
    let known = models.compactMap { model in model.trained.count.map { (model.name, $0) } }.filter { $0.1 > 0 }
    return known.enumerated().map { index, share in
      index == 0 ? "\(share.0) was trained on \(share.1)" : "\(share.0) on \(share.1)"
    }.joined(separator: ", ")
  }
}
