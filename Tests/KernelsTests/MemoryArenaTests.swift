import Testing

import Kernels

@Suite struct MemoryArenaTests {
  @Test func buffersAreZeroAlignedAndApart() {
    let arena = MemoryArena()
    let buffers = (0..<200).map { AlignedBuffer(count: 1 + 997 * $0, in: arena) }
    for (number, buffer) in buffers.enumerated() {
      #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
      #expect(buffer.elements.allSatisfy { $0 == 0 })
      buffer.fill(Float(number))
    }
    for (number, buffer) in buffers.enumerated() { #expect(buffer.elements.allSatisfy { $0 == Float(number) }) }
  }

  @Test func aBufferMayBeLargerThanAChunkAndOutlivesTheArena() {
    var arena: MemoryArena? = MemoryArena()
    let small = AlignedBuffer(count: 10, in: arena)
    let large = AlignedBuffer(count: 12 << 20, in: arena)
    let after = AlignedBuffer(count: 10, in: arena)
    arena = nil
    for buffer in [small, large, after] { buffer.fill(1) }
    #expect(large[0] == 1 && large[large.count - 1] == 1)
    #expect(small.elements + after.elements == [Float](repeating: 1, count: 20))
  }
}
