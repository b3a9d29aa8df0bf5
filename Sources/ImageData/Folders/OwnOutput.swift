// What Scanline itself writes, told from data: a run and its plots often lie in the very folder that was trained on, and
// must not be learned from the next time.
import Core
import CScanline

/// The marks of Scanline's own files.
package enum OwnOutput {
  /// The first line of a run's configuration.
  package static let configurationMark = "# What this run of scanline train was asked for, defaults included."
  /// The key and the beginning of the text by which a PNG of ours is known.
  package static let softwareKey = "Software", software = "scanline"
  /// Of a picture that is known by it: why it is passed over.
  static let pictureReason = "a picture that Scanline wrote, which is no data"

  /// Files of a folder that may be a run's.
  struct Marks: OptionSet, Sendable {
    let rawValue: UInt8
    static let manifest = Marks(rawValue: 1), configuration = Marks(rawValue: 2), metrics = Marks(rawValue: 4)
    static let environment = Marks(rawValue: 8)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The mark of a file of this name; none for most.
    init(fileName: String) {
      switch fileName {
      case "manifest.json": self = .manifest
      case "config.toml": self = .configuration
      case "metrics.jsonl": self = .metrics
      case "environment.json": self = .environment
      default: self = []
      }
    }
  }

  /// Whether the folder `tree` at `path` is a run: it has the folder of a step, or a configuration or metrics of a run.
  static func isRun(_ tree: DirectoryTree, at path: String) -> Bool {
    hasSteps(tree) || hasConfiguration(tree, path) || hasMetrics(tree, path)
  }

  /// The same of a folder that the user named. A configuration may have been copied beside the images for
  /// `train --config`, so a single file does not make it a run.
  static func isSurelyRun(_ tree: DirectoryTree, at path: String) -> Bool {
    hasSteps(tree)
      || hasConfiguration(tree, path) && (tree.marks.contains(.environment) || hasMetrics(tree, path))
  }

  private static func hasSteps(_ tree: DirectoryTree) -> Bool {
    tree.folders.contains { name, tree in
      let digits = name.utf8.dropFirst(5)
      return name.utf8.starts(with: "step-".utf8) && digits.count >= 8
        && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } && tree.marks.contains(.manifest)
    }
  }

  private static func hasConfiguration(_ tree: DirectoryTree, _ path: String) -> Bool {
    tree.marks.contains(.configuration)
      && beginning(of: path + "/config.toml", configurationMark.utf8.count) == configurationMark
  }

  private static func hasMetrics(_ tree: DirectoryTree, _ path: String) -> Bool {
    guard tree.marks.contains(.metrics), let text = beginning(of: path + "/metrics.jsonl", 1 << 12) else {
      return false
    }
    let line = text.prefix { $0 != "\n" }
    return line.hasPrefix("{") && [#""step":"#, #""epoch":"#, #""seconds":"#].allSatisfy { line.contains($0) }
  }

  private static func beginning(of path: String, _ count: Int) -> String? {
    let bytes = try? DurableFiles.read(path, pieceSize: count) { _, next in try next() }
    return bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Whether the PNG file at `path` says that Scanline wrote it. A file that cannot be read does not.
  static func isPicture(_ path: String) -> Bool { path.withQuickFileSystemPath { scanline_png_file_is_own($0) } != 0 }
}

extension DirectoryTree {
  /// Up to so many files are all looked at when they are listed: that takes a hundredth of a second.
  private static let fewImages = 4096

  /// Leaves out pictures that Scanline wrote: of a few files all; of many those that come first in their folder, so that no
  /// folder of such pictures is taken for a class. The rest are passed over when they are decoded.
  mutating func dropOwnPictures(_ path: String) { dropOwnPictures(path, all: imageCount <= Self.fewImages) }

  private mutating func dropOwnPictures(_ path: String, all: Bool) {
    var kept: [Image] = []
    for (index, image) in images.enumerated() {
      if OwnOutput.isPicture(path + "/" + image.name) {
        passedOver.pictures.append(path + "/" + image.name)
      } else if all {
        kept.append(image)
      } else {
        kept += images[index...]
        break
      }
    }
    images = kept
    for index in folders.indices { folders[index].tree.dropOwnPictures(path + "/" + folders[index].name, all: all) }
  }
}
