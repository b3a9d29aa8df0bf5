// The names that a PyTorch user's modules give the same tensors.
import Kernels

/// The tensors' names in the textbook PyTorch module: a `Sequential` of the 7×7 convolution (0), the blocks
/// (1…blocks), each with its layers in `net` (1, 3, 5), and a `Sequential` head (1, 3). Shapes are the same.
extension PixelCNN {
  /// PyTorch's name of every tensor, by ours.
  public var pyTorchNames: [String: String] {
    var modules = ["input": "0", "head.hidden": "\(blocks.count + 1).1", "head.logits": "\(blocks.count + 1).3"]
    for index in blocks.indices {
      modules["blocks.\(index).reduce"] = "\(index + 1).net.1"
      modules["blocks.\(index).conv"] = "\(index + 1).net.3"
      modules["blocks.\(index).expand"] = "\(index + 1).net.5"
    }
    return Dictionary(
      uniqueKeysWithValues: layout.slices.map { slice in
        let parameter = slice.name.split(separator: ".").last.map(String.init) ?? slice.name
        return (slice.name, "\(modules[slice.layer] ?? slice.layer).\(parameter)")
      })
  }
}
