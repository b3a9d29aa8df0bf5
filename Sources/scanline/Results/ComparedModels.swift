// Checkpoints that stand the same test: what may not differ between them, the images that all of them score, and what these
// cost under each, and under baselines.
import Core
import Evaluation
import ImageData
import Networks
import Training

/// The checkpoints of a comparison, checked against each other.
struct ComparedModels {
  /// A checkpoint and what tables call it.
  struct Model {
    let name: String
    let checkpoint: LoadedCheckpoint
  }

  /// The images as each model has them: alike but for the numbers of classes.
  struct Images {
    let set: ImageSet
    let sets: [ImageSet]
    let models: [ImageModel]
    /// CRC-32 over shape, number of levels and every level, in order.
    let fingerprint: UInt32
    /// Who was trained on them.
    let training: TrainingOverlap
  }

  let models: [Model]
  let quantization: Quantization
  let listing: ImageFolder
  private let folder: String

  /// Loads the checkpoints at `paths` and lists `folder`. Throws `badData` where two of them are about different data,
  /// saying what differs.
  init(
    _ paths: ArraySlice<String>, folder: String, _ weights: Checkpoint.Weights, _ images: ImageOptions,
    binarizationSeed: UInt64?, console: Console
  ) throws {
    let models = try zip(Self.names(Array(paths)), paths).map { name, path in
      Model(name: name, checkpoint: try LoadedCheckpoint(path, weights, console: console))
    }
    try self.init(models, folder: folder, images, binarizationSeed: binarizationSeed)
  }

  /// The same of checkpoints that are loaded, of which there is at least one.
  init(_ models: [Model], folder: String, _ images: ImageOptions, binarizationSeed: UInt64?) throws {
    (self.models, self.folder) = (models, folder)
    let first = models[0]
    for other in models.dropFirst() { try Self.requireSame(first, other, hasSeed: binarizationSeed != nil) }
    let own = first.checkpoint.state.quantization
    quantization = try Quantization(
      levels: own.levels, binarization: own.binarization, seed: binarizationSeed ?? own.seed)
    // Of imported weights it is not known what they were trained on: they stand the test of those that have a split.
    let splitter = models.first { $0.checkpoint.state.data != nil } ?? first
    listing = try splitter.checkpoint.scan(folder, images)
  }

  /// Reads the images of `split`, or where there is a `limit` at most so many, evenly spread, for every model as its
  /// own were. Those that a model was trained on are left out, unless it is the split train that was asked for. Throws
  /// `badData` where that gives different pixels, no image is left, or the split is not that of a model which does not
  /// know its training images.
  func load(_ split: Split?, limit: Int? = nil, _ images: ImageOptions, threads: Int, console: Console) throws
    -> Images
  {
    let listing = limit.map { self.listing.spread($0, in: split) } ?? self.listing
    var (sets, networks): ([ImageSet], [ImageModel]) = ([], [])
    var training: TrainingOverlap?
    for model in models {
      // The pixels that are there already are taken again where they are read alike.
      let same = models.indices.first {
        $0 < sets.count
          && images.loading(over: models[$0].checkpoint.state.data?.loading)
            == images.loading(over: model.checkpoint.state.data?.loading)
          && models[$0].checkpoint.state.model.classNames == model.checkpoint.state.model.classNames
      }
      let (all, network) =
        try same.map { (sets[$0], model.checkpoint.model(for: sets[$0], console: console)) }
        ?? model.checkpoint.load(listing, split: split, images, threads: threads, console: console)
      // Sets that are taken again, and those of the same pixels, leave out the same images.
      let overlap = try training ?? TrainingOverlap(models, all, split, of: listing, images)
      training = overlap
      let set = same == nil ? try overlap.untrained(all, folder: folder) : all
      if let first = sets.first, first.fingerprint != set.fingerprint {
        let size = first.shape != set.shape
        throw ScanlineError(
          .badData, path: folder, expected: "checkpoints that read the same pixels",
          found: size
            ? "images of \(first.shape) for \(models[0].name), \(set.shape) for \(model.name) (--resize or --crop)"
            : "other values for \(models[0].name) than for \(model.name) (the options that they were read with)")
      }
      sets.append(set)
      networks.append(network)
    }
    guard let training else { preconditionFailure("no models to compare") }
    return Images(
      set: sets[0], sets: sets, models: networks, fingerprint: fingerprint(sets[0]), training: training)
  }

  private func fingerprint(_ set: ImageSet) -> UInt32 {
    let words = [set.shape.height, set.shape.width, set.shape.channels, quantization.levels]
    var crc = Checksum.crc32(words: words.map { UInt32(truncatingIfNeeded: $0) })
    for start in stride(from: 0, to: set.count, by: 1_000) {
      let part = quantization.batch(from: set, indices: start..<min(start + 1_000, set.count))
      crc = Checksum.crc32(part.levels, continuing: crc)
    }
    return crc
  }

