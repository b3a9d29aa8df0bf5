// What `scanline compare` found, as JSON and in words.
import Core
import Evaluation
import ImageData

struct CompareReport: Encodable {
  struct Row: Encodable {
    var name: String
    var isModel: Bool
    @Stated var checkpoint: String?
    @Stated var step: Int?
    @Stated var weights: Int?
    @Stated var multiplyAddsPerPixel: Double?
    /// Images scored that the model was trained on; null where that is not known, and of baselines.
    @Stated var trainedOn: Int?
    /// The orders of which it is the even mixture, where that was asked for.
    var orders: Int?
    var natsPerImage: Double
    /// Null, like the intervals, of a single image.
    @Stated var standardError: Double?
    var bitsPerDimension: Double
    @Stated var bitsStandardError: Double?
    @Stated var interval: [Double]?
    var difference: Double
    @Stated var differenceStandardError: Double?
    @Stated var differenceInterval: [Double]?
    var verdict: Comparison.Verdict
  }

  var images: Int
  /// Images that are not scored because a model was trained on them.
  var leftOut: Int
  var folder: String
  @Stated var split: String?
  var shape: String
  var levels: Int
  @Stated var binarization: String?
  /// Of the level data: two comparisons with the same one are about the same images, level by level.
  var fingerprint: String
  @Stated var baselineImages: Int?
  var resamples = Bootstrap.defaultResamples
  var seed: UInt64
  var rows: [Row]

  init(
    _ comparison: Comparison, _ subjects: ComparedModels, _ data: ComparedModels.Images, split: Split?,
    fittedImages: Int?, folder: String, seed: UInt64, mixesOrders: Bool
  ) {
    (images, leftOut, baselineImages) = (comparison.images, data.training.leftOut.count, fittedImages)
    (self.folder, self.split, self.seed) = (folder, split?.rawValue, seed)
    (shape, fingerprint) = ("\(data.set.shape)", Checksum.hexadecimal(data.fingerprint))
    levels = subjects.quantization.levels
    binarization = subjects.quantization.binarization?.rawValue
    rows = comparison.rows.map { row in
      let number = row.candidate.isModel ? subjects.models.firstIndex { $0.name == row.candidate.name } : nil
      let model = number.map { subjects.models[$0] }
      return Row(
        name: row.candidate.name, isModel: row.candidate.isModel, checkpoint: model?.checkpoint.path,
        step: model?.checkpoint.state.step, weights: row.candidate.weights,
        multiplyAddsPerPixel: row.candidate.multiplyAdds, trainedOn: number.flatMap { data.training.trainedOn($0) },
        orders: mixesOrders ? model?.checkpoint.orderCount(of: data.set.shape) : nil,
        natsPerImage: row.summary.natsPerImage, standardError: row.summary.standardError,
        bitsPerDimension: row.summary.bitsPerDimension, bitsStandardError: row.summary.bitsStandardError,
        interval: row.interval.map { [$0.lowerBound, $0.upperBound] }, difference: row.difference,
        differenceStandardError: row.differenceError,
        differenceInterval: row.differenceInterval.map { [$0.lowerBound, $0.upperBound] }, verdict: row.verdict)
    }
  }

  /// What was compared, with `notes` on who was trained on what, the table, and what its columns mean.
  func inWords(notes: [String]) -> String {
    let quantization = binarization.map { "2 levels (\($0))" } ?? "\(levels) levels"
    let part = split.map { ", split \($0)" } ?? ""
    let fitted = baselineImages.map { "; baselines fitted on " + counted($0, "image") } ?? ""
    let table = textTable(
      [
        "", "weights", "mult-adds/pixel", "nats per image", "bits per dimension", "nats from the best", "95% interval",
        "verdict",
      ],
      rows.map { row in
        [
          row.name, row.weights.map { "\($0)" } ?? "–", row.multiplyAddsPerPixel.map { $0.text(0) } ?? "–",
          plusMinus(row.natsPerImage, row.standardError, 3),
          plusMinus(row.bitsPerDimension, row.bitsStandardError, 4), differenceText(row.difference, 4),
          intervalText(row.differenceInterval.map { $0[0]...$0[1] }, 4, isSigned: true), row.verdict.rawValue,
        ]
      })
    let orders = rows.compactMap { row in row.orders.map { "\(row.name) of \($0)" } }
    let mixed =
      orders.isEmpty ? [] : ["Each model is the even mixture of its orders: \(orders.joined(separator: ", "))."]
    let head =
      "\(counted(images, "image")) of \(shape) from \(folder.displayed)\(part); \(quantization); data \(fingerprint)\(fitted)"
    return """
      \(([head] + (notes + mixed).map(\.displayed)).joined(separator: "\n"))

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
