// state.json: everything a checkpoint holds besides tensors.
import Core
import ImageData
import Networks

/// What a run is and how far it has come. With the tensors beside it, it is enough to go on bit for bit.
public struct RunState: Sendable, Codable, Equatable {
  /// The best held-out score so far.
  public struct Best: Sendable, Codable, Equatable {
    /// Steps taken when it was reached.
    public var step: Int
    /// Mean nats of an image over the held-out images scored at intervals, moving-average weights.
    public var natsPerImage: Double

    /// A score and the step it was reached at.
    public init(step: Int, natsPerImage: Double) {
      self.step = step
      self.natsPerImage = natsPerImage
    }
  }

  /// Where a run stands in the order of its images. It follows from the seed and the step; it is written down so that
  /// a reader can see it and a resumed run can check it.
  public struct Order: Sendable, Codable, Equatable {
    /// The seed of the permutations.
    public var seed: UInt64
    /// The epoch that the next step belongs to, from 0.
    public var epoch: Int
    /// Steps of that epoch that are taken.
    public var stepInEpoch: Int
    /// Steps in an epoch.
    public var stepsPerEpoch: Int
  }

  /// The data that a run was trained on.
  public struct Data: Sendable, Codable, Equatable {
    /// The folder as the user named it.
    public var folder: String
    /// How its images were read.
    public var loading: ImageLoadingOptions
    /// The share held out where the folder has no splits.
    public var heldOutShare: Double
    /// The seed of that choice.
    public var splitSeed: UInt64
    /// True where every subfolder was taken for a class, whatever its name; else nil.
    public var classesAreFolders: Bool?
    /// Training images.
    public var trainImages: Int
    /// Held-out images.
    public var validImages: Int
    /// CRC-32 over the pixels of the training images, in order.
    public var trainFingerprint: UInt32
    /// CRC-32 over the pixels of the held-out images; nil where there are none.
    public var validFingerprint: UInt32?
    /// The class folders.
    public var classNames: [String]
    /// The contents of the training images: what tells whether an image that is scored is one of them. nil in a
    /// checkpoint of an earlier version; a run that goes on from one adds it.
    package var trainedImages: ContentHashSet?

    /// All of it.
    public init(
      folder: String, loading: ImageLoadingOptions, heldOutShare: Double, splitSeed: UInt64,
      classesAreFolders: Bool = false, train: ImageSet, valid: ImageSet?
    ) {
      self.folder = folder
      self.loading = loading
      self.heldOutShare = heldOutShare
      self.splitSeed = splitSeed
      self.classesAreFolders = classesAreFolders ? true : nil
      trainImages = train.count
      validImages = valid?.count ?? 0
      trainFingerprint = train.fingerprint
      validFingerprint = valid?.fingerprint
      classNames = train.classNames
      trainedImages = ContentHashSet(of: train)
    }

    /// What of `train` and `valid` is not what the run was trained on, in words; empty where nothing differs.
    func differences(train: ImageSet, valid: ImageSet?) -> [String] {
      func compare(_ name: String, _ images: ImageSet?, count: Int, fingerprint: UInt32?) -> String? {
        if images?.count ?? 0 != count {
          return "\(counted(images?.count ?? 0, name + " image")) in place of \(count)"
        }
        guard images?.fingerprint != fingerprint else { return nil }
        func text(_ value: UInt32?) -> String { value.map(Checksum.hexadecimal) ?? "none" }
        return
          "other pixels, or another order, of the \(name) images (fingerprint \(text(images?.fingerprint)) in place "
          + "of \(text(fingerprint)))"
      }
      return [
        compare("training", train, count: trainImages, fingerprint: trainFingerprint),
        compare("held-out", valid, count: validImages, fingerprint: validFingerprint),
      ].compactMap { $0 }
    }
  }

  /// What a run shows and writes besides its results. It changes none of them; a resumed run goes on with it.
  public struct RunOutputs: Sendable, Codable, Equatable {
    /// Whether plots are drawn when the run ends or stops.
    public var plots = true
    /// Whether event files are written for TensorBoard.
    public var tensorboard = true
    /// Whether the gradient flow is shown whenever it is recorded.
    public var watchesGradients = false

    /// The usual.
    public init() {}
  }

  /// The version of this format.
  public static let currentVersion = 2

  /// Steps that no run takes.
  static let mostSteps = 1 << 48
  /// Whether a run can have taken `step` steps.
  static func canHave(step: Int) -> Bool { (0..<mostSteps).contains(step) }

