// The limit that the kernels are held against.

/// Vectors that are summed independently: enough to keep two units busy whose results take four cycles, and no more than
/// the registers hold.
private typealias Chains = Rows12<OneVector>
private typealias FewChains = Rows6<OneVector>

/// Runs `rounds` rounds of independent fused multiply-adds on vectors in registers and returns a number that depends on
/// all of them. A round is `operationsPerMultiplyAddRound` floating-point operations.
@inline(never)
package func multiplyAddChains(rounds: Int, seed: Float) -> Float {
  hasManyRegisters ? run(Chains.self, rounds, seed) : run(FewChains.self, rounds, seed)
}

/// Floating-point operations in one round of `multiplyAddChains`.
package let operationsPerMultiplyAddRound = (hasManyRegisters ? Chains.rows : FewChains.rows) * OneVector.features * 2

/// Calls `body` so many times. A loop of the command's own, which is compiled without the optimizer, would take as long as
/// the smallest kernels' tenth.
package func repeated(_ calls: Int, _ body: () -> Void) {
  for _ in 0..<calls { body() }
}

private func run<T: RegisterTile>(_: T.Type, _ rounds: Int, _ seed: Float) -> Float where T.Group == OneVector {
  let factor = OneVector(lanes: Float16Lanes(repeating: seed))
  var tile = T(from: 0) { OneVector(lanes: Float16Lanes(repeating: seed + Float($0))) }
  withUnsafePointer(to: seed) { x in
    for _ in 0..<rounds { tile.multiplyAdd(factor, x, stride: 0) }
  }
  var sum: Float = 0
  tile.forEachRow(from: 0) { _, row in sum += row.lanes.sum() }
  return sum
}
