// What layers are conditioned on, through their biases: the class of an image, and how it was transformed.
import Core
import Kernels

/// The sets of biases of a conditioned layer: one for each class and transformation, those of a class side by side.
package struct BiasTable: Sendable {
  /// K; 0: there are no classes.
  let classes: Int
  /// F: features of a transformation; 0: there are none but the identity.
  let featureCount: Int
  /// The features that are 1, for each of the T transformations; the identity, the first, has none.
  let features: [[Int]]

  /// A single set: a layer that depends on neither.
  static let single = BiasTable(classes: 0, nil)

  init(classes: Int, _ augmentation: Augmentation?) {
    self.classes = classes
    featureCount = augmentation?.featureCount ?? 0
    features = augmentation.map { augmentation in (0..<augmentation.count).map(augmentation.features) } ?? [[]]
  }

  /// Whether images choose.
  var isConditional: Bool { classes > 0 || featureCount > 0 }
  /// Sets: K · T, where K is at least 1.
  var count: Int { max(1, classes) * features.count }
  /// The set of class `number` and transformation `transformation`.
  func set(class number: Int, _ transformation: Int) -> Int { number * features.count + transformation }
}

/// Which set of biases each of the interleaved images of a workspace takes.
final class Conditioning {
  let biases: BiasSelector
  private let table: BiasTable

  /// nil where no layer of `graph` depends on anything.
  init?(_ graph: Graph, images: Int) {
    guard graph.biasTable.isConditional else { return nil }
    table = graph.biasTable
    biases = BiasSelector(width: graph.configuration.shape.width, images: images)
  }

  /// Takes what `images` of `batch` have.
  func choose(_ batch: ImageBatch, _ images: Range<Int>) {
    choose(
      classes: batch.classes.map { Array($0[images]) },
      transformations: batch.transformations.map { Array($0[images]) })
  }

  /// Takes the classes of the images in order, which a class-conditional model must be given, and their
  /// transformations; nil: the identity.
  func choose(classes: [Int]?, transformations: [Int]?) {
    if table.classes > 0 {
      guard let classes else { preconditionFailure("a class-conditional model, images without classes") }
      precondition(classes.allSatisfy { (0..<table.classes).contains($0) }, "classes below \(table.classes)")
    }
    let numbers = transformations ?? []
    precondition(
      numbers.allSatisfy { (0..<table.features.count).contains($0) }, "transformations below \(table.features.count)")
    let own = table.classes > 0 ? classes ?? [] : []
    biases.set(
      (0..<max(own.count, numbers.count)).map { image in
        table.set(class: own.isEmpty ? 0 : own[image], numbers.isEmpty ? 0 : numbers[image])
      })
  }
}