  /// Throws where `models` could not be one mixture: where they are about different data or classes.
  static func requireSame(_ models: [LoadedCheckpoint]) throws {
    let named = zip(names(models.map(\.path)), models).map(Model.init)
    for other in named.dropFirst() {
      try requireSame(named[0], other, hasSeed: false)
      let (own, found) = (named[0].checkpoint.state.model.classNames, other.checkpoint.state.model.classNames)
      guard own != found else { continue }
      throw ScanlineError(
        .badData, path: other.name,
        expected: "the same classes as \(named[0].name): \(own?.joined(separator: ", ") ?? "none")",
        found: found?.joined(separator: ", ") ?? "none")
    }
  }

  /// Throws where the two are about different data.
  private static func requireSame(_ a: Model, _ b: Model, hasSeed: Bool) throws {
    let (first, second) = (a.checkpoint.state, b.checkpoint.state)
    func require(_ condition: Bool, _ what: String, _ one: String, _ two: String) throws {
      guard condition else {
        throw ScanlineError(
          .badData, path: b.name, expected: "the same \(what) as \(a.name): \(one)", found: two)
      }
    }
    let (q, r) = (first.quantization, second.quantization)
    try require(q.levels == r.levels, "levels", "\(q.levels)", "\(r.levels)")
    try require(q.binarization == r.binarization, "binarization", q.inWords, r.inWords)
    let isDrawn = q.binarization == .fixed || q.binarization == .dynamic
    try require(
      !isDrawn || hasSeed || q.seed == r.seed, "seed of its binarization (--binarization-seed chooses one for all)",
      "\(q.seed)", "\(r.seed)")
    let (shape, other) = (first.model.shape, second.model.shape)
    try require(shape.channels == other.channels, "channels", "\(shape.channels)", "\(other.channels)")
    try require(
      shape == other, "image size", "\(shape.width)×\(shape.height)", "\(other.width)×\(other.height)")
  }

  /// The last part of each path; where two have the same, the paths; where those are the same too, numbered.
  static func names(_ paths: [String]) -> [String] {
    let whole = paths.map(DurableFiles.withoutFinalSlashes)
    let short = whole.map { path in
      let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
      let isStep = parts.last.map { CheckpointFolder.step(named: $0) != nil } ?? false
      return parts.suffix(isStep ? 2 : 1).joined(separator: "/")
    }
    let names = Set(short).count == Set(whole).count ? short : whole
    return names.enumerated().map { index, name in
      let before = names[..<index].count { $0 == name }
      return before == 0 ? name : "\(name) (\(before + 1))"
    }
  }

  // MARK: Scores

  /// Model number `index` with its nats of every image of `data`, with `mixesOrders` as the even mixture of its orders.
  /// Throws `diverged` naming the image whose nats are not finite.
  func score(
    _ index: Int, _ data: Images, mixesOrders: Bool = false, threads: Int, console: Console
  ) throws -> Comparison.Candidate {
    let (subject, model, set) = (models[index], data.models[index], data.sets[index])
    let scorer = Scorer(
      model: model, parameters: subject.checkpoint.parameters, threads: threads, mixesOrders: mixesOrders)
    let bar = ProgressBar(console, subject.name, total: set.count)
    let nats = scorer.nats(set, indices: Array(0..<set.count), quantization, progress: bar.reach)
    bar.finish()
    if let image = nats.firstIndex(where: { !$0.isFinite }) {
      throw ScanlineError(
        .diverged, path: set.paths[image],
        expected: "a finite log-likelihood under \(subject.name)", found: "\(nats[image]) nats")
    }
    let multiplyAdds =
      model.layerCosts.reduce(0) { $0 + $1.multiplyAdds } * (mixesOrders ? model.configuration.orders.count : 1)
    return Comparison.Candidate(
      subject.name, nats: nats, weights: model.layout.liveCount,
      multiplyAdds: Double(multiplyAdds) / Double(set.shape.pixels), isModel: true)
  }

  /// The baselines with their nats of the images of `set`; those that must be fitted only where there are images to fit
  /// them on.
  func baselines(
    fittedOn fitted: ImageSet?, _ set: ImageSet, threads: Int, console: Console
  ) -> [Comparison.Candidate] {
    let levels = quantization.levels
    var baselines: [any Baseline] = [UniformBaseline(levels: levels), PNGBaseline(levels: levels, shape: set.shape)]
    if let fitted {
      console.redraw("fitting baselines on \(counted(fitted.count, "image"))")
      let batch = quantization.batch(from: fitted, indices: 0..<fitted.count)
      baselines.append(MarginalBaseline(fitting: batch, levels: levels))
      baselines.append(ContextBaseline(fitting: batch, levels: levels, threads: threads))
      console.finish()
    }
    return baselines.map { baseline in
      let bar = ProgressBar(console, baseline.name, total: set.count)
      defer { bar.finish() }
      return Comparison.Candidate(
        baseline.name, nats: baseline.nats(set, quantization, threads: threads, progress: bar.reach), isModel: false)
    }
  }
}
