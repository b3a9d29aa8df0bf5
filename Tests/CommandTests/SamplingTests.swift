// Drawing, completing and comparing images by the command: what the files hold, and what is refused.
import Core
import Evaluation
import Foundation
import ImageData
import Kernels
import Testing

@Suite struct SamplingTests {
  private let place: Workplace
  private let shape = ImageShape(height: 12, width: 12, channels: 1)

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 40 --side 12")
    _ = try place.succeed("train images --width 8 --blocks 1 --levels 2 --batch 9 --steps 20 --output run")
  }

  /// The images of a grid.
  private func cells(_ name: String, count: Int? = nil) throws -> [[UInt8]] {
    let values = try #require(
      ImageGrid.cells(of: try PNGImage(decoding: place.read(name)), shape: shape, count: count))
    return stride(from: 0, to: values.count, by: 144).map { Array(values[$0..<$0 + 144]) }
  }

  private func text(_ name: String) throws -> PNGText { PNGText(parsing: try place.read(name)) }

  // MARK: - sample

  @Test func singlesAreTheGridsImages() throws {
    let options = "--count 5 --columns 3 --seed 4 --temperature 0.9"
    let told = try place.succeed("sample run \(options) --threads 1 --output one.png --folder one")
    #expect(told.lines.count == 2 && told.output.contains("bits per dimension") && told.messages == "")
    _ = try place.succeed("sample run \(options) --threads 2 --output two.png --folder two")
    let names = (0..<5).map { "0000\($0).png" }
    #expect(place.names("one") == names && place.names("two") == names)
    for (one, two) in [("one.png", "two.png")] + names.map({ ("one/\($0)", "two/\($0)") }) {
      #expect(try place.read(one) == place.read(two), "\(one)")
    }
    let grid = try text("one.png")
    #expect(grid["Seed"] == "4" && grid["Temperature"] == "0.9" && grid["Step"] == "20" && grid["Count"] == "5")
    let cells = try cells("one.png", count: 5)
    var nats = 0.0
    for (index, name) in names.enumerated() {
      #expect(try PNGImage(decoding: place.read("one/\(name)")).values == cells[index])
      let text = try text("one/\(name)")
      #expect(text["Index"] == "\(index)" && text["Seed"] == "4" && text["Count"] == nil)
      nats += try #require(text["Nats"].flatMap { Double($0) })
    }
    // The files say what evaluating them says, at temperature 1 whatever they were drawn at.
    let report = try place.succeed("evaluate run one --json").json()
    #expect(abs((report["nats_per_image"] as? Double ?? 0) - nats / 5) < 1e-9)

    #expect(try place.fail("sample run --output new.png --folder one", 73).contains("one: expected a new or empty"))
    #expect(try place.fail("sample run --output new.png --folder one.png", 73).contains("a file"))
    #expect(try place.fail("sample run --output none/new.png", 73).contains("none"))
    _ = try place.succeed("sample run --count 2 --output one.png --folder one --force")
    #expect(place.names("one") == names, "others stay")
    #expect(try text("one/00001.png")["Seed"] == "1" && text("one/00002.png")["Seed"] == "4")
    let leftovers = try FileManager.default.contentsOfDirectory(atPath: place.path + "/one")
    #expect(leftovers.sorted() == names, "no temporary file")
  }

  @Test func framesFillIn() throws {
    _ = try place.succeed("sample run --count 3 --output film.png --progress-frames 4 --threads 2")
    _ = try place.succeed("sample run --count 3 --output still.png")
    #expect(try place.read("film.png") == place.read("still.png"), "frames change no image")
    #expect(place.names("film-frames") == (1...4).map { "frame-00\($0).png" })
    let final = try cells("film.png", count: 3)
    for frame in 1...4 {
      let drawn = 36 * frame
      for (cell, whole) in zip(try cells("film-frames/frame-00\(frame).png", count: 3), final) {
        #expect(cell[..<drawn] == whole[..<drawn] && cell[drawn...].allSatisfy { $0 == 128 }, "frame \(frame)")
      }
      #expect(try text("film-frames/frame-00\(frame).png")["Pixels"] == "\(drawn) of 144")
    }
    #expect(try place.fail("sample run --output other.png --progress-frames 145", 64).contains("144 pixels"))
    #expect(try place.fail("sample run --output film.PNG --progress-frames 2", 73).contains("film-frames"))
    #expect(!place.names(".").contains("other.png") && !place.names(".").contains("film.PNG"))
  }

  // MARK: - complete

  @Test func rowsThatAreGivenStay() throws {
    let options = "complete run images --keep-rows 5 --count 3 --completions 2 --seed 9"
    let told = try place.succeed("\(options) --output one.png --folder one --threads 1")
    _ = try place.succeed("\(options) --output two.png --folder two --threads 2")
    #expect(told.output.contains("All 60 given pixels come before") && told.output.contains("exact draws"))
    #expect(try text("one.png")["Conditioning"]?.contains("exact draws") == true)
    let names = (0..<3).flatMap { image in (0..<2).map { "0000\(image)-0\($0).png" } }
    #expect(place.names("one") == names)
    for (one, two) in [("one.png", "two.png")] + names.map({ ("one/\($0)", "two/\($0)") }) {
      #expect(try place.read(one) == place.read(two), "\(one)")
    }
    let cells = try cells("one.png", count: 12)
    for row in 0..<3 {
      let (original, part) = (cells[4 * row], cells[4 * row + 1])
      #expect(part[..<60] == original[..<60] && part[60...].allSatisfy { $0 == 128 })
      for completion in 0..<2 {
        let name = names[2 * row + completion]
        let completed = cells[4 * row + 2 + completion]
        #expect(completed[..<60] == original[..<60] && Set(completed).isSubset(of: [0, 255]))
        #expect(try PNGImage(decoding: place.read("one/\(name)")).values == completed)
      }
      // Images are spread over the folder, read as the training's were.
      let source = try #require(try text("one/\(names[2 * row])")["Image"])
      let stored = try PNGImage(decoding: place.read(source))
      #expect(original == stored.values.map { $0 >= 128 ? 255 : 0 })
    }
    #expect(Set(cells).count > 9, "completions differ")
    #expect(try place.fail("\(options) --output one.png", 73).contains("--force"))
    let sharp = try place.succeed("\(options) --output three.png --temperature 0.5")
    #expect(sharp.output.contains("at temperature 0.5") && !sharp.output.contains("exact draws"))
    let likely = try place.succeed("\(options) --output four.png --top-p 0.8")
    #expect(likely.output.contains("top-p 0.8") && !likely.output.contains("exact draws"))
    #expect(try text("four.png")["Top-p"] == "0.8")
  }

  @Test func aMaskSaysWhatIsNotSeen() throws {
    // The right half: of each row the drawn pixels come first.
    let right = (0..<144).map { UInt8($0 % 12 < 6 ? 0 : 255) }
    try place.write(PNGImage(shape: shape, values: right).encoded(), to: "right.png")
    let told = try place.succeed(
      "complete run images/cross --keep-mask right.png --count 2 --completions 1 --output c.png")
    #expect(told.output.contains("Not exact: of the 72 given pixels, 72 come after a drawn one"), "\(told.output)")
    #expect(try text("c.png")["Conditioning"]?.contains("not draws from p(rest | given)") == true)
    let cells = try cells("c.png", count: 6)
    for row in [0, 3] {
      for pixel in 0..<144 where right[pixel] == 255 { #expect(cells[row + 2][pixel] == cells[row][pixel]) }
      #expect((0..<144).allSatisfy { right[$0] == 255 || cells[row + 1][$0] == 128 })
    }
    // One PNG in place of a folder; a mask that is a prefix in raster order is exact.
    let prefix = (0..<144).map { UInt8($0 < 30 ? 255 : 0) }
    try place.write(PNGImage(shape: shape, values: prefix).encoded(), to: "prefix.png")
    let exact = try place.succeed("complete run images/cross/0000.png --keep-mask prefix.png --output d.png")
    #expect(exact.output.contains("exact draws"))
  }

  @Test func masksThatCannotBeUsedAre65() throws {
    func refused(_ values: [UInt8], width: Int = 12, _ words: String) throws {
      let size = ImageShape(height: 12, width: width, channels: 1)
      try place.write(PNGImage(shape: size, values: values).encoded(), to: "mask.png")
      let message = try place.fail("complete run images --keep-mask mask.png --output c.png", 65)
      #expect(message.contains("mask.png: expected") && message.contains(words), "\(message)")
    }
    var mask = [UInt8](repeating: 255, count: 144)
    try refused(mask, "only white")
    mask[14] = 0
    mask[15] = 200
    try refused(mask, "200 in row 1, column 3")
    try refused([UInt8](repeating: 0, count: 144), "only black")
    try refused([UInt8](repeating: 0, count: 156), width: 13, "13×12")
    #expect(try place.fail("complete run images --keep-mask none.png", 65).contains("none.png"))
    #expect(try place.fail("complete run images --keep-rows 12", 64).contains("1 to 11"))
    #expect(try place.fail("complete run images --keep-rows 0", 64).contains("1 to 11"))
    #expect(!place.names(".").contains("c.png") && !place.names(".").contains("completions.png"))
  }

  // MARK: - neighbours

  @Test func copiesAreFound() throws {
    let listing = try ImageFolder(scanning: place.path + "/images")
    let copied = listing.entries(in: .train).prefix(2)
    for (number, entry) in copied.enumerated() {
      try place.write(place.read("images/" + entry.relativePath), to: "mine/\(number).png")
    }
    try place.write(GlyphDrawing(seed: 99, side: 12).image(number: 3).encoded(), to: "mine/2.png")
    let report = try place.succeed("neighbours mine images --nearest 3 --output n.png --json").json()
    #expect(report["exact_copies"] as? Int == 2 && report["levels"] as? Int == 256)
    let samples = try #require(report["samples"] as? [[String: Any]])
    #expect(samples.map { $0["sample"] as? String } == ["mine/0.png", "mine/1.png", "mine/2.png"])
    for (sample, entry) in zip(samples, copied) {
      let nearest = try #require(sample["nearest"] as? [[String: Any]])
      #expect(nearest.count == 3 && nearest[0]["distance"] as? Double == 0)
      #expect(nearest[0]["path"] as? String == "images/" + entry.relativePath)
      #expect((nearest[1]["distance"] as? Double ?? 0) <= (nearest[2]["distance"] as? Double ?? 0))
    }
    let heldOut = try #require(report["held_out_distances"] as? [String: Any])
    #expect(heldOut["images"] as? Int == listing.entries(in: .valid).count)
    let cells = try cells("n.png", count: 12)
    #expect(cells[0] == cells[1] && cells[4] == cells[5] && cells[8] != cells[9])
    let told = try place.succeed("neighbours mine images --output m.png --threads 1")
    #expect(told.output.contains("2 samples are exact copies of a training image"), "\(told.output)")
    // Nothing held out: nothing to judge by, and said so.
    let all = try place.succeed("neighbours mine images --valid-share 0 --output k.png --count 1")
    #expect(all.output.contains("no held-out images") && all.output.contains("1 sample is an exact copy"))
    #expect(try place.fail("neighbours mine images --output m.png", 73).contains("--force"))
  }

  @Test func gridsAreCutApart() throws {
    _ = try place.succeed("sample run --count 5 --columns 3 --output grid.png --folder single")
    let grid = try place.succeed("neighbours grid.png images --output a.png --json").json()
    let single = try place.succeed("neighbours single images --output b.png --json").json()
    #expect(grid["levels"] as? Int == 2 && grid["binarization"] as? String == "threshold")
    func distances(_ report: [String: Any]) -> [Double] {
      (report["samples"] as? [[String: Any]] ?? []).compactMap {
        ($0["nearest"] as? [[String: Any]])?.first?["distance"] as? Double
      }
    }
    #expect(distances(grid).count == 5 && distances(grid) == distances(single))
    #expect(try PNGImage(decoding: place.read("a.png")) == PNGImage(decoding: place.read("b.png")))
    // At two levels a distance is 255·√(share of pixels that differ).
    for distance in distances(grid) {
      let differing = distance * distance / (255 * 255) * 144
      #expect(abs(differing - differing.rounded()) < 1e-9)
    }
    try place.drawGrey("odd.png", width: 17, height: 12)
    #expect(try place.fail("neighbours odd.png images", 65).contains("odd.png: expected an image of 12×12×1"))
    try place.drawGrey("odd/a.png", width: 17, height: 12)
    #expect(try place.fail("neighbours odd images", 65).contains("odd/a.png: expected 12×12×1"))
    #expect(try place.fail("neighbours nowhere images", 65).contains("nowhere: expected"))
  }
}
