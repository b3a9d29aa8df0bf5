// What `scanline compare` found, as JSON and in words.
import Core
import Evaluation
import ImageData
import Kernels

struct CompareReport: Encodable {
  struct Row: Encodable {
    var name: String
    var isModel: Bool
    var checkpoint: Stated<String>
    var step: Stated<Int>
    var weights: Stated<Int>
    var multiplyAddsPerPixel: Stated<Double>
    /// Images scored that the model was trained on; null where that is not known, and of baselines.
    var trainedOn: Stated<Int>
    var natsPerImage: Double
    /// Null, like the intervals, of a single image.
    var standardError: Stated<Double>
    var bitsPerDimension: Double
    var bitsStandardError: Stated<Double>
    var interval: Stated<[Double]>
    var difference: Double
    var differenceStandardError: Stated<Double>
    var differenceInterval: Stated<[Double]>
    var verdict: Comparison.Verdict
  }

  var images: Int
  /// Images that are not scored because a model was trained on them.
  var leftOut: Int
  var folder: String
  var split: Stated<String>
  var shape: String
  var levels: Int
  var binarization: Stated<String>
  /// Of the level data: two comparisons with the same one are about the same images, level by level.
  var fingerprint: String
  var baselineImages: Stated<Int>
  var resamples = Bootstrap.defaultResamples
  var seed: UInt64
  var rows: [Row]
  /// What to know of who was trained on what; not in the JSON object.
  private let notes: [String]

  private enum CodingKeys: String, CodingKey {
    case images, leftOut, folder, split, shape, levels, binarization, fingerprint, baselineImages, resamples, seed, rows
  }

  init(
    _ comparison: Comparison, _ subjects: ComparedModels, _ data: ComparedModels.Images, split: Split?,
    fittedImages: Int?, folder: String, seed: UInt64
  ) {
    images = comparison.images
    leftOut = data.training.leftOut.count
    notes = data.training.notes
    self.folder = folder
    self.split = Stated(value: split?.rawValue)
    shape = "\(data.set.shape)"
    levels = subjects.quantization.levels
    binarization = Stated(value: subjects.quantization.binarization?.rawValue)
    fingerprint = Checksum.hexadecimal(data.fingerprint)
    baselineImages = Stated(value: fittedImages)
    self.seed = seed
    rows = comparison.rows.map { row in
      let number = row.candidate.isModel ? subjects.models.firstIndex { $0.name == row.candidate.name } : nil
      let model = number.map { subjects.models[$0] }
      return Row(
        name: row.candidate.name, isModel: row.candidate.isModel, checkpoint: Stated(value: model?.checkpoint.path),
        step: Stated(value: model?.checkpoint.state.step), weights: Stated(value: row.candidate.weights),
        multiplyAddsPerPixel: Stated(value: row.candidate.multiplyAdds),
        trainedOn: Stated(value: number.flatMap { data.training.trainedOn($0) }),
        natsPerImage: row.summary.natsPerImage,
        standardError: Stated(value: row.summary.standardError), bitsPerDimension: row.summary.bitsPerDimension,
        bitsStandardError: Stated(value: row.summary.bitsStandardError),
        interval: Stated(value: row.interval.map { [$0.lowerBound, $0.upperBound] }), difference: row.difference,
        differenceStandardError: Stated(value: row.differenceError),
        differenceInterval: Stated(value: row.differenceInterval.map { [$0.lowerBound, $0.upperBound] }),
        verdict: row.verdict)
    }
  }

  /// What was compared, the table, and what its columns mean.
  var inWords: String {
    let quantization = binarization.value.map { "2 levels (\($0))" } ?? "\(levels) levels"
    let part = split.value.map { ", split \($0)" } ?? ""
    let fitted = baselineImages.value.map { "; baselines fitted on " + counted($0, "image") } ?? ""
    let table = textTable(
      [
        "", "weights", "mult-adds/pixel", "nats per image", "bits per dimension", "nats from the best", "95% interval",
        "verdict",
      ],
      rows.map { row in
        [
          row.name, row.weights.value.map { "\($0)" } ?? "–",
          row.multiplyAddsPerPixel.value.map { $0.text(0) } ?? "–",
          plusMinus(row.natsPerImage, row.standardError.value, 3),
          plusMinus(row.bitsPerDimension, row.bitsStandardError.value, 4), differenceText(row.difference, 4),
          intervalText(row.differenceInterval.value.map { $0[0]...$0[1] }, 4, isSigned: true), row.verdict.rawValue,
        ]
      })
    let head =
      "\(counted(images, "image")) of \(shape) from \(folder.displayed)\(part); \(quantization); data \(fingerprint)\(fitted)"
    return """
      \(([head] + notes.map(\.displayed)).joined(separator: "\n"))

      \(table)

      \(explanation)
      """
  }

  private var explanation: String {
    let order = "Ordered by bits per dimension. ± is a standard error. Differences are paired, image by image."
    guard images >= Bootstrap.fewestImages else {
      return order
        + " Intervals are\nStudent's t. Fewer than \(Bootstrap.fewestImages) images are too few for a verdict."
    }
    return order
      + " Their intervals\nare by Student's t and the bootstrap-t (\(resamples) resamples, seed \(seed)), the wider "
      + "at either end. One that holds 0: not\ndistinguishable."
  }
}
