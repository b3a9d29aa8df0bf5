// Figures: what lands where, that both formats are what they claim, and that nothing overlaps.
import Core
import Foundation
import ImageData
import Plotting
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct PlotTests {
  private let frame = PlotFrame(x: 0, y: 0, width: 500, height: 340)

  private func chart(_ scale: PlotAxis.Scale) -> PlotLineChart {
    PlotLineChart(
      title: "a < b & \"c\"", x: PlotAxis("depth n"), y: PlotAxis("σ_max", scale: scale),
      bands: [PlotBand("band", (1...20).map { (Double($0), 1 / Double($0), 3.0) }, color: .series(1))],
      series: [
        PlotSeries("solid", (1...20).map { (Double($0), Double($0)) }, color: .series(0), marker: .circle),
        PlotSeries("(1/4)ⁿ", [(1, 1), (20, 2)], color: .series(2), line: .dashed, marker: .cross),
      ])
  }

  private var heatMap: PlotHeatMap {
    PlotHeatMap(
      title: "heat", rows: ["input", "blocks.0.conv", "head"], columns: [0, 100, 200, 300], columnLabel: "step",
      values: [[1, 1e-1, 1e-2, 1e-3], [1e-3, 1e-2, 1e-1, 1], [.nan, 0, 1, 1]],
      scale: PlotAxis("RMS", scale: .logarithmic))
  }

  // MARK: Axes

  @Test func linearTicksAreRound() {
    func labels(_ limits: ClosedRange<Double>, _ count: Int) -> [String] {
      PlotScale(PlotAxis("", limits: limits), values: [], count: count).ticks.map(\.label)
    }
    #expect(labels(0...50, 6) == ["0", "10", "20", "30", "40", "50"])
    #expect(labels(0...1, 5) == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(labels(-0.03...0.03, 6) == ["−0.03", "−0.02", "−0.01", "0", "0.01", "0.02", "0.03"])
    #expect(labels(0.97...1.03, 3) == ["0.98", "1.00", "1.02"])
    #expect(labels(0...2_500_000, 5) == ["0", "0.5×10⁶", "1.0×10⁶", "1.5×10⁶", "2.0×10⁶", "2.5×10⁶"])
    #expect(labels(0...4e-7, 4) == ["0", "1×10⁻⁷", "2×10⁻⁷", "3×10⁻⁷", "4×10⁻⁷"])
  }

  @Test func logarithmicTicksAreDecades() {
    func labels(_ limits: ClosedRange<Double>, _ count: Int) -> [String] {
      PlotScale(PlotAxis("", scale: .logarithmic, limits: limits), values: [], count: count).ticks.map(\.label)
    }
    #expect(labels(1e-30...1, 7) == ["10⁻³⁰", "10⁻²⁵", "10⁻²⁰", "10⁻¹⁵", "10⁻¹⁰", "10⁻⁵", "1"])
    #expect(labels(0.01...1000, 7) == ["0.01", "0.1", "1", "10", "100", "1000"])
    #expect(labels(1...100, 8) == ["1", "2", "5", "10", "20", "50", "100"])
    #expect(labels(2...5, 4) == ["2", "3", "4", "5"])
    #expect(!labels(.leastNonzeroMagnitude...1e300, 6).isEmpty)
  }

  @Test func valuesHaveTheirPositionAndOthersNone() throws {
    let scale = PlotScale(PlotAxis("", scale: .logarithmic, limits: 1e-4...1), values: [], count: 5)
    #expect(abs(try #require(scale.share(1e-2)) - 0.5) < 1e-12)
    #expect(scale.share(0) == nil && scale.share(-1) == nil && scale.share(.nan) == nil)
    // What the values need, when no limits are given: all of them, and never an empty range.
    for values in [[], [0], [3, 3], [-5, 7], [.nan, 2, 9]] as [[Double]] {
      for axis in [PlotAxis(""), PlotAxis("", scale: .logarithmic)] {
        let scale = PlotScale(axis, values: values, count: 5)
        #expect(scale.limits.lowerBound < scale.limits.upperBound, "\(values)")
        for value in values {
          if let share = scale.share(value) { #expect((0...1).contains(share), "\(value) of \(values)") }
        }
      }
    }
  }

  // MARK: Shapes

  /// The points of the solid line are where the axes' ticks say that they must be.
  @Test(arguments: [PlotAxis.Scale.linear, .logarithmic]) func pointsLandWhereTheTicksSay(scale: PlotAxis.Scale) throws
  {
    let figure = PlotFigure(title: "", panels: [.lines(chart(scale))])
    var lines: [[PlotPoint]] = []
    var texts: [(String, PlotPoint)] = []
    for shape in figure.drawing.shapes {
      if case .line(let points, let color, PlotStyle.lineWidth, []) = shape, color == .series(0) {
        lines.append(points)
      }
      if case .text(let text, let position, PlotStyle.tickSize, .end, _, _) = shape { texts.append((text, position)) }
    }
    // The legend's sample comes first, then the line of 20 points.
    let points = try #require(lines.first { $0.count == 20 })
    for (label, position) in texts {
      let value = try #require(Double(label))
      // The label's baseline lies 0.36 sizes below its tick.
      let height = position.y - 0.36 * PlotStyle.tickSize
      if value == value.rounded(), (1...20).contains(Int(value)) {
        #expect(abs(points[Int(value) - 1].y - height) < 1e-6, "\(label)")
      }
    }
    #expect(zip(points, points.dropFirst()).allSatisfy { $0.x < $1.x && $0.y > $1.y })
  }

  /// Lines are cut off at the limits of the axes; zero has no place on a logarithmic axis and interrupts a line.
  @Test func linesStayInThePanel() {
    var chart = chart(.logarithmic)
    chart.y.limits = 2...10
    chart.series[1].points = [(1, 5), (2, 0), (3, 5), (4, 5)]
    var drawing = PlotDrawing(width: 500, height: 340, title: "")
    chart.draw(in: frame, on: &drawing)
    var dashed = 0
    for shape in drawing.shapes {
      if case .line(let points, _, let width, let dash) = shape, width > 1 {
        #expect(points.allSatisfy { (40...487).contains($0.x) && (24...300).contains($0.y) }, "\(points)")
        if !dash.isEmpty { dashed += 1 }
      }
    }
    // The legend's sample, and the part behind the gap; the single point before it is no line.
    #expect(dashed == 2)
  }

  /// No two texts overlap, and none leaves the page, however crowded.
  @Test func textsDoNotOverlap() {
    var crowded = heatMap
    crowded.rows = (0..<60).map { "blocks.\($0).a.rather.long.name.of.a.convolution" }
    crowded.columns = (0..<1_000).map { Double($0) * 50 }
    crowded.values = (0..<60).map { row in (0..<1_000).map { Double(row + $0 + 1) } }
    var many = chart(.logarithmic)
    many.series += (0..<7).map { PlotSeries("series number \($0)", [(1, 1e-40), (20, 1e10)], color: .series($0)) }
    let figure = PlotFigure(
      title: "A figure of several panels", caption: String(repeating: "words under the title ", count: 20),
      panels: [.lines(chart(.linear)), .heatMap(heatMap), .lines(many), .heatMap(crowded)])
    let drawing = figure.drawing
    let boxes = drawing.shapes.compactMap(textBox)
    #expect(boxes.count > 60)
    for (index, box) in boxes.enumerated() {
      #expect(box.frame.x >= 0 && box.frame.right <= drawing.width, "\(box)")
      #expect(box.frame.y >= 0 && box.frame.bottom <= drawing.height, "\(box)")
      for other in boxes[(index + 1)...] {
        let apart =
          box.frame.right <= other.frame.x || other.frame.right <= box.frame.x || box.frame.bottom <= other.frame.y
          || other.frame.bottom <= box.frame.y
        #expect(apart, "\(box.text) over \(other.text)")
      }
    }
  }

  /// A text and the box of its capitals.
  private func textBox(_ shape: PlotShape) -> (text: String, frame: PlotFrame)? {
    guard case .text(let text, let position, let size, let anchor, _, let isVertical) = shape, !text.isEmpty else {
      return nil
    }
    let width = PlotFont.width(text, size: size)
    let start = -width * (anchor == .start ? 0 : anchor == .middle ? 0.5 : 1)
    let height = 0.7 * size
    return (
      text,
      isVertical
        ? PlotFrame(x: position.x - height, y: position.y + start, width: height, height: width)
        : PlotFrame(x: position.x + start, y: position.y - height, width: width, height: height)
    )
  }

  // MARK: Colours and letters

  @Test func theColourScaleGrowsLighter() {
    func lightness(_ color: PlotColor) -> Double {
      0.2126 * Double(color.red) + 0.7152 * Double(color.green) + 0.0722 * Double(color.blue)
    }
    let steps = (0...200).map { lightness(.scale(Double($0) / 200)) }
    #expect(zip(steps, steps.dropFirst()).allSatisfy { $0 < $1 + 0.5 } && steps[200] - steps[0] > 180)
    #expect(PlotColor.scale(-3) == .scale(0) && PlotColor.scale(7) == .scale(1))
  }

  @Test func theFontHasWhatReportsSay() {
    let ascii = String((32...126).map { Character(UnicodeScalar($0)) })
    #expect(PlotFont.covers(ascii) && PlotFont.covers("σ×²≤≥ⁿ⁻¹⁰β∂εφ·−…") && !PlotFont.covers("漢"))
    #expect(PlotFont.width("iiii", size: 10) < PlotFont.width("mmmm", size: 10))
    #expect(PlotFont.shortened("blocks.11.reduce.weight", size: 10, width: 60).contains("…"))
    #expect(PlotFont.lines("a few words to be broken", size: 10, width: 60).count > 1)
  }

  // MARK: Files

  @Test func svgIsWellFormed() throws {
    let figure = PlotFigure(title: "a < b & \"c\"", panels: [.lines(chart(.logarithmic)), .heatMap(heatMap)])
    let parser = XMLParser(data: Data(figure.svg().utf8))
    let reader = ElementCounter()
    parser.delegate = reader
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    #expect(reader.texts.contains("a < b & \"c\"") && reader.texts.contains("blocks.0.conv"))
    #expect(reader.counts["svg"] == 1 && reader.counts["polygon", default: 0] > 5)
    // 10 cells with a value, the panel behind them, 96 of the colour bar, a legend's band, the page.
    #expect(reader.counts["rect"] == 10 + 1 + 96 + 1 + 1, "\(reader.counts)")
  }

  private final class ElementCounter: NSObject, XMLParserDelegate {
    var counts: [String: Int] = [:]
    var texts: [String] = []
    private var text = ""
    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      counts[name, default: 0] += 1
      text = ""
    }
    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
      if name == "text" || name == "title" { texts.append(text) }
      text = ""
    }
  }

  /// The PNG decodes to what was drawn: each cell of the heat map has the colour of its value in its middle.
  @Test func pngShowsTheCells() throws {
    let map = heatMap
    let figure = PlotFigure(title: "", panels: [.heatMap(map)])
    let image = try PNGImage(decoding: figure.image(scale: 2).encoded())
    #expect(image == figure.image(scale: 2))
    #expect(image.shape == ImageShape(height: (340 + 28) * 2, width: (500 + 28) * 2, channels: 3))
    let cells = figure.drawing.shapes.compactMap { shape -> (PlotFrame, PlotColor)? in
      if case .rectangle(let frame, let fill) = shape, frame.width > 50 { (frame, fill) } else { nil }
    }
    // The grey panel, then the cells; the largest value is yellow, the smallest violet.
    #expect(cells.count == 11 && cells[0].1 == .missing && cells[1].1 == .scale(1) && cells[4].1 == .scale(0))
    for (frame, color) in cells.dropFirst() {
      let (x, y) = (Int((frame.x + frame.width / 2) * 2), Int((frame.y + frame.height / 2) * 2))
      let pixel = (y * image.shape.width + x) * 3
      #expect(Array(image.values[pixel..<pixel + 3]) == [color.red, color.green, color.blue])
    }
  }

  /// A line one point wide at a whole position covers exactly two rows of pixels at two pixels a point; a slanted one's
  /// pixels add up to its area.
  @Test func linesCoverTheirArea() {
    var straight = PlotDrawing(width: 40, height: 20, title: "")
    straight.line([PlotPoint(5, 10), PlotPoint(35, 10)], color: PlotColor(0))
    let image = straight.image(scale: 2)
    let column = (0..<40).map { image.values[($0 * 80 + 40) * 3] }
    #expect(column.enumerated().filter { $0.element < 255 }.map(\.offset) == [19, 20] && column[19] == 0)
    var slanted = PlotDrawing(width: 60, height: 60, title: "")
    slanted.line([PlotPoint(10, 10), PlotPoint(50, 40)], color: PlotColor(0), width: 3)
    let ink = slanted.image(scale: 1).values.reduce(0.0) { $0 + (255 - Double($1)) / 255 } / 3
    // 50 × 3, and a half circle at each end.
    #expect(abs(ink - (150 + 2.25 * 3.1416)) < 3)
    var square = PlotDrawing(width: 20, height: 20, title: "")
    square.polygon(
      [PlotPoint(10, 2), PlotPoint(18, 10), PlotPoint(10, 18), PlotPoint(2, 10)], fill: PlotColor(0, opacity: 0.5))
    let half = square.image(scale: 1).values.reduce(0.0) { $0 + (255 - Double($1)) / 255 } / 3
    #expect(abs(half - 128 * 0.5) < 0.6)
  }

  @Test func filesAreWrittenByTheirEnding() throws {
    let folder = TemporaryPlots()
    let figure = PlotFigure(title: "t", panels: [.lines(chart(.linear))])
    try figure.write(to: folder.path + "/a.svg")
    try figure.write(to: folder.path + "/a.png")
    #expect(try String(contentsOfFile: folder.path + "/a.svg", encoding: .utf8) == figure.svg())
    #expect(try PNGImage(contentsOf: folder.path + "/a.png") == figure.image())
    #expect(throws: ScanlineError.self) { try figure.write(to: folder.path + "/a.gif") }
    #expect(throws: ScanlineError.self) { try figure.write(to: folder.path + "/none/a.png") }
  }

  private final class TemporaryPlots {
    let path = FileManager.default.temporaryDirectory.path + "/scanline-plots-\(UUID().uuidString)"
    init() { try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }
}
