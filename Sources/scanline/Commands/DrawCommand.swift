// scanline draw: a small data set that needs no download.
import ArgumentParser
import Core
import ImageData

struct DrawCommand: ParsableCommand, LeavesFiles {
  static let configuration = CommandConfiguration(
    commandName: "draw",
    abstract: "Draw a folder of small grey images of ten glyphs.",
    discussion: """
      One subfolder per glyph: \(Glyph.allCases.map(\.rawValue).joined(separator: ", ")). The same count, side \
      and seed give the same files, byte for byte.

      Example:
        scanline draw strokes --count 2000 --side 20 --seed 1
      """)

  @Argument(help: "The folder to draw into: new or empty.", completion: .directory) var folder: String
  @Option(help: "How many images (1 to 1000000), the glyphs taking turns.") var count = 2000
  @Option(help: "Pixels along each side (8 to 512).") var side = 20
  @Option(help: "What the random strokes are drawn from.") var seed: UInt64 = 1
  @Option(
    help: "How many threads draw (1 to 1024; default: all that this process may use); the images do not depend on it.")
  var threads: Int?
  @OptionGroup var shown: ProgressOptions

  func validate() throws {
    guard (1...1_000_000).contains(count) else { throw ValidationError("--count lies in 1 to 1000000.") }
    guard (8...512).contains(side) else { throw ValidationError("--side lies in 8 to 512.") }
    try requireThreads(threads)
  }

  func run() throws {
    var outputs = OutputFiles()
    try outputs.requireFolder(folder, for: "the folder")
    let drawing = GlyphDrawing(seed: seed, side: side)
    let bar = ProgressBar(shown.console(), "drawing", total: count)
    try drawing.write(count: count, to: folder, threads: threads ?? availableThreads(), progress: bar.advance)
    bar.finish()
    print(
      "\(folder.displayed): \(counted(count, "image")) of \(side)×\(side), "
        + "\(counted(min(count, Glyph.allCases.count), "glyph")), seed \(seed)")
  }
}
