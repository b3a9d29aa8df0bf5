// Colour by the same commands: a mixture of logistics over RGB.
import Core
import Foundation
import ImageData
import Kernels
import Testing

@Suite struct ColourTests {
  private let place: Workplace

  /// Twelve small pictures whose channels go together.
  init() throws {
    place = try Workplace()
    for image in 0..<12 {
      let shape = ImageShape(height: 5, width: 6, channels: 3)
      let values = (0..<30).flatMap { pixel -> [UInt8] in
        let red = UInt8((pixel * 37 + image * 11) % 256)
        return [red, 255 - red, red / 2]
      }
      try place.write(PNGImage(shape: shape, values: values).encoded(), to: "images/\(image).png")
    }
  }

  @Test(arguments: ["pixelcnn", "gated-pixelcnn", "mdrnn", "diagonal-lstm"])
  func trainEvaluateAndSample(model: String) throws {
    let options = "--model \(model) --width 8 --blocks 1 --likelihood logistic-mixture --mixtures 3 --batch 4"
    _ = try place.succeed("train images \(options) --steps 8 --output run --threads 1")
    _ = try place.succeed("train --resume --output run --steps 12")
    let report = try place.succeed("evaluate run images --json").json()
    let nats = try #require(report["nats_per_image"] as? Double)
    let bits = try #require(report["bits_per_dimension"] as? Double)
    #expect(abs(bits - nats / (90 * 0.693_147_180_559_945_3)) < 1e-9)
    _ = try place.succeed("sample run --count 4 --columns 2 --output drawn.png")
    #expect(try PNGImage(decoding: place.read("drawn.png"), name: "drawn.png").shape.channels == 3)
    _ = try place.succeed("complete run images/3.png --keep-rows 2 --output completed.png")
    #expect(try PNGImage(decoding: place.read("completed.png"), name: "completed.png").shape.channels == 3)
    #expect(try place.succeed("describe run").output.contains("head.logits"))
  }

  /// Channels one after the other, each with its own softmax.
  @Test(arguments: ["pixelcnn", "gated-pixelcnn", "mdrnn", "diagonal-lstm"])
  func channelsApart(model: String) throws {
    _ = try place.succeed(
      "train images --model \(model) --width 12 --blocks 1 --levels 4 --batch 4 --steps 8 --output run")
    let drawn = try place.succeed("sample run --count 4 --folder drawn --output drawn.png")
    let spent = try #require(drawn.output.split(separator: ";").last?.split(separator: " ").first)
    // What sampling saw is what scoring the same images gives.
    let scored = try place.succeed("evaluate run drawn --json").json()
    let nats = try #require(scored["nats_per_image"] as? Double)
    #expect(try abs(#require(Double(spent)) - nats) < 0.006)
    _ = try place.succeed("complete run images/3.png --keep-rows 2 --output completed.png")
  }

  /// The usual width does not split into three; that of colour does.
  @Test func theUsualWidthFits() throws {
    _ = try place.succeed("train images --blocks 1 --levels 2 --batch 4 --steps 1 --output run")
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    #expect(try place.fail("train images --width 8 --output run", 64).contains("divisible by 6"))
    #expect(
      try place.fail("train images --likelihood categorical --mixtures 3 --output run", 64).contains("--mixtures"))
    #expect(
      try place.fail("train images --likelihood logistic-mixture --mixtures 0 --output run", 64)
        .contains("1 to 256 mixtures"))
    #expect(try place.succeed("inspect images").output.contains("--likelihood logistic-mixture"))
  }
}
