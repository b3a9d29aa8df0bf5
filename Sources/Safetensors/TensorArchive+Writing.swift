// Writes an archive as safetensors bytes.

extension TensorArchive {
  /// The archive as a safetensors file: the header's length (8 bytes, little endian), the header, the values
  /// of every tensor one after another as F32, little endian. The header is padded with spaces so that the
  /// values begin at a multiple of 8. Equal archives give equal bytes: metadata keys are sorted.
  ///
  /// Names that are not unique, or that the format or its reader would refuse, are programmer errors.
  public func serialized() -> [UInt8] {
    var header = "{"
    var names = Set<String>()
    if !metadata.isEmpty {
      let entries = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { key, text in
        precondition(key.utf8.count <= StrictJSON.keyLimit, "a metadata key is too long")
        return StrictJSON.escaped(key) + ":" + StrictJSON.escaped(text)
      }
      header += "\"\(Self.metadataKey)\":{" + entries.joined(separator: ",") + "}"
    }
    precondition(
      metadata.count <= Self.metadataLimit && tensors.count < StrictJSON.keyCountLimit,
      "the archive holds too many names")
    var end = 0
    for tensor in tensors {
      precondition(
        tensor.name != Self.metadataKey && tensor.name.utf8.count <= StrictJSON.keyLimit
          && tensor.shape.count <= Self.rankLimit,
        "tensor \(tensor.name): its name or its number of dimensions cannot be written")
      precondition(names.insert(tensor.name).inserted, "two tensors are named \(tensor.name)")
      // `values` can be replaced after the tensor was made.
      precondition(
        tensor.shape.reduce(1, *) == tensor.values.count,
        "tensor \(tensor.name): \(tensor.values.count) values do not fill the shape \(tensor.shape)")
      let begin = end
      end += tensor.values.count * MemoryLayout<Float>.size
      header += header.utf8.count > 1 ? "," : ""
      header += StrictJSON.escaped(tensor.name)
      header += ":{\"dtype\":\"F32\",\"shape\":[" + tensor.shape.map(String.init).joined(separator: ",")
      header += "],\"data_offsets\":[\(begin),\(end)]}"
    }
    header += "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    precondition(header.utf8.count <= Self.headerLimit, "the header of the archive exceeds 100 MB")

    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + header.utf8.count + end)
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: header.utf8)
    for tensor in tensors { StoredType.append(tensor.values, to: &bytes) }
    return bytes
  }
}
