// `scanline benchmark load`: how fast a folder of PNGs becomes a first batch.
import ArgumentParser
import Core
import ImageData

struct LoadBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "From a folder of PNGs to its first batch of levels.",
    discussion: """
      Lists, decodes and quantizes as `train` does, again and again for --seconds; figures are medians. The first round \
      warms the page cache and is not counted.

      Example:
        scanline benchmark load mnist --threads 1
      """)
  @Argument(help: "A folder of PNGs.", completion: .directory) var folder: String
  @Option(help: "Threads; 0 takes all that this process may use.") var threads = 0
  @Option(help: "Seconds to measure for.") var seconds = 10.0
  @OptionGroup(title: "Images") var images: ImageOptions
  @OptionGroup var shown: ProgressOptions

  func validate() throws {
    guard threads >= 0, seconds > 0 else { throw ValidationError("--seconds is positive, --threads is not negative.") }
  }

  private struct Report: Encodable {
    var folder: String
    var files: Int
    var threads: Int
    var listingSeconds: Double
    var seconds: Double
    var filesPerSecond: Double
    var peakBytes: Int
  }

  func run() throws {
    let threads = threads == 0 ? availableThreads() : threads
    let loading = images.loading(over: nil)
    let quantization = try Quantization(levels: 256)
    var files = 0
    func round() throws -> (listing: Double, all: Double) {
      let start = monotonicSeconds()
      let listing = try ImageFolder(scanning: folder, heldOutShare: 0, threads: threads)
      let listed = monotonicSeconds()
      let set = try ImageSet(loading: listing, options: loading, threads: threads)
      _ = quantization.batch(from: set, indices: Array(0..<min(64, set.count)), epoch: 0)
      files = set.count
      return (listed - start, monotonicSeconds() - start)
    }
    _ = try round()
    var times: [(listing: Double, all: Double)] = []
    try BenchmarkOptions.repeatedly(seconds: seconds, atLeast: 3, shown.console()) { times.append(try round()) }
    let all = median(times.map(\.all))
    try printJSON(
      Report(
        folder: folder, files: files, threads: threads, listingSeconds: median(times.map(\.listing)), seconds: all,
        filesPerSecond: Double(files) / all, peakBytes: peakMemory()))
  }
}
