// Images that lie in two splits of a folder.

extension FolderSurvey {
  /// How many images of one split have the pixels of an image of another one, as training reads them.
  package struct Duplicates: Sendable, Encodable, Equatable {
    /// An image and the one of another split that it equals.
    package struct Pair: Sendable, Encodable, Equatable {
      /// The image.
      package let path: String
      /// The first of the other split with its pixels.
      package let sameAs: String
    }

    /// Images of valid that are in train too.
    package var trainValid = 0
    /// Images of test that are in train too.
    package var trainTest = 0
    /// Images of test that are in valid too.
    package var validTest = 0
    /// The first pairs, at most ten for each of the above.
    package var examples: [Pair] = []

    /// Looks for copies among `images`, the good ones of a folder with their hashes (nil where training could not read
    /// one). Files whose hashes are the same are read again by `pixels`, and compared.
    init(_ images: [(entry: ImageFolder.Entry, hash: UInt64?)], pixels: (ImageFolder.Entry) -> PNGImage?) {
      var splits: [Split: [UInt64: [ImageFolder.Entry]]] = [:]
      for (entry, hash) in images {
        if let hash { splits[entry.split, default: [:]][hash, default: []].append(entry) }
      }
      func pairs(of split: Split, in other: Split) -> [Pair] {
        guard let originals = splits[other] else { return [] }
        return images.compactMap { entry, hash in
          guard entry.split == split, let hash, let alike = originals[hash], let own = pixels(entry) else { return nil }
          return alike.first { pixels($0) == own }.map { Pair(path: entry.path, sameAs: $0.path) }
        }
      }
      for (count, split, other) in [
        (\Duplicates.trainValid, Split.valid, Split.train), (\.trainTest, .test, .train), (\.validTest, .test, .valid),
      ] {
        let found = pairs(of: split, in: other)
        self[keyPath: count] = found.count
        examples += found.prefix(10)
      }
    }

    /// A line for each two splits that have images in common.
    package var inWords: [String] {
      [(trainValid, "valid", "train"), (trainTest, "test", "train"), (validTest, "test", "valid")].compactMap {
        count, split, other in
        count == 0
          ? nil
          : "\(count) image\(count == 1 ? "" : "s") of \(split) \(count == 1 ? "is" : "are") in \(other) too, pixel by pixel."
      }
    }
  }
}
