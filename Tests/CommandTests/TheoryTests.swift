// `scanline theory` as a user runs it.
import Core
import Foundation
import ImageData
import Testing

@Suite struct TheoryCommandTests {
  private let place: Workplace
  private let names = [
    "sigmoid-chain", "tanh-chain", "recurrence", "residual", "residual-large-gain", "residual-order", "costs",
  ]

  init() throws { place = try Workplace() }

  private func rows(_ json: [String: Any]) throws -> [[String: Any]] {
    let statements = try #require(json["statements"] as? [[String: Any]])
    #expect(statements.compactMap { $0["name"] as? String } == names)
    return try statements.flatMap { statement in
      try #require(statement["checks"] as? [[String: Any]]).flatMap { try #require($0["depths"] as? [[String: Any]]) }
    }
  }

  @Test func everyStatementHoldsAtEveryDepth() throws {
    let report = try place.succeed("theory --json").json()
    #expect(report["holds"] as? Bool == true && report["depth"] as? Int == 50)
    let rows = try rows(report)
    // 9 measured quantities and 12 counted ones, 50 depths each.
    #expect(rows.count == 21 * 50 && rows.allSatisfy { $0["holds"] as? Bool == true })
  }

  @Test func everyStatementIsBrokenOnPurpose() throws {
    let report = try place.succeed("theory --json --violate").json()
    #expect(report["holds"] as? Bool == false && report["is_violated"] as? Bool == true)
    let statements = try #require(report["statements"] as? [[String: Any]])
    #expect(statements.allSatisfy { $0["holds"] as? Bool == false && $0["violation"] is String })
    #expect(try rows(report).contains { $0["holds"] as? Bool == true }, "depth 1 of a product cannot break")
  }

  @Test func tablesAndPlots() throws {
    let told = try place.succeed("theory --statement residual --statement costs --depth 12 --plots plots")
    for word in ["residual: holds at all 12 depths", "Source: He", "(1+ε)ⁿ⁻¹", "pixelcnn: counted", "plots/costs.png"] {
      #expect(told.output.contains(word), "\(word) in \(told.output)")
    }
    #expect(!told.output.contains("broken") && told.messages.isEmpty)
    #expect(place.names("plots") == ["costs.png", "costs.svg", "residual.png", "residual.svg"])
    #expect(try PNGImage(decoding: place.read("plots/costs.png")).shape.width > 1_000)
    #expect(try place.fail("theory --plots plots", 73).contains("--force"))
    let broken = try place.succeed("theory --statement costs --depth 12 --violate --plots plots --all-depths")
    #expect(broken.output.contains("costs: broken at 12 of 12 depths, first at 1") && broken.output.contains("≠"))
    #expect(place.names("plots").contains("costs-violated.svg"))
    _ = try place.succeed("theory --statement costs --depth 2 --plots plots --force")
  }

  @Test func wrongOptionsAreRefused() throws {
    #expect(try place.fail("theory --depth 0", 64).contains("--depth"))
    #expect(try place.fail("theory --depth 1 --violate", 64).contains("--violate"))
    #expect(try place.fail("theory --statement gravity", 64).contains("gravity"))
    #expect(try place.fail("theory --force", 64).contains("--plots"))
  }
}
