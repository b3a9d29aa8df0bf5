// A checkpoint knows the images that it was trained on.
import Foundation
import ImageData
import Kernels
import Testing
import Training

@Suite struct TrainedImagesTests {
  private let scratch = Scratch()

  /// A step of a tiny run whose state knows its training images, or as an earlier version wrote it.
  private func save(_ name: String, knows: Bool) throws -> String {
    let trainer = try TinyRun().trainer()
    var state = trainer.state
    if !knows { state.data?.trainedImages = nil }
    let path = scratch.path + "/" + name
    try Checkpoint.save(trainer.adam, state: state, to: path)
    return path
  }

  private func known(_ state: RunState) -> ContentHashSet? { state.data?.trainedImages }

  @Test func theImagesGoWithTheStep() throws {
    let run = TinyRun()
    let path = try save("new", knows: true)
    let (state, adam) = try Checkpoint.load(path)
    let trained = try #require(known(state))
    #expect(trained.positions(in: run.train) == Array(0..<46))
    #expect(trained.positions(in: try #require(run.valid)).isEmpty)
    #expect(try Checkpoint.loadWeights(path, .ema).state == state)
    // Weights alone, of one step or of several.
    try Checkpoint.saveWeights(adam.average, state: state, to: scratch.path + "/alone")
    #expect(try known(Checkpoint.loadWeights(scratch.path + "/alone", .ema).state) == trained)
    #expect(try CheckpointFolder.files(of: scratch.path + "/alone").map(\.name) == ["model.safetensors", "state.json"])
  }

  /// Neither a version without the images nor one with them stumbles over the other's checkpoints.
  @Test func checkpointsOfEarlierVersions() throws {
    let path = try save("old", knows: false)
    let text = String(decoding: try #require(FileManager.default.contents(atPath: path + "/state.json")), as: UTF8.self)
    #expect(!text.contains("trainedImages"))
    #expect(try known(Checkpoint.load(path).state) == nil)
    // A mean knows where one of its steps does.
    let both = [try save("new", knows: true), path]
    for paths in [both, both.reversed()] {
      #expect(try known(Checkpoint.mean(of: paths, .raw).state)?.count == 46)
    }
    #expect(try known(Checkpoint.mean(of: [path], .raw).state) == nil)
  }

  /// What the forecast says of the disk holds the images too: 11 bytes each, next to nothing beside 16 of each weight.
  @Test func theDiskIsCounted() throws {
    var run = TinyRun()
    run.train = TinyRun.noise(4_000, stream: 1)
    let trainer = try run.trainer()
    let path = scratch.path + "/step"
    try Checkpoint.save(trainer.adam, state: trainer.state, to: path)
    let bytes = try CheckpointFolder.files(of: path).reduce(0) { $0 + $1.bytes }
    let forecast = ResourceEstimate(trainer.state, threads: 1)
    #expect(forecast.checkpointBytes >= bytes && forecast.checkpointBytes < bytes + bytes / 4)
    var state = trainer.state
    state.data?.trainedImages = nil
    #expect(forecast.checkpointBytes - ResourceEstimate(state, threads: 1).checkpointBytes == 42_668)
    #expect(forecast.passingBytes >= ResourceEstimate(state, threads: 1).passingBytes)
  }
}
