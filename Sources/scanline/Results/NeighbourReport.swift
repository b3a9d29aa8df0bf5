// What `neighbours` found, in numbers and in words.
import Core
import Evaluation
import ImageData
import Kernels

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
  let binarization: Stated<String>
  /// Distances of samples to their nearest training images.
  let sampleDistances: NearestSummary?
  /// The same of held-out images; null where there are none.
  let heldOutDistances: Stated<NearestSummary>
  let exactCopies: Int
  /// The distance that all but one in a hundred held-out images reach at least; null where there are none.
  let nearCopyLimit: Stated<Double>
  /// Samples that are no exact copies and nearer than that; null likewise.
  let nearCopies: Stated<Int>
  let output: String

  init(
    samples: [Sample], heldOutDistances: [Double], trainingImages: Int, _ quantization: Quantization, output: String
  ) {
    let distances = samples.map { $0.nearest[0].distance }
    let heldOut = NearestSummary(heldOutDistances)
    self.samples = samples
    self.trainingImages = trainingImages
    self.output = output
    levels = quantization.levels
    binarization = Stated(value: quantization.binarization?.rawValue)
    sampleDistances = NearestSummary(distances)
    self.heldOutDistances = Stated(value: heldOut)
    exactCopies = distances.count { $0 == 0 }
    let limit = heldOut.map { heldOutDistances.sorted()[$0.images / 100] }
    nearCopyLimit = Stated(value: limit)
    nearCopies = Stated(value: limit.map { limit in distances.count { $0 > 0 && $0 < limit } })
  }

  /// Tables, then the judgement and its rule.
  var inWords: String {
    let rows = samples.map { [$0.sample, $0.nearest[0].path, $0.nearest[0].distance.text(2)] }
    let summaries = [("samples", sampleDistances), ("held-out images", heldOutDistances.value)].compactMap {
      name, summary in summary.map { [name, "\($0.images)", $0.median.text(2), $0.minimum.text(2), "\($0.copies)"] }
    }
    return [
      textTable(["sample", "nearest training image", "distance"], rows),
      textTable(["distance to the nearest", "images", "median", "smallest", "exact copies"], summaries),
      "\(counted(trainingImages, "training image")), \(levels) levels\(binarization.value.map { " (\($0))" } ?? ""); "
        + output.displayed,
      judgement,
    ].joined(separator: "\n\n")
  }

  private var judgement: String {
    let exact =
      exactCopies == 0
      ? "No sample is an exact copy of a training image (distance 0)."
      : "\(exactCopiesInWords) of a training image, value by value (distance 0)."
    guard let heldOut = heldOutDistances.value, let limit = nearCopyLimit.value, let near = nearCopies.value else {
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
