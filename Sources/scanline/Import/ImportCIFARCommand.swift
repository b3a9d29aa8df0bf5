// `scanline import-cifar`: CIFAR's binary batches as a folder of PNGs.
import ArgumentParser
import Core
import ImageData

extension CIFARKind: ExpressibleByArgument {}

struct ImportCIFARCommand: ParsableCommand, LeavesFiles {
  static let configuration = CommandConfiguration(
    commandName: "import-cifar",
    abstract: "Make a folder of PNGs of CIFAR-10's or CIFAR-100's binary batches.",
    discussion: """
      Takes the archive as it is distributed (cifar-10-binary.tar.gz), a folder of batches, or single batches, plain or \
      gzip. Each class becomes a subfolder, called as batches.meta.txt (of CIFAR-100 fine_label_names.txt, with --coarse \
      coarse_label_names.txt) says where it lies beside, otherwise by its number. Batches called data_batch_N and train go \
      to the train split, test_batch and test to the test split, unless --split puts all into one.

      Examples:
        scanline import-cifar cifar-10-binary.tar.gz --output cifar10
        scanline import-cifar cifar-100-binary/train.bin --coarse --split train \\
          --output cifar100
      """)

  @Argument(help: "Batches, folders of batches, or archives.") var paths: [String]
  @Option(help: "cifar10 or cifar100, where the length of a batch does not tell.") var kind: CIFARKind?
  @Flag(help: "Of CIFAR-100: the 20 coarse classes.") var coarse = false
  @OptionGroup var folder: ImportFolderOptions
  @OptionGroup var shown: ProgressOptions

  /// Images in memory at a time.
  private static let stretch = 2_048

  func run() throws {
    let console = shown.console()
    try folder.requireOutput()
    let files = try CIFARFiles(paths)
    let kind = try files.kind(kind)
    guard !coarse || kind == .cifar100 else {
      throw ScanlineError(.usage, path: "--coarse", expected: "batches of CIFAR-100", found: "batches of CIFAR-10")
    }
    let splits = try splitFolders(files)
    let names =
      try files.classNames(kind, isCoarse: coarse)
      ?? (0..<kind.classCount(isCoarse: coarse)).map { number in
        PNGFolder.numeral(number, of: kind.classCount(isCoarse: coarse), digits: 1)
      }
    let total = files.batches.reduce(0) { $0 + $1.bytes / kind.recordBytes }
    let bar = ProgressBar(console, "importing", total: total)
    defer { bar.finish() }
    try ImportedFolder.make(folder) { folder in
      var counts: [String: Int] = [:]
      var seen: Set<Int> = []
      for (batch, split) in zip(files.batches, splits) {
        var records = try CIFARRecords(batch, kind: kind, isCoarse: coarse)
        while true {
          let stretch = try records.read(upTo: Self.stretch)
          guard !stretch.labels.isEmpty else { break }
          let first = counts[split, default: 0]
          try folder.write(
            stretch.labels.count,
            name: { image in
              split + names[stretch.labels[image]] + "/" + PNGFolder.numeral(first + image, of: total, digits: 5)
                + ".png"
            },
            image: { image in
              let size = CIFARFiles.pixelBytes
              let values = Array(stretch.pixels[image * size..<(image + 1) * size])
              return PNGImage(shape: CIFARFiles.shape, values: values)
            })
          counts[split] = first + stretch.labels.count
          seen.formUnion(stretch.labels)
          bar.advance(stretch.labels.count)
        }
      }
      var bySplit = Dictionary(uniqueKeysWithValues: counts.map { (String($0.key.dropLast()), $0.value) })
      bySplit[""] = nil
      if let split = self.folder.split { bySplit[split.rawValue] = total }
      return ImportedFolder.Report(
        folder: self.folder.target, images: counts.values.reduce(0, +), height: CIFARFiles.shape.height,
        width: CIFARFiles.shape.width, channels: CIFARFiles.shape.channels, classes: seen.sorted().map { names[$0] },
        splits: bySplit)
    }
  }

  /// For each batch the folder of its split below the one that is made, "train/", or "" where there are no splits.
  private func splitFolders(_ files: CIFARFiles) throws -> [String] {
    let splits = files.batches.map(\.split)
    // With --split the folder that is made is the split's own.
    if folder.split != nil || splits.allSatisfy({ $0 == nil }) { return splits.map { _ in "" } }
    if let unknown = files.batches.first(where: { $0.split == nil }) {
      throw ScanlineError(
        .badData, path: unknown.position, expected: "names that say which split a batch belongs to (or --split)",
        found: "the name \(unknown.name)")
    }
    return splits.map { ($0?.rawValue ?? "") + "/" }
  }
}
