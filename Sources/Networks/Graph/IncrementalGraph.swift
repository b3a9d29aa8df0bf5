// A graph that goes pixel by pixel.
import Kernels

/// What a graph computes when one more pixel of every image is known: each operation over one position of every image. Rows
/// are those of the maps, which hold only the last few of the image; positions are interleaved, pixel x of image n at x·N +
/// n.
final class IncrementalGraph {
  private let beforeRow: [any ForwardPass], atPixel: [any ForwardPass]
  private let width: Int

  init(_ plan: Plan, _ memory: PlanMemory) {
    let made = plan.forward.map { (phase: $0.phase, pass: $0.make(memory)) }
    beforeRow = made.filter { $0.phase == .beforeRow }.map(\.pass)
    atPixel = made.filter { $0.phase == .atPixel }.map(\.pass)
    width = memory.maps[plan.input].width
  }

  /// Everything that the rows above decide, before the first pixel of `row`. `firstRow` is where the image begins: see
  /// `ForwardPass`.
  func begin(row: Int, firstRow: Int, packed: PackedParameters) {
    let region = MapRegion(row: row, columns: 0..<width)
    for pass in beforeRow { pass.run(region, firstRow: firstRow, packed) }
  }

  /// Everything that the pixel at `positions` of `row` needs, up to its logits.
  func run(row: Int, firstRow: Int, positions: Range<Int>, packed: PackedParameters) {
    let pixel = MapRegion(row: row, columns: positions)
    for pass in atPixel { pass.run(pixel, firstRow: firstRow, packed) }
  }

  /// Everything that can be computed only when the whole `row` is known.
  func finish(row: Int, firstRow: Int, packed: PackedParameters) {
    for pass in atPixel { pass.finish(row: row, firstRow: firstRow, packed) }
  }
}
