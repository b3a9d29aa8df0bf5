// The names that a PyTorch user's modules give the same tensors.

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
