// The names that a PyTorch user's modules give the same tensors.

extension ParameterLayout {
  /// Every tensor's name with its layer's replaced by `modules`. What a layer adds for a class or a transformation is a
  /// `Linear` without a bias in the layer's module, called `cond` or `augment`: no module of Python can well be `class`.
  func renamed(_ modules: [String: String]) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: slices.map { slice in
        let parameter = slice.name.split(separator: ".").last.map(String.init) ?? slice.name
        for (own, theirs) in [(".class", "cond"), (".augment", "augment")] where slice.layer.hasSuffix(own) {
          let layer = String(slice.layer.dropLast(own.count))
          return (slice.name, "\(modules[layer] ?? layer).\(theirs).\(parameter)")
        }
        return (slice.name, "\(modules[slice.layer] ?? slice.layer).\(parameter)")
      })
  }
}
