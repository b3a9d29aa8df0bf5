// Which of the images that are scored a checkpoint was trained on: a model knows those better than any others.
import Core
import ImageData
import Training

/// What a checkpoint knows of a set of images.
enum TrainedImages {
  /// The positions of those it was trained on; all others it was not.
  case known([Int])
  /// Why that cannot be told.
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
  /// pixels: where a seeded hash holds them out, it must be by the share and seed of training.
  ///
  /// - Throws: `ScanlineError` (`badData`).
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
