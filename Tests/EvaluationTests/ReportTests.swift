// The parts of a report: what is escaped, what nests, what follows the page's colours.
import Core
import Foundation
import ImageData
import Plotting
import Reports
import Testing
import TestSupport

@Suite struct ReportTests {
  private let picture = ReportPicture(
    png: [1, 2, 3], shape: ImageShape(height: 10, width: 20, channels: 1), alternative: "\"quoted\"")

  // MARK: Text

  @Test func whatIsInterpolatedIsText() {
    let name = "<script>alert('1')</script> & \"co\""
    let html: HTML = "<b title=\"\(name)\">\(name)</b>"
    let escaped = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;co&quot;"
    #expect(html.markup == "<b title=\"\(escaped)\">\(escaped)</b>")
    #expect(HTML(text: name).markup == escaped)
    #expect(("<i>\(html)</i>" as HTML).markup == "<i>\(html.markup)</i>", "HTML in HTML is not escaped again")
    #expect(HTML([html, "<br>"], separator: ", ").markup == html.markup + ", <br>")
    #expect(HTML([]).isEmpty && !html.isEmpty)
  }

  /// Control characters, and those that turn the direction of writing, would change what surrounds them.
  @Test func controlCharactersAreReplaced() {
    #expect(escapedForMarkup("a\u{0}b\u{1B}[2K\u{202E}c\u{85}") == "a\u{FFFD}b\u{FFFD}[2K\u{FFFD}c\u{FFFD}")
    #expect(escapedForMarkup("a\tb\nc\r\n漢é🙂") == "a\tb\nc\u{FFFD}\n漢é🙂")
  }

  // MARK: Parts

  @Test func tablesHaveCaptionsAndHeads() {
    let table = HTML.table(
      caption: "a & b", columns: ["", "<i>one</i>"], rows: [["x", "1"], ["y", HTML(text: "<2>")]])
    #expect(table.markup.contains("<caption>a &amp; b</caption>") && table.markup.contains("aria-label=\"a &amp; b\""))
    #expect(table.markup.contains("<th scope=\"row\">y</th><td>&lt;2&gt;</td>"))
    #expect(HTMLTags(table.markup).fault == nil)
    #expect(HTMLTags("<p><b></p></b>").fault != nil && HTMLTags("<p>").fault != nil, "the check can fail")
  }

  @Test func picturesAreInThePage() {
    let html = picture.html(side: 90).markup
    #expect(html.contains("width=\"80\" height=\"40\""), "enlarged by a whole number: \(html)")
    #expect(html.contains("src=\"data:image/png;base64,AQID\"") && html.contains("alt=\"&quot;quoted&quot;\""))
  }

  @Test func framesAreAllThereWithoutAScript() {
    let frames = ReportFrames((0..<3).map { .init("step \($0)", picture) })
    let html = frames.html(id: "s", label: "Step of <a>").markup
    #expect(html.components(separatedBy: "<img").count == 4 && html.contains("<p class=\"slider\" hidden>"))
    #expect(html.contains("<label for=\"s-slider\">Step of &lt;a&gt;</label>") && html.contains("max=\"2\""))
    #expect(HTMLTags(html).fault == nil)
    #expect(ReportFrames.spread(3) == [0, 1, 2])
    let many = ReportFrames.spread(1_000)
    #expect(many.count == ReportFrames.most && many.first == 0 && many.last == 999)
    #expect(zip(many, many.dropFirst()).allSatisfy { $0 < $1 })
  }

  // MARK: Figures

  @Test func figuresFollowThePage() throws {
    let chart = PlotLineChart(
      title: "t", x: PlotAxis("x"), y: PlotAxis("y"), series: [PlotSeries("a<b", [(0, 1), (1, 2)], color: .series(1))])
    let html = HTML.figure(.lines(chart), label: "what \"it\" shows", caption: "said").markup
    #expect(html.contains("<svg class=\"plot\" aria-label=\"what &quot;it&quot; shows\""))
    #expect(html.contains("var(--plot-ink)") && html.contains("var(--plot-series-1)") && html.contains("a&lt;b"))
    #expect(!html.contains("#ffffff") && !html.contains("<style") && !html.contains("<?xml"))
    #expect(!html.contains("#222222"), "no colour with a meaning stays fixed")
    #expect(HTMLTags(html).fault == nil)
    // A file keeps its colours and its white page.
    let file = PlotFigure(title: "t", panels: [.lines(chart)]).svg()
    #expect(file.contains("#222222") && file.contains("#ffffff") && !file.contains("var("))
  }

