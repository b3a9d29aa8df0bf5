// Class-conditional models by the command: from class subfolders to samples of one class.
import Foundation
import ImageData
import Testing

@Suite struct ConditionalTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    _ = try place.succeed("draw images --count 40 --side 9")
  }

  @Test(arguments: ["pixelcnn", "mdrnn", "diagonal-lstm"])
  func trainSampleCompleteAndEvaluate(model: String) throws {
    let options = "--model \(model) --width 8 --blocks 1 --levels 2 --batch 9 --learning-rate 0.02"
    _ = try place.succeed("train images --class-conditional \(options) --steps 30 --output run")
    let classes = place.names("images")
    #expect(classes.count > 2)
    let all = try place.succeed("sample run --count 14 --output all.png --folder all --threads 1")
    #expect(all.messages == "")
    #expect(place.names("all")[1] == "00001-\(classes[1]).png")
    #expect(PNGText(parsing: try place.read("all.png"))["Class"] == "all")
    _ = try place.succeed("sample run --class all --count 14 --output again.png --threads 2")
    #expect(try place.read("again.png") == place.read("all.png"))
    // The class makes the difference, and image n of a class is the same whoever stands beside it.
    _ = try place.succeed("sample run --class \(classes[1]) --count 2 --output one.png --folder one")
    _ = try place.succeed("sample run --class \(classes[2]) --count 2 --output two.png --folder two")
    #expect(try place.read("one.png") != place.read("two.png"))
    let (single, among) = ("one/00001-\(classes[1]).png", "all/00001-\(classes[1]).png")
    #expect(
      try PNGImage(decoding: place.read(single), name: single).values
        == PNGImage(decoding: place.read(among), name: among).values)

    let whole = try place.succeed("evaluate run images --json").json()
    #expect((whole["nats_per_image"] as? Double).map { $0 > 0 } == true)
    _ = try place.succeed("complete run images --keep-rows 4 --count 3 --output own.png")
    let image = "images/\(classes[0])/\(try #require(place.names("images/\(classes[0])").first))"
    _ = try place.succeed("complete run \(image) --class \(classes[1]) --keep-rows 4 --output asked.png")
    #expect(
      try place.fail("complete run \(image) --keep-rows 4 --output none.png", 65).contains("a folder for each class"))
    _ = try place.succeed("train --resume --output run --steps 31")
  }

  /// The same images under another class's name cost more where the class decides what they look like.
  @Test func theClassCounts() throws {
    for (name, value) in [("dark", UInt8(0)), ("light", 255)] {
      for n in 0..<12 {
        for folder in ["right", "wrong"] {
          let other = name == "dark" ? "light" : "dark"
          let path = "\(place.path)/\(folder)/\(folder == "right" ? name : other)"
          try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
          try PNGImage(shape: .init(height: 4, width: 4, channels: 1), values: [UInt8](repeating: value, count: 16))
            .write(to: "\(path)/\(name)\(n).png")
        }
      }
    }
    _ = try place.succeed(
      "train right --class-conditional --width 8 --blocks 1 --levels 2 --batch 12 --steps 120 --learning-rate 0.02 "
        + "--valid-share 0 --output run")
    func nats(_ folder: String) throws -> Double {
      try #require(place.succeed("evaluate run \(folder) --json").json()["nats_per_image"] as? Double)
    }
    // Knowing the class, little is left to say; a wrong one misleads.
    let (right, wrong) = (try nats("right"), try nats("wrong"))
    #expect(wrong > 3 * right, "\(right), \(wrong)")
  }

  @Test func whatCannotBeIsRefused() throws {
    _ = try place.succeed("train images --width 4 --blocks 0 --levels 2 --batch 9 --steps 1 --output plain")
    #expect(try place.fail("sample plain --class ring --output x.png", 64).contains("--class-conditional"))
    _ = try place.succeed(
      "train images --class-conditional --width 4 --blocks 0 --levels 2 --batch 9 --steps 1 --output run")
    #expect(try place.fail("sample run --class nosuch --output x.png", 64).contains("found nosuch"))
    #expect(try place.fail("train --resume --output run --class-conditional", 64).contains("--class-conditional"))
    let one = "images/\(place.names("images")[0])"
    #expect(try place.fail("train \(one) --class-conditional --steps 1 --output flat", 65).contains("class"))
    #expect(try place.fail("evaluate run \(one)", 65).contains("a folder for each class"))
    #expect(!place.names(".").contains("x.png"))
  }
}
