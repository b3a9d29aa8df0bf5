// `scanline benchmark growth`: what a step costs as the work grows, beside what the arithmetic says.
import ArgumentParser
import Core
import Kernels
import Networks

struct GrowthBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "growth",
    abstract: "A step's time and memory with width, blocks, side and batch doubled, one after the other.",
    discussion: """
      Each configuration is trained by a process of its own, turn about for --rounds rounds; times are medians. What is \
      expected follows from the multiply-adds of a step, and from the bytes of its workspaces, gradients, weights and \
      optimizer; the measured memory is the process's peak, program included.

      Example:
        scanline benchmark growth --model pixelcnn --width 32 --batch 32
      """)
  @OptionGroup var options: BenchmarkOptions
  @Option(help: "Times that each configuration is measured.") var rounds = 3
  @Flag(help: "One JSON object instead of a table.") var json = false

  func validate() throws {
    guard (1...100).contains(rounds) else { throw ValidationError("--rounds lies in 1 to 100.") }
  }

  private struct Row: Encodable {
    var doubled: String
    /// Seconds of a step, and over that of the first row.
    var seconds: Double
    var timeGrowth: Double
    /// Multiply-adds over the first row's.
    var expectedTimeGrowth: Double
    /// The process's peak, and the bytes that the arithmetic foresees.
    var peakBytes: Double
    var expectedBytes: Double
    /// That of the peak without what a process takes that trains nothing to speak of; null where the first row has no more.
    @Stated var memoryGrowth: Double?
    var expectedMemoryGrowth: Double
  }

  private struct Report: Encodable {
    var programBytes: Double
    var rows: [Row]
  }

  /// What a child prints.
  private struct Measured: Decodable {
    var imagesPerSecond: Double
    var peakBytes: Double
  }

  func run() throws {
    var variants: [(name: String, options: BenchmarkOptions)] = [("nothing", options)]
    for (name, path) in [
      ("width", \BenchmarkOptions.width), ("blocks", \.blocks), ("side", \.side), ("batch", \.batch),
    ] {
      var doubled = options
      doubled[keyPath: path] *= 2
      variants.append((name, doubled))
    }
    var tiny = options
    (tiny.width, tiny.blocks, tiny.side, tiny.batch, tiny.seconds) = (12, 1, 4, 1, 0.1)
    let program = try measure(tiny).peakBytes
    var times = [[Double]](repeating: [], count: variants.count)
    var peaks = [[Double]](repeating: [], count: variants.count)
    let bar = ProgressBar(options.shown.console(), "measuring", total: rounds * variants.count)
    for _ in 0..<rounds {
      for (position, variant) in variants.enumerated() {
        let measured = try measure(variant.options)
        times[position].append(Double(variant.options.batch) / measured.imagesPerSecond)
        peaks[position].append(measured.peakBytes)
        bar.advance(1)
      }
    }
    bar.finish()
    let expected = try variants.map { try expectation($0.options) }
    let first = median(peaks[0]) - program
    let rows = variants.indices.map { position in
      Row(
        doubled: variants[position].name, seconds: median(times[position]),
        timeGrowth: median(times[position]) / median(times[0]),
        expectedTimeGrowth: expected[position].products / expected[0].products, peakBytes: median(peaks[position]),
        expectedBytes: expected[position].bytes,
        memoryGrowth: first > 0 ? (median(peaks[position]) - program) / first : nil,
        expectedMemoryGrowth: expected[position].bytes / expected[0].bytes)
    }
    if json { return try printJSON(Report(programBytes: program, rows: rows)) }
    print(
      textTable(
        [
          "doubled", "ms a step", "growth", "expected", "peak MB", "without program", "expected MB", "growth",
          "expected",
        ],
        rows.map {
          [
            $0.doubled, ($0.seconds * 1e3).text(2), $0.timeGrowth.text(2), $0.expectedTimeGrowth.text(2),
            ($0.peakBytes / 1e6).text(1), (($0.peakBytes - program) / 1e6).text(1), ($0.expectedBytes / 1e6).text(1),
            $0.memoryGrowth?.text(2) ?? "–", $0.expectedMemoryGrowth.text(2),
          ]
        }))
  }

  /// Multiply-adds of a step, and the bytes of all that is held for it.
  private func expectation(_ options: BenchmarkOptions) throws -> (products: Double, bytes: Double) {
    let model = try options.makeModel()
    let multiplyAdds = model.layerCosts.reduce(0) { $0 + $1.multiplyAdds }
    // Weights, their average, two moments and the gradient.
    let vectors = 5 * model.layout.count * MemoryLayout<Float>.stride
    let bytes = BatchGradient.byteCount(model: model, batchSize: options.batch, threads: options.threadCount) + vectors
    return (Double(3 * multiplyAdds * options.batch), Double(bytes))
  }

  private func measure(_ options: BenchmarkOptions) throws -> Measured {
    let words = [executablePath, "benchmark", "train", "--quiet"] + options.arguments
    guard let output = popen(words.map { shellWord($0) }.joined(separator: " "), "r") else {
      throw ScanlineError(
        .io, path: "benchmark train", expected: "a process", found: String(cString: strerror(errno)))
    }
    var line = [CChar](repeating: 0, count: 1 << 16)
    let isRead = fgets(&line, Int32(line.count), output) != nil
    let status = pclose(output)
    let data = Data(line.prefix { isRead && $0 != 0 }.map(UInt8.init(bitPattern:)))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard status == 0, let measured = try? decoder.decode(Measured.self, from: data) else {
      throw ScanlineError(
        .internal, path: "benchmark train", expected: "a measurement", found: "status \(status)")
    }
    return measured
  }
}

extension BenchmarkOptions {
  var arguments: [String] {
    var words = [
      "--model", model.rawValue, "--width", "\(width)", "--blocks", "\(blocks)", "--batch", "\(batch)", "--side",
      "\(side)", "--channels", "\(channels)", "--levels", "\(levels)", "--threads", "\(threads)", "--seconds",
      "\(seconds)",
    ]
    let given: KeyValuePairs = [
      "--likelihood": likelihood?.rawValue, "--mixtures": mixtures?.description,
      "--activation": layers.activation?.rawValue, "--residual": layers.residual?.rawValue,
      "--directions": layers.directions?.description, "--cell": layers.cell?.rawValue,
      "--attention": layers.attention?.description, "--skip": layers.skip?.description,
    ]
    for case (let name, let value?) in given { words += [name, value] }
    if layers.wholeRows { words.append("--whole-rows") }
    return words
  }
}

/// The most memory that this process has held at once, in bytes; 0 where the system does not tell. (Not `getrusage`'s:
/// that counts in what the parent held before it became this process.)
func peakMemory() -> Int {
  #if os(Linux)
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return 0 }
    return kibibytes << 10
  #else
    var usage = rusage()
    return getrusage(RUSAGE_SELF, &usage) == 0 ? Int(usage.ru_maxrss) : 0
  #endif
}
