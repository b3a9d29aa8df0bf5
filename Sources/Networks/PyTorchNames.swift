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
    return layout.renamed(modules)
  }
}

/// The tensors' names in the textbook PyTorch modules. MDRNN: a `Sequential` of the shifted input (0, no weights), the
/// layers (1…) with `i` and `rec`, and the head. Diagonal BiLSTM: the 7×7 convolution (0), layers with `l.i`, `l.rec`,
/// `r.i`, `r.rec` and `out`, and the head. Where an MDRNN has two directions, they are called `l` and `r` too.
extension DiagonalNetwork {
  /// PyTorch's name of every tensor, by ours.
  public var pyTorchNames: [String: String] {
    var modules = ["input": "0", "head.hidden": "\(layers.count + 1).1", "head.logits": "\(layers.count + 1).3"]
    for (index, layer) in layers.enumerated() {
      let isPlain = layer.output == nil && layer.directions.count == 1
      for (ours, theirs) in [("left", isPlain ? "" : "l."), ("right", "r.")] {
        modules["layers.\(index).\(ours).input"] = "\(index + 1).\(theirs)i"
        modules["layers.\(index).\(ours).state"] = "\(index + 1).\(theirs)rec"
      }
      modules["layers.\(index).output"] = "\(index + 1).out"
    }
    return layout.renamed(modules)
  }
}

extension ParameterLayout {
  /// Every tensor's name with its layer's replaced by `modules`. Vᵀ, what a layer adds for a class, is a `Linear` without a
  /// bias in the layer's module, called `cond`: a module of Python cannot well be called `class`.
  func renamed(_ modules: [String: String]) -> [String: String] {
    let ofClass = ".class"
    return Dictionary(
      uniqueKeysWithValues: slices.map { slice in
        let parameter = slice.name.split(separator: ".").last.map(String.init) ?? slice.name
        guard slice.layer.hasSuffix(ofClass) else {
          return (slice.name, "\(modules[slice.layer] ?? slice.layer).\(parameter)")
        }
        let layer = String(slice.layer.dropLast(ofClass.count))
        return (slice.name, "\(modules[layer] ?? layer).cond.\(parameter)")
      })
  }
}
