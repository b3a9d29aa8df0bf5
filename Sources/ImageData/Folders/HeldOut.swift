// Which images a folder without a valid split holds out.
import Core

/// Marks the paths to hold out: each path on its own, by a number in [0, 1) drawn from `seed` and the path's
/// bytes, below `share`. So files that are added or removed move no other file to the other side.
///
/// Where a share above zero would leave one side of two or more images empty, the image nearest to that side's
/// range crosses over; only in such a tiny folder can a new file change an old one's side.
func heldOut(paths: [[UInt8]], share: Double, seed: UInt64) -> [Bool] {
  guard share > 0 else { return paths.map { _ in false } }
  let draws = paths.map { heldOutDraw(path: $0, seed: seed) }
  var marks = draws.map { Double($0) < share * 0x1p32 }
  guard marks.count >= 2 else { return marks }
  if !marks.contains(true), let lowest = draws.indices.min(by: { draws[$0] < draws[$1] }) {
    marks[lowest] = true
  }
  if !marks.contains(false), let highest = draws.indices.max(by: { draws[$0] < draws[$1] }) {
    marks[highest] = false
  }
  return marks
}

/// 32 random bits for a path: Philox over its CRC-32 and length, because a CRC alone is linear in the name.
private func heldOutDraw(path bytes: [UInt8], seed: UInt64) -> UInt32 {
  let stream = UInt64(bytes.count) << 32 | UInt64(Checksum.crc32(bytes))
  return Philox(seed: seed, purpose: .split, stream: stream).bits(at: 0)
}
