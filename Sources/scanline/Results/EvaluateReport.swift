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
    var standardError: Stated<Double>
    var bitsPerDimension: Double
    var bitsStandardError: Stated<Double>
  }

  struct Image: Encodable {
    var path: String
    var className: Stated<String>
    var nats: Double
    var bitsPerDimension: Double

    init(_ scores: ImageScores, _ index: Int) {
      path = scores.set.paths[index]
      className = Stated(value: scores.className(index))
      nats = scores.nats[index]
      bitsPerDimension = scores.bitsPerDimension(index)
    }
  }

  var images: Int
  /// The split that was scored, whether it was asked for or not; null where all images were.
  var split: Stated<String>
  var natsPerImage: Double
  var bitsPerDimension: Double
  /// Null of a single image.
  var standardError: Stated<Double>
  var bitsStandardError: Stated<Double>
  var levels: Int
  var binarization: Stated<String>
  var checkpoint: String
  var step: Int
  var weights: String
  var fingerprint: String
  var skipped: Int
  /// Images scored that the model was trained on; null where that cannot be told.
  var trainedOn: Stated<Int>
  /// Images that were not scored because the model was trained on them.
  var leftOut: Int
  /// Why it cannot be told; not in the JSON object.
  private let reason: String?
  /// None where images have no class.
  var classes: [Class]?
  /// The least likely first, where they were asked for.
  var worst: [Image]?
  var gradients: [String: Gradient]?

  private enum CodingKeys: String, CodingKey {
    case images, split, natsPerImage, bitsPerDimension, standardError, bitsStandardError, levels, binarization,
      checkpoint, step, weights, fingerprint, skipped, trainedOn, leftOut, classes, worst, gradients
  }

  init(
    _ scores: ImageScores, _ state: RunState, split: Split?, checkpoint: String, weights: Checkpoint.Weights,
    trained: TrainedImages, leftOut: Int
  ) {
    let summary = scores.summary
    images = summary.images
    self.split = Stated(value: split?.rawValue)
    natsPerImage = summary.natsPerImage
    bitsPerDimension = summary.bitsPerDimension
    standardError = Stated(value: summary.standardError)
    bitsStandardError = Stated(value: summary.bitsStandardError)
    levels = state.quantization.levels
    binarization = Stated(value: state.quantization.binarization?.rawValue)
    self.checkpoint = checkpoint
    step = state.step
    self.weights = state.origin?.weights ?? weights.rawValue
    fingerprint = Checksum.hexadecimal(scores.set.fingerprint)
    skipped = scores.set.skipped.count
    trainedOn = Stated(value: trained.count.map { $0 - leftOut })
    self.leftOut = leftOut
    if case .notKnown(let reason) = trained { self.reason = reason } else { reason = nil }
    let classes = scores.classes.map {
      Class(
        name: $0.name, images: $0.summary.images, natsPerImage: $0.summary.natsPerImage,
        standardError: Stated(value: $0.summary.standardError), bitsPerDimension: $0.summary.bitsPerDimension,
        bitsStandardError: Stated(value: $0.summary.bitsStandardError))
    }
    self.classes = classes.isEmpty ? nil : classes
  }

  private var trainedInWords: String {
    guard let trained = trainedOn.value else { return "not known: \(reason ?? "no images")" }
    return "\(trained) of \(counted(images, "image"))" + (leftOut > 0 ? ", \(leftOut) left out" : "")
  }

  /// The figures, then tables of classes and of the least likely images, then gradients.
  var inWords: String {
    let quantization = binarization.value.map { "2 (\($0))" } ?? "\(levels)"
    var parts = [
      """
      images              \(images)\(split.value.map { ", split \($0)" } ?? "")
      nats per image      \(plusMinus(natsPerImage, standardError.value, 4))
      bits per dimension  \(plusMinus(bitsPerDimension, bitsStandardError.value, 5))
      levels              \(quantization)
      checkpoint          \(checkpoint.displayed) (\(weights))
      images' fingerprint \(fingerprint)
      trained on          \(trainedInWords)
      """
    ]
    if let classes {
      parts.append(
        textTable(
          ["class", "images", "nats per image", "bits per dimension"],
          classes.map {
            [
              $0.name, "\($0.images)", plusMinus($0.natsPerImage, $0.standardError.value, 4),
              plusMinus($0.bitsPerDimension, $0.bitsStandardError.value, 5),
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
