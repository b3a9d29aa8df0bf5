// `scanline benchmark kernels`: each kernel against the multiply-add peak of the same run.
import ArgumentParser
import Core
import Kernels

struct KernelBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "GFLOP/s of every kernel on one core, and its share of the multiply-add peak.",
    discussion: """
      The peak is measured beside each kernel, in turn, so that the share holds when the machine's clock drifts; \
      every figure is a median.

      Example:
        scanline benchmark kernels --side 28
      """)

  @Option(help: "Side of the square images, in pixels.") var side = 28
  @Option(help: "Measurements of each kernel.") var repeats = 15
  @Flag(help: "One JSON object instead of a table.") var json = false
  @OptionGroup var shown: ProgressOptions

  func validate() throws {
    guard (1...1024).contains(side) else { throw ValidationError("--side lies in 1 to 1024.") }
    guard (1...1000).contains(repeats) else { throw ValidationError("--repeats lies in 1 to 1000.") }
  }

  private struct Row: Encodable {
    var kernel: String
    var inputs: Int
    var outputs: Int
    var gflops: Double
    var bestGflops: Double
    var shareOfPeak: Double
  }

  /// A convolution to measure; `fromImage` where its inputs are an image, which has no gradient.
  private struct Case {
    var name: String
    var window: ConvolutionWindow
    var inputs: Int
    var outputs: Int
    var fromImage = false
  }

  private static let cases: [Case] =
    [16, 32, 64, 128].map { Case(name: "3x3 B", window: ConvolutionWindow(size: 3, mask: .b), inputs: $0, outputs: $0) }
    + [16, 32, 64, 128].map { Case(name: "1x1", window: .pointwise, inputs: $0, outputs: $0) }
    + [32, 64, 128].flatMap {
      [
        Case(name: "1x1", window: .pointwise, inputs: $0, outputs: $0 / 2),
        Case(name: "1x1", window: .pointwise, inputs: $0 / 2, outputs: $0),
      ]
    }
    + [32, 128].map {
      Case(name: "7x7 A", window: ConvolutionWindow(size: 7, mask: .a), inputs: 1, outputs: $0, fromImage: true)
    }

  func run() throws {
    let bar = ProgressBar(shown.console(), "measuring", total: Self.cases.count)
    let rows = Self.cases.flatMap { item in
      defer { bar.advance(1) }
      return measure(item)
    }
    bar.finish()
    try present(rows)
  }

  private struct Report: Encodable {
    var side: Int
    var kernels: [Row]
  }

  private func present(_ rows: [Row]) throws {
    if json { return try printJSON(Report(side: side, kernels: rows)) }
    print(
      textTable(
        ["kernel", "inputs", "outputs", "GFLOP/s", "best", "of peak"],
        rows.map { row in
          [
            row.kernel, "\(row.inputs)", "\(row.outputs)", row.gflops.text(1), row.bestGflops.text(1),
            (row.shareOfPeak * 100).text(1) + "%",
          ]
        }))
  }

  /// Forward, input gradient and weight gradient of one convolution on one image.
  private func measure(_ item: Case) -> [Row] {
    let (name, window, inputs, outputs, fromImage) = (item.name, item.window, item.inputs, item.outputs, item.fromImage)
    let input = FeatureMap(
      height: side, width: side, channels: inputs, border: window.border, padded: !fromImage)
    let output = FeatureMap(height: side, width: side, channels: outputs, border: window.flipped.border)
    let inputGradient = FeatureMap(height: side, width: side, channels: inputs)
    let random = Philox(seed: 1, purpose: .benchmark)
    let values = (0..<side * side * max(inputs, outputs)).map { random.uniform(at: UInt64($0)) - 0.5 }
    input.fill(Array(values.prefix(side * side * inputs)))
    output.fill(Array(values.prefix(side * side * outputs)))
    func weights(_ inputStride: Int, _ outputs: Int) -> (AlignedBuffer, PackedMatrix) {
      let matrix = PackedMatrix(
        offset: 0, depth: window.depth(pixelStride: inputStride), columns: Lanes.roundUp(outputs))
      let buffer = AlignedBuffer(count: matrix.count)
      for i in 0..<buffer.count { buffer[i] = (random.uniform(at: UInt64(i)) - 0.5) * 0.1 }
      return (buffer, matrix)
    }
    let (forwardWeights, forwardMatrix) = weights(input.pixelStride, outputs)
    let (backwardWeights, backwardMatrix) = weights(output.pixelStride, inputs)
    let (gradient, _) = weights(input.pixelStride, outputs)
    let rows = 0..<side
    let operations = 2.0 * Double(side * side * window.taps * inputs * outputs)
    let result = FeatureMap(height: side, width: side, channels: outputs)
    let forward = ConvolutionPass(input, window: window, matrix: forwardMatrix, to: .relu(result))
    var measured: [Row] = []
    func measure(_ pass: String, _ body: () -> Void) {
      measured.append(timed("\(name) \(pass)", inputs, outputs, operations, body))
    }
    measure("forward") { forward.run(rows, weights: forwardWeights) }
    if !fromImage {
      let backward = ConvolutionPass(
        output, window: window.flipped, matrix: backwardMatrix, to: .reluGradient(inputGradient, saved: inputGradient))
      measure("input gradient") { backward.run(rows, weights: backwardWeights) }
    }
    let weightGradient = WeightGradientPass(input, window: window, outputGradient: output, matrix: forwardMatrix)
    measure("weight gradient") { weightGradient.run(rows, into: gradient) }
    return measured
  }

  private func timed(
    _ name: String, _ inputs: Int, _ outputs: Int, _ operations: Double, _ body: () -> Void
  ) -> Row {
    body()
    let calls = max(1, Int(0.003 / max(secondsTaken(by: body), 1e-7)))
    let rounds = 30_000
    var rates: [Double] = []
    var shares: [Double] = []
    for _ in 0..<repeats {
      let kernel = operations * Double(calls) / secondsTaken { repeated(calls, body) }
      var sink: Float = 0
      let peak =
        Double(rounds * operationsPerMultiplyAddRound)
        / secondsTaken { sink = multiplyAddChains(rounds: rounds, seed: 0.25) }
      precondition(sink.isFinite)
      rates.append(kernel * 1e-9)
      shares.append(kernel / peak)
    }
    return Row(
      kernel: name, inputs: inputs, outputs: outputs, gflops: median(rates), bestGflops: rates.max() ?? 0,
      shareOfPeak: median(shares))
  }
}
