// The images of CIFAR's batches, a stretch at a time.
import Core

/// Reads the records of one batch.
package struct CIFARRecords {
  /// Images with the number of their class.
  package struct Stretch {
    /// N×32×32×3 values.
    package var pixels: [UInt8]
    /// N class numbers.
    package var labels: [Int]
  }

  private let batch: CIFARFiles.Batch
  private let kind: CIFARKind
  private let isCoarse: Bool
  private let file: GzipFile
  private var archive: TarReader?
  private var records = 0

  /// The records of `batch`, with coarse classes where `isCoarse`.
  ///
  /// - Throws: `ScanlineError`: `badData` where the batch is no longer there, and as `GzipFile` does.
  package init(_ batch: CIFARFiles.Batch, kind: CIFARKind, isCoarse: Bool) throws {
    (self.batch, self.kind, self.isCoarse) = (batch, kind, isCoarse)
    file = try GzipFile(batch.path)
    guard let member = batch.member else { return }
    var reader = TarReader(file)
    while let next = try reader.next() {
      guard next.content == .file, next.path.utf8.elementsEqual(member.utf8) else { continue }
      archive = reader
      return
    }
    throw ScanlineError(.badData, path: batch.path, expected: "the member \(member)", found: "none")
  }

  /// The next `count` images, fewer at the end of the batch.
  ///
  /// - Throws: `ScanlineError`: `badData` where a record is cut short or its label names no class; as `GzipFile` does.
  package mutating func read(upTo count: Int) throws -> Stretch {
    let size = kind.recordBytes
    let bytes = try archive == nil ? file.read(upTo: count * size) : archive?.read(upTo: count * size) ?? []
    guard bytes.count % size == 0 else {
      throw ScanlineError(
        .badData, path: batch.position, expected: "whole records of \(size) bytes",
        found: "\(counted(bytes.count % size, "byte")) at the end")
    }
    var stretch = Stretch(pixels: [UInt8](repeating: 0, count: bytes.count / size * CIFARFiles.pixelBytes), labels: [])
    let plane = CIFARFiles.pixelBytes / 3
    for start in stride(from: 0, to: bytes.count, by: size) {
      records += 1
      let label = Int(bytes[start + (kind == .cifar100 && !isCoarse ? 1 : 0)])
      let classes = kind.classCount(isCoarse: isCoarse)
      guard label < classes else {
        throw ScanlineError(
          .badData, path: batch.position, expected: "labels from 0 to \(classes - 1)",
          found: "\(label) in record \(records)")
      }
      let target = stretch.labels.count * CIFARFiles.pixelBytes
      stretch.labels.append(label)
      let source = start + kind.labelBytes
      for pixel in 0..<plane {
        for channel in 0..<3 {
          stretch.pixels[target + 3 * pixel + channel] = bytes[source + channel * plane + pixel]
        }
      }
    }
    return stretch
  }
}