  /// The format's version.
  public var version = RunState.currentVersion
  /// The model.
  public var model: ModelConfiguration
  /// How pixel values became levels.
  public var quantization: Quantization
  /// The data; nil for imported weights.
  public var data: Data?
  /// The run; nil for imported weights.
  public var training: TrainingOptions?
  /// Steps taken. Data order and learning rate follow from it.
  public var step = 0
  /// The order of the images at that step; nil for imported weights.
  public var order: Order?
  /// Seconds of training and evaluation so far.
  public var elapsedSeconds = 0.0
  /// The best held-out score; nil before the first evaluation.
  public var best: Best?
  /// True where the evaluation that was due at this step was given up for a stop: going on begins with it. Else nil.
  public var awaitsEvaluation: Bool?
  /// The learning rate of the last step; nil before the first, and in states from before it was kept.
  public var lastRate: Float?
  /// The steps since the last record of the loss; nil where there are none.
  public var window: MetricsWindow?
  /// What the run shows and writes besides its results; nil: the usual.
  public var outputs: RunOutputs?

  /// Of a checkpoint of weights alone, where they are from; else nil.
  package var origin: WeightsOrigin?

  /// The state at step 0.
  public init(
    model: ModelConfiguration, quantization: Quantization, data: Data? = nil, training: TrainingOptions? = nil
  ) {
    self.model = model
    self.quantization = quantization
    self.data = data
    self.training = training
  }

  /// The JSON text.
  func serialized() -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("a run's state has only finite numbers")
    }
    return [UInt8](data) + [0x0A]
  }

  /// Reads `bytes`; `path` names the file in errors. Throws `badData`.
  init(parsing bytes: [UInt8], path: String) throws {
    do {
      // The version first: the fields of another one may have other names.
      let version = try decoded(Version.self, from: bytes).version
      guard version == Self.currentVersion else {
        throw ScanlineError(
          .badData, path: path, expected: "format version \(Self.currentVersion)", found: "version \(version)"
        )
      }
      self = try decoded(RunState.self, from: bytes)
      try validate(path: path)
    } catch let error as ScanlineError {
      // What would be wrong usage on the command line is bad data in a file.
      let position = error.path == path ? "" : "\(error.path): "
      throw ScanlineError(.badData, path: path, expected: position + error.expected, found: error.found)
    } catch {
      throw ScanlineError(.badData, path: path, expected: "the state of a run in JSON", found: "\(error)")
    }
  }

  /// Throws `badData`, saying what differs, where `train` and `valid`, read from `path`, are not the images of this run:
  /// going on with others would be another run.
  package func requireSameImages(train: ImageSet, valid: ImageSet?, path: String) throws {
    var differences = data?.differences(train: train, valid: valid) ?? []
    // Fingerprints count the shape; but a state could contradict itself.
    if differences.isEmpty && train.shape != model.shape {
      differences.append("images of \(train.shape) in place of \(model.shape)")
    }
    guard differences.isEmpty else {
      throw ScanlineError(
        .badData, path: path, expected: "the images that the run was trained on",
        found: differences.joined(separator: "; "))
    }
  }

  private struct Version: Decodable { let version: Int }

  /// Throws where no run can be in this state; whatever a later line of the program relies on is looked at here.
  private func validate(path: String) throws {
    func require(_ condition: Bool, _ expected: String, _ found: String) throws {
      guard condition else { throw ScanlineError(.badData, path: path, expected: expected, found: found) }
    }
    // Sides are bounded so that no product of them overflows; no image is near that.
    let sides = [model.shape.height, model.shape.width, model.shape.channels]
    try require(
      sides.allSatisfy { (1...1 << 20).contains($0) }, "an image shape of positive sides", "\(sides)")
    try model.validate(path: path)
    try ClassNames.validate(data?.classNames ?? [], .badData, path: path)
    try require(
      quantization.levels == model.levels, "a quantization of the model's \(model.levels) levels",
      "one of \(quantization.levels) levels")
    // The bound leaves room to count on; at a thousand steps a second it is nine thousand years away.
    try require(Self.canHave(step: step), "a step from 0 to below 2⁴⁸", "step \(step)")
    try require(
      elapsedSeconds >= 0 && elapsedSeconds.isFinite, "seconds that are not negative", "\(elapsedSeconds)")
    try require(lastRate.map { $0 >= 0 && $0.isFinite } ?? true, "a learning rate", "\(lastRate ?? 0)")
    try require(
      window.map { (1..<Self.mostSteps).contains($0.steps) && $0.nats.isFinite } ?? true, "steps since the last record",
      "\(window?.steps ?? 0)")
    try training?.validate()
    try data?.loading.validate(path: path)
    let share = data?.heldOutShare ?? 0
    try require((0..<1).contains(share), "a held-out share from 0 to below 1", "\(share)")
  }
}

/// A value from JSON. Outside the type, whose `Data` hides Foundation's.
private func decoded<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
  try JSONDecoder().decode(type, from: Data(bytes))
}
