// Which split the name of a folder means. Data sets call theirs train/ and valid/, training/ and testing/, train_images/,
// trainA/ …; one that is taken for a class by mistake has the test images trained on.

/// What a folder's name says of its images.
enum FolderMeaning: Equatable {
  /// A split, under one of its usual names.
  case split(Split)
  /// A name that begins with a split's but says more: trainA, val2017, test_old. Nobody can tell what is meant.
  case likeSplit
  /// Images held out, for validation or for a test: eval, holdout.
  case heldOut
  /// Nothing: a class.
  case none

  /// The split, where the name means one.
  var split: Split? { if case .split(let split) = self { split } else { nil } }

  /// Words for a split, in any case.
  static let words: [(word: String, split: Split)] = [
    ("training", .train), ("train", .train), ("validation", .valid), ("valid", .valid), ("val", .valid),
    ("dev", .valid),
    ("testing", .test), ("test", .test),
  ]
  /// Words that may stand beside one of them, apart or run together, and change nothing.
  static let nouns: Set = [
    "data", "dataset", "datasets", "set", "sets", "split", "image", "images", "img", "imgs", "picture", "pictures",
    "pic",
    "pics", "photo", "photos", "png", "pngs", "file", "files", "sample", "samples", "folder", "dir",
  ]
  private static let heldOutNames: Set = ["eval", "evaluation", "holdout", "heldout", "hold out", "held out"]

  /// The meaning of the name of a folder.
  init(ofFolder name: String) {
    let words = Self.words(in: name)
    let splits = words.map(Self.split)
    let others = zip(words, splits).filter { $1 == nil && !Self.nouns.contains($0) }
    let found = splits.compactMap { $0 }
    if found.count == 1, others.isEmpty {
      self = .split(found[0])
    } else if splits.first != .some(nil), !splits.isEmpty {
      self = .likeSplit
    } else if Self.heldOutNames.contains(words.filter { !Self.nouns.contains($0) }.joined(separator: " ")) {
      self = .heldOut
    } else {
      self = .none
    }
  }

  /// The name with its word for a split left out, where it has one besides others: "mnist_train" and "mnist_test" are
  /// splits of one data set.
  static func stem(ofFolder name: String) -> (stem: [String], split: Split)? {
    let words = words(in: name)
    guard let position = words.firstIndex(where: { split($0) != nil }), let split = split(words[position]) else {
      return nil
    }
    return (Array(words[..<position]) + ["*"] + Array(words[(position + 1)...]), split)
  }

  /// The split that a word means: one of `words`, alone or run together with a noun ("trainset").
  private static func split(_ word: String) -> Split? {
    words.first { word == $0.word || word.hasPrefix($0.word) && nouns.contains(String(word.dropFirst($0.word.count))) }?
      .split
  }

  /// The words of a name in lower case: split where letters give way to others, and where a capital follows a small letter.
  private static func words(in name: String) -> [String] {
    enum Kind { case small, capital, digit, mark }
    func kind(_ scalar: Unicode.Scalar) -> Kind {
      switch scalar {
      case "0"..."9": .digit
      case "A"..."Z": .capital
      case "a"..."z": .small
      default: scalar.properties.isAlphabetic ? .small : .mark
      }
    }
    var words: [String] = []
    var last = Kind.mark
    for scalar in name.unicodeScalars {
      let now = kind(scalar)
      defer { last = now }
      guard now != .mark else { continue }
      let isNew = last == .mark || (now == .digit) != (last == .digit) || now == .capital && last == .small
      let letter = now == .capital ? String(Unicode.Scalar(UInt8(scalar.value) + 32)) : String(scalar)
      if isNew { words.append(letter) } else { words[words.count - 1] += letter }
    }
    return words
  }
}
