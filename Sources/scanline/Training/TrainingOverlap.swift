// Which images of a comparison its models were trained on: whoever was would win by that alone.
import Core
import ImageData

/// The images of a comparison held against what its models were trained on.
struct TrainingOverlap {
  /// What is known of one model.
  struct Model {
    let name: String
    let trained: TrainedImages
  }

  /// In the order of the comparison.
  let models: [Model]
  /// Images before any is left out.
  let images: Int
  /// Positions of those left out, in ascending order.
  let leftOut: [Int]

  /// Holds `set`, the images of `split` of `listing`, against `models`. Those that any was trained on are left out, unless
  /// the split is train: that is to ask for them.
  ///
  /// - Throws: `ScanlineError` (`badData`) where the split is another one than that of a model which does not know its
  ///   training images.
  init(
    _ models: [ComparedModels.Model], _ set: ImageSet, _ split: Split?, of listing: ImageFolder, _ options: ImageOptions
  ) throws {
    images = set.count
    self.models = models.map { Model(name: $0.name, trained: $0.checkpoint.trained(on: set, options)) }
    for (model, known) in zip(models, self.models) {
      guard case .notKnown(let reason) = known.trained else { continue }
      try model.checkpoint.requireOwnSplit(split, of: listing, options, name: model.name, reason: reason)
    }
    let trained = self.models.reduce(into: Set<Int>()) { all, model in
      if case .known(let positions) = model.trained { all.formUnion(positions) }
    }
    leftOut = split == .train ? [] : trained.sorted()
  }

  /// The images of `set` that stay.
  ///
  /// - Throws: `ScanlineError` (`badData`) under `folder` where none does.
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
