// What `scanline evaluate` found, as JSON and in words.
import Core
import Evaluation
import ImageData
import Training

struct EvaluateReport: Encodable {
  struct Gradient: Encodable {
    var rms: Double
    var max: Float
    var live: Int
    var count: Int
  }

  struct Class: Encodable {
    var name: String
    var images: Int
    var natsPerImage: Double
    /// Null of a single image.
    @Stated var standardError: Double?
    var bitsPerDimension: Double
    @Stated var bitsStandardError: Double?
  }

  struct Image: Encodable {
    var path: String
    @Stated var className: String?
    var nats: Double
    var bitsPerDimension: Double

    init(_ scores: ImageScores, _ index: Int) {
      (path, className) = (scores.set.paths[index], scores.className(index))
      (nats, bitsPerDimension) = (scores.nats[index], scores.bitsPerDimension(index))
    }
  }

  struct Member: Encodable {
    var checkpoint: String
    var step: Int
    /// The orders of which it is the even mixture, where that was asked for.
    var orders: Int?
  }

  var images: Int
  /// The split that was scored, whether it was asked for or not; null where all images were.
  @Stated var split: String?
  var natsPerImage: Double
  var bitsPerDimension: Double
  /// Null of a single image.
  @Stated var standardError: Double?
  @Stated var bitsStandardError: Double?
  var levels: Int
  @Stated var binarization: String?
  /// Of a mixture the first member's, as its step; all are in `mixture`.
  var checkpoint: String
  var step: Int
  /// The members of a mixture; none of a single model.
  var mixture: [Member]?
  /// The orders of which a single model is the even mixture, where that was asked for.
  var orders: Int?
  var weights: String
  var fingerprint: String
  var skipped: Int
  /// Images scored that the model was trained on; null where that cannot be told.
  @Stated var trainedOn: Int?
  /// Images that were not scored because the model was trained on them.
  var leftOut: Int
  /// None where images have no class.
  var classes: [Class]?
  /// The least likely first, where they were asked for.
  var worst: [Image]?
  var gradients: [String: Gradient]?

  init(
    _ scores: ImageScores, _ models: [LoadedCheckpoint], split: Split?, weights: Checkpoint.Weights,
    trained: TrainedImages, leftOut: Int, mixesOrders: Bool
  ) {
    let state = models[0].state
    let (summary, quantization) = (scores.summary, state.quantization)
    (images, self.split) = (summary.images, split?.rawValue)
    (natsPerImage, standardError) = (summary.natsPerImage, summary.standardError)
    (bitsPerDimension, bitsStandardError) = (summary.bitsPerDimension, summary.bitsStandardError)
    (levels, binarization) = (quantization.levels, quantization.binarization?.rawValue)
    (checkpoint, step) = (models[0].path, state.step)
    func orderCount(_ model: LoadedCheckpoint) -> Int? { mixesOrders ? model.orderCount(of: scores.set.shape) : nil }
    if models.count > 1 {
      mixture = models.map { Member(checkpoint: $0.path, step: $0.state.step, orders: orderCount($0)) }
    } else {
      orders = orderCount(models[0])
    }
    self.weights = state.origin?.weights ?? weights.rawValue
    (fingerprint, skipped) = (Checksum.hexadecimal(scores.set.fingerprint), scores.set.skipped.count)
    (trainedOn, self.leftOut) = (trained.count.map { $0 - leftOut }, leftOut)
    let classes = scores.classes.map {
      Class(
        name: $0.name, images: $0.summary.images, natsPerImage: $0.summary.natsPerImage,
        standardError: $0.summary.standardError, bitsPerDimension: $0.summary.bitsPerDimension,
        bitsStandardError: $0.summary.bitsStandardError)
    }
    self.classes = classes.isEmpty ? nil : classes
  }

  private var checkpointsInWords: String {
    (mixture?.map(\.checkpoint) ?? [checkpoint]).map(\.displayed).joined(separator: ", ")
  }

  /// The figures, with what is known of the images the model was `trained` on, then tables of classes and of the least
  /// likely images, then gradients.
  func inWords(_ trained: TrainedImages) -> String {
    let trainedOn =
      switch trained {
      case .notKnown(let reason): "not known: \(reason)"
      case .known(let positions):
        "\(positions.count - leftOut) of \(counted(images, "image"))" + (leftOut > 0 ? ", \(leftOut) left out" : "")
      }
    let quantization = binarization.map { "2 (\($0))" } ?? "\(levels)"
    let mixed = (mixture?.compactMap(\.orders) ?? [orders].compactMap { $0 }).map(String.init).joined(separator: ", ")
    var parts = [
      """
      images              \(images)\(split.map { ", split \($0)" } ?? "")
      nats per image      \(plusMinus(natsPerImage, standardError, 4))
      bits per dimension  \(plusMinus(bitsPerDimension, bitsStandardError, 5))
      levels              \(quantization)
      \(mixture == nil ? "checkpoint         " : "even mixture of    ") \(checkpointsInWords) (\(weights))\(mixed.isEmpty ? "" : "\norders mixed        \(mixed)")
      images' fingerprint \(fingerprint)
      trained on          \(trainedOn)
      """
    ]
    if let classes {
      parts.append(
        textTable(
          ["class", "images", "nats per image", "bits per dimension"],
          classes.map {
            [
              $0.name, "\($0.images)", plusMinus($0.natsPerImage, $0.standardError, 4),
              plusMinus($0.bitsPerDimension, $0.bitsStandardError, 5),
            ]
          }))
    }
    if let worst {
      parts.append(
        textTable(
          ["least likely", "nats", "bits per dimension", "image"],
          worst.enumerated().map { ["\($0 + 1)", $1.nats.text(4), $1.bitsPerDimension.text(5), $1.path] }))
    }
    if let gradients {
      parts.append(
        gradients.sorted { $0.key < $1.key }.map { name, g in
          "\(name): gradient RMS \(g.rms), maximum \(g.max), \(g.live) of \(g.count) live"
        }.joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n")
  }
}
