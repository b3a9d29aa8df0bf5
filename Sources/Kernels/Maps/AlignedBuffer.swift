// The memory that everything else is a view of.

/// A block of floats, aligned to a cache line, zero when made, freed with its last owner.
///
/// It is the caller's business that two threads do not write the same element: the parallel loops of this
/// package hand each worker or shard a buffer, or a slice of one, of its own.
package final class AlignedBuffer: @unchecked Sendable {
  /// Floats in the buffer.
  package let count: Int
  package let pointer: UnsafeMutablePointer<Float>
  /// Floats allocated: the count rounded up to whole vectors, so that a vector loop needs no tail.
  private let capacity: Int
  /// What keeps the memory; nil: it is the buffer's own.
  private let owner: AnyObject?

  /// `count` floats, all zero; in memory of `arena` where there is one.
  package init(count: Int, in arena: MemoryArena? = nil) {
    precondition(count >= 0, "a buffer cannot have \(count) elements")
    self.count = count
    capacity = max(Lanes.count, Lanes.roundUp(count))
    let byteCount = capacity * MemoryLayout<Float>.stride
    if let arena {
      let (memory, owner) = arena.allocate(byteCount: byteCount)
      pointer = memory.bindMemory(to: Float.self, capacity: capacity)
      self.owner = owner
    } else {
      pointer = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        .bindMemory(to: Float.self, capacity: capacity)
      pointer.initialize(repeating: 0, count: capacity)
      owner = nil
    }
  }

  deinit { if owner == nil { pointer.deallocate() } }

  /// The element at `index`.
  package subscript(index: Int) -> Float {
    get {
      precondition(index >= 0 && index < count, "element \(index) of a buffer of \(count)")
      return pointer[index]
    }
    set {
      precondition(index >= 0 && index < count, "element \(index) of a buffer of \(count)")
      pointer[index] = newValue
    }
  }

  /// The elements of `range` as an array.
  package func array(_ range: Range<Int>) -> [Float] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "elements \(range) of a buffer of \(count)")
    return Array(UnsafeBufferPointer(start: pointer + range.lowerBound, count: range.count))
  }

  /// Copies `values` to the elements that begin at `offset`.
  package func copy(_ values: [Float], at offset: Int = 0) {
    precondition(offset >= 0 && offset + values.count <= count, "values do not fit the buffer")
    values.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      (pointer + offset).update(from: base, count: source.count)
    }
  }

  /// Copies another buffer of the same size.
  package func copy(_ other: AlignedBuffer) {
    precondition(other.count == count, "buffers of \(other.count) and \(count) elements")
    pointer.update(from: other.pointer, count: count)
  }

  /// Sets every element to `value`.
  package func fill(_ value: Float = 0) { pointer.update(repeating: value, count: count) }

  /// All elements as an array.
  package var elements: [Float] { array(0..<count) }
}

/// The vector that the kernels work in.
package enum Lanes {
  /// Floats in a vector.
  package static let count = 16

  /// The smallest multiple of the vector's width that is not below `n`.
  package static func roundUp(_ n: Int) -> Int { (n + count - 1) / count * count }
}
