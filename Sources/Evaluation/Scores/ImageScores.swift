// What the scores of a folder's images say, image by image and class by class.
import ImageData
import Networks

/// The images of a set with −log p of each.
package struct ImageScores: Sendable {
  /// A class and its images.
  package struct Class: Sendable {
    /// The class folder.
    package let name: String
    /// Its images' figures.
    package let summary: LikelihoodSummary
  }

  /// The images.
  package let set: ImageSet
  /// Nats of each.
  package let nats: [Double]
  /// Of all images.
  package let summary: LikelihoodSummary

  /// The scores `nats` of the images of `set`, of which there is at least one.
  package init(_ set: ImageSet, nats: [Double]) {
    precondition(set.count == nats.count, "\(nats.count) scores for \(set.count) images")
    (self.set, self.nats) = (set, nats)
    summary = LikelihoodSummary(nats, shape: set.shape)
  }

  /// The class of image `index`; nil where images have none.
  package func className(_ index: Int) -> String? { set.classes.map { set.classNames[$0[index]] } }

  /// Bits per dimension of image `index`.
  package func bitsPerDimension(_ index: Int) -> Double {
    LikelihoodSummary([nats[index]], shape: set.shape).bitsPerDimension
  }

  /// Every class that has images, in the order of the set's names; empty where images have no class.
  package var classes: [Class] {
    guard let numbers = set.classes else { return [] }
    var groups = [[Double]](repeating: [], count: set.classNames.count)
    for (image, number) in numbers.enumerated() { groups[number].append(nats[image]) }
    return zip(set.classNames, groups).filter { !$1.isEmpty }.map {
      Class(name: $0, summary: LikelihoodSummary($1, shape: set.shape))
    }
  }

  /// The `count` least likely images, the least likely first; of equal ones the earlier first.
  package func leastLikely(_ count: Int) -> [Int] {
    Array(nats.indices.sorted { (nats[$1], $0) < (nats[$0], $1) }.prefix(count))
  }

  /// A row for each image: path, class if there are any, nats, bits_per_dim; numbers as they are, to the last bit.
  package var table: CSVText {
    let hasClasses = set.classes != nil
    var table = CSVText(columns: ["path"] + (hasClasses ? ["class"] : []) + ["nats", "bits_per_dim"])
    for index in nats.indices {
      table.append(
        [set.paths[index]] + (hasClasses ? [className(index) ?? ""] : []) + [
          "\(nats[index])", "\(bitsPerDimension(index))",
        ])
    }
    return table
  }
}
