// Memory for many buffers side by side, in large pages.
import CScanline

/// Where buffers that live and die together lie one after the other. Wherever they fill 2 MiB these are asked for as one
/// page: a training step was 5% faster than in pages of 4 KiB, whose translations the processor looked up anew for every
/// map.
///
/// Not for two threads at a time. What was given lives as long as its buffer, whether the arena does or not.
package final class MemoryArena {
  private static let largePage = 2 << 20
  private static let chunkBytes = 32 << 20
  /// Bytes between buffers. Maps of equal size would else begin at equal positions of their pages, where the first cache
  /// has room for twelve lines.
  private static let stagger = 9 * 64
  private var chunk: Chunk?
  /// From the chunk's first byte to the first that is free, and to the first that no large page was asked for.
  private var used = 0, advised = 0

  /// Bytes that are known to come.
  private let expectedBytes: Int

  /// An arena of nothing yet; `expectedBytes` is what it will hold, where that is known.
  package init(expectedBytes: Int = 0) { self.expectedBytes = expectedBytes }

  /// `byteCount` bytes of zeros that begin a cache line, and what keeps them.
  func allocate(byteCount: Int) -> (memory: UnsafeMutableRawPointer, owner: AnyObject) {
    let chunk = chunk(with: byteCount)
    let position = used
    used = (position + byteCount + 63) / 64 * 64 + Self.stagger
    // Only whole pages, so that a small arena takes no more memory than its buffers.
    let full = used / Self.largePage * Self.largePage
    if full > advised {
      scanline_prefer_huge_pages(chunk.start + advised, full - advised)
      advised = full
    }
    return (chunk.start + position, chunk)
  }

  /// The chunk, or the next, in which there is room for `byteCount` bytes.
  private func chunk(with byteCount: Int) -> Chunk {
    if let chunk, used + byteCount <= chunk.byteCount { return chunk }
    let isFirst = chunk == nil
    let next = Chunk(byteCount: max(Self.chunkBytes, byteCount), alignment: Self.largePage)
    (chunk, used, advised) = (next, 0, 0)
    // A last page that will be half full is worth a large one: a workspace of 3.6 MiB has two then.
    if isFirst, expectedBytes <= next.byteCount {
      advised = (expectedBytes + Self.largePage / 2) / Self.largePage * Self.largePage
      if advised > 0 { scanline_prefer_huge_pages(next.start, advised) }
    }
    return next
  }

  /// A range of addresses; they take memory when they are touched.
  private final class Chunk {
    let byteCount: Int
    let start: UnsafeMutableRawPointer
    private let mapped: UnsafeMutableRawPointer
    private let mappedBytes: Int

    init(byteCount: Int, alignment: Int) {
      mappedBytes = byteCount + alignment
      guard let mapped = scanline_map_memory(mappedBytes) else {
        fatalError("no memory for \(byteCount) bytes of activations")
      }
      self.byteCount = byteCount
      self.mapped = mapped
      start = mapped.alignedUp(toMultipleOf: alignment)
    }

    deinit { scanline_unmap_memory(mapped, mappedBytes) }
  }
}
