import Foundation
import Testing
import Training

@Suite struct RunFolderTests {
  private let scratch = Scratch()
  private var run: String { scratch.path + "/runs/one" }

  private func save(_ steps: [Int]) throws {
    for step in steps { try CheckpointFolder.write(sample, to: CheckpointFolder.path(of: step, in: run)) }
  }

  private func saved() throws -> [Int] { try CheckpointFolder.steps(in: run).map(\.step) }

  @Test func onlyOneHoldsTheLock() throws {
    var lock: RunLock? = try RunLock(run: run)
    let error = failure { _ = try RunLock(run: run) }
    #expect(error?.kind == .locked && error?.kind.rawValue == 75 && error?.path == run)
    #expect(error?.found == "process \(getpid()) at work in it")
    // A failed attempt must not have loosened the holder's lock.
    #expect(failure { _ = try RunLock(run: run) }?.kind == .locked)
    #expect(lock?.run == run)
    lock = nil
    _ = try RunLock(run: run)
    put([1], scratch.path + "/file")
    #expect(failure { _ = try RunLock(run: scratch.path + "/file/run") }?.kind == .cannotCreate)
    #expect(failure { _ = try RunLock(run: scratch.path + "/file") }?.kind == .cannotCreate)
  }

  @Test func stepsAreFoundInOrder() throws {
    let lock = try RunLock(run: run)
    #expect(lock.run == run)
    try save([200, 3, 1_000_000_000, 99_999_999])
    for other in ["step-12", "step-0000000x", "step-000000012", "step--0000001", "best", "step-00000001.old"] {
      put([1], run + "/" + other)
    }
    #expect(try saved() == [3, 200, 99_999_999, 1_000_000_000])
    #expect(try CheckpointFolder.steps(in: run)[0].path == run + "/step-00000003")
    #expect(failure { _ = try CheckpointFolder.steps(in: run + "/none") }?.kind == .badData)
  }

  @Test func theNewestSoundStepIsUsed() throws {
    let lock = try RunLock(run: run)
    #expect(try CheckpointFolder.newestValid(in: run).step == nil)
    try save([10, 20, 30, 40])
    #expect(try CheckpointFolder.newestValid(in: run).step?.step == 40)
    put([1], run + "/step-00000040/state.json")
    try FileManager.default.removeItem(atPath: run + "/step-00000030/manifest.json")
    let found = try CheckpointFolder.newestValid(in: run)
    #expect(found.step?.step == 20 && found.damaged.map(\.step) == [40, 30])
    #expect(found.messages.count == 2)
    #expect(
      found.messages[0].hasPrefix(
        "step-00000040 is damaged and is passed over: \(run)/step-00000040/state.json"))
    #expect(found.messages[1].contains("step-00000030") && found.messages[1].contains("manifest.json"))

    for step in found.damaged { try CheckpointFolder.setAside(step, under: lock) }
    #expect(try saved() == [10, 20])
    try save([40])
    put([1], run + "/step-00000040/empty")
    let again = try CheckpointFolder.newestValid(in: run).damaged
    #expect(try CheckpointFolder.setAside(again[0], under: lock) == run + "/damaged-step-00000040-2")
    put([1], run + "/step-00000010/empty")
    put([1], run + "/step-00000020/empty")
    let none = try CheckpointFolder.newestValid(in: run)
    #expect(none.step == nil && none.messages.count == 2)
  }

  @Test func pruningKeepsTheNewestAndTheBest() throws {
    let lock = try RunLock(run: run)
    try save([10, 20, 30, 40, 50])
    #expect(try CheckpointFolder.prune(under: lock, keeping: 2, best: 20).map(\.step) == [10, 30])
    #expect(try saved() == [20, 40, 50])
    #expect(try CheckpointFolder.prune(under: lock, keeping: 9, best: nil).isEmpty)
    #expect(try CheckpointFolder.prune(under: lock, keeping: 1, best: 50).map(\.step) == [20, 40])
    #expect(try FileManager.default.contentsOfDirectory(atPath: run).sorted() == [".lock", "step-00000050"])
  }

  @Test func leftoversOfKilledRunsGo() throws {
    let lock = try RunLock(run: run)
    try save([10])
    for name in [".saving-step-00000020-123", ".removing-step-00000005-9", ".saving-step-00000020-123-2"] {
      try FileManager.default.createDirectory(
        atPath: run + "/" + name + "/deeper", withIntermediateDirectories: true)
      put([1], run + "/" + name + "/model.safetensors")
    }
    // A link is removed itself; what it points to is not touched.
    try FileManager.default.createSymbolicLink(
      atPath: run + "/.saving-step-00000020-123/link", withDestinationPath: run + "/step-00000010")
    put([1], run + "/.hidden")
    #expect(try saved() == [10])
    #expect(try CheckpointFolder.removeLeftovers(under: lock).count == 3)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: run).sorted() == [
        ".hidden", ".lock", "step-00000010",
      ])
    try CheckpointFolder.verify(run + "/step-00000010")
  }
}