  /// Every colour with a meaning can be told from the page in light and in dark (contrast as WCAG 2 defines it; the pale
  /// series of light, and grids, are let off).
  @Test func themedColoursCanBeSeen() {
    func luminance(_ color: PlotColor) -> Double {
      func linear(_ value: UInt8) -> Double {
        let share = Double(value) / 255
        return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
      }
      return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue)
    }
    func contrast(_ a: PlotColor, _ b: PlotColor) -> Double {
      let (first, second) = (luminance(a), luminance(b))
      return (max(first, second) + 0.05) / (min(first, second) + 0.05)
    }
    for color in PlotColor.themed {
      let least = color.variable.hasSuffix("grid") || color.variable.hasSuffix("missing") ? 1.2 : 6
      #expect(contrast(color.dark, PlotColor(0x16_18_1C)) > least, "\(color.variable)")
      if color.variable.hasSuffix("ink") || color.variable.hasSuffix("axis") {
        #expect(contrast(color.light, PlotColor(0xFF_FF_FF)) > 6)
      }
    }
    #expect(Set(PlotColor.themed.map(\.variable)).count == PlotColor.themed.count)
  }

  // MARK: Losses

  private func points(_ nats: [Double]) -> [LossCurves.Point] {
    nats.enumerated().map {
      .init(step: $0.offset + 1, seconds: 60, nats: $0.element, bits: $0.element / 10, weight: 1)
    }
  }

  @Test func manyPointsBecomeMeansOfNeighbours() {
    let curves = LossCurves([.init("r", training: points((0..<1_200).map(Double.init)), average: [], raw: [])])
    let series = curves.chart(.bitsPerDimension, over: .steps).series
    #expect(series.count == 1 && series[0].points.count == LossCurves.mostPoints)
    #expect(
      series[0].points.first?.x == 4 && abs((series[0].points.first?.y ?? 0) - 0.15) < 1e-12, "\(series[0].points[0])")
    #expect(series[0].points.last?.x == 1_200)
    #expect(curves.chart(.natsPerImage, over: .minutes).series[0].points.allSatisfy { $0.x == 1 })
  }

  @Test func theBeginningIsCutOffWhereItWouldTakeTheRoom() throws {
    let falling = LossCurves([
      .init("r", training: points([500, 400] + (0..<98).map { 80 - Double($0) / 10 }), average: [], raw: [])
    ])
    let limits = try #require(falling.chart(.natsPerImage, over: .steps).y.limits)
    #expect(falling.cutsTheBeginning && limits.upperBound < 80 && limits.upperBound > 78.9 && limits.contains(70.3))
    let level = LossCurves([.init("r", training: points([70, 90, 80, 85]), average: [], raw: [])])
    #expect(!level.cutsTheBeginning && level.chart(.natsPerImage, over: .steps).y.limits == nil)
    // Nothing, and a single point, are charts too.
    #expect(
      LossCurves([.init("r", training: [], average: [], raw: [])]).chart(.natsPerImage, over: .steps).series.isEmpty)
    let one = LossCurves([.init("r", training: points([3]), average: [], raw: [])])
    #expect(one.chart(.natsPerImage, over: .steps).series[0].marker == .circle)
  }

  @Test func runsKeepTheirColoursAndNames() {
    let run = LossCurves.Run("one", training: points([3, 2]), average: points([3, 2]), raw: points([3, 2]))
    let series = LossCurves([run, .init("two", training: [], average: points([2, 1]), raw: [])])
      .chart(.natsPerImage, over: .steps).series
    #expect(series.map(\.name) == ["one: training", "one: held out, raw", "one: held out, EMA", "two: held out, EMA"])
    #expect(series.prefix(3).allSatisfy { $0.color == .series(0) } && series[3].color == .series(1))
    #expect(LossCurves([run]).chart(.natsPerImage, over: .steps).series[0].name == "training")
  }

  // MARK: Page

  @Test func thePageIsWholeAndLoadsNothing() throws {
    let page = ReportPage(
      title: "</title><script>alert(1)</script>", lead: "",
      sections: [
        .init("one", "One & two", .paragraph("text")),
        .init("two", "Three", .either("Unit", id: "u", ("a", [picture.html(side: 9)]), ("b", []))),
      ], foot: "<p>end</p>")
    let html = page.html.markup
    let tags = HTMLTags(html)
    #expect(tags.fault == nil && tags.names.count { $0 == "script" } == 1, "\(String(describing: tags.fault))")
    #expect(tags.names.filter { ["h1", "h2"].contains($0) } == ["h1", "h2", "h2"])
    #expect(html.contains("default-src 'none'") && html.contains("<a href=\"#one\">One &amp; two</a>"))
    for word in ["http:", "https:", "@import", "url(", "<link rel=\"stylesheet", "file:"] {
      #expect(!html.contains(word), "\(word)")
    }
    // Each part once, in the order given.
    let parts = ["<a href=\"#one\">", "<a href=\"#two\">", "One &amp; two</h2>", "text", "Three</h2>", "<p>end</p>"]
    var rest = html[...]
    for part in parts {
      let found = try #require(rest.range(of: part), "\(part) after what comes before it")
      rest = rest[found.upperBound...]
    }
    for part in ["One &amp; two</h2>", "Three</h2>", "<p>end</p>"] {
      #expect(html.components(separatedBy: part).count == 2, "\(part)")
    }
  }
}
