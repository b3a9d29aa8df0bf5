// The classes of the images that a workspace runs.
import Core
import Kernels

/// Which class each of the interleaved images has: the layers' choice of bias.
final class ClassConditioning {
  let biases: BiasSelector
  private let count: Int

  /// nil where the model of `configuration` depends on no class.
  init?(_ configuration: ModelConfiguration, images: Int) {
    guard configuration.classCount > 0 else { return nil }
    count = configuration.classCount
    biases = BiasSelector(width: configuration.shape.width, images: images)
  }

  /// Takes the classes of `images` of `batch`, which has them.
  func choose(_ batch: ImageBatch, _ images: Range<Int>) {
    guard let classes = batch.classes else { preconditionFailure("a class-conditional model, images without classes") }
    choose(Array(classes[images]))
  }

  /// Takes the classes of the images in order.
  func choose(_ classes: [Int]) {
    precondition(classes.allSatisfy { (0..<count).contains($0) }, "classes below \(count)")
    biases.set(classes)
  }
}
