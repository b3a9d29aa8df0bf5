// `scanline import-idx`: MNIST's files as a folder of PNGs.
import ArgumentParser
import Core
import ImageData

struct ImportIDXCommand: ParsableCommand, LeavesFiles {
  static let configuration = CommandConfiguration(
    commandName: "import-idx",
    abstract: "Make a folder of PNGs of IDX files, as MNIST and its kin are distributed.",
    discussion: """
      Images are NxHxW unsigned bytes, labels N unsigned bytes; either file may be gzip, whatever it is called. With \
      labels each class becomes a subfolder, called by its number, with as many digits as the largest label has, or as the \
      folder's other splits have. File names are the images' positions in the file, from 0. EMNIST's images are stored with \
      rows and columns exchanged: --transpose turns them upright. \
      The folder appears when all images are written; until then they lie beside it in .importing-NAME.

      Examples:
        scanline import-idx train-images-idx3-ubyte.gz \\
          --labels train-labels-idx1-ubyte.gz --split train --output mnist
        scanline import-idx t10k-images-idx3-ubyte.gz \\
          --labels t10k-labels-idx1-ubyte.gz --split test --output mnist
      """)

  @Argument(help: "The file of images.") var images: String
  @Option(help: "The file of their labels.") var labels: String?
  @Flag(help: "Exchange rows and columns of each image, as EMNIST needs it.") var transpose = false
  @OptionGroup var folder: ImportFolderOptions
  @OptionGroup var shown: ProgressOptions

  /// Bytes of pixels in memory at a time.
  private static let stretch = 8 << 20

  func run() throws {
    let console = shown.console()
    try folder.requireOutput()
    let file = try IDXFile(images, dimensions: 3, what: "images")
    let (count, stored) = (file.sizes[0], ImageShape(height: file.sizes[1], width: file.sizes[2], channels: 1))
    let shape =
      transpose ? ImageShape(height: stored.width, width: stored.height, channels: 1) : stored
    let labels = try readLabels(count)
    let digits = try digits(largest: labels?.max() ?? 0)
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
            let values = pixels[image * shape.dimensions..<(image + 1) * shape.dimensions]
            return PNGImage(shape: shape, values: transpose ? Self.transposed(values, stored) : Array(values))
          })
        bar.advance(images)
      }
      let classes = Set(labels ?? []).sorted().map { PNGFolder.numeral(Int($0), of: 1, digits: digits) }
      return ImportedFolder.Report(
        folder: self.folder.target, images: count, height: shape.height, width: shape.width, channels: 1,
        classes: classes, splits: self.folder.split.map { [$0.rawValue: count] } ?? [:])
    }
  }

  /// The digits of the names of classes: so many that their order is that of the numbers, but where the folder has other
  /// splits already, as many as theirs: a class has one name in all.
  private func digits(largest: UInt8) throws -> Int {
    let needed = String(largest).count
    guard let split = folder.split, DurableFiles.exists(folder.output) else { return needed }
    let others = try DurableFiles.names(in: folder.output).filter {
      $0 != split.rawValue && Split(rawValue: $0) != nil
    }
    let names = try others.flatMap { try DurableFiles.names(in: folder.output + "/" + $0) }
    let numbers = names.filter { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    return numbers.map(\.utf8.count).min() ?? needed
  }

  /// An image of this shape with rows and columns exchanged.
  private static func transposed(_ values: ArraySlice<UInt8>, _ shape: ImageShape) -> [UInt8] {
    (0..<shape.width).flatMap { x in
      (0..<shape.height).map { y in values[values.startIndex + y * shape.width + x] }
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
