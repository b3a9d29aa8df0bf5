// What `neighbours` found, in numbers and in words.
import Core
import Evaluation
import ImageData

/// How near samples come to training images, held against held-out images.
struct NeighbourReport: Encodable {
  struct Near: Encodable {
    let path: String
    let distance: Double
  }

  struct Sample: Encodable {
    let sample: String
    /// Nearest first; one at least.
    let nearest: [Near]
  }

  let samples: [Sample]
  let trainingImages: Int
  let levels: Int
  @Stated var binarization: String?
  /// Distances of samples to their nearest training images.
  let sampleDistances: NearestSummary?
  /// The same of held-out images; null where there are none.
  @Stated var heldOutDistances: NearestSummary?
  let exactCopies: Int
  /// The distance that all but one in a hundred held-out images reach at least; null where there are none.
  @Stated var nearCopyLimit: Double?
  /// Samples that are no exact copies and nearer than that; null likewise.
  @Stated var nearCopies: Int?
  let output: String

  init(
    samples: [Sample], heldOutDistances: [Double], trainingImages: Int, _ quantization: Quantization, output: String
  ) {
    let distances = samples.map { $0.nearest[0].distance }
    let heldOut = NearestSummary(heldOutDistances)
    (self.samples, self.trainingImages, self.output) = (samples, trainingImages, output)
    (levels, binarization) = (quantization.levels, quantization.binarization?.rawValue)
    (sampleDistances, self.heldOutDistances) = (NearestSummary(distances), heldOut)
    exactCopies = distances.count { $0 == 0 }
    let limit = heldOut.map { heldOutDistances.sorted()[$0.images / 100] }
    nearCopyLimit = limit
    nearCopies = limit.map { limit in distances.count { $0 > 0 && $0 < limit } }
  }

  /// Tables, then the judgement and its rule.
  var inWords: String {
    let rows = samples.map { [$0.sample, $0.nearest[0].path, $0.nearest[0].distance.text(2)] }
    let summaries = [("samples", sampleDistances), ("held-out images", heldOutDistances)].compactMap {
      name, summary in summary.map { [name, "\($0.images)", $0.median.text(2), $0.minimum.text(2), "\($0.copies)"] }
    }
    return [
      textTable(["sample", "nearest training image", "distance"], rows),
      textTable(["distance to the nearest", "images", "median", "smallest", "exact copies"], summaries),
      "\(counted(trainingImages, "training image")), \(levels) levels\(binarization.map { " (\($0))" } ?? ""); "
        + output.displayed,
      judgement,
    ].joined(separator: "\n\n")
  }

  private var judgement: String {
    let exact =
      exactCopies == 0
      ? "No sample is an exact copy of a training image (distance 0)."
      : "\(exactCopiesInWords) of a training image, value by value (distance 0)."
    guard let heldOut = heldOutDistances, let limit = nearCopyLimit, let near = nearCopies else {
      return exact + "\nThere are no held-out images to judge near copies by (--valid-share holds some out)."
    }
    let other = exactCopies > 0 ? "other " : ""
    let chance = Double(samples.count) * Double(heldOut.images / 100) / Double(heldOut.images)
    return exact + "\n"
      + (near == 0
        ? "No \(other)sample is a near copy"
        : near == 1 ? "1 \(other)sample is a near copy" : "\(near) \(other)samples are near copies")
      + ": nearer to a training image than \(limit.text(2)), which all but \(heldOut.images / 100) of "
      + "\(counted(heldOut.images, "held-out image")) are not.\n"
      + "Of \(counted(samples.count, "image")) like the held-out ones \(chance.text(1)) would be, by chance."
  }

  private var exactCopiesInWords: String {
    exactCopies == 1 ? "1 sample is an exact copy" : "\(exactCopies) samples are exact copies"
  }
}
