// What the models of a report draw: samples as training went on, and held-out images completed.
import Core
import ImageData
import Networks
import Reports

struct ReportPictures {
  /// Images that are completed.
  private static let images = 6

  let runs: [ReportRun]

  // MARK: Samples

  /// For each run its grids of samples, with a slider over the steps.
  var samples: HTML { .each(runs, beside: true) { number, run in samples(run, number) } }

  private func samples(_ run: ReportRun, _ number: Int) -> HTML {
    guard !run.grids.isEmpty else {
      return .note(
        """
        No grids of samples: <code>\(run.path)/samples</code> holds no <code>step-00001234.png</code> that can be read. \
        Of a saved step, <code>scanline sample</code> makes one (see the commands below).
        """)
    }
    let frames = ReportFrames(run.grids.map { .init("step \($0.step)", $0.picture) })
    let text = run.grids[run.grids.count - 1].text
    let known = [("seed", "Seed"), ("temperature", "Temperature"), ("weights", "Weights")].compactMap { word, key in
      text[key].map { "\(word) \($0)" }
    }
    let shown: HTML =
      run.grids.count < run.gridCount ? "\(run.grids.count) of \(run.gridCount) grids" : "\(run.gridCount) grids"
    return .paragraph(
      """
      \(shown), as they were written while training went on\(known.isEmpty ? "" : ": ")\(known.joined(separator: ", ")).
      """) + frames.html(id: "samples-\(number)", label: "Step of \(run.name)")
  }

  // MARK: Completions

  /// For each run a grid of held-out images whose lower half its best checkpoint draws, `count` times.
  func completions(_ count: Int, _ options: ReportScores.Options, console: Console) -> HTML {
    .each(runs, beside: true) { _, run in
      do {
        return try completions(of: run, count, options, console)
      } catch {
        return .note("No completions: \(inFlags(error))")
      }
    }
  }

  private func completions(
    of run: ReportRun, _ count: Int, _ options: ReportScores.Options, _ console: Console
  ) throws -> HTML {
    let checkpoint = try run.checkpoint.get()
    let folder = try ReportScores.folder(of: run, options.data)
    let listing = try checkpoint.scan(folder, options.images)
    guard let split = listing.heldOutSplit else {
      throw ScanlineError(.badData, path: folder, expected: "held-out images", found: "none")
    }
    let (set, model) = try checkpoint.load(
      listing.spread(Self.images, in: split), split: nil, options.images, threads: options.threads, console: console)
    guard set.shape.height > 1 else {
      throw ScanlineError(.badData, path: folder, expected: "images of two rows or more", found: "\(set.shape)")
    }
    let kept = try InpaintingMask(rows: set.shape.height / 2, shape: set.shape)
    let quantization = checkpoint.state.quantization
    let given = GivenPixels(
      quantization.batch(from: set, indices: (0..<set.count * count).map { $0 / count }), mask: kept.mask)
    let bar = ProgressBar(console, "\(run.name): completions", total: given.images.count * set.shape.height)
    let drawn = Sampler(model: model, parameters: checkpoint.parameters, threads: options.threads).sample(
      SamplingRequest(
        count: given.images.count, seed: options.seed, classes: given.images.classes, given: given),
      progress: bar.advance)
    bar.finish()
    let originals = quantization.batch(from: set, indices: 0..<set.count)
    let grid = kept.picture(originals, drawn: drawn.images, quantization)
    let picture = ReportPicture(
      png: try grid.encoded(), shape: grid.shape,
      alternative: "\(counted(set.count, "held-out image")), a row each: the image, its upper half, "
        + counted(count, "completion"))
    return """
      <figure>\(picture.html(side: 640))
      <figcaption>A row for each held-out image: the image, what is given of it (\(kept.inWords)), and \(count) \
      \(count == 1 ? "completion" : "completions" as HTML) by step \(checkpoint.state.step), seed \
      \("\(options.seed)"). \(kept.conditioning(unseen: given.unseenCount(in: model.configuration.order)))</figcaption></figure>

      """
  }
}
