// `scanline import-idx`: MNIST's files as a folder of PNGs.
import ArgumentParser
import Foundation
import ImageData
import Kernels

struct ImportIDXCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import-idx",
    abstract: "Make a folder of PNGs of IDX files, as MNIST and its kin are distributed.",
    discussion: """
      Images are N×H×W unsigned bytes, labels N unsigned bytes; either file may be gzip, whatever it is called. With \
      labels each class becomes a subfolder, called by its number. File names are the images' places in the file, from 0. \
      The folder appears when all images are written; until then they lie beside it in .importing-NAME.

      Examples:
        scanline import-idx train-images-idx3-ubyte.gz \\
          --labels train-labels-idx1-ubyte.gz --split train --output mnist
        scanline import-idx t10k-images-idx3-ubyte.gz \\
          --labels t10k-labels-idx1-ubyte.gz --split test --output mnist
      """)

  @Argument(help: "The file of images.") var images: String
  @Option(help: "The file of their labels.") var labels: String?
  @OptionGroup var folder: ImportFolderOptions
  @OptionGroup var shown: ProgressOptions

  /// Bytes of pixels in memory at a time.
  private static let stretch = 8 << 20

  func run() throws {
    let console = shown.console()
    let file = try IDXFile(images, dimensions: 3, what: "images")
    let (count, shape) = (file.sizes[0], ImageShape(height: file.sizes[1], width: file.sizes[2], channels: 1))
    let labels = try readLabels(count)
    // So many digits that the order of the names is that of the numbers.
    let digits = String(labels?.max() ?? 0).count
    func label(_ image: Int) -> String? {
      labels.map { PNGFolder.numeral(Int($0[image]), of: 1, digits: digits) }
    }
    let bar = ProgressBar(console, "importing", total: count)
    defer { bar.finish() }
    try ImportedFolder.make(folder) { folder in
      let together = max(1, Self.stretch / shape.dimensions)
      for start in stride(from: 0, to: count, by: together) {
        let images = min(together, count - start)
        let pixels = try file.read(items: images)
        try folder.write(
          images,
          name: { image in
            let name = PNGFolder.numeral(start + image, of: count, digits: 5) + ".png"
            return label(start + image).map { $0 + "/" + name } ?? name
          },
          image: { image in
            let range = image * shape.dimensions..<(image + 1) * shape.dimensions
            return PNGImage(shape: shape, values: Array(pixels[range]))
          })
        bar.advance(images)
      }
      let classes = Set(labels ?? []).sorted().map { PNGFolder.numeral(Int($0), of: 1, digits: digits) }
      return ImportedFolder.Report(
        folder: self.folder.target, images: count, height: shape.height, width: shape.width, channels: 1,
        classes: classes, splits: self.folder.split.map { [$0.rawValue: count] } ?? [:])
    }
  }

  /// All labels, before any image is written: they take a byte each.
  private func readLabels(_ images: Int) throws -> [UInt8]? {
    guard let labels else { return nil }
    let file = try IDXFile(labels, dimensions: 1, what: "labels")
    guard file.sizes[0] == images else {
      throw ScanlineError(
        .badData, path: labels, expected: "\(images) labels, one for each image of \(self.images)",
        found: "\(file.sizes[0])")
    }
    return try file.read(items: images)
  }
}
