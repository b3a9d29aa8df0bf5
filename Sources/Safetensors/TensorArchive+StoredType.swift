// How the values of one tensor lie in a file: element types, and their conversion to Float.
// The only file of the archive that touches raw memory.

#if _endian(big)
  #error("safetensors is little endian; these copies assume a processor that is too")
#endif

extension TensorArchive {
  /// The element types that can be read, by the names the format gives them. Only F32 is written.
  enum StoredType: String, CaseIterable {
    /// IEEE 754 binary32, the type of the values in memory.
    case float32 = "F32"
    /// IEEE 754 binary64, rounded to the nearest Float.
    case float64 = "F64"
    /// IEEE 754 binary16; every value is a Float exactly.
    case float16 = "F16"
    /// The upper half of a binary32; every value is a Float exactly.
    case bfloat16 = "BF16"

    /// Bytes of one element.
    var size: Int {
      switch self {
      case .float64: 8
      case .float32: 4
      case .float16, .bfloat16: 2
      }
    }

    /// The values in `bytes[range]`, whose length is a multiple of `size`; aligned or not.
    func values(in bytes: [UInt8], _ range: Range<Int>) -> [Float] {
      let count = range.count / size
      // All empty arrays share one storage, into which the initializer below would write its count, unguarded.
      guard count > 0 else { return [] }
      return bytes.withUnsafeBytes { whole in
        let source = UnsafeRawBufferPointer(rebasing: whole[range])
        return [Float](unsafeUninitializedCapacity: count) { target, initialized in
          if self == .float32 {
            // One copy: the bytes in the file are the bytes in memory.
            UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
          } else {
            for index in 0..<count { target.initializeElement(at: index, to: value(source, index)) }
          }
          initialized = count
        }
      }
    }

    /// The first finite stored value that became infinite in `values`; an infinity that the file itself holds is
    /// the file's own. Only F64 can have one.
    func firstOutOfRange(_ values: [Float], in bytes: [UInt8], from start: Int) -> Double? {
      guard self == .float64 else { return nil }
      return bytes.withUnsafeBytes { whole in
        for index in values.indices where values[index].isInfinite {
          let stored = whole.loadUnaligned(fromByteOffset: start + index * size, as: Double.self)
          if stored.isFinite { return stored }
        }
        return nil
      }
    }

    private func value(_ source: UnsafeRawBufferPointer, _ index: Int) -> Float {
      let offset = index * size
      switch self {
      case .float32: return source.loadUnaligned(fromByteOffset: offset, as: Float.self)
      case .float64: return Float(source.loadUnaligned(fromByteOffset: offset, as: Double.self))
      case .float16:
        return Self.widened(half: source.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
      case .bfloat16:
        let upper = source.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
        return Float(bitPattern: UInt32(upper) << 16)
      }
    }

    /// The value of a binary16 by its bits. The standard library's Float16 is missing on Intel Macs.
    static func widened(half: UInt16) -> Float {
      let sign = UInt32(half & 0x8000) << 16
      let exponent = UInt32(half >> 10 & 0x1F)
      let fraction = UInt32(half & 0x3FF)
      switch exponent {
      case 0:
        // Zero and subnormals: fraction · 2⁻²⁴, exact.
        let magnitude = Float(fraction) * 0x1p-24
        return Float(bitPattern: magnitude.bitPattern | sign)
      case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
      default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
      }
    }

    /// Appends `values` as F32.
    static func append(_ values: [Float], to bytes: inout [UInt8]) {
      values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
  }
}
