// scanline inspect: what a folder holds, and what training would make of it.
import ArgumentParser
import Core
import ImageData

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Tabulate a folder's images and say what training would do with them.",
    discussion: """
      Decodes every file. Exits with 65 where one cannot be read, unless --skip-bad is given.

      Examples:
        scanline inspect Data/glyphs
        scanline inspect photos --resize 32x32 --json
      """)

  @Argument(help: "A folder of PNG images: flat, or with class or split subfolders.", completion: .directory)
  var folder: String
  @OptionGroup var images: ImageOptions
  @Flag(help: "Print one JSON object.") var json = false
  @Option(help: "How many threads decode, 1 to 1024; by default all that this process may use.")
  var threads: Int?
  @OptionGroup var shown: ProgressOptions

  func validate() throws { try requireThreads(threads) }

  func run() throws {
    let console = shown.console()
    let start = monotonicSeconds()
    let listing = try images.scan(folder)
    let listed = monotonicSeconds()
    let bar = ProgressBar(console, "reading", total: listing.entries.count)
    var survey = FolderSurvey(
      of: listing, options: images.loading(), threads: threads ?? availableThreads(), progress: bar.advance)
    bar.finish()
    survey.needs = survey.needs.map(\.inFlags)
    survey.notes = survey.notes.map(\.inFlags)
    console.line(
      "Listed \(counted(survey.images, "PNG file")) in \((listed - start).text(2)) s, "
        + "decoded them in \((monotonicSeconds() - listed).text(2)) s")
    if json { try printJSON(survey, isPretty: true) } else { print(survey.tables) }
    if !survey.bad.isEmpty && images.skipBad != true { throw ExitCode(ScanlineError.Kind.badData.rawValue) }
  }
}

extension FolderSurvey {
  /// The survey for people: tables, then words.
  var tables: String {
    let rows = classes.map { [$0.name?.displayed ?? "(no class)", "\($0.train)", "\($0.valid)", "\($0.test)"] }
    let total = rows.count > 1 ? [["all", "\(train)", "\(valid)", "\(test)"]] : []
    var parts = [
      "\(path.displayed): \(counted(images, "PNG file")), \(layoutInWords)",
      textTable(["size", "images"], sizes.map { ["\($0.width)×\($0.height)", "\($0.images)"] }),
      textTable(["mode", "images"], modes.byCount.map { [$0.key, "\($0.value)"] }),
      textTable(["class", "train", "valid", "test"], rows + total),
    ]
    if !ignored.isEmpty {
      let rows = ignored.byCount.map { [$0.key.isEmpty ? "(no extension)" : $0.key.displayed, "\($0.value)"] }
      parts.append(textTable(["passed over", "files"], rows))
    }
    parts += listing("bad", bad)
    parts += listing("read with a warning", warnings)
    if !duplicates.examples.isEmpty {
      parts.append(textTable(["image", "is also"], duplicates.examples.map { [$0.path, $0.sameAs] }))
    }
    parts.append((notes.map(\.displayed) + duplicates.inWords.map(\.displayed) + [plan]).joined(separator: "\n"))
    return parts.joined(separator: "\n\n")
  }

  private var layoutInWords: String {
    switch layout {
    case .file: "named itself"
    case .flat: "in one flat folder"
    case .classes: "in a folder per class"
    case .splits: "in split folders"
    }
  }

  private var plan: String {
    guard let shape else {
      return "Training would stop and ask for:\n" + needs.map { "  " + $0.displayed }.joined(separator: "\n")
    }
    let held = valid == 0 ? "none" : "\(valid)\(isHeldOutByHash ? " (by a seeded hash of their paths)" : "")"
    let exact =
      levels == 256
      ? "Its values need --levels 256 to be kept exactly; fewer levels round them."
      : "Its values are kept exactly by --levels \(levels)."
    let names = classes.compactMap(\.name).count
    let passing = bad.isEmpty ? "" : ", passing over \(counted(bad.count, "bad file"))"
    let colour =
      shape.channels == 1
      ? ""
      : "Colours are learned one after the other, or together with --likelihood logistic-mixture; --channels 1 reads grey.\n"
    return """
      Training would learn from \(counted(train, "image")) of \(shape) and hold out \(held)\(passing).
      \(colour)\(exact) \(names > 0 ? "Classes: \(names)." : "There are no classes.")
      """
  }

  private func listing(_ title: String, _ files: [ImageSet.Skipped]) -> [String] {
    guard !files.isEmpty else { return [] }
    let rest = files.count > 20 ? [["and \(files.count - 20) more", ""]] : []
    return [textTable([title, "why"], files.prefix(20).map { [$0.path.displayed, $0.reason] } + rest)]
  }
}
