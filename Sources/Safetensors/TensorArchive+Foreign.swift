// Files that are given for safetensors and are none, named; and names of tensors that a wrapper of the module made.
import Core

extension TensorArchive {
  /// Throws `badData` where `bytes` cannot begin a safetensors file and begin as one of another kind does, with what to do.
  static func refuseForeign(_ bytes: [UInt8], path: String) throws {
    // The length of a header is below 2³², and an opening brace follows it: such a file is one, if perhaps a damaged one.
    if bytes.count > 8, bytes[4..<8].allSatisfy({ $0 == 0 }), bytes[8] == UInt8(ascii: "{") { return }
    // A length of zero and nothing else.
    if bytes == [UInt8](repeating: 0, count: 8) { return }
    guard let name = FileSignature.name(bytes) ?? FileSignature.textName(bytes) else { return }
    let advice =
      "; if torch.save made it: safetensors.torch.save_file(torch.load(\"FILE\", weights_only=True), "
      + "\"weights.safetensors\"), of a dictionary of tensors"
    throw ScanlineError(
      .badData, path: path, expected: "a safetensors file", found: name + (FileSignature.isTorch(bytes) ? advice : ""))
  }

  /// What would make `unused` names those of `wanted`, in words; nil where nothing that is known would.
  package static func hint(unused: [String], wanted: Set<String>) -> String? {
    var hints: [String] = []
    var prefixes: [String: Int] = [:]
    // PyTorch's wrappers (DataParallel, compile, Lightning) put the name of a module in front of all names.
    for name in unused {
      for dot in name.indices where name[dot] == "." && wanted.contains(String(name[name.index(after: dot)...])) {
        prefixes[String(name[...dot]), default: 0] += 1
      }
    }
    if let (prefix, _) = prefixes.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
      let quoted = StrictJSON.quoted(prefix)
      hints.append(
        "names begin with \(quoted): save {k.removeprefix(\(quoted)): v for k, v in module.state_dict().items()}")
    }
    if unused.contains(where: { $0 == "mask" || $0.hasSuffix(".mask") }) {
      hints.append("masks are part of the model: leave them out, or use register_buffer(…, persistent=False)")
    }
    return hints.isEmpty ? nil : "hint: " + hints.joined(separator: "; ")
  }
}
