// Tensors into parameters, refusing what is missing and what is left over.
import Core
import Kernels
import Safetensors

extension TensorArchive {
  /// Copies every tensor into the slice of its name, each vector's names behind its prefix. Masked elements become
  /// zero, whatever the file holds there. `names` gives the file's name of a tensor where it is not ours. Throws
  /// `badData` naming every tensor that is missing, unused or of another shape, and any that holds a number that
  /// is not finite; with `ignoresMaskedValues`, only among the elements that are learned.
  package func fill(
    _ vectors: [(prefix: String, vector: ParameterVector)], names: [String: String] = [:], path: String,
    ignoresMaskedValues: Bool = false
  ) throws {
    var unused = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
    var missing: [String] = []
    for (prefix, vector) in vectors {
      for slice in vector.layout.slices {
        let name = prefix + (names[slice.name] ?? slice.name)
        guard let tensor = unused.removeValue(forKey: name) else {
          missing.append(name)
          continue
        }
        guard tensor.shape == slice.shape else {
          throw ScanlineError(
            .badData, path: path, expected: "\(name) of shape \(slice.shape)", found: "shape \(tensor.shape)")
        }
        let live = ignoresMaskedValues ? slice.live : nil
        guard tensor.values.indices.allSatisfy({ tensor.values[$0].isFinite || live?[$0] == false }) else {
          throw ScanlineError(
            .badData, path: path, expected: "finite numbers in \(name)", found: "infinity or not a number")
        }
        vector.storage.copy(tensor.values, at: slice.offset)
        if let live = slice.live {
          for i in live.indices where !live[i] { vector.storage[slice.offset + i] = 0 }
        }
      }
    }
    guard missing.isEmpty && unused.isEmpty else {
      let ours = vectors.flatMap { prefix, vector in vector.layout.slices.map { prefix + $0.name } }
      func list(_ names: [String]) -> String { names.sorted().joined(separator: ", ") }
      let parts = [
        missing.isEmpty ? nil : "missing: \(list(missing))",
        unused.isEmpty ? nil : "not used: \(list(Array(unused.keys)))",
        Self.hint(unused: unused.keys.sorted(), wanted: Set(missing + ours)),
      ]
      throw ScanlineError(
        .badData, path: path, expected: "the tensors of the model, each once",
        found: parts.compactMap { $0 }.joined(separator: "; "))
    }
  }
}
