// What the commands take of a folder for data, and what they say of the rest.
import Core
import Foundation
import ImageData
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct DataFolderTests {
  private static let tiny = "--width 4 --blocks 1 --batch 4 --steps 2 --levels 2 --samples 4"

  /// Runs a shell script in the folder; `$scanline` is the command. A shell gives names that are no UTF-8.
  private func shell(_ place: Workplace, _ script: String) throws -> (status: Int32, output: String) {
    let process = Process()
    let output = place.path + "/.shell-output"
    #expect(FileManager.default.createFile(atPath: output, contents: nil))
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = URL(fileURLWithPath: place.path)
    process.environment = ProcessInfo.processInfo.environment.merging(["scanline": try commandURL().path]) { $1 }
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = process.standardOutput
    try process.run()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: try Data(contentsOf: URL(fileURLWithPath: output)), as: UTF8.self)
    )
  }

  private func drawFlat(_ place: Workplace, _ folder: String, _ count: Int = 24) throws {
    for number in 0..<count {
      let values = (0..<64).map { UInt8(($0 * (number + 3)) % 7 < 3 ? 255 : 0) }
      let image = PNGImage(shape: ImageShape(height: 8, width: 8, channels: 1), values: values)
      try place.write(image.encoded(), to: "\(folder)/\(number).png")
    }
  }

  private func inspect(_ place: Workplace, _ arguments: String) throws -> [String: Any] {
    let text = try place.succeed("inspect --json " + arguments).output
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func trainingInsideTheDataFolderLeavesTheDataAsTheyWere() throws {
    let place = try Workplace()
    try drawFlat(place, "photos")
    let before = try inspect(place, "photos")
    func go(_ command: String) throws -> String {
      let (status, output) = try shell(place, "cd photos && $scanline " + command)
      #expect(status == 0, "\(command): \(output)")
      return output
    }
    _ = try go("train . --plots " + Self.tiny)
    _ = try go("sample Checkpoints/photos-pixelcnn --count 4 --output drawn.png --folder singles")
    _ = try go("gradients Checkpoints/photos-pixelcnn --output flow")
    _ = try go("evaluate Checkpoints/photos-pixelcnn . --worst 3")
    let second = try go("train . --name second " + Self.tiny)
    #expect(second.contains("1 folder is passed over as a run of Scanline"))
    let resumed = try go("train --resume --output Checkpoints/photos-pixelcnn --steps 3 --no-plots")
    #expect(resumed.contains("pictures that Scanline wrote") && resumed.contains("as runs of Scanline"))
    for command in ["evaluate Checkpoints/second .", "compare Checkpoints/second Checkpoints/photos-pixelcnn ."] {
      let output = try shell(place, "cd photos && $scanline " + command).output
      #expect(output.contains("2 folders are passed over as runs of Scanline"), "\(command): \(output)")
    }
    let after = try inspect(place, "photos")
    for key in ["images", "train", "valid", "layout"] {
      #expect("\(before[key] ?? "none")" == "\(after[key] ?? "none")", "\(key)")
    }
    let passed = try #require(after["passed_over"] as? [String: Any])
    #expect((passed["runs"] as? [String])?.count == 2 && (passed["pictures"] as? [String])?.count ?? 0 >= 6)
    // Samples are still what `neighbours` looks at.
    _ = try go("neighbours singles . --output beside.png")
    #expect(try shell(place, "$scanline inspect photos/singles").status == 65)
  }

  @Test func everyPictureThatIsWrittenSaysSo() throws {
    let place = try Workplace()
    try drawFlat(place, "photos")
    _ = try place.succeed("train photos --output run --plots " + Self.tiny)
    _ = try place.succeed("train photos --output again --seed 2 " + Self.tiny)
    for command in [
      "sample run --count 4 --output out/a.png --folder out/b --force",
      "complete run photos --keep-rows 4 --output out/c.png",
      "evaluate run photos --worst 2 --worst-output out/d.png", "neighbours out/a.png photos --output out/e.png",
      "describe run --measure --map out/f.png", "gradients run --output out/g",
      "theory --statement costs --depth 3 --plots out/h",
      "compare run again photos --split train --output out/i",
      "lr-find photos --levels 2 --width 4 --blocks 1 --steps 20 --output out/j",
    ] {
      try FileManager.default.createDirectory(atPath: place.path + "/out", withIntermediateDirectories: true)
      let result = try place.run(command)
      #expect(result.status == 0, "\(command): \(result.messages)")
    }
    let files = try #require(FileManager.default.enumerator(atPath: place.path)).compactMap { $0 as? String }
    let pictures = files.filter { $0.hasSuffix(".png") && !$0.hasPrefix("photos/") }
    #expect(pictures.count > 12)
    for name in pictures {
      #expect(PNGText(parsing: try place.read(name))["Software"]?.hasPrefix("scanline") == true, "\(name)")
    }
  }

  @Test func namesThatAreNoUTF8WorkEverywhere() throws {
    let place = try Workplace()
    try drawFlat(place, "photos")
    let (status, output) = try shell(
      place,
      #"""
      set -e
      e=$(printf 'caf\351')
      mkdir "$e" && mkdir "$e/$e" "$e/other"
      for n in 0 1 2 3 4 5 6 7; do cp photos/$n.png "$e/$e/$e$n.png"; cp photos/1$n.png "$e/other/"; done
      $scanline inspect "$e"
      $scanline inspect --json "$e" > inspect.json
      $scanline train "$e" --output "run-$e" --class-conditional --plots --width 4 --blocks 1 --batch 4 --steps 2 --levels 2
      $scanline train --resume --output "run-$e" --steps 3
      $scanline sample "run-$e" --class "$e" --count 2 --output "sample-$e.png" --folder "singles-$e"
      $scanline evaluate "run-$e" "$e" --per-image "scores-$e.csv" --json > evaluate.json
      $scanline train --config "run-$e/config.toml" --output "again-$e"
      $scanline compare "run-$e" "again-$e" "$e" --split train --csv "compare-$e.csv"
      $scanline report "run-$e" --output "report-$e.html"
      $scanline neighbours "singles-$e" "$e" --output "beside-$e.png"
      $scanline gradients "run-$e" --output "flow-$e"
      $scanline checkpoints list "run-$e"
      cd "$e" && $scanline train . --steps 1 --width 4 --blocks 1
      cd .. && ls -d "run-$e/config.toml" "sample-$e.png" "scores-$e.csv" "report-$e.html" "flow-$e.svg" "again-$e/config.toml" \
        "$e/Checkpoints/$e-pixelcnn" "run-$e/plots/losses.svg" > /dev/null
      cp "scores-$e.csv" scores.csv && cp "report-$e.html" report.html && cp "run-$e/environment.json" environment.json
      cp "run-$e/plots/losses.svg" losses.svg
      """#)
    #expect(status == 0, "\(output)")
    #expect(!output.contains("\u{FFFD}") && output.contains("caf\\xE9"), "\(output)")
    for name in ["inspect.json", "evaluate.json", "scores.csv", "report.html", "environment.json", "losses.svg"] {
      let text = try #require(String(validating: try place.read(name), as: UTF8.self), "\(name)")
      #expect(text.contains("caf\\\\xE9") == name.hasSuffix("json") && text.contains("xE9"), "\(name)")
      #expect(!text.unicodeScalars.contains { $0.value >= 0x10FE00 }, "\(name)")
    }
  }

  @Test func classesAreFoldersIsKeptWithTheRun() throws {
    let place = try Workplace()
    for split in ["training", "test2"] { try drawFlat(place, "data/\(split)") }
    #expect(try place.fail("train data --output run " + Self.tiny, 65).contains("--classes-are-folders"))
    _ = try place.succeed("train data --output run --classes-are-folders --class-conditional " + Self.tiny)
    #expect(try place.succeed("evaluate run data --json").json()["images"] as? Int == 48)
    _ = try place.succeed("train --resume --output run --steps 3")
    #expect(String(decoding: try place.read("run/config.toml"), as: UTF8.self).contains("classes-are-folders = true"))
    _ = try place.succeed("train --config run/config.toml --output again")
    #expect(try place.fail("evaluate run data --no-classes-are-folders", 65).contains("test2"))
  }

  @Test func aRunOfAnEarlierVersionIsResumedWithItsOwnClasses() throws {
    let place = try Workplace()
    for split in ["training", "testing"] { try drawFlat(place, "data/\(split)") }
    _ = try place.succeed("train data --output run --classes-are-folders " + Self.tiny)
    // As an earlier version wrote it, without the field; the manifest is made to agree.
    let folder = place.path + "/run/" + (place.steps("run").last ?? "")
    let state = try String(contentsOfFile: folder + "/state.json", encoding: .utf8)
    let former = state.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.contains("classesAreFolders") }.joined(separator: "\n")
    #expect(former != state)
    try rewrite(folder, state: Array(former.utf8))
    _ = try place.succeed("train --resume --output run --steps 3")
  }

  /// Gives a checkpoint another state.json.
  private func rewrite(_ folder: String, state: [UInt8]) throws {
    var files: [(name: String, bytes: [UInt8])] = []
    for name in try DurableFiles.names(in: folder) where name != "manifest.json" {
      files.append((name, name == "state.json" ? state : try DurableFiles.contents(of: folder + "/" + name)))
    }
    try DurableFiles.removeAll(folder)
    try CheckpointFolder.write(files, to: folder)
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything")) func skipBadPassesOverFoldersThatCannotBeRead() throws
  {
    let place = try Workplace()
    for name in ["ant", "bee", "cat"] { try drawFlat(place, "data/" + name, 6) }
    chmod(place.path + "/data/cat", 0)
    defer { chmod(place.path + "/data/cat", 0o700) }
    #expect(try place.fail("inspect data", 74).contains("--skip-bad"))
    let said = try place.succeed("train data --skip-bad --output run " + Self.tiny).messages
    #expect(said.contains("1 folder that cannot be read is passed over"))
    _ = try place.succeed("evaluate run data")
    _ = try place.succeed("train --resume --output run --steps 3")
  }
}
